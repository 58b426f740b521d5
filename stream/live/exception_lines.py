"""Exceptions as lines for people, in the local time of their fleet, as they come into the stream of events."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from redis import Redis

from stream.exception_line import Told, exception_line
from stream.live.keys import EVENTS, FLEETS
from stream.live.views import FleetEntry

OPENED = b"exception_opened"
TOLD = {OPENED, b"exception_resolved", b"exception_expired", b"exception_superseded"}
AT_ONCE = 500

_fleet_entry = msgspec.json.Decoder(FleetEntry)


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
                if fields[b"k"] in TOLD:
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
