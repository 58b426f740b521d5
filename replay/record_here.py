"""`fleetcast-replay record` in this process: its settings, its server, its lock, its clock."""

import os
from pathlib import Path
from threading import Event
from time import monotonic, time_ns
from typing import NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from replay.archive import Archive, BadArchive
from replay.record import Recorder, run
from stream.live.load_settings import BadSettings, load
from stream.live.logs import start_logging
from stream.live.ownership import lock
from stream.live.restarts import OWNED_ELSEWHERE, UNUSABLE
from stream.live.server import NoServer, check_server, connect, find_server
from stream.live.settings import LiveSettings
from stream.live.views import Heartbeat


class Recording(NamedTuple):
    """What the command was told."""

    folder: Path
    once: bool = False
    restarts: int = 0
    config: Path | None = None
    state_dir: Path | None = None


def record_here(told: Recording, stopping: Event) -> tuple[int, str]:
    """Record until the end is told; the exit code, and a sentence that says what was done or why it could not be."""
    try:
        settings = load(told.config, state_dir=told.state_dir)
        start_logging(settings.log_level, "record")
        url = find_server(settings)
        check_server(url)
        told.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (told.folder / "recorder.lock").open("a+", encoding="ascii") as file, connect(url) as client:
            if (owner := lock(file)) is not None:
                return OWNED_ELSEWHERE, f"process {owner} records into {told.folder} already"
            return 0, _record(told, settings, client, stopping)
    except (BadSettings, NoServer, BadArchive, RedisError) as error:
        return UNUSABLE, str(error)


def _record(told: Recording, settings: LiveSettings, client: "Redis", stopping: Event) -> str:
    beat = Heartbeat(os.getpid(), now_us(), now_us(), told.restarts)
    recorder = Recorder.begin(client, settings, Archive(told.folder), beat, now_us, monotonic)
    run(recorder, stopping.is_set, stopping.wait, once=told.once)
    recorded = sum(point.count - recorder.reached.began.get(shard, 0) for shard, point in recorder.reached.shards.items())
    lost = sum(gap.lost for gap in recorder.reached.gaps)
    return f"{told.folder} holds {recorded - lost:,} messages" + (f"; {lost:,} left the log before they were recorded" if lost else "")


def now_us() -> int:
    """The wall clock, in microseconds."""
    return time_ns() // 1000
