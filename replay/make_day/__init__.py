"""A realistic, seeded delivery day with its truth, made from nothing but a seed."""
