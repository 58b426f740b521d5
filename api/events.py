"""`/v1/stream`: every event as it happens, over server-sent events; who comes back goes on exactly where it was."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from redis.asyncio import Redis
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.cursors import FleetId
from api.problems import FieldError, documented, invalid, problem
from api.ring import START, Framed, Place, Ring, framed, id_of, newest, place_of_id
from stream.live.keys import EVENTS

router = APIRouter(prefix="/v1", tags=["events"])

KEEP_ALIVE_S = 15.0
SEND_WITHIN_S = 30.0
"""A client that has not read for so long is let go."""

CHUNK_BYTES = 16_384
"""What is handed to a client's socket at once: all that a stalled one holds beyond the socket's own buffer."""

RING_AT_ONCE, REDIS_AT_ONCE = 64, 100

_HEADERS = {"Cache-Control": "no-store"}
_GREETING = b": fleetcast\r\nretry: 2000\r\n\r\n"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`id` is the place in the stream, `event` the kind, `data` the CloudEvent; `reset` when events are no longer kept.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    **documented(422),
}

Kinds = Annotated[str | None, Query(pattern="^[a-z_]+(,[a-z_]+)*$", max_length=500, description="Only events of these kinds: a,b.")]
LastId = Annotated[str | None, Query(max_length=50, description="As Last-Event-ID; 0 replays what is kept.")]
LastIdHeader = Annotated[str | None, Header(alias="Last-Event-ID", max_length=50, description="Go on behind this event.")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a listener asked for; None = all."""

    fleet_id: bytes | None
    kinds: frozenset[bytes] | None

    def frames(self, events: Iterable[Framed]) -> Iterator[bytes]:
        """Those of the events, as they are sent."""
        for event in events:
            if self.fleet_id in (None, event.fleet_id) and (self.kinds is None or event.kind in self.kinds):
                yield event.frame


@router.get("/stream", responses=_RESPONSES, response_class=EventSourceResponse)
async def listen(
    request: Request, fleet_id: FleetId = None, kind: Kinds = None, last_event_id: LastId = None, header: LastIdHeader = None
) -> Response:
    """Events from now on, or behind `Last-Event-ID`. Each comes at least once; the `id` in its data tells repeats."""
    ring: Ring = request.app.state.ring
    asked = header if header is not None else last_event_id
    place = None if asked is None else place_of_id(asked)
    if asked is not None and place is None:
        raise invalid([FieldError(loc=["query", "last_event_id"], msg="is not the id of an event", type="value_error")])
    if not ring.following:
        raise problem(503, "Events cannot be read at the moment; try again.", {"Retry-After": "1"})
    wanted = Wanted(fleet_id.encode() if fleet_id else None, frozenset(kind.encode().split(b",")) if kind else None)
    body = told(ring, request.app.state.redis, wanted, ring.end if place is None else place)
    ping = ServerSentEvent(comment="keep-alive")
    return EventSourceResponse(body, headers=_HEADERS, ping=KEEP_ALIVE_S, ping_message_factory=lambda: ping, send_timeout=SEND_WITHIN_S)


async def told(ring: Ring, redis: Redis, wanted: Wanted, place: Place) -> AsyncIterator[bytes]:
    """What one listener is told behind a place, in chunks, for ever: from Redis until it meets the ring, then from there."""
    ring.listeners += 1
    try:
        yield _GREETING
        if place > ring.end and place > (end := await newest(redis)):
            yield _reset("not_known", place, end)
            place = end
        while True:
            if place >= ring.floor:
                events = ring.after(place, RING_AT_ONCE)
                if not events:
                    await ring.changed()
            else:
                events, kept_from = await _older(redis, place, ring.floor)
                if START < place < kept_from:
                    yield _reset("not_kept", place, kept_from)
                place = max(place, kept_from) if events else ring.floor
            for chunk in chunks(wanted.frames(events)):
                yield chunk
            place = events[-1].place if events else place
    finally:
        ring.listeners -= 1


async def _older(redis: Redis, place: Place, end: Place) -> tuple[list[Framed], Place]:
    """Events behind a place and not behind `end`; and the place behind which everything is kept."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.xrange(EVENTS, count=1)
        pipe.xrange(EVENTS, f"({id_of(place)}", id_of(end), count=REDIS_AT_ONCE)
        oldest, found = await pipe.execute()
    return [framed(*entry) for entry in found], _just_before(framed(*oldest[0]).place) if oldest else end


def _just_before(place: Place) -> Place:
    millis, sequence = place
    return (millis, sequence - 1) if sequence else (millis - 1, (1 << 64) - 1)


def _reset(reason: str, asked: Place, place: Place) -> bytes:
    """Tells a listener that something is or may be missing between where it was and what follows: it should load the state anew."""
    data = msgspec.json.encode({"reason": reason, "asked": id_of(asked), "after": id_of(place)})
    return b"id: %b\r\nevent: reset\r\ndata: %b\r\n\r\n" % (id_of(place).encode(), data)


def chunks(frames: Iterable[bytes]) -> Iterator[bytes]:
    """The frames, joined to pieces of about `CHUNK_BYTES`."""
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        piece.append(frame)
        size += len(frame)
        if size >= CHUNK_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)
