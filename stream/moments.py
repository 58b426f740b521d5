"""Times between the wire (aware datetimes) and the columns (microseconds since 1970 UTC)."""

from datetime import UTC, datetime, timedelta

from eta_models.columns import MISSING
from stream.messages import Moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: Moment | None) -> int:
    """Microseconds since 1970; whole numbers are epoch milliseconds; None gives `MISSING`."""
    if moment is None:
        return MISSING
    return moment * 1000 if isinstance(moment, int) else (moment - EPOCH) // _MICROSECOND


def instant(micro: int) -> datetime:
    """The aware UTC time of a number of microseconds."""
    return EPOCH + timedelta(microseconds=micro)


def instant_or_none(micro: int) -> datetime | None:
    """As `instant`; `MISSING` gives None."""
    return None if micro == MISSING else instant(micro)
