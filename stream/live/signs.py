"""Signs of life: of an engine its heartbeat in Redis and how far it has come, of the API its answers."""

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from stream.live.keys import COUNTS, FLEETS, HEARTBEATS, PROBE, fleet_key
from stream.live.patience import put_when_full
from stream.live.supervisor import Unheard
from stream.live.views import Heartbeat, Totals
from stream.nobody import nobody

ASK_EVERY_S = 2.0
DOUBT_AFTER_S = 5.0
"""An engine beats every second; with none for so long it is asked whether Redis would take it."""

_heartbeat = msgspec.json.Decoder(Heartbeat)


def heartbeats(redis: "Redis") -> Callable[[int], object]:
    """For a pid its newest heartbeat. Where Redis takes no more writes, nobody can say that it lives."""
    newest: dict[int, tuple[int | None, float]] = {}

    def sign(pid: int) -> object:
        try:
            beats = [_heartbeat.decode(told) for told in redis.hvals(HEARTBEATS)]
        except (RedisError, OSError, msgspec.DecodeError) as error:
            raise Unheard from error
        found = max((beat.at_us for beat in beats if beat.pid == pid), default=None)
        before, since_s = newest.get(pid, (None, 0.0))
        if found is None or found != before:
            newest[pid] = found, time.monotonic()
        elif time.monotonic() - since_s > DOUBT_AFTER_S:
            _try_to_write(redis)
        return found

    return sign


def _try_to_write(redis: "Redis") -> None:
    try:
        put_when_full(redis, PROBE, {"supervisor": "1"})
    except RedisError as error:
        raise Unheard from error


def health(host: str, port: int) -> Callable[[int], object]:
    """For any pid the time of the newest answer of /healthz, asked for every other second."""
    asked_s, answered_s = float("-inf"), None

    def sign(_pid: int) -> object:
        nonlocal asked_s, answered_s
        if time.monotonic() - asked_s >= ASK_EVERY_S:
            if ask(host, port, "/healthz")[0] == 200:
                answered_s = time.monotonic()
            asked_s = time.monotonic()
        return answered_s

    return sign


def ask(host: str, port: int, path: str) -> tuple[int, str]:
    """Status and beginning of the answer of the API; status 0 if there was none within a second."""
    connection = HTTPConnection(host, port, timeout=1.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(2_000).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def left_to_take(redis: "Redis") -> int:
    """Messages in the log that no engine has taken yet. Raises what redis-py raises."""
    appended: Any = redis.hgetall(COUNTS)
    fleets: Any = redis.hkeys(FLEETS)
    names = [*(fleet_id.decode() for fleet_id in fleets), *(nobody(int(shard)) for shard in appended)]
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hget(fleet_key("fleet", name), "totals")
        taken = sum(msgspec.json.decode(totals, type=Totals).received for totals in pipe.execute() if totals)
    return sum(map(int, appended.values())) - taken
