"""The API key that is there from the start, so that the API is never open: in a file that only its owner can read."""

import os
from pathlib import Path
from secrets import token_urlsafe

from redis import Redis

from api.auth import fingerprint
from stream.live.keys import API_KEYS

FILE = "api_key"
NAME = "generated"


def first_key(state_dir: Path) -> str:
    """The key in the state folder; made there (0600, 32 random bytes) if there is none. Raises `OSError`."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, draft = state_dir / FILE, state_dir / f"{FILE}.{os.getpid()}"
    if not path.exists():
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                file.write(f"{token_urlsafe(32)}\n")
            os.link(draft, path)  # whole, or not at all; and the first one wins
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    key = path.read_text(encoding="ascii").strip()
    if not key:
        raise OSError(0, "the file is empty: delete it, and a new key is made", str(path))
    return key


def make_known(redis: "Redis", key: str) -> None:
    """Let the API accept the key. Raises what redis-py raises."""
    redis.hset(API_KEYS, fingerprint(key), NAME)
