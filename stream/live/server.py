"""Which Redis: the one that the settings name, or the one that answers on the socket of the state folder; and whether it will do.

`embedded` starts one where there is none.
"""

import os
import re
import stat
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import quote

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from stream.live.settings import LiveSettings

LONGEST_SOCKET_PATH = 100
"""Bytes: Linux takes 107, macOS 103."""

LEAST_VERSION = (7, 0)
"""Redis of which everything that Fleetcast uses is known to work (Debian 12 has 7.0.15); every Valkey is newer."""

ANSWER_WITHIN_S = 10.0
"""Longer than a slow disk holds up a write, and than anybody blocks in a read; a server that hangs for longer is an error, not a wait."""


class NoServer(Exception):
    """There is no Redis server that would do; the message says what to do about it."""


def connect(url: str, answers_within_s: float | None = None) -> "Redis":
    """A blocking client: replies as bytes in the shapes of RESP 2, and nothing is ever sent twice behind the caller's back."""
    patience = {} if answers_within_s is None else {"socket_timeout": answers_within_s}
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **{**_habits(), **patience})


def connect_async(url: str) -> "AsyncRedis":
    """As `connect`, for asyncio."""
    client: AsyncRedis = AsyncRedis.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_habits())
    return client


def find_server(settings: LiveSettings) -> str:
    """The address of the server to use. Raises `NoServer` if none is named and none answers on the socket of the state folder."""
    if settings.redis_url is not None:
        return settings.redis_url
    url = socket_url(socket_path(settings.state_dir))
    if not answers(url):
        raise NoServer(f"no Redis answers in {settings.state_dir}: start `fleetcast`, which brings one, or name yours in REDIS_URL")
    return url


def answers(url: str) -> bool:
    """Whether a server is there, ready or still loading what it kept."""
    try:
        with connect(url) as client:
            return bool(client.ping())
    except BusyLoadingError:
        return True
    except (RedisError, OSError, ValueError):
        return False


def check_server(url: str) -> list[str]:
    """What to know about a server that will do (no sentence is best). Raises `NoServer` for one that cannot be reached or will not do."""
    name = without_password(url)
    try:
        with connect(url) as client:
            told = client.info()
    except (RedisError, OSError, ValueError) as error:
        raise NoServer(f"Redis at {name} does not answer: {error}") from error
    version = str(told.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_VERSION:
        raise NoServer(f"Redis at {name} is {version}, and must be {'.'.join(map(str, LEAST_VERSION))} or newer")
    if (mode := told.get("redis_mode")) == "cluster":
        raise NoServer(f"Redis at {name} is a {mode}: Fleetcast writes a fleet in one step, which needs one server that has it all")
    if (role := told.get("role")) != "master":
        raise NoServer(f"Redis at {name} has the role {role}: Fleetcast must write, so name the server that takes writes")
    if (policy := told.get("maxmemory_policy")) != "noeviction":
        raise NoServer(f"Redis at {name} has maxmemory-policy {policy}, which drops the log without a word: set it to noeviction")
    return [] if told.get("aof_enabled") else [f"Redis at {name} has appendonly off: what it holds is gone when it restarts"]


def socket_path(state_dir: Path) -> Path:
    """Where the embedded server listens: in the state folder, or where that is too deep, in a folder of the temp dir named after it."""
    path = state_dir.resolve() / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = sha256(os.fsencode(state_dir.resolve())).hexdigest()[:16]
    return Path(gettempdir(), f"fleetcast-{name}", "redis.sock")


def socket_folder(path: Path) -> Path:
    """The folder of a socket, made where it is not there. Raises `NoServer` if in the temp dir somebody else made it first."""
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if folder.parent == Path(gettempdir()) and (found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        raise NoServer(f"{folder} belongs to somebody else, or can be written by others: choose a state folder with a shorter path")
    return folder


def socket_url(path: Path) -> str:
    """The address of a server that listens on a socket."""
    return f"unix://{quote(str(path))}"


def without_password(url: str) -> str:
    """An address as it may be shown."""
    return re.sub(r"//[^/]*@", "//", url.partition("?")[0])


def _habits() -> dict[str, Any]:
    return {"protocol": 2, "socket_timeout": ANSWER_WITHIN_S, "socket_connect_timeout": 5.0}
