"""Processes that outlived a supervisor which was killed: they are known by a file, and ended by the next one."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

LOOK_EVERY_S = 0.02


class Process(msgspec.Struct, frozen=True):
    """A process that was started: its number, which another may have by now, and since when it runs, which tells the two apart."""

    pid: int
    since: str


def running_since(pid: int) -> str | None:
    """When a process was started, in the words of the system; None if there is none, or only its exit code is left."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            state, *fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if state == "Z" else fields[18]  # field 22 of proc(5): ticks since the machine was started
    ps = shutil.which("ps")
    told = subprocess.run([ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip() if ps else ""
    return told or None


def strike(pid: int, blow: signal.Signals) -> None:
    """Send a signal: to the process alone when it may tidy up; when it is killed, to all that it started, if it leads them."""
    with suppress(ProcessLookupError):
        if blow == signal.SIGKILL and os.getpgid(pid) == pid:
            os.killpg(pid, blow)
        else:
            os.kill(pid, blow)


def note(file: Path, pids: Mapping[str, int]) -> None:
    """Write down which processes run."""
    running = {name: Process(pid, since) for name, pid in pids.items() if (since := running_since(pid)) is not None}
    part = file.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(running))
    part.replace(file)


def end_left_over(file: Path, within_s: float = 10.0) -> list[str]:
    """End what a supervisor that was killed left behind, each with all that it started; their names."""
    try:
        noted = msgspec.json.decode(file.read_bytes(), type=dict[str, Process])
    except (FileNotFoundError, msgspec.DecodeError):
        return []
    left = {name: process for name, process in noted.items() if running_since(process.pid) == process.since}
    for blow, patience_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, 2.0)):
        for process in left.values():
            if running_since(process.pid) == process.since:
                strike(process.pid, blow)
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s and any(running_since(process.pid) == process.since for process in left.values()):
            time.sleep(LOOK_EVERY_S)
    file.unlink(missing_ok=True)
    return list(left)
