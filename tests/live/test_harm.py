"""Files that are lost, older or not taken by the disk, and a Redis without room: told of, and gone on with."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import pytest
from redis.exceptions import OutOfMemoryError
from structlog.testing import capture_logs

from stream.live.keys import EVENTS, HEARTBEATS, INBOX, log_key
from stream.live.run import run as run_to_its_end
from stream.live.signs import heartbeats, left_to_take
from stream.live.supervisor import Unheard
from stream.live.writer import Writer
from stream.log import shard_of

ROOT = Path(__file__).resolve().parents[2]


def to_its_end(settings, client):
    """The engine as a process would run it, until it has taken all; its exit code and what it said."""
    end_s = time.monotonic() + 20
    with capture_logs() as said:
        code = run_to_its_end(settings, client, range(16), 0, lambda: left_to_take(client) == 0 or time.monotonic() > end_s)
    return code, {event["event"] for event in said}


def halves(logs, drive, settings, client):
    """Two halves of a log, each taken by an engine of its own; the checkpoint after the first."""
    file = settings.state_dir / "checkpoints" / "depot.checkpoint"
    kept = []
    for half in (drive[:90], drive[90:180]):
        logs.append("depot", half)
        assert to_its_end(settings, client)[0] == 0
        kept.append(file.read_bytes())
    return file, kept[0]


@pytest.mark.parametrize(("older", "word"), [(True, "rewound"), (False, "rebuilding")])
def test_a_checkpoint_that_is_older_than_the_resume_points_or_gone_is_told_of_and_made_good(logs, drive, settings, client, older, word):
    file, before = halves(logs, drive, settings, client)
    file.write_bytes(before) if older else file.unlink()
    logs.append("depot", drive[180:])
    code, said = to_its_end(settings, client)
    assert (code, word in said) == (0, True)
    assert logs.are_whole("depot")
    assert b"input_gap" not in {fields[b"k"] for _, fields in client.xrange(EVENTS)}


def test_what_the_log_does_not_hold_any_more_for_a_lost_checkpoint_is_told_with_its_number(logs, drive, settings, client):
    file, _ = halves(logs, drive, settings, client)
    file.unlink()
    client.xtrim(log_key(shard_of("depot")), maxlen=0, approximate=False)
    logs.append("depot", drive[180:])
    code, said = to_its_end(settings, client)
    assert (code, "rebuilding" in said) == (0, True)
    gaps = [fields[b"d"] for _, fields in client.xrange(EVENTS) if fields[b"k"] == b"input_gap"]
    assert len(gaps) == 1
    assert b'"first":0,"lost":180,' in gaps[0]


def test_an_engine_that_took_over_from_a_dead_one_does_not_write_everything_anew(run, logs, drive, client, monkeypatch):
    logs.append("depot", drive[:150])
    run().to_end()
    client.hset(HEARTBEATS, "stream-0", b'{"pid":1,"at_us":1,"started_us":1}')
    logs.append("depot", drive[150:])
    after = run()
    monkeypatch.setattr(Writer, "present", lambda *_: pytest.fail("it writes everything anew"))
    after.to_end()
    assert logs.are_whole("depot")


def test_a_disk_that_takes_nothing_stops_nothing_and_lets_go_of_nothing(run, logs, drive, settings, client, monkeypatch):
    logs.append("depot", drive[:100])

    def full(path, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, capture_logs() as said:
        patch.setattr("stream.checkpoints.write_durably", full)
        patch.setattr("stream.live.resume_file.write_durably", full)
        run().to_end()
    assert {"checkpoint_not_kept", "resume_points_not_kept"} <= {event["event"] for event in said}
    assert client.xlen(log_key(shard_of("depot"))) > 0
    logs.append("depot", drive[100:])
    run().to_end()
    assert logs.are_whole("depot")


def test_a_folder_that_is_deleted_under_a_running_engine_is_made_again(run, logs, drive, settings, hurry):
    for first in range(0, len(drive), 20):
        logs.append("depot", drive[first : first + 20])
    turns = iter(range(10_000))
    deletes = lambda: next(turns) == 4 and shutil.rmtree(settings.state_dir / "checkpoints", ignore_errors=True)  # noqa: E731
    run(settings=settings.model_copy(update={"batch": 20}), polled=deletes).to_end()
    assert (settings.state_dir / "checkpoints" / "depot.checkpoint").exists()
    assert (settings.state_dir / "checkpoints" / "resume-00-15.json").exists()


def test_a_full_redis_holds_nothing_up_but_what_comes_in(run, logs, drive, settings, client):
    for first in range(0, len(drive), 20):
        logs.append("depot", drive[first : first + 20])
    client.xadd(INBOX, {"m": b'{"type":"tick","fleet_id":"port","at":1000}'})
    client.config_set("maxmemory", 1)
    room = Timer(1.5, lambda: client.config_set("maxmemory", 0))
    room.start()
    try:
        with pytest.raises(OutOfMemoryError):
            logs.append("depot", drive[:1])
        run(settings=settings.model_copy(update={"batch": 20})).to_end()
        assert logs.are_whole("depot")
        assert client.hexists(HEARTBEATS, "stream-0") == 0  # taken away at its end: it could write
    finally:
        room.join()
        client.config_set("maxmemory", 0)
    run(polled=lambda: time.sleep(0.01)).to_end()


def test_nobody_is_taken_for_hung_while_redis_takes_no_writes(client, monkeypatch):
    monkeypatch.setattr("stream.live.signs.DOUBT_AFTER_S", 0.0)
    client.hset(HEARTBEATS, "stream-0", b'{"pid":5,"at_us":7,"started_us":1}')
    sign = heartbeats(client)
    assert [sign(5), sign(5)] == [7, 7]
    client.replicaof("127.0.0.1", 1)
    try:
        with pytest.raises(Unheard):
            sign(5)
    finally:
        client.replicaof("NO", "ONE")
    assert sign(5) == 7


def test_the_command_that_kills_at_random_finds_nothing_wrong(tmp_path):
    args = ["--seed", "1", "--kills", "2", "--messages", "4000", "--vehicles", "10", "--fleets", "2", "--reads", "1000"]
    command = [sys.executable, str(ROOT / "benchmarks" / "reliability" / "kills.py"), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1][:4]) == (0, "PASS"), done.stdout + done.stderr
