"""What could still save a stop: a copy of the fleet, orders of visits tried on it, and what each would change."""
