"""What can be wrong with a recorded day."""


class BadDay(ValueError):
    """The folder is not a day that can be replayed; the message says what is missing or wrong, and what to do."""
