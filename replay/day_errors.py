"""What can be wrong with a recorded day, and with what was asked of it."""


class BadDay(ValueError):
    """The folder is not a day that can be replayed; the message says what is missing or wrong, and what to do."""


class NotDone(ValueError):
    """What was asked cannot be done to this live system, or not now; the message says why, and what to do."""


class NotPlayed(ValueError):
    """The day cannot be played into this log, or not from there; the message says why, and what to do."""
