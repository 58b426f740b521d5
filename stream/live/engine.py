"""The engine of some shards, put together: Redis, files and the clock come in here, and nowhere behind."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import msgspec
import structlog
from redis import Redis

from stream.checkpoints import Checkpoints
from stream.doors import Flow
from stream.flow import build_flow
from stream.live.aside import Aside
from stream.live.checkpointer import Checkpointer
from stream.live.chores import Chores
from stream.live.fleets import LiveFleets
from stream.live.gaps import tell_gap
from stream.live.inbox import Inbox
from stream.live.keys import FLEETS, RESUME
from stream.live.marks import Resume
from stream.live.ownership import shards_text
from stream.live.reader import Reader
from stream.live.resume_file import ResumeFile, resume_points
from stream.live.settings import LiveSettings
from stream.live.source_sink import LogSource, RedisSink
from stream.live.views import FleetEntry, Heartbeat
from stream.live.writer import Writer
from stream.settings import FleetSettings

log = structlog.get_logger()


class Stopped(Exception):
    """The end came while Redis was away: what could not be written is made again from the log."""


@dataclass(slots=True)
class Engine:
    """What runs: the flow, and what has to be done when it has ended."""

    flow: Flow
    finish: Callable[[], None]


def build_engine(settings: LiveSettings, redis: Redis, shards: Sequence[int], restarts: int, stopping: Callable[[], bool]) -> Engine:
    """The engine of `shards`, which must be owned."""
    name = f"stream-{shards[0]}"
    resume_file = ResumeFile(settings.state_dir / "checkpoints" / f"resume-{shards[0]:02d}-{shards[-1]:02d}.json")
    resume = _resume(redis, resume_file, shards)
    tell = lambda shard, first, lost: tell_gap(redis, settings, shard, first, lost, now_us())  # noqa: E731 (one line of glue)
    reader = Reader.at(redis, settings, resume, time.sleep, tell, time.monotonic)
    beat = Heartbeat(os.getpid(), now_us(), now_us(), restarts, shards_text(shards))
    inbox = Inbox(redis, settings) if 0 in shards else None
    aside = Aside()
    chores = Chores(redis, settings, name, beat, reader.marks, resume_file, now_us, inbox, aside.do, reader.last_ids)
    kept = Checkpoints(settings.state_dir / "checkpoints")

    def pause(seconds: float) -> None:
        """Redis may be away for ever, and we are told to end."""
        if stopping():
            raise Stopped
        time.sleep(seconds)

    def keep(fleet_id: str, position: int) -> None:
        for marks in reader.marks.values():
            if fleet_id in marks.handed:
                marks.keep(fleet_id, position)

    fleets = LiveFleets(
        cache(partial(fleet_settings, redis, settings)),
        kept,
        live=settings,
        alive=chores.alive,
        writer=Writer(redis, f"{name}-{os.getpid()}-{now_us()}", time.monotonic, pause),
        keeper=Checkpointer(kept, settings.checkpoint_every_s, time.monotonic, keep),
    )
    source = LogSource(reader, chores, stopping, time.sleep, fleets.writer.mend)
    flow = build_flow("fleetcast", source, RedisSink(fleets.writer), fleets)

    def finish() -> None:
        aside.end()
        chores.close()

    return Engine(flow, finish)


def now_us() -> int:
    """The wall clock, in microseconds."""
    return time.time_ns() // 1000


def fleet_settings(redis: Redis, settings: LiveSettings, fleet_id: str) -> FleetSettings:
    """The settings of a fleet: its time zone is that of the settings, else the one with which it was made known."""
    entry: Any = redis.hget(FLEETS, fleet_id)
    known = msgspec.json.decode(entry, type=FleetEntry).time_zone if entry else settings.time_zone
    return FleetSettings(time_zone=settings.fleets.get(fleet_id, known))


def _resume(redis: Redis, resume_file: ResumeFile, shards: Sequence[int]) -> dict[int, Resume]:
    """Where each shard begins again: a new one at its beginning. Files that are lost are told of, and the log is read again."""
    known = resume_points(resume_file.path.parent)
    before: Any = redis.hgetall(RESUME)
    lost = [shard for shard in shards if shard not in known and before.get(b"%d" % shard, b"0-0") != b"0-0"]
    if lost:
        log.warning("rebuilding", shards=lost, why="their resume points are gone: fleets are rebuilt from what the log still holds")
    return {shard: known.get(shard, Resume("0-0", 0)) for shard in shards}
