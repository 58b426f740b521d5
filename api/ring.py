"""The newest events, once for all who listen: each listener has only a place in it, so one who does not read costs nothing.

One task (`follow`) reads the Redis stream of events to its end and waits there; what is older than the ring is read from Redis by the
listener that wants it.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis

from api.problems import AWAY
from stream.live.keys import EVENTS

KEPT = 4_096
"""Events in the ring: 4 s at 1,000 a second, some 4 MB."""

BLOCK_MS = 2_000
LINGER_S = 0.02
"""Between two reads: what comes within it wakes the listeners once."""

Place = tuple[int, int]
"""A stream id: milliseconds and sequence."""

START: Place = (0, 0)


class Framed(NamedTuple):
    """An event as it is sent, and what listeners choose by."""

    place: Place
    fleet_id: bytes
    kind: bytes
    frame: bytes


def place_of_id(text: str) -> Place | None:
    """The place of a stream id as `Last-Event-ID` has it; None for a text that is none."""
    millis, _, sequence = text.partition("-")
    if not (millis.isascii() and millis.isdigit() and (sequence or "0").isascii() and (sequence or "0").isdigit()):
        return None
    place = int(millis[:21]), int((sequence or "0")[:21])
    return place if max(place) < 1 << 64 else None


def id_of(place: Place) -> str:
    """The stream id of a place."""
    return f"{place[0]}-{place[1]}"


def framed(stream_id: bytes, fields: Mapping[bytes, bytes]) -> Framed:
    """An entry of the stream of events as a server-sent event: its id, its kind, the CloudEvent."""
    millis, _, sequence = stream_id.partition(b"-")
    kind = fields.get(b"k", b"")
    frame = b"id: %b\r\nevent: %b\r\ndata: %b\r\n\r\n" % (stream_id, kind, fields.get(b"d", b""))
    return Framed((int(millis), int(sequence)), fields.get(b"f", b""), kind, frame)


@dataclass(slots=True)
class Ring:
    """The newest events in order. `floor` is the place behind which nothing is missing in it."""

    floor: Place = START
    events: list[Framed] = field(default_factory=list)
    kept: int = KEPT
    listeners: int = 0
    following: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def end(self) -> Place:
        """The place of the newest event."""
        return self.events[-1].place if self.events else self.floor

    def add(self, events: list[Framed]) -> None:
        """Take in what came, let go of the oldest, wake everybody."""
        self.events += events
        if len(self.events) > self.kept + self.kept // 8:  # now and then, so that it costs nothing
            self.floor = self.events[-self.kept - 1].place
            del self.events[: -self.kept]
        self._wake()

    def after(self, place: Place, most: int) -> list[Framed]:
        """The events behind a place that is not below `floor`."""
        first = bisect_right(self.events, place, key=lambda event: event.place)
        return self.events[first : first + most]

    def begin(self, place: Place) -> None:
        """Start anew behind a place, with nothing."""
        self.events, self.floor, self.following = [], place, True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def changed(self) -> None:
        """Wait until something comes."""
        await self._news.wait()


async def follow(redis: Redis, ring: Ring) -> None:
    """Read the events into the ring until cancelled, however often Redis goes away and comes back."""
    log, wait_s = structlog.get_logger("api"), 0.1
    while True:
        try:
            if not ring.following:
                ring.begin(await newest(redis))
            await _read(redis, ring)
            wait_s = 0.1
        except AWAY as error:
            log.warning("events_wait_for_redis", error=type(error).__name__, wait_s=wait_s)
            ring.following = False
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, 2.0)


async def _read(redis: Redis, ring: Ring) -> None:
    found: Any = await redis.xread({EVENTS: id_of(ring.end)}, count=1_000, block=BLOCK_MS)  # the shape of RESP 2
    if not found:
        # An end that is behind ours means that Redis lost some, or all: ids may begin anew.
        ring.following = await newest(redis) >= ring.end
        return
    ((_, entries),) = found
    ring.add([framed(stream_id, fields) for stream_id, fields in entries])
    await asyncio.sleep(LINGER_S)


async def newest(redis: Redis) -> Place:
    """The place of the newest event in Redis; `START` if there is none."""
    found: Any = await redis.xrevrange(EVENTS, count=1)
    return framed(*found[0]).place if found else START
