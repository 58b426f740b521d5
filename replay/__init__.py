"""A recorded day through the same flow, and its score."""
