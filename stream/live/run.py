"""Runs the engine to its end, and says in an exit code what the end was."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from redis import Redis
from redis.exceptions import RedisError

from stream.checkpoint import UnusableCheckpoint
from stream.doors import run_here
from stream.live.engine import Engine, Stopped, build_engine, go_back
from stream.live.memory import collect_rarely, keep_one_heap
from stream.live.restarts import OWNED_ELSEWHERE, UNUSABLE
from stream.live.resume_file import Rewound, Unusable
from stream.live.settings import LiveSettings
from stream.live.writer import TakenOver

log = structlog.get_logger()


def run(settings: LiveSettings, redis: Redis, shards: Sequence[int], restarts: int, stopping: Callable[[], bool]) -> int:
    """Run until `stopping` says so: 0; 75 when somebody else writes our fleets, 78 when a file cannot be used. Others are raised."""
    collect_rarely()
    keep_one_heap()
    try:
        engine = build_engine(settings, redis, shards, restarts, stopping)
        log.info("started", shards=f"{shards[0]}-{shards[-1]}", restarts=restarts)
        while not _ends(engine, settings, redis):
            engine = build_engine(settings, redis, shards, restarts, stopping)
        # Checkpoints and resume points are on disk by now; what is to be told to Redis can wait for the next start.
        with suppress(RedisError):
            engine.finish()
    except Stopped:
        log.warning("ended_without_redis")
        return 0
    except TakenOver as error:
        log.error("taken_over", why=str(error))
        return OWNED_ELSEWHERE
    except (UnusableCheckpoint, Unusable) as error:
        log.error("unusable", why=str(error))
        return UNUSABLE
    log.info("ended")
    return 0


def _ends(engine: Engine, settings: LiveSettings, redis: Redis) -> bool:
    """Run an engine; False when it must be built anew because more of the log has to be read again."""
    try:
        run_here(engine.flow)
    except Rewound as lost:
        engine.abandon()
        go_back(settings, redis, lost)
        return False
    return True
