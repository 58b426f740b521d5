"""An engine that waits, everything imported, until the one that has its shards is gone, and goes on at once."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
import structlog
from redis import Redis
from redis.exceptions import RedisError

from stream.live.keys import HEARTBEATS
from stream.live.ownership import Owned, own
from stream.live.patience import put_when_full
from stream.live.views import Heartbeat

LOOK_EVERY_S = 0.02
BEAT_EVERY_LOOKS = 50

log = structlog.get_logger()


def own_when_free(folder: Path, redis: "Redis", shards: Sequence[int], stopping: Callable[[], bool]) -> ExitStack | None:
    """Take the locks of `shards` as soon as they are free; None when we are told to end before."""
    name, since_us, looks = f"standby-{shards[0]}", time.time_ns() // 1000, 0
    locks = None
    while locks is None and not stopping():
        try:
            locks = own(folder, shards)
        except Owned as error:
            if looks == 0:
                log.info("stands_by", why=str(error))
            if looks % BEAT_EVERY_LOOKS == 0:
                _beat(redis, name, since_us)
            looks += 1
            time.sleep(LOOK_EVERY_S)
    with suppress(RedisError):
        redis.hdel(HEARTBEATS, name)
    return locks


def _beat(redis: "Redis", name: str, since_us: int) -> None:
    """It lives, and works on no shards. When Redis does not hear it, it is said next time."""
    with suppress(RedisError):
        put_when_full(redis, HEARTBEATS, {name: msgspec.json.encode(Heartbeat(os.getpid(), time.time_ns() // 1000, since_us))})
