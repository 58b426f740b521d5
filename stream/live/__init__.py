"""The live rim of the flow: Redis as the log that comes in, as the current state and as the events that go out."""
