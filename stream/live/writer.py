"""Writes what stretches gave into Redis, each exactly once, whatever happens to Redis or to us in between."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import structlog
from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from stream.live.keys import fleet_key
from stream.live.orders import Order, position_text
from stream.live.patience import AWAY, passes
from stream.live.write_script import REWOUND, SCRIPT, TAKEN, keys

REPLACED = ("fixes", "vehicles", "routes", "etas", "visits", "fences", "fence_policies", "proposals")
"""Hashes that say what is; the others say what has been."""

OUTBOX_S = 15.0
"""Calls are kept for so long: Redis writes its log to disk every second, and may postpone it while the disk is busy."""
OUTBOX_BYTES = 64_000_000
SMALL_BYTES = 50_000
"""Calls up to this size are kept as one piece each; larger ones come where there is much to do, and packing them would be some more."""

log = structlog.get_logger()

_pack: Callable[[list[str | bytes]], bytes] = msgspec.msgpack.Encoder().encode
_unpack: Callable[[bytes], list[str | bytes]] = msgspec.msgpack.Decoder().decode


class TakenOver(Exception):
    """Somebody else writes this fleet: two engines own the same shard."""


class LostTooMuch(Exception):
    """Redis went back further than what is kept to be written again; a restart writes everything anew."""


@dataclass(slots=True)
class Guard:
    """How far a fleet has been written."""

    position: str
    sequence: int
    writes: int
    reaching: str = ""
    """A position that some of the present may stand for already: whoever wrote it ended before the rest of it."""


@dataclass(slots=True)
class _Sent:
    """A call that was made: when, of which fleet, its number, its arguments and how many bytes these are, about."""

    at_s: float
    fleet_id: str
    writes: int
    args: list[str | bytes] | bytes
    size: int

    def call(self) -> list[str | bytes]:
        """The arguments, to be sent."""
        return _unpack(self.args) if isinstance(self.args, bytes) else self.args

    def rest(self) -> None:
        """It has been sent: the hundreds of arguments of a small call become one piece, which takes a third of the room, and leaves no
        hundreds of holes in memory when it is let go.
        """
        if self.size <= SMALL_BYTES and not isinstance(self.args, bytes):
            self.args = _pack(self.args)


@dataclass(slots=True)
class Writer:
    """The only one who writes the fleets of some shards. `by` names this process; `now_s` is a steady clock, `wait` sleeps."""

    redis: Redis
    by: str
    now_s: Callable[[], float]
    wait: Callable[[float], None]
    guards: dict[str, Guard] = field(default_factory=dict)
    outbox: deque[_Sent] = field(default_factory=deque)
    outbox_bytes: int = 0
    sha: str = ""
    was_away: bool = False
    """Whether Redis has been away since we last looked at what it has."""

    def open(self, fleet_id: str) -> Guard:
        """How far a fleet has been written, by whomever; from here on only we write it."""
        position, sequence, writes, reaching = self._patiently(
            lambda: self.redis.hmget(fleet_key("fleet", fleet_id), "position", "sequence", "writes", "reaching")
        )
        guard = Guard((position or b"").decode(), int(sequence or 0), int(writes or 0), (reaching or b"").decode())
        self.guards[fleet_id] = guard
        return guard

    def present(self, fleet_id: str) -> dict[str, list[str]]:
        """The fields that stand in Redis of a fleet, by kind of key: what a first write must remove if it does not put it."""
        found: dict[str, list[str]] = {}
        for kind in REPLACED:
            found[kind] = [name.decode() for name in self._patiently(partial(self.redis.hkeys, fleet_key(kind, fleet_id)))]
        orders = self._patiently(partial(self.redis.zrange, fleet_key("orders", fleet_id), 0, -1))
        return {**found, "orders": [name.decode() for name in orders]}

    def write(self, orders: Sequence[Order]) -> None:
        """Write what stretches gave, in order, in one round trip. Raises `TakenOver`, `LostTooMuch`."""
        sent = [self._sent(order) for order in orders]
        answers = self._call(sent)
        for one in sent:
            one.rest()
        rewound = dict.fromkeys(one.fleet_id for one, answer in zip(sent, answers, strict=True) if answer[0] == REWOUND)
        for fleet_id in rewound:
            self._write_again(fleet_id)
        if self.was_away:
            self.mend()
        self._trim()

    def mend(self) -> None:
        """Look whether Redis lost what was written of late, also of fleets of which nothing new comes, and write it again.

        Raises `LostTooMuch`, `TakenOver`.
        """
        self.was_away = False
        fleet_ids = list(dict.fromkeys(one.fleet_id for one in self.outbox))
        for fleet_id, stored in zip(fleet_ids, self._patiently(lambda: self._stored(fleet_ids)), strict=True):
            if stored < self.guards[fleet_id].writes:
                self._write_again(fleet_id)

    def _stored(self, fleet_ids: Sequence[str]) -> list[int]:
        """How many calls Redis knows of each fleet."""
        with self.redis.pipeline(transaction=False) as pipe:
            for fleet_id in fleet_ids:
                pipe.hget(fleet_key("fleet", fleet_id), "writes")
            return [int(writes or 0) for writes in pipe.execute()]

    def _sent(self, order: Order) -> _Sent:
        guard = self.guards[order.fleet_id]
        sent = _Sent(self.now_s(), order.fleet_id, guard.writes, order.args(guard.writes), order.size)
        guard.writes += 1
        guard.position = max(guard.position, order.position)
        self.outbox.append(sent)
        self.outbox_bytes += order.size
        return sent

    def _call(self, sent: Sequence[_Sent]) -> list[Any]:
        answers = list(self._patiently(lambda: self._round_trip(sent)))
        for one, answer in zip(sent, answers, strict=True):
            if answer[0] == TAKEN:
                raise TakenOver(f"fleet {one.fleet_id!r} was written by somebody else: call {answer[1]}, ours is {one.writes + 1}")
        return answers

    def _round_trip(self, sent: Sequence[_Sent]) -> list[Any]:
        if not self.sha:
            self.sha = str(self.redis.script_load(SCRIPT))
        try:
            with self.redis.pipeline(transaction=False) as pipe:
                for one in sent:
                    own = keys(one.fleet_id)
                    pipe.evalsha(self.sha, len(own), *own, *one.call())
                return pipe.execute()
        except NoScriptError:
            self.sha = ""
            return self._round_trip(sent)

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Call until Redis answers: nothing may be passed over, and the log waits for us meanwhile."""
        wait_s = 0.01
        while True:
            try:
                return call()
            except RedisError as error:
                if not passes(error):
                    raise
                self.was_away |= isinstance(error, AWAY)
                log.warning("redis_away" if isinstance(error, AWAY) else "redis_refuses", error=type(error).__name__, wait_s=wait_s)
            self.wait(wait_s)
            wait_s = min(2 * wait_s, 1.0)

    def _write_again(self, fleet_id: str) -> None:
        """Redis lost its last writes: put everything there again that it does not have, until it has it all."""
        while (stored := self._patiently(lambda: self._stored([fleet_id]))[0]) < self.guards[fleet_id].writes:
            lost = [one for one in self.outbox if one.fleet_id == fleet_id and one.writes >= stored]
            log.warning("redis_went_back", fleet=fleet_id, writes=stored, expected=self.guards[fleet_id].writes, written_again=len(lost))
            if not lost or lost[0].writes != stored:
                raise LostTooMuch(f"Redis lost more of fleet {fleet_id!r} than the last {OUTBOX_S:g} s")
            self._call(lost)

    def _trim(self) -> None:
        while self.outbox and (self.outbox[0].at_s < self.now_s() - OUTBOX_S or self.outbox_bytes > OUTBOX_BYTES):
            self.outbox_bytes -= self.outbox.popleft().size

    def is_written(self, fleet_id: str, position: int) -> bool:
        """Whether all up to a position is in Redis."""
        return self.guards[fleet_id].position >= position_text(position)
