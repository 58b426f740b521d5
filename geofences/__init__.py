"""Where a position is, and what was entered or left. The only floor that imports shapely and h3."""
