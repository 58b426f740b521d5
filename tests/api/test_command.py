"""`fleetcast-api` as a process: it starts on a free port, makes its key, says that it lives, streams, and ends when told to."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import pytest

from api.auth import fingerprint
from stream.live.keys import API_KEYS, HEARTBEATS
from stream.live.views import Heartbeat

ROOT = Path(__file__).resolve().parents[2]


def begin(folder: Path, *options: str, **environment: str) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLEETCAST_", "REDIS_"))}
    command = [sys.executable, "-m", "api", *options]
    told = {**clean, "PYTHONPATH": str(ROOT), **environment}
    with (folder / "stderr").open("w") as errors:
        return subprocess.Popen(command, cwd=folder, env=told, stdout=subprocess.PIPE, stderr=errors, text=True)


@contextmanager
def running(folder: Path, redis_url: str, *options: str):
    """The process and the port that it says it listens on; ended at the end."""
    process = begin(folder, "--port", "0", "--state-dir", "state", *options, REDIS_URL=redis_url)
    try:
        said = process.stdout.readline().strip()
        assert said.startswith("listening on http://127.0.0.1:"), (folder / "stderr").read_text()
        yield process, int(said.rpartition(":")[2])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def listener(port: int, key: str, query: str = "", **options: int) -> socket.socket:
    """A connection that has asked for events and read nothing yet."""
    connection = socket.socket()
    for name, value in options.items():
        connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET /v1/stream{query} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
    return connection


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        piece = connection.recv(65_536)
        assert piece, data
        data += piece
    return data


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def test_it_makes_a_key_for_its_owner_only_keeps_it_over_a_kill_and_ends_cleanly(tmp_path, redis, redis_url):
    path = tmp_path / "state" / "api_key"
    with running(tmp_path, redis_url) as (process, port):
        key = path.read_text().strip()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(key) == 43
        assert redis.hget(API_KEYS, fingerprint(key)) == b"generated"
        assert get(port, "/v1/fleets", **{"X-API-Key": key}) == (200, b'{"items":[]}')
        process.kill()
    redis.flushall()
    with running(tmp_path, redis_url, "--restarts", "3") as (process, port):
        assert path.read_text().strip() == key
        assert get(port, "/v1/fleets")[0] == 401
        assert get(port, "/v1/fleets", **{"X-API-Key": key})[0] == 200
        beat = msgspec.json.decode(redis.hget(HEARTBEATS, "api"), type=Heartbeat)
        assert (beat.pid, beat.restarts) == (process.pid, 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not redis.hexists(HEARTBEATS, "api")
    logs = [json.loads(line) for line in (tmp_path / "stderr").read_text().splitlines()]
    assert [(line["route"], line["status"]) for line in logs if line["event"] == "request"] == [("/v1/fleets", 401), ("/v1/fleets", 200)]
    assert key not in (tmp_path / "stderr").read_text()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
def test_events_reach_listeners_resume_exactly_and_stalled_ones_cost_little(tmp_path, present, redis_url):
    with running(tmp_path, redis_url) as (process, port):
        key = (tmp_path / "state" / "api_key").read_text().strip()
        first = listener(port, key)
        assert b"text/event-stream" in read_until(first, b"retry")
        ids = [present.tell("north", "eta_updated", number) for number in range(3)]
        assert b"event: eta_updated" in read_until(first, ids[2].encode() + b"\r\n")
        again = listener(port, key, f"?last_event_id={ids[0]}")
        told = read_until(again, ids[2].encode() + b"\r\n")
        assert ids[0].encode() not in told
        assert ids[1].encode() in told

        stalled = [listener(port, key, SO_RCVBUF=4_096) for _ in range(50)]
        for connection in stalled:
            read_until(connection, b"retry")
        assert b"fleetcast_sse_clients 52.0" in get(port, "/metrics", **{"X-API-Key": key})[1]
        before_mb = resident_mb(process.pid)
        end_s, number = time.monotonic() + 4, 10
        while time.monotonic() < end_s:
            with present.redis.pipeline(transaction=False) as pipe:
                for _ in range(50):
                    event = present.event("north", "eta_updated", number, text="x" * 600)
                    pipe.xadd("fc1:events", {"f": "north", "k": "eta_updated", "s": number, "d": event})
                    number += 1
                last = pipe.execute()[-1]
            time.sleep(0.05)
        read_until(again, last + b"\r\n")
        assert resident_mb(process.pid) - before_mb < 20
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        for connection in (first, again, *stalled):
            connection.close()


def test_what_it_cannot_use_is_said_in_one_sentence(tmp_path, redis, redis_url):
    cases = {
        "does not answer": begin(tmp_path / "away", REDIS_URL="redis://127.0.0.1:1/0"),
        "no Redis answers in": begin(tmp_path / "none"),
        "FLEETCAST_SHARDS: shards was 'many'": begin(tmp_path / "wrong", FLEETCAST_SHARDS="many", REDIS_URL=redis_url),
        "cannot listen on 192.0.2.1:8080": begin(tmp_path / "address", "--host", "192.0.2.1", REDIS_URL=redis_url),
    }
    for (words, process), name in zip(cases.items(), ("away", "none", "wrong", "address"), strict=True):
        assert process.wait(30) == 78
        process.stdout.close()
        said = (tmp_path / name / "stderr").read_text()
        assert said.startswith("fleetcast-api: ")
        assert words in said
        assert said.count("\n") == 1
