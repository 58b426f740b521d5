"""What a command has to itself: its state folder, the terminal, and the signals that end it."""

import os
import signal
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stream.live.ownership import lock
from stream.live.restarts import OWNED_ELSEWHERE
from stream.live.supervisor import Hopeless


@contextmanager
def sole_owner(state_dir: Path) -> Iterator[None]:
    """Nobody else runs on this state folder meanwhile. Raises `Hopeless`."""
    with (state_dir / "fleetcast.lock").open("a+", encoding="ascii") as file:
        if (owner := lock(file)) is not None:
            who = f"process {owner} runs fleetcast on {state_dir} already"
            raise Hopeless(f"{who}: end it, or choose another --state-dir", OWNED_ELSEWHERE)
        yield


@contextmanager
def terminal_restored() -> Iterator[None]:
    """Leave the terminal as it was, whatever became of a player that reads single keys."""
    if not sys.stdin or not sys.stdin.isatty() or os.tcgetpgrp(terminal := sys.stdin.fileno()) != os.getpgrp():
        yield
        return
    before = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def told_to_end() -> Sequence[int]:
    """The signals that have told us to end, from now on: after the first everything ends in order, after the second at once."""
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda heard, _frame: told.append(heard))
    return told
