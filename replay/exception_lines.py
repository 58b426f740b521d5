"""Exceptions as lines for people, in the local time of their fleet."""

from collections.abc import Mapping
from datetime import tzinfo
from zoneinfo import ZoneInfo

import msgspec

from stream.apply import Applied
from stream.exception_line import Told, exception_line
from stream.moments import instant
from stream.settings import FleetSettings

OPENED = "exception_opened"
ENDED = {"exception_resolved", "exception_expired", "exception_superseded"}


class _Told(Told, kw_only=True):
    """And by which it is known again."""

    exception_id: str


class _Envelope(msgspec.Struct):
    data: _Told


class ExceptionLines:
    """One line for every exception that opens or resolves: of the first `most` openings (None: of all), and a count of the others."""

    def __init__(self, settings: Mapping[str, FleetSettings], most: int | None, with_date: bool) -> None:
        self._zones: dict[str, tzinfo] = {fleet_id: ZoneInfo(of.time_zone) for fleet_id, of in settings.items()}
        self._most = most
        self._form = "%m-%d %H:%M" if with_date else "%H:%M"
        self._shown: set[str] = set()
        self._opened = self._printed = self._resolved = 0
        self._decoder = msgspec.json.Decoder(_Envelope)

    def of(self, applied: Applied) -> list[str]:
        """The lines of a stretch."""
        told = [
            (event.kind, self._decoder.decode(event.payload).data)
            for event in applied.events
            if event.kind == OPENED or event.kind in ENDED
        ]
        return [self._line(applied.fleet_id, kind, data) for kind, data in told if self._counts(kind, data)]

    def close(self) -> list[str]:
        """How many there were, where there were more than were printed."""
        unseen = self._opened - self._printed
        more = f", {unseen:,} of them not shown (--all-exceptions shows all)" if unseen else ""
        return [f"exceptions: {self._opened:,} opened{more}, {self._resolved:,} resolved"]

    def local_time(self, fleet_id: str, moment_us: int) -> str:
        """A time as the people of a fleet read it."""
        return instant(moment_us).astimezone(self._zones[fleet_id]).strftime(self._form)

    def _counts(self, kind: str, told: _Told) -> bool:
        """Count it; whether it is shown: an opening while there is room, a resolution of what was shown."""
        if kind in ENDED:
            self._resolved += 1
            return told.exception_id in self._shown
        self._opened += 1
        if self._most is not None and self._printed >= self._most:
            self._shown.discard(told.exception_id)
            return False
        self._printed += 1
        self._shown.add(told.exception_id)
        return True

    def _line(self, fleet_id: str, kind: str, told: Told) -> str:
        return exception_line(told, self._zones[fleet_id], kind == OPENED, self._form)
