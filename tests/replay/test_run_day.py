"""One day, one digest: whatever carries it, however it is cut, wherever it runs, and however often it was cut short."""

import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from replay.__main__ import app
from replay.day_errors import BadDay
from replay.read_day import read_day
from replay.run_day import DayRun, ignore, run_flow, run_loop
from replay.run_processes import run_processes
from replay.score import Nobody, ScoreOptions, fleet_settings, score_folder
from replay.spool import Spool
from stream.checkpoints import Checkpoints

ROOT = Path(__file__).resolve().parents[2]
TEN_MINUTES_US = 600_000_000


class Aborted(Exception):
    """Somebody pulled the plug."""


@dataclass
class Plug:
    """Pulled when more than so many entries were taken."""

    most: int
    entries: int = 0
    calls: int = 0

    def __call__(self, entries, given):
        self.entries += entries
        self.calls += 1
        if self.entries > self.most:
            raise Aborted


NEVER = 10**9


@pytest.fixture(scope="module")
def day(four_fleets):
    return read_day(four_fleets)


@pytest.fixture(scope="module")
def run_of(day):
    """A run of the day into a folder, cut as one wishes."""

    def make(folder, progress=ignore, batch=10_000, keep=False):
        kept = Checkpoints(folder / "checkpoints") if keep else None
        return DayRun(day.log, fleet_settings(day.fleets, None), Spool(folder / "spool"), progress, kept, TEN_MINUTES_US, batch=batch)

    return make


@pytest.fixture(scope="module")
def undisturbed(run_of, tmp_path_factory):
    """The oracle: the plain loop, in one go."""
    run = run_of(tmp_path_factory.mktemp("undisturbed"))
    return run_loop(run), run.spool.digest(), run.spool


def test_the_day_has_something_of_everything(undisturbed, day):
    report, _, spool = undisturbed
    assert report.received == len(day.log)
    assert report.pings > 500
    for fleet_id in day.fleets:
        assert len(spool.estimates(fleet_id)) > 500
        assert sum(1 for _ in spool.events(fleet_id)) > 20


@pytest.mark.parametrize(("engine", "batch"), [(run_flow, 37), (run_loop, 1_000), (run_flow, 10_000)])
def test_bytewax_and_the_loop_give_the_same_bytes_however_the_day_is_cut(run_of, undisturbed, tmp_path, engine, batch):
    run = run_of(tmp_path, batch=batch)
    report = engine(run)
    assert run.spool.digest() == undisturbed[1]
    assert (report.received, report.refused, report.pings) == (undisturbed[0].received, undisturbed[0].refused, undisturbed[0].pings)


def free_addresses(count: int) -> list[str]:
    """Ports that were free at the same time, and so are different ones."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


@pytest.fixture(scope="module")
def eight_fleets(short_day, tmp_path_factory):
    """A quarter of an hour of eight fleets, the day, and what one process gives."""
    folder = short_day(tmp_path_factory.mktemp("days") / "eight", seed=11, fleets=8, vehicles=1, hours=0.15)
    day, told = read_day(folder), []
    spool = Spool(tmp_path_factory.mktemp("eight"))
    report = run_loop(DayRun(day.log, fleet_settings(day.fleets, None), spool, lambda _, given: told.extend(given)))
    return folder, day, spool, report, told


def exceptions_of(given) -> list[bytes]:
    return sorted(event.payload for applied in given for event in applied.events if event.kind.startswith("exception"))


def test_eight_fleets_in_two_processes_give_the_same_bytes_and_tell_how_far_they_are(eight_fleets, tmp_path):
    folder, day, spool, report, told = eight_fleets
    given, watched = [], Plug(NEVER)
    run = DayRun(day.log, fleet_settings(day.fleets, None), Spool(tmp_path), lambda n, new: (watched(n, new), given.extend(new)), batch=500)
    shared = run_processes(folder, run, 2)
    assert run.spool.digest() == spool.digest()
    assert (shared.received, shared.refused, shared.pings) == (report.received, report.refused, report.pings)
    assert watched.entries == report.received == len(day.log)
    assert watched.calls > 4
    assert exceptions_of(given) == exceptions_of(told)


def test_eight_fleets_in_a_bytewax_cluster_of_two_give_the_same_bytes(eight_fleets, tmp_path):
    folder, day, spool, _, _ = eight_fleets
    program = [sys.executable, str(Path(__file__).with_name("cluster_flow.py")), str(folder), str(tmp_path)]
    environment, addresses = {**os.environ, "PYTHONPATH": str(ROOT)}, ";".join(free_addresses(2))
    running = [
        subprocess.Popen([*program, str(process), addresses], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for process in range(2)
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    owned = [out.splitlines()[-1].split() for out, _ in said]
    assert all(owned)
    assert sorted(owned[0] + owned[1]) == sorted(day.fleets)
    assert Spool(tmp_path).digest() == spool.digest()


@settings(max_examples=2)
@given(aborts=st.lists(st.floats(0, 0.35), min_size=1, max_size=3), engine=st.sampled_from((run_loop, run_flow)))
@example(aborts=[0.0], engine=run_flow)
@example(aborts=[0.6, 0.0, 0.1], engine=run_loop)
def test_a_run_that_is_cut_short_anywhere_and_resumed_gives_the_same_bytes(tmp_path_factory, run_of, undisturbed, day, aborts, engine):
    folder = tmp_path_factory.mktemp("cut")
    for share in aborts:  # each goes on from the last, so that all together they never reach the end
        with pytest.raises(Aborted):
            engine(run_of(folder, Plug(int(share * len(day.log) / len(aborts))), 200, keep=True))
    run = run_of(folder, batch=1_000, keep=True)
    report = engine(run)
    assert run.spool.digest() == undisturbed[1]
    assert (report.received, report.refused) == (undisturbed[0].received, undisturbed[0].refused)


def test_a_resumed_run_does_not_do_everything_again(run_of, day, tmp_path):
    with pytest.raises(Aborted):
        run_flow(run_of(tmp_path, Plug(int(0.8 * len(day.log))), 200, keep=True))
    assert {path.stem for path in (tmp_path / "checkpoints").iterdir()} == set(day.fleets)
    watched = Plug(NEVER)
    run_flow(run_of(tmp_path, watched, keep=True))
    assert 0 < watched.entries < 0.7 * len(day.log)


KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
from replay import score
from replay.run_day import DayRun

class Killer(score.Nobody):
    left = int(sys.argv[3])
    def advance(self, entries, applied):
        self.left -= entries
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

score.DayRun = partial(DayRun, batch=200, checkpoint_every_us=600_000_000)
score.score_folder(Path(sys.argv[1]), Path(sys.argv[2]), score.ScoreOptions(resume=True), Killer())
"""


def test_after_kill_9_the_command_line_goes_on_where_the_run_was(four_fleets, undisturbed, day, tmp_path):
    entries = random.Random(8).randrange(len(day.log) // 2, len(day.log))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(four_fleets), str(tmp_path), str(entries)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list((tmp_path / ".unfinished" / "checkpoints").glob("*.checkpoint"))
    assert not (tmp_path / "score.json").exists()
    resumed = CliRunner().invoke(app, ["score", str(four_fleets), "--out", str(tmp_path), "--resume"])
    assert resumed.exit_code == 0, resumed.output
    assert undisturbed[1] in resumed.output
    assert not (tmp_path / ".unfinished").exists()


def test_what_an_unfinished_run_of_another_day_left_is_not_gone_on_with(four_fleets, morning, tmp_path):
    with pytest.raises(Aborted):
        score_folder(four_fleets, tmp_path, ScoreOptions(resume=True), Watching(Plug(1000)))
    (tmp_path / ".unfinished" / "checkpoints" / "stranger.checkpoint").write_text("of another day")
    with pytest.raises(Aborted):
        score_folder(morning, tmp_path, ScoreOptions(resume=True), Watching(Plug(0)))
    assert not (tmp_path / ".unfinished" / "checkpoints" / "stranger.checkpoint").exists()


@pytest.mark.parametrize("engine", ["loop", "bytewax"])
def test_a_spoilt_checkpoint_is_named_and_not_passed_over(four_fleets, tmp_path, capfd, engine):
    with pytest.raises(Aborted):
        score_folder(four_fleets, tmp_path, ScoreOptions("loop", resume=True), Watching(Plug(0)))
    spoilt = tmp_path / ".unfinished" / "checkpoints" / "f02.checkpoint"
    spoilt.write_bytes(b"no checkpoint")
    with pytest.raises(BadDay, match=f"cannot be resumed: {spoilt}"):
        score_folder(four_fleets, tmp_path, ScoreOptions(engine, resume=True))
    assert "panicked" not in capfd.readouterr().err


class Watching(Nobody):
    """A watcher with a plug."""

    def __init__(self, plug):
        self.plug = plug

    def advance(self, entries, applied):
        self.plug(entries, applied)
