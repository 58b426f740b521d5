"""Exceptions as lines for people, in the local time of their fleet, as they come into the stream of events."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from redis import Redis

from stream.live.keys import EVENTS, FLEETS
from stream.live.views import FleetEntry

OPENED, RESOLVED = b"exception_opened", b"exception_resolved"
AT_ONCE = 500

_fleet_entry = msgspec.json.Decoder(FleetEntry)


class Told(msgspec.Struct):
    """What a line says."""

    exception_kind: str
    detected_at: datetime
    vehicle_id: str | None = None
    stop_id: str | None = None
    order_ref: str | None = None
    customer_ref: str | None = None
    window_end: datetime | None = None
    eta_p50: datetime | None = None
    p_late: float | None = None
    reason: str | None = None


class _Envelope(msgspec.Struct):
    data: Told


_envelope = msgspec.json.Decoder(_Envelope)


class ExceptionTail:
    """The exceptions that open and resolve from now on. Fleets that are not in `time_zones` have that with which they were made known."""

    def __init__(self, redis: "Redis", time_zones: Mapping[str, str]) -> None:
        newest: Any = redis.xrevrange(EVENTS, count=1)
        self._redis: Any = redis
        self._after = newest[0][0] if newest else b"0-0"
        self._zones: dict[bytes, tzinfo] = {fleet_id.encode(): ZoneInfo(zone) for fleet_id, zone in time_zones.items()}

    def wait(self, most_ms: int) -> Iterator[str]:
        """The lines of what has come, waiting for something to come. Raises what redis-py raises."""
        for _, entries in self._redis.xread({EVENTS: self._after}, count=AT_ONCE, block=most_ms):
            for self._after, fields in entries:
                if fields[b"k"] in {OPENED, RESOLVED}:
                    yield self._line(fields)

    def _line(self, fields: dict[bytes, bytes]) -> str:
        try:
            told = _envelope.decode(fields[b"d"]).data
        except msgspec.DecodeError as error:
            return f"an event of fleet {fields[b'f'].decode()} cannot be read: {error}"
        return exception_line(told, self._zone(fields[b"f"]), fields[b"k"] == OPENED)

    def _zone(self, fleet_id: bytes) -> tzinfo:
        if fleet_id not in self._zones:
            entry = self._redis.hget(FLEETS, fleet_id)
            self._zones[fleet_id] = ZoneInfo(_fleet_entry.decode(entry).time_zone if entry else "UTC")
        return self._zones[fleet_id]


def exception_line(told: Told, zone: tzinfo, opened: bool) -> str:
    """One line: when it was known, what it is about, and what is expected or became of it."""

    def local(moment: datetime | None) -> str:
        return "-" if moment is None else moment.astimezone(zone).strftime("%H:%M")

    refs = [f"{name} {ref}" for name, ref in (("order", told.order_ref), ("customer", told.customer_ref)) if ref]
    what = "  ".join([told.vehicle_id or "-", *([f"stop {told.stop_id}"] if told.stop_id else [])]) + (
        f" ({', '.join(refs)})" if refs else ""
    )
    if not opened:
        return f"{local(told.detected_at)}  {'resolved':<9}  {what}  {(told.reason or '').replace('_', ' ')}".rstrip()
    chance = "" if told.p_late is None else f", P(late) {100 * told.p_late:.0f} %"
    times = f"ETA {local(told.eta_p50)}, window ends {local(told.window_end)}{chance}"
    return f"{local(told.detected_at)}  {told.exception_kind.replace('_', ' ').upper():<9}  {what}  {times}"
