"""Times between the wire (aware datetimes) and the columns (microseconds since 1970 UTC)."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import numpy as np
from msgspec import Meta

from eta_models.columns import MISSING, Ints

Instant = Annotated[datetime, Meta(tz=True)]  # a naive time is refused at decode
Moment = Instant | int
"""A time as senders may write it: RFC 3339 with an offset, or whole epoch milliseconds. The codec leaves only `Instant`, in UTC."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: Moment | None) -> int:
    """Microseconds since 1970; whole numbers are epoch milliseconds; None gives `MISSING`."""
    if moment is None:
        return MISSING
    return moment * 1000 if isinstance(moment, int) else (moment - EPOCH) // _MICROSECOND


def instant(micro: int) -> datetime:
    """The aware UTC time of a number of microseconds."""
    return EPOCH + micro * _MICROSECOND


def instant_or_none(micro: int) -> datetime | None:
    """As `instant`; `MISSING` gives None."""
    return None if micro == MISSING else instant(micro)


def minute_of_day(times_us: Ints, utc_offset_s: int) -> Ints:
    """The local minute of the day, 0 .. 1439; -1 for `MISSING`."""
    return np.where(times_us == MISSING, -1, (times_us // 1_000_000 + utc_offset_s) % 86_400 // 60)
