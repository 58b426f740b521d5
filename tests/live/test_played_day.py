"""A day that is played into the live system gives the events that `score` gives: with the commands that people use."""

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import msgspec

from replay.make_day.day import make_day
from stream.live.keys import COUNTS, EVENTS, FLEETS, fleet_key

ROOT = Path(__file__).resolve().parent.parent.parent


def command(*args, url="", cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "REDIS_URL": url, "FLEETCAST_STATE_DIR": str(cwd / "state")}
    return subprocess.Popen(
        [sys.executable, "-m", *args], env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def digest_of(lines):
    whole = sha256()
    for line in lines:
        whole.update(line + b"\n")
    return whole.hexdigest()


def taken(redis):
    totals = [redis.hget(fleet_key("fleet", fleet.decode()), "totals") for fleet in redis.hkeys(FLEETS)]
    return sum(msgspec.json.decode(told)["received"] for told in totals if told)


def test_the_played_day_gives_the_events_that_score_gives(redis, redis_url, tmp_path):
    make_day(tmp_path / "day", seed=11, fleets=2, vehicles=2, progress=lambda share: None)
    scored = command("replay", "score", str(tmp_path / "day"), "--out", str(tmp_path / "out"), "--quiet", cwd=tmp_path)
    engines = [command("stream.live", "--shards", shards, url=redis_url, cwd=tmp_path) for shards in ("0-7", "8-15")]
    played = command("replay", "play", str(tmp_path / "day"), "--speed", "0", url=redis_url, cwd=tmp_path)
    try:
        said, _ = played.communicate(timeout=60)
        assert played.returncode == 0, said
        deadline = time.monotonic() + 60
        while taken(redis) < sum(map(int, redis.hvals(COUNTS))):
            assert time.monotonic() < deadline, [engine.poll() for engine in engines]
            time.sleep(0.05)
    finally:
        for engine in engines:
            engine.send_signal(signal.SIGTERM)
    ended = [engine.communicate(timeout=30)[0] for engine in engines]
    assert [engine.returncode for engine in engines] == [0, 0], ended
    said, _ = scored.communicate(timeout=60)
    assert scored.returncode == 0, said
    lines = (tmp_path / "out" / "events.ndjson").read_bytes().splitlines()
    told = [event for _, event in redis.xrange(EVENTS)]
    for fleet in redis.hkeys(FLEETS):
        live = [event[b"d"] for event in told if event[b"f"] == fleet]
        replayed = [line for line in lines if msgspec.json.decode(line)["fleetid"] == fleet.decode()]
        assert len(live) > 100
        assert digest_of(live) == digest_of(replayed)
    assert len(told) == len(lines)
