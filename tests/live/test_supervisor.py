"""Processes are started, started again, killed and ended; with real ones that are tiny."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.live import restarts
from stream.live.left_over import end_left_over, note, running_since
from stream.live.supervisor import Hopeless, Program, Supervisor, Unheard, last_lines, noted_in, rotate

SLEEPS = "import time; time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Everything in a tenth of a second."""
    monkeypatch.setattr(restarts, "SHORTEST_PAUSE_S", 0.05)
    monkeypatch.setattr(restarts, "SILENT_FOR_S", 0.3)
    monkeypatch.setattr(restarts, "FIRST_WORD_WITHIN_S", 0.6)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    supervisor = Supervisor(tmp_path, {**os.environ, "MARK": "given"}, said.append)
    yield supervisor
    supervisor.end(lambda: True)


def look_until(supervisor: Supervisor, true: Callable[[], object], within_s: float = 5.0) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it did not happen"
        supervisor.look()
        time.sleep(0.01)


def noting(tmp_path: Path, code: str) -> list[str]:
    """A process that writes its number into a file, and then does something."""
    return python(f"import os; print(os.getpid(), file=open({str(tmp_path / 'pids')!r}, 'a'), flush=True)\n{code}")


def pids(tmp_path: Path) -> list[int]:
    return [int(line) for line in text_of(tmp_path / "pids").split()]


def text_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""


DIES = """
import sys
print("plain")
print('{"level": "error", "event": "no disk", "exception": "a\\\\nOSError: full"}')
sys.exit(3 + int(sys.argv[2]))
"""

LISTENS = """
import signal, sys, time
def end(*_):
    print(sys.argv[1], file=open(sys.argv[2], "a"), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(60)
"""

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def test_one_that_dies_is_started_again_told_how_often_and_its_last_lines_are_shown(supervisor, said):
    supervisor.add(Program("stream", python(DIES), count_as="--restarts"))
    look_until(supervisor, lambda: len(said) >= 9)
    ended = "stream ended (exit code {}); starting it again in 0 s"
    lines = ["  stream: plain", "  stream: error: no disk (OSError: full)"]
    assert said[:3] == [ended.format(3), *lines]
    assert ended.format(4) in said
    assert ended.format(5) in said


def test_one_that_is_killed_is_started_again(supervisor, said, tmp_path):
    supervisor.add(Program("api", noting(tmp_path, SLEEPS)))
    look_until(supervisor, lambda: pids(tmp_path))
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    look_until(supervisor, lambda: len(pids(tmp_path)) == 2)
    assert "SIGKILL" in said[0]


def test_one_whose_sign_stops_changing_is_killed_with_what_it_started_and_started_again(supervisor, said, tmp_path):
    starts = f"import subprocess, sys; subprocess.run({noting(tmp_path, SLEEPS)!r})"
    last = []

    def sign(pid: int) -> object:
        """Of the first process the same for ever, of the second always another."""
        last.append(pid)
        return 1 if pid == last[0] else len(last)

    supervisor.add(Program("stream", noting(tmp_path, starts), sign))
    look_until(supervisor, lambda: len(pids(tmp_path)) == 4)
    assert [line.partition(" (")[0] for line in said] == ["stream is hung", "stream ended"]
    assert "SIGKILL" in said[1]
    first, started_by_first, second, _ = pids(tmp_path)
    assert first == last[0]
    assert running_since(first) is None
    assert running_since(started_by_first) is None
    end_s = time.monotonic() + 0.5
    look_until(supervisor, lambda: time.monotonic() > end_s)
    assert running_since(second) is not None


def test_one_that_never_gives_a_sign_is_killed_after_the_longer_while(supervisor, said, tmp_path):
    supervisor.add(Program("stream", python(SLEEPS), lambda _: None))
    started_s = time.monotonic()
    look_until(supervisor, lambda: said)
    assert said[0].startswith("stream is hung")
    assert time.monotonic() - started_s >= restarts.FIRST_WORD_WITHIN_S


def test_nobody_is_hung_while_nobody_can_know(supervisor, said):
    def sign(_: int) -> object:
        raise Unheard

    supervisor.add(Program("stream", python(SLEEPS), sign))
    end_s = time.monotonic() + 1.0
    look_until(supervisor, lambda: time.monotonic() > end_s)
    assert not said


def test_work_that_somebody_else_does_ends_everything_with_their_sentence(supervisor):
    supervisor.add(Program("stream", python("import sys; print('shard 0 is owned by process 7'); sys.exit(75)")))
    with pytest.raises(Hopeless, match="shard 0 is owned by process 7") as caught:
        look_until(supervisor, lambda: False)
    assert caught.value.exit_code == 75


def test_one_that_does_not_last_is_let_go(supervisor, said):
    supervisor.add(Program("player", python("raise SystemExit(4)"), lasts=False))
    supervisor.look()
    look_until(supervisor, lambda: supervisor.exit_code("player") is not None)
    for _ in range(5):
        supervisor.look()
    assert supervisor.exit_code("player") == 4
    assert not said


def test_the_last_one_ends_first_and_who_does_not_listen_is_killed(tmp_path, said):
    supervisor, order = Supervisor(tmp_path, os.environ, said.append), tmp_path / "order"
    for name in ("stream", "api"):
        supervisor.add(Program(name, [*python(LISTENS), name, str(order)]))
    supervisor.add(Program("deaf", python(DEAF), lasts=False))
    look_until(supervisor, lambda: all(text_of(tmp_path / "logs" / f"{name}.log") for name in ("stream", "api", "deaf")))
    started_s = time.monotonic()
    supervisor.end(lambda: False, within_s=0.3)
    assert 0.3 < time.monotonic() - started_s < 2.0
    assert order.read_text().split() == ["api", "stream"]
    assert supervisor.exit_code("deaf") == -signal.SIGKILL
    assert not noted_in(tmp_path).exists()


def test_who_hurries_does_not_wait_for_them(tmp_path, said):
    supervisor = Supervisor(tmp_path, os.environ, said.append)
    supervisor.add(Program("deaf", python(DEAF), lasts=False))
    look_until(supervisor, lambda: text_of(tmp_path / "logs" / "deaf.log"))
    supervisor.end(lambda: True, within_s=60.0)
    assert supervisor.exit_code("deaf") == -signal.SIGKILL


def test_children_do_not_hear_ctrl_c_and_find_their_environment(supervisor, tmp_path):
    supervisor.add(Program("api", python("import os; print(os.getpgrp() == os.getpid(), os.environ['MARK'], flush=True)\n" + SLEEPS)))
    look_until(supervisor, lambda: text_of(tmp_path / "logs" / "api.log").endswith("\n"))
    assert text_of(tmp_path / "logs" / "api.log") == "True given\n"


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next(tmp_path):
    with (
        subprocess.Popen(python(SLEEPS), start_new_session=True) as left,
        subprocess.Popen(python(DEAF), start_new_session=True, stdout=subprocess.PIPE) as deaf,
        subprocess.Popen(python(SLEEPS), start_new_session=True) as other,
    ):
        assert deaf.stdout.readline() == b"up\n"
        note(tmp_path / "processes.json", {"stream": left.pid, "api": deaf.pid})
        assert end_left_over(tmp_path / "processes.json", within_s=0.3) == ["stream", "api"]
        assert (left.wait(), deaf.wait()) == (-signal.SIGTERM, -signal.SIGKILL)
        assert other.poll() is None
        other.kill()
    assert end_left_over(tmp_path / "processes.json") == []


def test_another_process_that_has_the_number_by_now_is_left_alone(tmp_path):
    with subprocess.Popen(python(SLEEPS), start_new_session=True) as other:
        (tmp_path / "processes.json").write_text(f'{{"api": {{"pid": {other.pid}, "since": "earlier"}}}}')
        assert end_left_over(tmp_path / "processes.json") == []
        assert other.poll() is None
        other.kill()
    assert running_since(other.pid) is None


def test_a_log_that_has_grown_is_put_aside_while_somebody_writes_to_it(tmp_path):
    log = tmp_path / "api.log"
    with log.open("a") as writer:
        writer.write("first\n")
        writer.flush()
        rotate(log, largest=5)
        writer.write("second\n")
    assert ((tmp_path / "api.log.1").read_text(), log.read_text()) == ("first\n", "second\n")
    rotate(log, largest=100)
    assert last_lines(log) == ["second"]
    assert last_lines(tmp_path / "none.log") == []
