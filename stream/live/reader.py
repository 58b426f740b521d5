"""Reads the shards of a process: one blocking call for all of them, batches that grow with the load, gaps noticed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

from stream.batches import FleetBatch, Refusal, no_pings
from stream.codec import HEAD_BYTES, decode_pings
from stream.fault import fault
from stream.intake import Intake
from stream.judge_policy import JudgePolicy
from stream.live.heads import with_heads
from stream.live.keys import log_key
from stream.live.log_entry import MOST, BadEntry, head, position_near, position_of, unpack
from stream.live.marks import Marks, Resume
from stream.live.settings import LiveSettings
from stream.log import shard_of
from stream.nobody import nobody
from stream.reasons import Reason
from stream.strays import strays

log = structlog.get_logger()

StreamEntry = tuple[bytes, Mapping[bytes, bytes]]

AT_ONCE_S = 0.001
"""A read that takes no longer did not wait: its messages came while the flow was at work."""

FEW_ENTRIES = 50
"""Entries that are asked for of each shard at least."""


@dataclass(slots=True)
class Reader:
    """The logs of some shards, each from its resume point on. `gap` is told of a shard, the first lost number, and how many are lost."""

    redis: Redis
    settings: LiveSettings
    marks: dict[int, Marks]
    wait: Callable[[float], None]
    gap: Callable[[int, int, int], None]
    now_s: Callable[[], float]
    """A steady clock."""
    policy: JudgePolicy = field(default_factory=JudgePolicy)
    last_ids: dict[int, str] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    """Number that the next message of each shard should have, -1 = not known."""
    read_s: float = 0.0
    """When the last read ended: the flow has had its batch since."""
    per_entry: float = float(MOST)
    """Messages of an entry of late."""
    untold: list[tuple[int, int, int]] = field(default_factory=list)
    """Gaps that `gap` has not been told of yet."""

    @classmethod
    def at(cls, redis: Redis, settings: LiveSettings, resume: Mapping[int, Resume], wait: Callable[[float], None],
           gap: Callable[[int, int, int], None], now_s: Callable[[], float]) -> "Reader":  # fmt: skip
        """A reader that begins where each shard is to be resumed."""
        reader = cls(redis, settings, {shard: Marks(begun) for shard, begun in resume.items()}, wait, gap, now_s)
        reader.last_ids = {shard: begun.stream_id for shard, begun in resume.items()}
        reader.counts = {shard: begun.count for shard, begun in resume.items()}
        return reader

    def read(self, idle_s: float) -> list[FleetBatch]:
        """What has come since, judged, a batch a fleet; waits for it up to `idle_s`.

        Raises what redis-py raises, and has taken nothing then.
        """
        self._tell_gaps()
        began_s = self.now_s()
        linger_s = min(self.settings.linger_ms / 1000, began_s - self.read_s)
        found = self._entries(idle_s)
        waiting = self.now_s() - began_s < AT_ONCE_S
        if found and waiting and self._messages(found) < self.settings.batch / 10 and linger_s > 0:
            # Where messages were waiting already a short wait more makes one batch of many small ones, each of which would cost nearly
            # as much as all. It is no longer than the last one took: so half of the time is left for the next.
            self.wait(linger_s)
            with suppress(RedisError):
                for shard, more in self._entries(0).items():
                    found.setdefault(shard, []).extend(more)
        batches = [batch for shard, entries in sorted(found.items()) for batch in self._batches(shard, entries)]
        with suppress(RedisError):
            self._tell_gaps()
        self.read_s = self.now_s()
        return batches

    def _tell_gaps(self) -> None:
        while self.untold:
            self.gap(*self.untold[0])
            del self.untold[0]

    def _entries(self, idle_s: float) -> dict[int, list[StreamEntry]]:
        streams: dict[Any, Any] = {log_key(shard): last_id for shard, last_id in self.last_ids.items()}
        count = max(FEW_ENTRIES, round(self.settings.batch / self.per_entry))
        answer: Any = self.redis.xread(streams, count=count, block=max(1, round(1000 * idle_s)) if idle_s else None)
        found = {int(name[-2:]): self._one_batch(entries) for name, entries in answer}
        for shard, entries in found.items():
            self.last_ids[shard] = entries[-1][0].decode()
        if found:
            self.per_entry = max(1.0, self._messages(found) / sum(map(len, found.values())))
        return found

    def _one_batch(self, entries: Sequence[StreamEntry]) -> list[StreamEntry]:
        """As many entries of a shard as make a batch; the others are read again."""
        messages = 0
        for i, (_, fields) in enumerate(entries):
            messages += _size(fields)
            if i and messages > self.settings.batch:
                return list(entries[:i])
        return list(entries)

    def _messages(self, found: Mapping[int, Sequence[StreamEntry]]) -> int:
        return sum(_size(fields) for part in found.values() for _, fields in part)

    def _batches(self, shard: int, entries: Sequence[StreamEntry]) -> Iterator[FleetBatch]:
        """The entries of a shard, judged; what does not belong into it is refused under nobody's name."""
        intake, bad, first, last = Intake(self.policy), list[Refusal](), None, -1
        for stream_id, fields in entries:
            try:
                number = self._take(intake, shard, stream_id, fields)
                first = first or (position_of(stream_id), number)
                last = position_of(stream_id, MOST - 1)
            except BadEntry as error:
                log.warning("bad_entry", shard=shard, error=str(error))
                bad.append(_bad(stream_id, Reason.BAD_JSON, repr(dict(fields)).encode()))
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 (an entry on which reading itself fails must not end the reader)
                log.error("entry_failed", shard=shard, fault=(said := fault(error)).decode())
                bad.append(_bad(stream_id, Reason.INTERNAL, said))
        if first is not None:
            self.marks[shard].read(*first, last, self.counts[shard])
        for batch in intake.batches():
            if batch.fleet_id and shard_of(batch.fleet_id, self.settings.shards) == shard:
                yield self._handed(shard, replace(batch, refusals=with_heads(batch.refusals, entries)))
            else:
                bad += [*batch.refusals, *strays(batch)]
        if bad:
            bad = with_heads(sorted(bad, key=lambda refusal: refusal.position), entries)
            yield self._handed(shard, FleetBatch(nobody(shard), no_pings(), [], bad))

    def _take(self, intake: Intake, shard: int, stream_id: bytes, fields: Mapping[bytes, bytes]) -> int:
        """Take the messages of an entry; returns the number of the first, held against the one that was expected."""
        position, number, received_us = head(stream_id, fields)
        pings = decode_pings(fields[b"m"], len(received_us))
        if pings is None:
            intake.take(unpack(stream_id, fields))
        else:
            intake.take_pings(position, received_us, pings)
        expected = self.counts[shard]
        if number > expected >= 0:
            self.untold.append((shard, expected, number - expected))
        elif 0 <= number < expected:
            log.warning("log_went_back", shard=shard, expected=expected, found=number)
        self.counts[shard] = number + len(received_us)
        return number

    def _handed(self, shard: int, batch: FleetBatch) -> FleetBatch:
        ends = [int(batch.pings.position[place]) for place in (0, -1) if len(batch.pings)]
        ends += [batch.notices[place].position for place in (0, -1) if batch.notices]
        ends += [refusal.position for refusal in batch.refusals]
        self.marks[shard].hand(batch.fleet_id, min(ends), max(ends))
        return batch


def _bad(stream_id: bytes, reason: Reason, head: bytes) -> Refusal:
    """An entry of which no message can be had."""
    return Refusal(position_near(stream_id), int(stream_id.split(b"-")[0]) * 1000, str(reason), head=head[:HEAD_BYTES])


def _size(fields: Mapping[bytes, bytes]) -> int:
    """How many messages an entry says that it holds."""
    count = fields.get(b"n", b"")
    return max(1, min(int(count), MOST)) if count.isdigit() else 1
