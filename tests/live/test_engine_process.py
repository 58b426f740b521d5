"""`fleetcast-stream` as a process of its own: killed while messages come in, told to end, and started twice."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from stream import messages as m
from stream.checkpoints import Checkpoints
from stream.codec import encode
from stream.live.append import Message
from stream.live.keys import HEARTBEATS, fleet_key
from stream.live.log_entry import position_of
from stream.live.ownership import Owned, own, shards_of
from stream.live.views import Heartbeat
from stream.settings import FleetSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def engines(redis_url, tmp_path):
    """Starts an engine; all are gone at the end."""
    started = []

    def start(*args):
        env = {**os.environ, "REDIS_URL": redis_url, "FLEETCAST_CHECKPOINT_EVERY_S": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "stream.live", "--state-dir", str(tmp_path), *args]
        started.append(subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_until(seen, process=None, within_s=30.0):
    end_s = time.monotonic() + within_s
    while not seen():
        assert process is None or process.poll() is None, process.stdout.read().decode()
        assert time.monotonic() < end_s, "it does not happen"
        time.sleep(0.01)


class Feeder(Thread):
    """Appends a drive of a driven fleet and fixes of a live one, a few at a time, until it has said everything and is told to end."""

    def __init__(self, logs, road, drive):
        super().__init__(daemon=True)
        self.logs, self.road, self.drive, self.ending = logs, road, drive, False

    def run(self):
        for turn in range(100_000):
            said, self.drive = self.drive[:2], self.drive[2:]
            self.logs.append("depot", said)
            now = datetime.fromtimestamp(time.time(), UTC)
            ping = m.Ping(fleet_id="north", at=now, vehicle_id="v1", lat=self.road.lat(turn), lon=-78.9)
            self.logs.send([Message("north", encode(ping))])
            if self.ending and not self.drive:
                return
            time.sleep(0.05)


@pytest.fixture
def feeder(logs, road, drive):
    one = Feeder(logs, road, drive)
    yield one
    one.drive, one.ending = [], True
    if one.ident is not None:
        one.join()


def test_an_engine_that_is_killed_three_times_and_then_told_to_end_has_told_everything_once(engines, feeder, client, logs, tmp_path):
    def written(fleet_id="north"):
        return int(client.hget(fleet_key("fleet", fleet_id), "position") or 0)

    feeder.start()
    for longer_s in (1.0, 0.05, 0.3):
        engine, before = engines(), written()
        wait_until(lambda before=before: written() > before, engine)
        time.sleep(longer_s)
        engine.send_signal(signal.SIGKILL)
        assert engine.wait() == -signal.SIGKILL
    engine = engines()
    feeder.ending = True
    feeder.join(30)
    last = {fleet_id: logs.entries(fleet_id)[-1].position for fleet_id in ("depot", "north")}
    wait_until(lambda: all(written(fleet_id) > position for fleet_id, position in last.items()), engine)
    beat = msgspec.json.decode(client.hget(HEARTBEATS, "stream-0"), type=Heartbeat)
    assert beat.pid == engine.pid
    assert time.time() * 1e6 - beat.at_us < 5e6

    second = engines("--shards", "3")
    assert second.wait(30) == 75  # how soon: benchmarks/reliability/second_engine.py
    assert f"shard 3 is owned by process {engine.pid}" in second.stdout.read().decode()

    began_s = time.monotonic()
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(10) == 0
    assert time.monotonic() - began_s < 5.0
    assert logs.are_whole("depot")
    events, state = logs.plainly("north")
    assert logs.events("north") == events
    assert state.received > state.pings > 50  # the engine's own ticks are among them
    kept = Checkpoints(tmp_path / "checkpoints")
    for fleet_id, position in last.items():
        assert kept.read(fleet_id, FleetSettings().model).position >= position > position_of("1-0")


def test_a_shard_is_owned_by_one_and_free_when_that_one_is_gone(tmp_path):
    first = own(tmp_path, [0, 1])
    with pytest.raises(Owned, match=f"shard 1 is owned by process {os.getpid()}"):
        own(tmp_path, [2, 1])
    with own(tmp_path, [2]):
        first.close()
    with own(tmp_path, [0, 1, 2]):
        pass


@pytest.mark.parametrize(("text", "shards"), [("0-3", [0, 1, 2, 3]), ("3", [3]), ("0-1, 8", [0, 1, 8]), ("5,5-6", [5, 6])])
def test_shards_are_named_by_ranges(text, shards):
    assert shards_of(text, 16) == shards


@pytest.mark.parametrize("text", ["", "16", "0-16", "a", "3-1", "-1", "1,,2"])
def test_shards_that_are_none_are_refused(text):
    with pytest.raises(ValueError):
        shards_of(text, 16)
