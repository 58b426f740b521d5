"""What dispatch should act on, as objects with a life: one small file a kind, one table that lists them."""
