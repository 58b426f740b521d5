"""Only one engine owns a shard on a machine: a lock a shard, held as long as the process lives."""

import fcntl
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO


class Owned(Exception):
    """Another engine has one of the shards; the message says which process."""


def own(folder: Path, shards: Iterable[int]) -> ExitStack:
    """Take the locks of `shards` in `folder`; they are let go when the stack is closed or the process ends. Raises `Owned`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        for shard in shards:
            if (owner := lock(stack.enter_context((folder / f"shard-{shard:02d}.lock").open("a+")))) is not None:
                raise Owned(f"shard {shard} is owned by process {owner}")
        return stack.pop_all()


def lock(file: IO[str]) -> str | None:
    """Lock a file until it is closed, and write our pid into it; the pid that has it if somebody else does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return file.read().strip() or "unknown"
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return None


def shards_of(text: str, count: int) -> list[int]:
    """`0-15`, `3` or `0-3,8` as numbers. Raises ValueError."""
    shards = set[int]()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        shards |= set(range(int(first), int(last or first) + 1))
    if not shards or max(shards) >= count or min(shards) < 0:
        raise ValueError(f"shards go from 0 to {count - 1}, and {text!r} was given")
    return sorted(shards)


def shards_text(shards: Sequence[int]) -> str:
    """Sorted shards as `shards_of` reads them."""
    runs: list[list[int]] = []
    for shard in shards:
        if runs and runs[-1][-1] == shard - 1:
            runs[-1].append(shard)
        else:
            runs.append([shard])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
