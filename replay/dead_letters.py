"""Dead letters of a live system: counted, shown, and put in again once what was wrong with them has been put right.

The bytes of a letter are those in the log, while it still has them; else those in the archive; else the beginning that the letter keeps,
where that is all of it. What the engine would refuse again by its bytes or values stays a dead letter.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import polars as pl
from redis import Redis

from replay.archive import Archive
from replay.day_errors import NotDone
from stream.codec import HEAD_BYTES, Rejected, decode
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import DEAD, FLEETS, fleet_key, log_key
from stream.live.log_entry import BadEntry, id_of, unpack
from stream.live.settings import LiveSettings
from stream.live.views import FleetEntry
from stream.log import shard_of
from stream.moments import instant
from stream.nobody import is_nobody
from stream.reasons import Reason

_AT_ONCE = 1_000


class Letter(NamedTuple):
    """A dead letter; `position` is -1 where the input never was in the log."""

    stream_id: str
    fleet_id: str
    reason: str
    kind: str
    vehicle_id: str
    received_us: int
    by: str
    position: int
    head: bytes


@dataclass(slots=True)
class DeadLetters:
    """The dead letters of a server that match; `now_us` is when what is put in again is received (driven fleets: their own now)."""

    redis: Redis
    settings: LiveSettings
    reason: str | None = None
    fleet_id: str | None = None
    archive: Archive | None = None
    now_us: int = 0
    policy: JudgePolicy = field(default_factory=JudgePolicy)

    def __iter__(self) -> Iterator[Letter]:
        """The oldest first."""
        after = "-"
        while found := self._read(after):
            for stream_id, told in found:
                letter = _letter(stream_id, told)
                if self.reason in {None, letter.reason} and self.fleet_id in {None, letter.fleet_id}:
                    yield letter
            after = f"({found[-1][0].decode()}"

    def _read(self, after: str) -> Any:
        return self.redis.xrange(DEAD, after, count=_AT_ONCE)

    def counted(self) -> list[tuple[str, str, str, int, str, str]]:
        """Reason, fleet, by whom, how many, when the newest was received, and what to do; the most frequent first."""
        counts, newest = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], int]()
        for letter in self:
            key = (letter.reason, letter.fleet_id, letter.by)
            counts[key] += 1
            newest[key] = max(letter.received_us, newest.get(key, 0))
        remedies = {str(reason): reason.remedy for reason in Reason}
        return [
            (*key, count, f"{instant(newest[key]):%Y-%m-%d %H:%M:%SZ}", remedies.get(key[0], "")) for key, count in counts.most_common()
        ]

    def reinject(self) -> Counter[str]:
        """Put every matching letter in again that would now be taken, and take it off the dead letters, both or neither.

        Returns how often what came of it. What comes in meanwhile is left for the next time.
        """
        done, letters = Counter[str](), list(self)
        for first in range(0, len(letters), _AT_ONCE):
            some = letters[first : first + _AT_ONCE]
            whole = self._payloads(some)
            good = []
            for letter in some:
                message, what = self._judged(whole.get(letter.stream_id))
                done[what] += 1
                if message is not None:
                    good.append((letter, message))
            self._append(good)
        return done

    def _append(self, good: Sequence[tuple[Letter, Message]]) -> None:
        with self.redis.pipeline(transaction=True) as pipe:
            for driven in (False, True):
                mine = [message for _, message in good if (message.received_us is not None) == driven]
                for call in calls(mine, self.settings.time_zone, driven=driven, shards=self.settings.shards):
                    pipe.eval(SCRIPT, len(call.keys), *call.keys, *call.args)
            if good:
                pipe.xdel(DEAD, *(letter.stream_id for letter, _ in good))
            pipe.execute()

    def _judged(self, payload: bytes | None) -> tuple[Message | None, str]:
        """The letter as a message, if it would be taken now; and what came of it in words."""
        if payload is None:
            return None, "only their first bytes are known"
        message = decode(payload)
        if isinstance(message, Rejected):
            return None, f"still refused: {message.reason}"
        received_us = self._driven_us(message.fleet_id)
        if reason := judge(self.policy, message, self.now_us if received_us is None else received_us):
            return None, f"still refused: {reason}"
        return Message(message.fleet_id, payload, received_us), "put in again"

    def _driven_us(self, fleet_id: str) -> int | None:
        """The now of a fleet that a player drives; None for one that lives."""
        entry: Any = self.redis.hget(FLEETS, fleet_id)
        if entry is None or not msgspec.json.decode(entry, type=FleetEntry).driven:
            return None
        now_us: Any = self.redis.hget(fleet_key("fleet", fleet_id), "now_us")
        return int(now_us or 0)

    def _payloads(self, letters: Sequence[Letter]) -> dict[str, bytes]:
        """The whole bytes of letters, by their ids, where anybody knows them."""
        logged = {letter.stream_id: found for letter in letters if (found := self._logged(letter)) is not None}
        missing = [letter for letter in letters if letter.position >= 0 and letter.stream_id not in logged]
        archived = self._archived(missing) if missing and self.archive is not None else {}
        heads = {letter.stream_id: letter.head for letter in letters if letter.head and len(letter.head) < HEAD_BYTES}
        return {**heads, **archived, **logged}

    def _shard(self, letter: Letter) -> int:
        return int(letter.fleet_id[1:]) if is_nobody(letter.fleet_id) else shard_of(letter.fleet_id, self.settings.shards)

    def _logged(self, letter: Letter) -> bytes | None:
        if letter.position < 0:
            return None
        here = id_of(letter.position)
        found: Any = self.redis.xrange(log_key(self._shard(letter)), here, here)
        try:
            return next((e.payload for stream_id, told in found for e in unpack(stream_id, told) if e.position == letter.position), None)
        except BadEntry:
            return None

    def _archived(self, letters: Sequence[Letter]) -> dict[str, bytes]:
        assert self.archive is not None
        reached = self.archive.reached()
        if reached is None:
            raise NotDone(f"{self.archive.folder} is no archive: `fleetcast-replay record` makes one")
        wanted = {(self._shard(letter), letter.position): letter.stream_id for letter in letters}
        paths = [piece.path for piece in self.archive.pieces("log", reached.flushes)]
        if not paths:
            return {}
        rows = pl.scan_parquet(paths).filter(pl.col("position").is_in([position for _, position in wanted]))
        found = rows.select("shard", "position", "payload").collect().iter_rows()
        return {wanted[shard, position]: payload for shard, position, payload in found if (shard, position) in wanted}


def _letter(stream_id: bytes, told: Any) -> Letter:
    words = {name: told.get(name.encode(), b"").decode(errors="replace") for name in "frkvbtp"}
    received_us = int(words["t"]) if words["t"].isdecimal() else 0
    named = (words["f"], words["r"], words["k"], words["v"])
    return Letter(stream_id.decode(), *named, received_us, words["b"], int(words["p"] or 0) - 1, told.get(b"h", b""))


def shown(letter: Letter) -> str:
    """A letter on one line."""
    moment = f"{instant(letter.received_us):%Y-%m-%d %H:%M:%SZ}"
    about = " ".join(word for word in (letter.fleet_id, letter.kind, letter.vehicle_id) if word) or "nobody knows whose"
    return f"{letter.stream_id}  {moment}  {letter.reason}  {about}  by {letter.by}  {letter.head.decode(errors='backslashreplace')}"
