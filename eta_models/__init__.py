"""How long a leg and a stop take, learned one arrival at a time. The only floor that imports river."""
