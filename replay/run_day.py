"""Runs a recorded day through the flow, or through the plain loop that must give the same."""
