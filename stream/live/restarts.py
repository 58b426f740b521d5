"""What to do about a process, given what was seen of it: pure, in seconds of any clock that only goes forward."""

from enum import Enum
from typing import NamedTuple

OWNED_ELSEWHERE = 75
"""Exit code (EX_TEMPFAIL) of a process that found somebody else doing its work: starting it again would not help."""

UNUSABLE = 78
"""Exit code (EX_CONFIG) of a process that cannot use its settings, its files or the server, which may just be starting."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
LIVELY_PAUSE_S, LIVELY_FAILURES = 1.0, 10
"""One that had come to life, or was killed from outside, waits no longer than this until that has happened so often in a row: whoever dies
while those that stand by are just being started must not wait for pauses that are meant for what cannot start at all."""
GOOD_AFTER_S = 20.0
"""A process that lived for so long died for a reason of its own: its failures are counted from one again."""

SILENT_FOR_S = 10.0
"""Without a sign of life for so long a process is taken for hung."""

FIRST_WORD_WITHIN_S = 30.0
"""How long a process may take to its first sign: importing River takes 2 to 4 s, much longer on a busy machine."""


TRIES_OF_THE_UNUSABLE = 3


class Life(NamedTuple):
    """What is remembered of a process: when it was started, when it shall be, failures in a row, and starts after the first."""

    started_s: float | None = None
    due_s: float = 0.0
    failures: int = 0
    restarts: int = 0


class Seen(NamedTuple):
    """What a look at a process showed: its exit code once it has ended, and when it last gave a sign of life (None: not yet)."""

    exit_code: int | None = None
    heard_s: float | None = None
    gives_signs: bool = False


class Deed(Enum):
    """What to do now."""

    LEAVE = "leave it alone"
    START = "start it"
    KILL = "kill it: it is hung"
    BURY = "note that it has ended, and start it again later"
    GIVE_UP = "end everything: starting it again would not help"


def deed(life: Life, seen: Seen, now_s: float) -> Deed:
    """What to do about one process."""
    if life.started_s is None:
        return Deed.START if now_s >= life.due_s else Deed.LEAVE
    if seen.exit_code is not None:
        hopeless = seen.exit_code == OWNED_ELSEWHERE or (seen.exit_code == UNUSABLE and life.failures + 1 >= TRIES_OF_THE_UNUSABLE)
        return Deed.GIVE_UP if hopeless else Deed.BURY
    return Deed.KILL if seen.gives_signs and is_hung(life.started_s, seen.heard_s, now_s) else Deed.LEAVE


def is_hung(started_s: float, heard_s: float | None, now_s: float) -> bool:
    """Whether a running process has been silent for too long."""
    if heard_s is None:
        return now_s - started_s > FIRST_WORD_WITHIN_S
    return now_s - heard_s > SILENT_FOR_S


def begun(life: Life, now_s: float) -> Life:
    """The process was started."""
    return life._replace(started_s=now_s)


def buried(life: Life, now_s: float, *, lived: bool = False) -> Life:
    """The process has ended: when to start it again. `lived`: it had given a sign of life, or did not end by itself."""
    lived_s = 0.0 if life.started_s is None else now_s - life.started_s
    failures = 1 if lived_s >= GOOD_AFTER_S else life.failures + 1
    return Life(None, now_s + pause_s(failures, lived=lived), failures, life.restarts + 1)


def pause_s(failures: int, *, lived: bool = False) -> float:
    """How long to wait after so many failures in a row: 1, 2, 4 .. 30 s; where it lived, none after the first, then 1 s up to the tenth."""
    pause = min(SHORTEST_PAUSE_S * 2.0 ** min(failures - 1, 30), LONGEST_PAUSE_S)
    if not lived or failures > LIVELY_FAILURES:
        return pause
    return min(pause, LIVELY_PAUSE_S) if failures > 1 else 0.0
