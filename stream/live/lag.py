"""How far behind the log its reader is: for how long the first entry that it has not read has been waiting."""

from collections.abc import Mapping
from typing import Any

from redis import Redis

from stream.live.keys import log_key

MOST_S = 86_400.0
"""More than a day is a day: ticks say no more."""


def seconds_behind(redis: Redis, last_ids: Mapping[int, str]) -> dict[int, float]:
    """By shard, in whole milliseconds; 0 where everything has been read. Both times are those of the server."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for shard, last_id in last_ids.items():
            pipe.xrange(log_key(shard), min=f"({last_id}", count=1)
        answers: list[Any] = pipe.execute()
    now_ms = answers[0][0] * 1000 + answers[0][1] // 1000
    waits_ms = {shard: now_ms - int(found[0][0].split(b"-")[0]) if found else 0 for shard, found in zip(last_ids, answers[1:], strict=True)}
    return {shard: min(max(waits / 1000, 0.0), MOST_S) for shard, waits in waits_ms.items()}
