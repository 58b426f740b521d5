"""What a replayed day was worth: how far off its ETAs, intervals, P(late), arrivals and exceptions were, against recorded truth."""
