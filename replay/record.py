"""Keeps the log of a live system for good: reads it beside the engine, and writes it into an archive, each message once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import structlog
from redis import Redis
from redis.exceptions import RedisError

from replay.archive import HOUR_MS, Archive, BadArchive, Gap, Reached, write_fleets
from replay.record_rows import DEAD_MS, LOG_MS, Row, dead_frame, log_frame, rows_of
from stream.judge_policy import JudgePolicy
from stream.live.aside import Aside
from stream.live.keys import DEAD, FLEETS, HEARTBEATS, RECORDERS, log_key
from stream.live.log_entry import MOST, BadEntry, head, id_order
from stream.live.marks import Resume
from stream.live.reader import StreamEntry
from stream.live.recorders import RecorderMark
from stream.live.settings import LiveSettings
from stream.live.views import FleetEntry, Heartbeat

LOOK_EVERY_S = 1.0
"""How often is looked for what is new: the more comes at once, the less each message costs."""
FLUSH_EVERY_S = 10.0
FLUSH_ROWS = 100_000
"""A file is written for so many seconds, or messages; less than that is written again after a crash, because the log still has it."""
MERGE_AFTER_MS = 120_000
"""An hour is merged when it is over for so long."""
_AT_ONCE = 10_000

log = structlog.get_logger()


@dataclass(slots=True)
class Recorder:
    """The only one who writes an archive; `reached` is what is on disk, the other fields what has been read since."""

    redis: Redis
    settings: LiveSettings
    archive: Archive
    reached: Reached
    beat: Heartbeat
    now_us: Callable[[], int]
    now_s: Callable[[], float]
    policy: JudgePolicy = field(default_factory=JudgePolicy)
    points: dict[int, Resume] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    letters: list[StreamEntry] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    began: dict[str, int] = field(default_factory=dict)
    dead_id: str = "0-0"
    dead_lost: bool = False
    flushed_s: float = 0.0
    beaten_s: float = float("-inf")
    merged_hour: int = -1
    per_entry: float = float(MOST)
    zones: dict[str, str] = field(default_factory=dict)
    aside: Aside = field(default_factory=Aside)

    @classmethod
    def begin(cls, redis: Redis, settings: LiveSettings, archive: Archive, beat: Heartbeat, now_us: Callable[[], int],
              now_s: Callable[[], float]) -> "Recorder":  # fmt: skip
        """Go on where the archive ends, or begin one. Raises `BadArchive`, and what redis-py raises."""
        reached = archive.reached() or Reached(made_us=now_us(), number_of_shards=settings.shards)
        if reached.number_of_shards != settings.shards:
            what = f"{archive.folder} is of a log of {reached.number_of_shards} shards, and this one has {settings.shards}"
            raise BadArchive(f"{what}: record into another folder")
        archive.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        archive.commit(reached)
        archive.sweep(reached.flushes)
        points = {shard: reached.shards.get(str(shard), Resume()) for shard in range(settings.shards)}
        one = cls(redis, settings, archive, reached, beat, now_us, now_s, points=points, dead_id=reached.dead_id)
        one.flushed_s = now_s()
        one.register()
        return one

    @property
    def name(self) -> str:
        """Under which name it is known in Redis: two archives are two recorders."""
        return f"record-{self.reached.made_us // 1_000_000}"

    def register(self) -> None:
        """Say that we live, and what the log need not keep for us any more. Raises what redis-py raises."""
        self.beaten_s = self.now_s()
        mark = RecorderMark(self.now_us(), {shard: point.stream_id for shard, point in self.reached.shards.items()})
        beat = msgspec.structs.replace(self.beat, at_us=self.now_us())
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hset(RECORDERS, self.name, msgspec.json.encode(mark))
            pipe.hset(HEARTBEATS, self.name, msgspec.json.encode(beat))
            pipe.execute()

    def turn(self) -> bool:
        """Read what has come, write what is due; whether there may be more at once. Raises what redis-py raises, OSError for the disk."""
        if self.now_s() - self.beaten_s >= LOOK_EVERY_S:
            self.register()
        more = self.read()
        if len(self.rows) >= FLUSH_ROWS or self.now_s() - self.flushed_s >= FLUSH_EVERY_S:
            self.flush()
        return more

    def read(self) -> bool:
        """Take what has come to the log and to the dead letters; whether there may be more of it."""
        streams: dict[Any, Any] = {log_key(shard): point.stream_id for shard, point in self.points.items()}
        most = max(50, round(_AT_ONCE / self.per_entry))
        answer: Any = self.redis.xread({**streams, DEAD: self.dead_id}, count=most)
        messages = entries = 0
        for name, found in answer:
            if name == DEAD.encode():
                self._take_letters(found)
            else:
                messages += self._take(int(name[-2:]), found)
                entries += len(found)
        if entries:
            self.per_entry = max(1.0, messages / entries)
        return any(len(found) == most for _, found in answer)

    def _take(self, shard: int, entries: Sequence[StreamEntry]) -> int:
        rows = rows_of(self.policy, self.settings.shards, shard, entries)
        count = self.points[shard].count
        for stream_id, fields in entries:
            count = self._counted(shard, count, stream_id, fields)
        self.points[shard] = Resume(entries[-1][0].decode(), count)
        self.rows += rows
        return len(rows)

    def _counted(self, shard: int, expected: int, stream_id: bytes, fields: Mapping[bytes, bytes]) -> int:
        """The number behind an entry; what is missing before it is noted."""
        try:
            _, number, received_us = head(stream_id, fields)
        except BadEntry:
            return expected
        if expected < 0:
            self.began[str(shard)] = number
        elif number > expected:
            self.gaps.append(Gap(shard, expected, number - expected, self.now_us()))
            log.warning("log_lost_before_it_was_recorded", shard=shard, first=expected, lost=number - expected)
        elif number < expected:
            log.warning("log_went_back", shard=shard, expected=expected, found=number)
        return number + len(received_us)

    def _take_letters(self, found: Sequence[StreamEntry]) -> None:
        """The oldest are let go of without asking us: while the last one that we have is there, none were that we have not."""
        if self.dead_id != "0-0" and not self.redis.xrange(DEAD, self.dead_id, self.dead_id):
            self.dead_lost = True
            log.warning("dead_letters_left_before_they_were_recorded", since=self.dead_id)
        self.letters += found
        self.dead_id = found[-1][0].decode()

    def flush(self) -> None:
        """Write what has been read: files first, then that they count; the log is let go of when that is done."""
        self.flushed_s = self.now_s()
        if not self.rows and not self.letters:
            return
        self._write_fleets()
        flush = self.reached.flushes
        for table, frame, at_ms in (("log", log_frame(self.rows), LOG_MS), ("dead", dead_frame(self.letters), DEAD_MS)):
            if frame.height:
                self.archive.put(table, flush, frame, at_ms)
        shards = {str(shard): point for shard, point in self.points.items() if point != Resume()}
        self.reached = msgspec.structs.replace(
            self.reached, flushes=flush + 1, shards=shards, began={**self.began, **self.reached.began}, dead_id=self.dead_id,
            dead_lost=self.reached.dead_lost or self.dead_lost, gaps=[*self.reached.gaps, *self.gaps],
        )  # fmt: skip
        self.archive.commit(self.reached)
        newest_ms = max(id_order(point.stream_id)[0] for point in self.points.values())
        self.rows, self.letters, self.gaps = [], [], []
        self._merge(newest_ms - MERGE_AFTER_MS)

    def _merge(self, before_ms: int) -> None:
        """Once an hour, by a thread: the hours that are over become one file each; what was merged the last time is removed."""
        if before_ms // HOUR_MS != self.merged_hour:
            self.merged_hour = before_ms // HOUR_MS
            self.aside.do(partial(self.archive.merge, self.reached.flushes, before_ms))

    def _write_fleets(self) -> None:
        """Fleets and their time zones as the engine has them."""
        known: Any = self.redis.hgetall(FLEETS)
        zones = {name.decode(): msgspec.json.decode(entry, type=FleetEntry).time_zone for name, entry in known.items()}
        zones = {name: self.settings.fleets.get(name, zone) for name, zone in zones.items()}
        if zones != self.zones:
            write_fleets(self.archive.folder, zones.items())
            self.zones = zones

    def close(self) -> None:
        """What has been read is on disk when this returns; the log goes on being kept for us, until we have been away too long."""
        self.flush()
        self.aside.end()
        self.register()
        self.redis.hdel(HEARTBEATS, self.name)


def run(recorder: Recorder, stopping: Callable[[], bool], wait: Callable[[float], object], *, once: bool = False) -> None:
    """Record until it is told to end, or with `once` until all that is there is recorded. Raises OSError when the disk does not take it.

    While Redis is away nothing is lost by waiting. What came before the end was told is recorded.
    """
    failures = 0
    while True:
        ending = stopping() or once
        try:
            if recorder.turn():
                continue
            if ending:
                recorder.close()
                return
        except RedisError as error:
            failures += 1
            log.warning("redis_away", error=type(error).__name__, failures=failures)
            if stopping():
                return
            wait(min(0.05 * 2 ** min(failures, 5), LOOK_EVERY_S))
            continue
        failures = 0
        wait(LOOK_EVERY_S)
