"""The whole system with one command: with a real server and real processes, of which engine, API and player are only as long as a page."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from typer.testing import CliRunner

from replay.read_day import read_day
from stream.live import all_in_one
from stream.live.append import SCRIPT, Message, calls
from stream.live.embedded import EmbeddedServer
from stream.live.keys import HEARTBEATS
from stream.live.left_over import end_left_over
from stream.live.programs import player
from stream.live.server import answers, connect
from stream.live.settings import LiveSettings
from stream.live.supervisor import noted_in
from stream.live.watch import Redises, Watch
from stream.live.welcome import Screen

ENGINE = """
import json, os, sys, time
print(os.getpid(), *sys.argv[1:], flush=True)
from redis import Redis, RedisError
redis = Redis.from_url(os.environ["REDIS_URL"], protocol=2)
while True:
    now = time.time_ns() // 1000
    try: redis.hset("fc1:heartbeats", "stream-0", json.dumps({"pid": os.getpid(), "at_us": now, "started_us": 0, "shards": "0-15"}))
    except RedisError: pass
    time.sleep(0.1)
"""

API = """
import http.server, os, pathlib
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
pathlib.Path(os.environ["FLEETCAST_STATE_DIR"], "api_key").write_text("planted-key")
http.server.HTTPServer((os.environ["FLEETCAST_HOST"], int(os.environ["FLEETCAST_PORT"])), Answer).serve_forever()
"""

PLAYER = """
import json, os
from redis import Redis
data = {"exception_kind": "late_risk", "detected_at": "2025-10-09T09:43:00Z", "vehicle_id": "bus-7", "stop_id": "stop-9"}
Redis.from_url(os.environ["REDIS_URL"]).xadd("fc1:events", {"f": "nfta", "k": "exception_opened", "s": 1, "d": json.dumps({"data": data})})
print("playing", flush=True)
"""

DRIVER = f"""
import sys
from stream.live import all_in_one
from stream.live.supervisor import Program
run = lambda code: [sys.executable, "-c", code]
all_in_one.engines = lambda settings, processes: [Program("stream-0-15", run({ENGINE!r}), count_as="--restarts")]
all_in_one.api = lambda: Program("api", run({API!r}))
all_in_one.player = lambda day, speed: Program("player", run({PLAYER!r}), lasts=False, on_terminal=True)
all_in_one.main()
"""


@pytest.fixture
def state_dir():
    with TemporaryDirectory(prefix="fc-") as folder:
        yield Path(folder)


@pytest.fixture
def start(state_dir):
    """Starts a `fleetcast` on the folder; whatever became of it, nothing of it is left."""
    started: list[Started] = []

    def another(*options: str) -> Started:
        started.append(Started(state_dir, *options))
        return started[-1]

    yield another
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)
    end_left_over(noted_in(state_dir), within_s=0.0)
    EmbeddedServer(state_dir).stop()


class Ready(BaseHTTPRequestHandler):
    """An API that is ready."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def wait_until(true: Callable[[], object], within_s: float = 10.0) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.05)


class Started:
    """A `fleetcast` with engine, API and player of a page, and the lines that it says."""

    def __init__(self, state_dir: Path, *options: str) -> None:
        outside = {name: value for name, value in os.environ.items() if "REDIS_URL" not in name and not name.startswith("FLEETCAST")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, "--state-dir", str(state_dir), "--port", "0", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=outside,
        )  # fmt: skip
        self.lines: list[str] = []

    def until(self, beginning: str) -> str:
        """The first line from here on that begins so."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return line.rstrip("\n")
        raise AssertionError(f"it ended without {beginning!r}: {self.lines}")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        self.lines += self.process.stdout.read().splitlines()
        self.process.stdout.close()
        return self.process.wait(timeout=20)


def test_it_says_where_it_is_plays_the_day_says_what_opens_and_ends_with_it(start, state_dir):
    started = start("--play", str(state_dir), "--once")
    assert started.ended() == 0
    said = "\n".join(started.lines)
    assert re.search(r"^Fleetcast is running: http://127\.0\.0\.1:\d+$", said, re.MULTILINE)
    assert re.search(r"^  curl -H 'X-API-Key: planted-key' 'http://127\.0\.0\.1:\d+/v1/exceptions'$", said, re.MULTILINE)
    assert "playing" in said  # a child writes when it likes, at times into a line of ours
    assert "09:43  LATE RISK  bus-7  stop stop-9  ETA -, window ends -" in said
    assert started.lines[-1] == "ended"
    assert not answers(f"unix://{state_dir}/redis.sock")
    assert not (state_dir / "redis.sock").exists()


def test_one_that_runs_keeps_its_folder_for_itself_and_its_processes_alive(start, state_dir):
    started = start()
    started.until("Fleetcast is running")

    second = CliRunner().invoke(all_in_one.app, ["--state-dir", str(state_dir)])
    who = f"process {started.process.pid} runs fleetcast on {state_dir} already: end it, or choose another --state-dir"
    assert (second.exit_code, second.output) == (75, f"fleetcast: {who}\n")

    log = state_dir / "logs" / "stream-0-15.log"
    wait_until(log.read_text)
    os.kill(int(log.read_text().split()[0]), signal.SIGKILL)
    assert started.until("stream-0-15 ended") == "stream-0-15 ended (SIGKILL); starting it again in 0 s"
    with connect(f"unix://{state_dir}/redis.sock") as redis:
        os.kill(redis.info("server")["process_id"], signal.SIGKILL)
    started.until("the Redis server ended; starting it again in 1 s")
    wait_until(lambda: answers(f"unix://{state_dir}/redis.sock"))
    wait_until(lambda: [line.split()[1:] for line in log.read_text().splitlines()][:2] == [["--restarts", "0"], ["--restarts", "1"]])

    assert started.end(signal.SIGTERM) == 0
    assert not answers(f"unix://{state_dir}/redis.sock")


def test_with_a_folder_for_it_the_log_is_recorded_to_its_last_entry(start, state_dir):
    (state_dir / "settings.toml").write_text(f'record_dir = "{state_dir}/kept"\n')
    started = start("--config", str(state_dir / "settings.toml"))
    started.until("Fleetcast is running")
    with connect(f"unix://{state_dir}/redis.sock") as redis:
        wait_until(lambda: any(name.startswith(b"record-") for name in redis.hkeys(HEARTBEATS)), 20.0)
        for call in calls([Message("depot", b'{"type":"tick","fleet_id":"depot","at":1}')]):
            redis.eval(SCRIPT, len(call.keys), *call.keys, *call.args)
    assert started.end() == 0
    assert len(read_day(state_dir / "kept").log) == 1


def test_after_kill_9_the_next_one_ends_what_is_left_and_goes_on_with_its_server(start, state_dir):
    first = start()
    first.until("Fleetcast is running")
    with connect(f"unix://{state_dir}/redis.sock") as redis:
        redis.set("kept", 1)
        pid = redis.info("server")["process_id"]
        first.end(signal.SIGKILL)
        second = start()
        second.until("Fleetcast is running")
        assert "ended stream-0-15, which an earlier fleetcast had left behind" in second.lines
        assert "ended api, which an earlier fleetcast had left behind" in second.lines
        assert "found the Redis server of an earlier fleetcast running: going on with it" in second.lines
        assert (redis.get("kept"), redis.info("server")["process_id"]) == (b"1", pid)
    assert second.end() == 0
    assert not answers(f"unix://{state_dir}/redis.sock")


@pytest.mark.parametrize(("ends", "exit_code"), [(0, 0), (3, 3)])
def test_how_the_player_ended_is_the_exit_code(tmp_path, redis, redis_url, ends, exit_code):
    class Ended:
        """A supervisor whose player has ended."""

        look = staticmethod(lambda: None)
        add = staticmethod(lambda program: None)
        exit_code = staticmethod(lambda name: ends)

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        answering = Thread(target=server.handle_request)
        answering.start()
        settings = LiveSettings(state_dir=tmp_path, port=server.server_port)
        watch = Watch(settings, Ended(), Redises(redis, redis_url, None), Screen(), lambda: False, player(tmp_path, 60.0), once=True)
        assert watch.run() == exit_code
        answering.join()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--play", "nowhere"], "fleetcast: --play: there is no folder nowhere\n"),
        (["--processes", "17"], "fleetcast: --processes was 17: there are 16 shards to share\n"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(state_dir, options, sentence):
    refused = CliRunner().invoke(all_in_one.app, ["--state-dir", str(state_dir), *options])
    assert (refused.exit_code, refused.output) == (2, sentence)
