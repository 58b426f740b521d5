"""The way into the log: appends and dead letters in one round trip, and a 503 instead of a false 2xx."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from time import monotonic, time_ns
from typing import Annotated

import msgspec
import structlog
from fastapi import Depends, Request
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from api.problems import AWAY, problem
from stream.codec import HEAD_BYTES, Rejected
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import DEAD, FLEETS, REFUSED, fleet_key
from stream.live.settings import LiveSettings
from stream.live.views import FleetEntry

PATIENCE_S = 5.0
"""Seconds that Redis may take for one request: a thousand times what it needs."""

FULL = 0.9
"""Share of `maxmemory` above which nothing is taken any more: what is in the log still needs room for its effects."""

REFUSE = """
for i = 3, #ARGV, 6 do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'f', ARGV[i], 'r', ARGV[i + 1], 'k', ARGV[i + 2], 'v', ARGV[i + 3],
    't', ARGV[i + 4], 'h', ARGV[i + 5], 'b', ARGV[2])
  redis.call('HINCRBY', KEYS[2], ARGV[i + 1], 1)
end
return (#ARGV - 2) / 6
"""
"""KEYS: dead letters, refused. ARGV: how many are kept, by whom, then (fleet, reason, type, vehicle, received, head) for each refusal."""

_AT_ONCE = 1_000  # refusals of one call: Redis does nothing else meanwhile
_FLEET = msgspec.json.Decoder(FleetEntry)


class Refusal(msgspec.Struct, frozen=True):
    """A refused input, and when it was received (microseconds since 1970 UTC)."""

    why: Rejected
    received_us: int


class Kept(msgspec.Struct, frozen=True):
    """What shall be stored with an append, in the same transaction: that it was done, and what was answered."""

    key: str
    value: bytes
    seconds: int


def now_us() -> int:
    """Microseconds since 1970 UTC by the wall clock."""
    return time_ns() // 1_000


_SAY, _DEVICE = "say which is meant with ?fleet_id=", "say which the device is of behind its address, /FLEET, or with ?fleet_id="


def _there_are(live: Sequence[str], played: Sequence[str]) -> str:
    """Which fleets there are, in words; of many the first."""
    if not live and not played:
        return "There is no fleet yet"
    named = [f"{word} {', '.join(names[:5])}{', ..' * (len(names) > 5)}" for word, names in (("live", live), ("played", played)) if names]
    return f"There is not one live fleet alone ({'; '.join(named)})"


class Log:
    """The log of an application: what its Redis can take now (looked at once a second), and its fleets."""

    def __init__(self, redis: Redis, settings: LiveSettings) -> None:
        self.redis, self.settings = redis, settings
        self.fleets: dict[str, FleetEntry] = {}
        self._looked_s, self._used = -1.0, 0.0

    async def look(self, known: Iterable[str] = ()) -> None:
        """Refuse with a 503 while Redis is away or nearly full, and know its fleets, at the latest a second ago and with these."""
        if monotonic() - self._looked_s > 1.0 or not self.fleets.keys() >= set(known):
            async with patience():
                pipe = self.redis.pipeline(transaction=False)
                pipe.info("memory")
                pipe.hgetall(FLEETS)
                memory, fleets = await pipe.execute()
            self.fleets = {fleet_id.decode(): _FLEET.decode(entry) for fleet_id, entry in fleets.items()}
            self._used = memory["used_memory"] / memory["maxmemory"] if memory.get("maxmemory") else 0.0
            self._looked_s = monotonic()
        if self._used > FULL:
            raise problem(503, f"Redis has used {self._used:.0%} of its memory; try again.", {"Retry-After": "5"})

    async def received_us(self, fleet_ids: set[str]) -> dict[str, int]:
        """When what comes now is received: by the wall clock, in a driven fleet by the time that its player has come to."""
        await self.look(fleet_ids)
        received = dict.fromkeys(fleet_ids, now_us())
        for fleet_id in sorted(filter(self.is_driven, fleet_ids)):
            async with patience():
                now = await self.redis.hget(fleet_key("fleet", fleet_id), "now_us")
            if now is None:
                raise problem(503, f"Fleet {fleet_id} is played and has not begun yet; try again.", {"Retry-After": "1"})
            received[fleet_id] = int(now)
        return received

    async def fleet_or_only(self, fleet_id: str | None, *, of_devices: bool = False) -> str:
        """The fleet that was named, else the only live one that there is; else the only one that is played, but not for devices.

        Raises a 422 problem that says what to do.
        """
        await self.look(() if fleet_id is None else (fleet_id,))
        if fleet_id is not None:
            return fleet_id
        live = sorted(name for name, entry in self.fleets.items() if not entry.driven)
        played = sorted(self.fleets.keys() - set(live))
        meant = live or ([] if of_devices else played)
        if len(meant) != 1:
            raise problem(422, f"{_there_are(live, played)}: {_DEVICE if of_devices else _SAY}.")
        return meant[0]

    def is_driven(self, fleet_id: str) -> bool:
        """Whether somebody else says what time it is in the fleet."""
        entry = self.fleets.get(fleet_id)
        return entry is not None and entry.driven

    async def append(self, messages: Sequence[Message], refused: Sequence[Refusal] = (), kept: Kept | None = None) -> None:
        """Append messages and write refusals to the dead letters, in one round trip; with `kept` all of it or nothing."""
        pipe = self.redis.pipeline(transaction=kept is not None)
        _add_refusals(pipe, refused, self.settings.dead_letters_kept)
        _add_messages(pipe, messages, self.settings)
        if kept is not None:
            pipe.set(kept.key, kept.value, ex=kept.seconds)
        async with patience():
            await pipe.execute()


async def append(redis: Redis, messages: Sequence[Message], settings: LiveSettings, refused: Sequence[Refusal] = ()) -> None:
    """Append without a look at what Redis can take; its own refusal is a 503 all the same."""
    await Log(redis, settings).append(messages, refused)


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Give Redis `PATIENCE_S`, and turn its silence and its errors into a 503."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except AWAY:
        raise  # a 503 too, see `problems`
    except (TimeoutError, ResponseError) as error:
        structlog.get_logger("api").error("redis_refused", error=str(error)[:HEAD_BYTES] or type(error).__name__)
        raise problem(503, "Redis does not answer, or refuses; try again.", {"Retry-After": "1"}) from error


async def log_of(request: Request) -> Log:
    """The log of the application that a request came to. Not blocking, so no thread is asked for it."""
    state = request.app.state
    if not hasattr(state, "log"):
        state.log = Log(state.redis, state.settings)
    log: Log = state.log
    return log


TheLog = Annotated[Log, Depends(log_of)]


def _add_messages(pipe: Pipeline, messages: Sequence[Message], settings: LiveSettings) -> None:
    # An entry has one time for all of its messages or one each, and a call one zone: so these must not mix.
    groups: dict[tuple[str, bool], list[Message]] = {}
    for message in messages:
        zone = settings.fleets.get(message.fleet_id, settings.time_zone)
        groups.setdefault((zone, message.received_us is None), []).append(message)
    for (zone, _), some in groups.items():
        for call in calls(some, zone, shards=settings.shards):
            pipe.eval(SCRIPT, len(call.keys), *call.keys, *call.args)  # the text itself: a restarted Redis has forgotten any hash


def _add_refusals(pipe: Pipeline, refused: Sequence[Refusal], kept: int) -> None:
    for first in range(0, len(refused), _AT_ONCE):
        args: list[str | bytes | int] = [kept, "api"]
        for why, received_us in ((refusal.why, refusal.received_us) for refusal in refused[first : first + _AT_ONCE]):
            args += (why.fleet_id, str(why.reason), why.kind, why.vehicle_id, received_us, why.head[:HEAD_BYTES])
        pipe.eval(REFUSE, 2, DEAD, REFUSED, *args)
