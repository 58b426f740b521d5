"""Starts the processes, starts them again when they die or hang, and ends them in order. It knows no clock of any log."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from stream.live import left_over
from stream.live.restarts import OWNED_ELSEWHERE, SILENT_FOR_S, UNUSABLE, Deed, Life, Seen, begun, buried, deed

LOOK_EVERY_S = 0.02
LARGEST_LOG = 10_000_000
"""Bytes of a log file before it becomes `.log.1`, in place of the one that was there."""


class Program(NamedTuple):
    """A process to be kept running."""

    name: str
    command: Sequence[str]
    sign: Callable[[int], object] | None = None
    """Gives, for its pid, something that changes as long as it works; None before the first sign. May raise `Unheard`."""
    lasts: bool = True
    """Whether its end is a failure; else it is let go."""
    count_as: str | None = None
    """The option by which it is told how often it was restarted."""
    after_s: float = 0.0
    """How long to wait before it is started for the first time."""
    on_terminal: bool = False
    """Whether it has the terminal: it writes there and not to a log, reads keys, and hears Ctrl-C itself."""


class Unheard(Exception):
    """Nobody can know at present who lives."""


class Hopeless(Exception):
    """A process ended for a reason that starting it again would not take away: everything is to end."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class _Child:
    def __init__(self, program: Program, due_s: float) -> None:
        self.program, self.life = program, Life(due_s=due_s)
        self.process: subprocess.Popen[bytes] | None = None
        self.sign: object = None
        self.heard_s: float | None = None


class Supervisor:
    """Keeps programs running; `say` takes sentences for people."""

    def __init__(self, state_dir: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._logs, self._noted = state_dir / "logs", noted_in(state_dir)
        self._environment, self._say = dict(environment), say
        self._children: list[_Child] = []
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, program: Program) -> None:
        """Keep a program running from the next look on."""
        self._children.append(_Child(program, time.monotonic() + program.after_s))

    def exit_code(self, name: str) -> int | None:
        """How a program that does not last has ended; None while it has not."""
        return next(child.process.poll() for child in self._children if child.program.name == name and child.process is not None)

    def look(self) -> None:
        """Look once at every process and do what is to be done. Raises `Hopeless`."""
        for child in self._children:
            _listen(child, time.monotonic())
            self._do(child, deed(child.life, self._seen(child), time.monotonic()))
        for log in self._logs.glob("*.log"):
            rotate(log)

    def end(self, hurries: Callable[[], bool], within_s: float = 10.0) -> None:
        """End every process, the one that was added last first; with -9 those that take longer, and all while somebody hurries."""
        for child in reversed(self._children):
            if child.process is None:
                continue
            if child.program.on_terminal:
                _has_ended_within(child.process, 1.0, hurries)  # it may have heard Ctrl-C, and be at its last words
            child.process.terminate()
            if not _has_ended_within(child.process, within_s, hurries):
                left_over.strike(child.process.pid, signal.SIGKILL)
                child.process.wait()
        self._noted.unlink(missing_ok=True)

    def _do(self, child: _Child, doing: Deed) -> None:
        name = child.program.name
        if doing is Deed.START:
            self._start(child)
        elif doing is Deed.KILL and child.process is not None:
            self._say(f"{name} is hung (no sign of life for {SILENT_FOR_S:.0f} s or more): killing it")
            left_over.strike(child.process.pid, signal.SIGKILL)
            child.process.wait()
        elif doing is Deed.GIVE_UP and child.process is not None:
            exit_code = child.process.returncode
            raise Hopeless(f"{name} cannot work ({in_words(exit_code)}): {' / '.join(last_lines(self._log(child), 1))}", exit_code)
        elif doing is Deed.BURY and child.process is not None and child.program.lasts:
            lived = child.heard_s is not None or child.process.returncode == -signal.SIGKILL
            child.life = buried(child.life, time.monotonic(), lived=lived)
            pause_s = max(0.0, child.life.due_s - time.monotonic())
            self._say(f"{name} ended ({in_words(child.process.returncode)}); starting it again in {pause_s:.0f} s")
            for line in last_lines(self._log(child)):
                self._say(f"  {name}: {line}")
            child.process = None

    def _start(self, child: _Child) -> None:
        program = child.program
        counted = [program.count_as, str(child.life.restarts)] if program.count_as else []
        with ExitStack() as opened:
            quiet: dict[str, Any] = {}
            if not program.on_terminal:
                log = opened.enter_context(self._log(child).open("ab"))
                quiet = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
            child.process = subprocess.Popen([*program.command, *counted], env=self._environment, **quiet)
        child.life, child.sign, child.heard_s = begun(child.life, time.monotonic()), None, None
        running = {other.program.name: other.process.pid for other in self._children if other.process is not None}
        left_over.note(self._noted, running)

    def _seen(self, child: _Child) -> Seen:
        exit_code = None if child.process is None else child.process.poll()
        return Seen(exit_code, child.heard_s, child.program.sign is not None)

    def _log(self, child: _Child) -> Path:
        return self._logs / f"{child.program.name}.log"


def _has_ended_within(process: subprocess.Popen[bytes], patience_s: float, hurries: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + patience_s
    while process.poll() is None:
        if time.monotonic() > end_s or hurries():
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def noted_in(state_dir: Path) -> Path:
    """Where it is written down which processes run, for `left_over`."""
    return state_dir / "processes.json"


def in_words(exit_code: int) -> str:
    """An exit code as people read it."""
    known = {OWNED_ELSEWHERE: "somebody else does its work", UNUSABLE: "settings, files or the server cannot be used"}
    names = {-number: number.name for number in signal.Signals}
    return known.get(exit_code) or names.get(exit_code) or f"exit code {exit_code}"


def last_lines(log: Path, most: int = 3) -> list[str]:
    """The end of a log, without what went well: of lines that are JSON only the level and what happened."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return [told for told in map(_told, lines[-50:]) if not told.startswith(("info:", "debug:"))][-most:]


def rotate(log: Path, largest: int = LARGEST_LOG) -> None:
    """Copy a log that has grown too large aside and empty it; whoever appends to it goes on appending."""
    if log.stat().st_size > largest:
        log.with_suffix(".log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)


def _told(line: str) -> str:
    try:
        told = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return line.strip()
    error = str(told.get("exception", "")).strip().rpartition("\n")[2]
    return f"{told.get('level', 'info')}: {told.get('event', line)}" + (f" ({error})" if error else "")


def _listen(child: _Child, now_s: float) -> None:
    """Note by our own clock when its sign changed, so a step of the wall clock hangs nobody. Out of hearing nobody is silent."""
    if child.process is None or child.program.sign is None:
        return
    try:
        sign = child.program.sign(child.process.pid)
    except Unheard:
        child.life, child.heard_s = begun(child.life, now_s), None
        return
    if sign is not None and sign != child.sign:
        child.sign, child.heard_s = sign, now_s
