"""What a person can do while a command runs: press keys on a terminal, or end it with a signal."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def keyboard() -> Iterator[Callable[[], str]]:
    """The keys pressed since it was asked last, as they are pressed; never any where there is no terminal. Restores the terminal."""
    if sys.stdin is None or not sys.stdin.isatty() or os.tcgetpgrp(terminal := sys.stdin.fileno()) != os.getpgrp():
        yield str  # nobody, or somebody who is typing to another program
        return
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        yield lambda: _pressed(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _pressed(terminal: int) -> str:
    ready, _, _ = select.select([terminal], [], [], 0)
    return os.read(terminal, 64).decode("ascii", "ignore") if ready else ""


@contextmanager
def ending(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on Ctrl-C and SIGTERM instead of dying of them."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
