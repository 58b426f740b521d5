"""Who may ask: API keys, of which Redis holds only the SHA-256. A key is never read from a query string, which proxies log."""

import asyncio
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from redis.asyncio import Redis

from api.problems import problem
from stream.live.keys import API_KEYS

TRUSTED_S = 2.0
"""Seconds after which a key is looked up again: so long it may still be used when it has been taken back."""

_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key.")
_BEARER = HTTPBearer(auto_error=False, description="The same key as a bearer token.")


def fingerprint(key: str) -> str:
    """What Redis holds of a key: 64 hexadecimal digits. Looking it up compares hashes, so how long that takes tells nothing of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


async def name_of(redis: Redis, key: str) -> str | None:
    """The name under which a key was made; None for one that is not known."""
    found = await redis.hget(API_KEYS, fingerprint(key))
    return found.decode() if isinstance(found, bytes) else found


class KnownKeys:
    """Names of keys that were known a moment ago: a busy sender is not looked up at every request, and a key that is gone soon is."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._names: dict[str, tuple[str, float]] = {}

    async def name_of(self, key: str) -> str | None:
        """As `name_of`; an answer counts for `TRUSTED_S`."""
        now_s, mark = asyncio.get_running_loop().time(), fingerprint(key)
        name, until_s = self._names.get(mark, ("", 0.0))
        if now_s < until_s:
            return name
        found = await name_of(self._redis, key)
        self._names = {known: told for known, told in self._names.items() if now_s < told[1]}
        if found is not None:
            self._names[mark] = (found, now_s + TRUSTED_S)
        return found


async def require_key(
    request: Request,
    header: Annotated[str | None, Depends(_HEADER)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> str:
    """The name of the key that came with the request; a 401 without one. A dependency of every route that `app` does not make public."""
    key = header or (bearer.credentials if bearer is not None else None)
    keys: KnownKeys = request.app.state.keys
    name = await keys.name_of(key) if key else None
    if name is None:
        detail = "The API key is not known." if key else "Send an API key as X-API-Key or Authorization: Bearer."
        raise problem(401, detail, {"WWW-Authenticate": 'Bearer realm="fleetcast"'})
    return name
