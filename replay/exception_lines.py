"""Exceptions as lines for people, in the local time of their fleet."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from stream.apply import Applied
from stream.moments import instant
from stream.settings import FleetSettings

OPENED, RESOLVED = "exception_opened", "exception_resolved"


class _Told(msgspec.Struct):
    """What a line says."""

    exception_id: str
    exception_kind: str
    detected_at: datetime
    vehicle_id: str
    stop_id: str
    order_ref: str | None = None
    customer_ref: str | None = None
    window_end: datetime | None = None
    eta_p50: datetime | None = None
    p_late: float | None = None
    reason: str | None = None


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
        told = [(event.kind, self._decoder.decode(event.payload).data) for event in applied.events if event.kind in {OPENED, RESOLVED}]
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
        if kind == RESOLVED:
            self._resolved += 1
            return told.exception_id in self._shown
        self._opened += 1
        if self._most is not None and self._printed >= self._most:
            self._shown.discard(told.exception_id)
            return False
        self._printed += 1
        self._shown.add(told.exception_id)
        return True

    def _line(self, fleet_id: str, kind: str, told: _Told) -> str:
        if kind == RESOLVED:
            return f"{self._start(fleet_id, told, 'resolved')}  {(told.reason or '').replace('_', ' ')}".rstrip()
        times = f"ETA {self._local(fleet_id, told.eta_p50)}, window ends {self._local(fleet_id, told.window_end)}"
        chance = "" if told.p_late is None else f", P(late) {100 * told.p_late:.0f} %"
        return f"{self._start(fleet_id, told, told.exception_kind.replace('_', ' ').upper())}  {times}{chance}"

    def _start(self, fleet_id: str, told: _Told, phase: str) -> str:
        refs = [f"{name} {ref}" for name, ref in (("order", told.order_ref), ("customer", told.customer_ref)) if ref]
        what = f"stop {told.stop_id}" + (f" ({', '.join(refs)})" if refs else "")
        return f"{self._local(fleet_id, told.detected_at)}  {phase:<9}  {told.vehicle_id}  {what}"

    def _local(self, fleet_id: str, moment: datetime | None) -> str:
        return "-" if moment is None else moment.astimezone(self._zones[fleet_id]).strftime(self._form)
