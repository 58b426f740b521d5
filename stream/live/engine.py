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
from stream.live.keys import FLEETS, HEARTBEATS, RESUME, log_key
from stream.live.log_entry import position_of
from stream.live.marks import Resume
from stream.live.ownership import shards_text
from stream.live.reader import Reader
from stream.live.resume_file import ResumeFile, Rewound, resume_points, rewind
from stream.live.road_times import road_server
from stream.live.settings import LiveSettings
from stream.live.solver import Solver
from stream.live.source_sink import LogSource, RedisSink
from stream.live.views import FleetEntry, Heartbeat
from stream.live.writer import Writer
from stream.log import shard_of
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings

log = structlog.get_logger()


class Stopped(Exception):
    """The end came while Redis was away: what could not be written is made again from the log."""


@dataclass(slots=True)
class Engine:
    """What runs: the flow, and what has to be done when it has ended."""

    flow: Flow
    finish: Callable[[], None]
    abandon: Callable[[], None]
    """Let its threads come to their end, and do nothing more."""


def build_engine(settings: LiveSettings, redis: Redis, shards: Sequence[int], restarts: int, stopping: Callable[[], bool]) -> Engine:
    """The engine of `shards`, which must be owned."""
    name = f"stream-{shards[0]}"
    resume_file = ResumeFile(settings.state_dir / "checkpoints" / f"resume-{shards[0]:02d}-{shards[-1]:02d}.json")
    resume = _resume(redis, resume_file, shards)
    tell = lambda shard, first, lost: tell_gap(redis, settings, shard, first, lost, now_us())  # noqa: E731 (one line of glue)
    reader = Reader.at(redis, settings, resume, time.sleep, tell, time.monotonic)
    beat = Heartbeat(os.getpid(), now_us(), now_us(), max(restarts, deaths := _deaths(redis, name)), shards_text(shards))
    inbox = Inbox(redis, settings) if 0 in shards else None
    aside = Aside()
    chores = Chores(redis, settings, name, beat, reader.marks, resume_file, now_us, inbox, aside.do, reader.last_ids)
    kept = Checkpoints(settings.state_dir / "checkpoints")

    def pause(seconds: float) -> None:
        """Redis may be away for ever, and we are told to end."""
        if stopping():
            raise Stopped
        chores.alive()
        time.sleep(seconds)

    keeper = Checkpointer(kept, settings.checkpoint_every_s, time.monotonic, partial(_note, reader))
    writer = Writer(redis, f"{name}-{os.getpid()}-{now_us()}", time.monotonic, pause)
    known = {fleet_id: position for point in resume.values() for fleet_id, position in point.fleets.items()}
    of_fleet, took_over = cache(partial(fleet_settings, redis, settings)), deaths > 0
    solver = Solver(redis, settings, lambda fleet_id: of_fleet(fleet_id).reassign, road_server(settings, time.monotonic))
    fleets = LiveFleets(
        of_fleet, kept, live=settings, alive=chores.alive, writer=writer, keeper=keeper, took_over=took_over, listed=known, solver=solver
    )
    source = LogSource(reader, chores, stopping, time.sleep, fleets.writer.mend)
    flow = build_flow("fleetcast", source, RedisSink(fleets.writer), fleets)

    def finish() -> None:
        aside.end()
        solver.end()
        chores.close()

    def abandon() -> None:
        aside.end()
        solver.end()
        keeper.thread.shutdown()

    return Engine(flow, finish, abandon)


def _note(reader: Reader, fleet_id: str, position: int) -> None:
    """A fleet has become durable."""
    for marks in reader.marks.values():
        if fleet_id in marks.handed:
            marks.keep(fleet_id, position)


def go_back(settings: LiveSettings, redis: Redis, lost: Rewound) -> None:
    """Let the shard of a fleet be read from where its log begins now; of the log that is not there any more it is told how much it is."""
    shard = shard_of(lost.fleet_id, settings.shards)
    folder = settings.state_dir / "checkpoints"
    held: Any = redis.xrange(log_key(shard), count=1)
    whole = bool(held) and position_of(held[0][0]) <= lost.found + 1
    fleets = {fleet_id: position for fleet_id, position in resume_points(folder)[shard].fleets.items() if fleet_id != lost.fleet_id}
    rewind(folder, shard, Resume("0-0", -1 if whole else 0, fleets))
    say = "rewound" if lost.found >= 0 else "rebuilding"
    log.warning(say, shards=[shard], fleet=lost.fleet_id, why=f"{lost}: the log is read again, as far as it is held")


def now_us() -> int:
    """The wall clock, in microseconds."""
    return time.time_ns() // 1000


def fleet_settings(redis: Redis, settings: LiveSettings, fleet_id: str) -> FleetSettings:
    """The settings of a fleet: its time zone is that of the settings, else the one with which it was made known."""
    entry: Any = redis.hget(FLEETS, fleet_id)
    known = msgspec.json.decode(entry, type=FleetEntry).time_zone if entry else settings.time_zone
    solving = "aside" if settings.proposals else "off"
    reassign = ReassignPolicy(solving=solving, polish=settings.polish, auto_accept=fleet_id in settings.accept_by_rule)
    return FleetSettings(time_zone=settings.fleets.get(fleet_id, known), reassign=reassign)


def _deaths(redis: Redis, name: str) -> int:
    """How often the engine of this name has died: one that came to its end took its heartbeat away."""
    before: Any = redis.hget(HEARTBEATS, name)
    return msgspec.json.decode(before, type=Heartbeat).restarts + 1 if before else 0


def _resume(redis: Redis, resume_file: ResumeFile, shards: Sequence[int]) -> dict[int, Resume]:
    """Where each shard begins again: a new one at its beginning. Files that are lost are told of, and the log is read again."""
    known = resume_points(resume_file.path.parent)
    before: Any = redis.hgetall(RESUME)
    lost = [shard for shard in shards if shard not in known and before.get(b"%d" % shard, b"0-0") != b"0-0"]
    if lost:
        log.warning("rebuilding", shards=lost, why="their resume points are gone: fleets are rebuilt from what the log still holds")
    return {shard: known.get(shard, Resume("0-0", 0)) for shard in shards}
