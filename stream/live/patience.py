"""What of Redis passes by itself, and is waited for; and what must be written even when it has no room."""

from collections.abc import Mapping

from redis import Redis
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as TooSlow

AWAY = (Unreachable, TooSlow)
"""Redis does not answer, or has just been started and loads what it kept."""

REFUSES = (OutOfMemoryError, ReadOnlyError, MasterDownError)
"""What a server says that will take writes later."""

WORDS = (" BUSY ", " MISCONF ")
"""First words of errors that have no class: a script runs for too long; the disk takes no more of what is to be kept."""

WHEN_FULL = "#!lua flags=allow-oom\n"
"""First line of scripts that write even when Redis has no room: without what the engine writes no log could ever be let go."""

_PUT = WHEN_FULL + "return redis.call('HSET', KEYS[1], unpack(ARGV))"


def passes(error: RedisError) -> bool:
    """Whether the same command will work later. A pipeline puts the command before the server's words."""
    return isinstance(error, AWAY + REFUSES) or any(word in f" {error}" for word in WORDS)


def put_when_full(redis: "Redis", key: str, fields: Mapping[str, str | bytes]) -> None:
    """`HSET` that a full Redis takes as well. Raises what redis-py raises."""
    redis.eval(_PUT, 1, key, *(part for pair in fields.items() for part in pair))
