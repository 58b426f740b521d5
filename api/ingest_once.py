"""`Idempotency-Key`: what was sent twice with one key is appended once, and answered twice with the same words."""

from asyncio import CancelledError
from contextlib import suppress
from hashlib import sha256

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilent

from api.log import Kept, patience
from api.problems import problem
from stream.live.keys import ONCE

KEPT_S = 600
"""Seconds for which an answer is kept: longer than any client retries one request."""

_AT_WORK_S = 30  # longer than a request can last; then the key is free again, because whoever had it is dead
_DIGEST = 32
_NOBODY_KNOWS = (RedisAway, RedisSilent, TimeoutError, CancelledError)


class Claim(Struct, frozen=True):
    """A key that this request is the first to use: where it is kept, and the digest of the body it was used for."""

    key: str
    digest: bytes

    def kept(self, answer: bytes) -> Kept:
        """The answer, to be stored together with what it answers."""
        return Kept(self.key, self.digest + answer, KEPT_S)


async def claim(redis: Redis, scope: str, key: str, body: bytes) -> Claim | bytes:
    """Claim a key, or the answer that was given to it. `scope` is whatever else tells requests apart: address, parameters, caller.

    Raises a 503 problem while the first request with the key is at work, and a 422 when it had another body.
    """
    mine = Claim(f"{ONCE}:{sha256(f'{scope} {key}'.encode()).hexdigest()}", sha256(body).digest())
    async with patience():
        if await redis.set(mine.key, mine.digest, nx=True, ex=_AT_WORK_S):
            return mine
        kept = await redis.get(mine.key)
    found = kept if isinstance(kept, bytes) else b""
    if found and found[:_DIGEST] != mine.digest:
        raise problem(422, "This Idempotency-Key was used for another body. Take a new key for a new request.")
    if len(found) <= _DIGEST:
        raise problem(503, "The first request with this Idempotency-Key is still at work; try again.", {"Retry-After": "1"})
    return found[_DIGEST:]


async def release(redis: Redis, mine: Claim, error: BaseException) -> None:
    """Free a key whose request failed. When nobody knows whether Redis did what it was told, the key stays until it runs out or tells."""
    if not isinstance(error.__cause__ or error, _NOBODY_KNOWS):
        with suppress(RedisError):
            await redis.delete(mine.key)
