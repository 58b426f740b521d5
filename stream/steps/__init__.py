"""The steps of one ping, in the order in which it takes them."""
