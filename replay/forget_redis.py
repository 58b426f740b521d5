"""Forgetting in Redis: the log is written anew, events and dead letters that tell of it are removed, the present is made to say no more."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import ResponseError

from replay.forget_lines import Order, Vehicle, Wish, mark
from stream.live.keys import DEAD, EVENTS, fleet_key, log_key
from stream.live.log_entry import BadEntry, head
from stream.live.views import RouteView

_AT_ONCE = 500

_SWAP = """
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+')) do redis.call('XADD', KEYS[2], entry[1], unpack(entry[2])) end
redis.call('XSETID', KEYS[2], ARGV[2])
redis.call('RENAME', KEYS[2], KEYS[1])
"""
"""KEYS: log, copy. ARGV: last copied id, last id ever given. What came while the log was copied comes along."""


def forget_in_log(redis: "Redis", shard: int, wish: Wish) -> int:
    """Write the log of a shard anew without it; how many messages were changed. Its engine must stand still, appending may go on."""
    if isinstance(wish, Order):
        for _, fields in _entries(redis, log_key(shard)):
            for line in _lines(fields):
                if mark(wish.order_ref) in line:
                    wish.look(line)
    copy, changed, last = f"{log_key(shard)}:copy", 0, "0-0"
    redis.delete(copy)
    for stream_id, fields in _entries(redis, log_key(shard)):
        count, text = _forgotten(stream_id, fields, wish)
        changed += count
        redis.xadd(copy, {**fields, b"m": text} if count else fields, id=stream_id)
        last = stream_id.decode()
    if changed:
        about: Any = redis.xinfo_stream(log_key(shard))
        redis.eval(_SWAP, 2, log_key(shard), copy, last, max(last, about["last-generated-id"].decode(), key=_order))
    redis.delete(copy)
    return changed


def _order(stream_id: str) -> tuple[int, int]:
    millis, _, number = stream_id.partition("-")
    return int(millis), int(number)


def _entries(redis: "Redis", key: str) -> Iterator[tuple[bytes, dict[Any, Any]]]:
    after = "-"
    while True:
        found: Any = redis.xrange(key, after, count=_AT_ONCE)
        if not found:
            return
        yield from found
        after = f"({found[-1][0].decode()}"


def _lines(fields: dict[Any, Any]) -> list[bytes]:
    text: bytes = fields.get(b"m", b"")
    return text.split(b"\n")


def _forgotten(stream_id: bytes, fields: dict[Any, Any], wish: Wish) -> tuple[int, bytes]:
    """How many messages of an entry change, and its text then."""
    lines = _lines(fields)
    try:
        _, _, received_us = head(stream_id, fields)
    except BadEntry:
        return 0, b""
    changed = 0
    for place, (line, moment) in enumerate(zip(lines, received_us, strict=False)):
        if any(text in line for text in (*wish.marks, b"\\u")) and (new := wish.line(line, moment)) is not None:
            lines[place], changed = new, changed + 1
    return changed, b"\n".join(lines)


def remove_from(redis: "Redis", stream: str, is_about: Callable[[dict[bytes, bytes]], bool]) -> int:
    """Remove the entries of a stream that are about it; how many."""
    about = [stream_id for stream_id, fields in _entries(redis, stream) if is_about(fields)]
    for first in range(0, len(about), _AT_ONCE):
        redis.xdel(stream, *about[first : first + _AT_ONCE])
    return len(about)


def forget_events(redis: "Redis", wish: Wish) -> int:
    """Events of the fleet that name it: of a vehicle they tell in which cell it was."""
    fleet = wish.fleet_id.encode()
    return remove_from(redis, EVENTS, lambda event: event[b"f"] == fleet and any(text in event[b"d"] for text in wish.marks[:1]))


def forget_letters(redis: "Redis", wish: Wish) -> int:
    """Dead letters of the fleet, or of nobody, that name it."""
    vehicle, fleet = getattr(wish, "vehicle_id", "").encode(), wish.fleet_id.encode()

    def is_about(letter: dict[bytes, bytes]) -> bool:
        named = letter[b"v"] == vehicle != b"" or any(text in letter[b"h"] for text in wish.marks)
        return named and (letter[b"f"] in {fleet, b""} or letter[b"f"].startswith(b"~"))

    return remove_from(redis, DEAD, is_about)


def forget_present(redis: "Redis", wish: Wish) -> None:
    """The present, which the engine makes anew from its state with the next message of the fleet."""
    fleet_id = wish.fleet_id
    exceptions: Any = redis.hgetall(fleet_key("exceptions", fleet_id))
    for name, event in exceptions.items():
        if wish.marks[0] in event:
            for kind in ("exceptions", "acknowledged"):
                redis.hdel(fleet_key(kind, fleet_id), name)
            for kind in ("open", "closed"):
                redis.zrem(fleet_key(kind, fleet_id), name)
    proposals: Any = redis.hgetall(fleet_key("proposals", fleet_id))
    for name in [name for name, view in proposals.items() if wish.marks[0] in view]:
        redis.hdel(fleet_key("proposals", fleet_id), name)
    if isinstance(wish, Vehicle):
        redis.hdel(fleet_key("fixes", fleet_id), wish.vehicle_id)
        redis.hdel(fleet_key("vehicles", fleet_id), wish.vehicle_id)
        redis.hdel(fleet_key("stays", fleet_id), wish.vehicle_id)
    if isinstance(wish, Order):
        redis.zremrangebylex(fleet_key("orders", fleet_id), f"[{wish.order_ref}\0", f"({wish.order_ref}\1")
    if isinstance(wish, Vehicle | Order):
        _forget_routes(redis, wish)


def rewritten(redis: "Redis", within_s: float = 60.0) -> bool:
    """Have the server write its append-only file anew, without what is gone; whether it has."""
    sleep = Event().wait
    try:
        redis.bgrewriteaof()
    except ResponseError:  # it is at it already, with what was there before
        return False
    for _ in range(round(within_s / 0.1)):
        about: Any = redis.info("persistence")
        if not (about["aof_rewrite_in_progress"] or about.get("aof_rewrite_scheduled")):
            return bool(about.get("aof_last_bgrewrite_status") == "ok")
        sleep(0.1)
    return False


def _forget_routes(redis: "Redis", wish: Vehicle | Order) -> None:
    routes: Any = redis.hgetall(fleet_key("routes", wish.fleet_id))
    named = wish.marks[0] if isinstance(wish, Vehicle) else mark(wish.order_ref)
    for name, view in [(name, view) for name, view in routes.items() if named in view]:
        route = msgspec.json.decode(view, type=RouteView)
        visits = [wish.stop(visit) for visit in route.visits]
        redis.hset(fleet_key("routes", wish.fleet_id), name, msgspec.json.encode(msgspec.structs.replace(route, visits=visits)))
