"""What the owner of shards does beside reading them: it says that it lives, ticks for live fleets, and lets go of old log."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import structlog
from redis import Redis
from redis.exceptions import ExecAbortError, OutOfMemoryError, RedisError

from stream.codec import encode
from stream.live.append import SCRIPT_WHEN_FULL, Message, calls
from stream.live.inbox import Inbox
from stream.live.keys import FLEETS, HEARTBEATS, RECORDERS, RESUME, log_key
from stream.live.lag import seconds_behind
from stream.live.log_entry import id_order
from stream.live.marks import Marks, Resume
from stream.live.patience import put_when_full
from stream.live.recorders import RecorderMark, is_away, needed, read_marks
from stream.live.resume_file import ResumeFile
from stream.live.settings import LiveSettings
from stream.live.views import FleetEntry, Heartbeat
from stream.log import TICK_US
from stream.messages import Tick
from stream.moments import instant

BEAT_S = 1.0
KEEP_S = 5.0
"""How often the resume points are written down and old log is trimmed."""

SETTLES_US = 15_000_000
"""Who has just begun says nothing of how far behind he is: what waited while nobody was there is no sign of too little room. Two engines
that die one after the other would else let pings be thinned that the third has had within a second."""

log = structlog.get_logger()

_fleet_entry = msgspec.json.Decoder(FleetEntry)


@dataclass(slots=True)
class Chores:
    """`now_us` is the wall clock in microseconds: ticks are the place where the time of day enters a live log."""

    redis: Redis
    settings: LiveSettings
    name: str
    beat: Heartbeat
    marks: dict[int, Marks]
    resume_file: ResumeFile
    now_us: Callable[[], int]
    inbox: Inbox | None = None
    aside: Callable[[Callable[[], None]], None] = lambda work: work()
    """How work is done that waits for disks: here, or by a thread while the flow goes on."""
    last_ids: Mapping[int, str] = field(default_factory=dict)
    """How far each shard has been read: the ticks say how far behind that is."""
    last_us: dict[str, int] = field(default_factory=dict)
    left_behind: set[str] = field(default_factory=set)
    """Recorders that could not be waited for, as it was told."""

    def run(self) -> None:
        """Do what is due. Raises what redis-py raises; what was not done is due again."""
        now_us = self.now_us()
        self._beat(now_us)
        if now_us // TICK_US != self.last_us.get("tick", 0) // TICK_US:
            self._tick(now_us)
            self.last_us["tick"] = now_us
        if self._due("keep", now_us, KEEP_S):
            self.aside(partial(self._keep, self._resume(), now_us))
        if self.inbox is not None:
            self._empty(self.inbox)

    def alive(self) -> None:
        """Say that we live in between, when many stretches come at once; when Redis does not hear it, it is said next time."""
        with suppress(RedisError):
            self._beat(self.now_us())

    def close(self) -> None:
        """The last resume points; and nobody is to wait for a sign of ours any more."""
        self.keep(self.now_us())
        self.redis.hdel(HEARTBEATS, self.name)

    def _empty(self, inbox: Inbox) -> None:
        """While Redis is full the inbox waits, and the log is read all the same: else nothing would ever be let go."""
        try:
            inbox.empty()
        except (OutOfMemoryError, ExecAbortError) as error:
            log.warning("inbox_waits", error=type(error).__name__)

    def _beat(self, now_us: int) -> None:
        if self._due("beat", now_us, BEAT_S):
            beat = msgspec.structs.replace(self.beat, at_us=now_us)
            put_when_full(self.redis, HEARTBEATS, {self.name: msgspec.json.encode(beat)})

    def _due(self, chore: str, now_us: int, every_s: float) -> bool:
        """Due as well when the clock was put back: else nothing would happen until it is where it was."""
        due = not 0 <= now_us - self.last_us.get(chore, 0) < every_s * 1e6
        if due:
            self.last_us[chore] = now_us
        return due

    def _tick(self, now_us: int) -> None:
        """A tick for every live fleet of our shards."""
        answer: Any = self.redis.hgetall(FLEETS)
        fleets = {name.decode(): _fleet_entry.decode(entry) for name, entry in answer.items()}
        live = {fleet_id: entry.shard for fleet_id, entry in sorted(fleets.items()) if self._is_ours(entry)}
        settled = not 0 <= now_us - self.beat.started_us < SETTLES_US
        waited = {shard: self.last_ids.get(shard, "0-0") for shard in set(live.values())} if settled else {}
        behind_s, at = seconds_behind(self.redis, waited), instant(now_us)
        ticks = [Message(name, encode(Tick(fleet_id=name, at=at, behind_s=behind_s.get(shard, 0.0)))) for name, shard in live.items()]
        with self.redis.pipeline(transaction=False) as pipe:
            for call in calls(ticks, self.settings.time_zone, shards=self.settings.shards):
                pipe.eval(SCRIPT_WHEN_FULL, len(call.keys), *call.keys, *call.args)
            pipe.execute()

    def _is_ours(self, entry: FleetEntry) -> bool:
        return not entry.driven and entry.shard in self.marks

    def keep(self, now_us: int) -> None:
        """Write the resume points down, first on disk; then trim what is durable and old, or durable where there is too much of it."""
        self._keep(self._resume(), now_us)

    def _resume(self) -> dict[int, Resume]:
        return {shard: marks.resume() for shard, marks in self.marks.items()}

    def _keep(self, resume: Mapping[int, Resume], now_us: int) -> None:
        try:
            self.resume_file.write(resume)
        except OSError as error:
            # Nothing may be trimmed that would be needed again: the log grows until the disk takes something.
            log.error("resume_points_not_kept", why=str(error))
            return
        put_when_full(self.redis, RESUME, {str(shard): point.stream_id for shard, point in resume.items()})
        full = self._log_bytes(resume) / (self.settings.retention_mb * 1_000_000)
        oldest_ms = now_us // 1000 - round(self.settings.retention_min * 60_000)
        recorders = self._recorders(now_us)
        with self.redis.pipeline(transaction=False) as pipe:
            for shard, point in resume.items():
                if (bound := _trim_bound(point, oldest_ms, too_much=full > 1)) is not None:
                    pipe.xtrim(log_key(shard), minid=self._held(shard, bound, recorders, full), approximate=True)
            pipe.execute()

    def _recorders(self, now_us: int) -> dict[str, RecorderMark]:
        """The recorders that are waited for; those that have been silent for too long are let go of, which is told once."""
        stored: Any = self.redis.hgetall(RECORDERS)
        waited_for = {}
        for name, mark in read_marks(stored):
            if is_away(mark, now_us, self.settings.record_patience_min * 60):
                log.warning("recorder_let_go", recorder=name, silent_s=round((now_us - mark.at_us) / 1e6))
                self.redis.hdel(RECORDERS, name)
            else:
                waited_for[name] = mark
        return waited_for

    def _held(self, shard: int, bound: str, recorders: Mapping[str, RecorderMark], full: float) -> str:
        """Where a shard's log is to begin: not behind what a recorder still needs, unless it would grow to twice its size for that."""
        wanted = needed(recorders, shard)
        if wanted is None or id_order(wanted[0]) >= id_order(bound):
            return bound
        if full <= 2:
            self.left_behind.discard(wanted[1])
            return wanted[0]
        if wanted[1] not in self.left_behind:
            log.warning("recorder_left_behind", recorder=wanted[1], shard=shard, why="the log is twice as large as it may be")
            self.left_behind.add(wanted[1])
        return bound

    def _log_bytes(self, shards: Iterable[int]) -> int:
        with self.redis.pipeline(transaction=False) as pipe:
            for shard in shards:
                # All of it, not a sample: Redis looks at the first entries only, and where these are plans it takes all for as large.
                pipe.memory_usage(log_key(shard), samples=0)
            return sum(size or 0 for size in pipe.execute())


def _trim_bound(point: Resume, oldest_ms: int, *, too_much: bool) -> str | None:
    """The id below which a log may be forgotten: never past the resume point; None = nothing yet."""
    millis, _, seq = point.stream_id.partition("-")
    if too_much or int(millis) < oldest_ms:
        return f"{millis}-{seq}" if int(millis) else None
    return f"{oldest_ms}-0" if oldest_ms > 0 else None
