"""What is true now, over HTTP: reads Redis, appends to the log, computes nothing."""
