"""`fleetcast` with several engine processes: any one of its processes is killed with -9, again and again.

    python benchmarks/reliability/kills_of_several.py [--seed N] [--kills 30] [--processes 2] [--within 10]

Engines at work, engines that stand by, and the API, drawn by lot. Pings of two fleets, one in each half of the shards, are sent over HTTP
throughout. After each kill the clock runs until a ping that was sent later stands in the live view of both fleets. In the end all that was
answered with 202 must be in the log once, and events and present those of the plain loop.
"""

import http.client
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from harness import Message, Redis, Watcher, append, arguments, connect, drained, fleets, plans, result, shard_of, wait_until
from verdict import judge

from stream.live.keys import fleet_key, log_key

PORT, VEHICLES = 18_081, 20
ROOT = Path(__file__).resolve().parents[2]


class System:
    """The whole system with one command."""

    def __init__(self, folder: Path, processes: int) -> None:
        self.folder = folder
        settings = {"FLEETCAST_CHECKPOINT_EVERY_S": "2", "FLEETCAST_EVENTS_KEPT": "1000000", "FLEETCAST_PORT": str(PORT)}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
        command = [sys.executable, "-m", "stream.live.all_in_one", "--state-dir", str(folder), "--processes", str(processes)]
        self.log = (folder / "said.txt").open("ab")
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log, cwd=folder)
        self.answers: list[tuple[int, int]] = []
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        self.at_ms = int(time.time() * 1000)

    def pids(self) -> dict[str, int]:
        """Its processes."""
        noted = msgspec.json.decode((self.folder / "processes.json").read_bytes())
        return {name: process["pid"] for name, process in noted.items()}

    def alive(self) -> dict[str, int]:
        """Those that run now: one that was killed is noted until it has been started again."""
        return {name: pid for name, pid in self.pids().items() if Path(f"/proc/{pid}/exe").exists()}

    def kill_one(self, draw: random.Random) -> str:
        """The name of the one that was killed."""
        wait_until(self.alive, 60)
        name, pid = draw.choice(sorted(self.alive().items()))
        os.kill(pid, signal.SIGKILL)
        return name

    def post(self, names: list[str]) -> int:
        """A ping of each fleet, with a time that no other has; its status (0 = no answer)."""
        self.at_ms = max(self.at_ms + 1, int(time.time() * 1000))
        form = '{"type":"ping","fleet_id":"%s","at":%d,"vehicle_id":"v%05d","lat":%.6f,"lon":10.001}'
        pings = [form % (name, self.at_ms, self.at_ms % VEHICLES, 40.0 + 0.003 * (self.at_ms % VEHICLES)) for name in names]
        headers = {"X-API-Key": (self.folder / "api_key").read_text().strip(), "Content-Type": "application/json"}
        try:
            self.connection.request("POST", "/v1/pings:batch", f"[{','.join(pings)}]", headers)
            answer = self.connection.getresponse()
            answer.read()
            self.answers.append((self.at_ms, answer.status))
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.answers.append((self.at_ms, 0))
        return self.answers[-1][1]


def seen(redis: Redis, names: list[str]) -> int:
    """Until when (us) every fleet is in the live view."""
    return min(int(redis.hget(fleet_key("fleet", name), "now_us") or 0) for name in names)


def until_whole(system: System, redis: Redis, names: list[str]) -> float:
    """Seconds until a ping sent now has been accepted and stands in the view of both fleets."""
    began_s, sent_us = time.monotonic(), None
    while sent_us is None or seen(redis, names) < sent_us:
        now_us = time.time_ns() // 1000
        if system.post(names) == 202 and sent_us is None:
            sent_us = now_us
        if time.monotonic() - began_s > 120:
            raise RuntimeError("FAIL: nothing for two minutes: " + (system.folder / "said.txt").read_text()[-2_000:])
        time.sleep(0.01)
    return time.monotonic() - began_s


def main() -> int:
    """Kill, and compare."""
    args = arguments(__doc__, kills=30, processes=2, within=10)
    draw, names, took, victims = random.Random(args.seed), fleets(2), [], []
    with TemporaryDirectory(prefix="fc-bench-") as folder:
        system = System(Path(folder), args.processes)
        try:
            wait_until(lambda: (Path(folder) / "api_key").exists() and (Path(folder) / "redis.sock").exists())
            redis = connect(f"unix://{folder}/redis.sock")
            append(
                redis, [Message(name, plan) for name in names for plan in plans(name, VEHICLES, 10, time.time_ns() // 1000)], driven=False
            )
            until_whole(system, redis, names)
            wait_until(lambda: len(system.pids()) == 2 * args.processes + 1, 60)
            watcher = Watcher(f"unix://{folder}/redis.sock", names).start()
            for _ in range(args.kills):
                until_s = time.monotonic() + draw.uniform(0.5, 6.0)
                while time.monotonic() < until_s:
                    system.post(names)
                    time.sleep(0.02)
                name = system.kill_one(draw)
                took.append(until_whole(system, redis, names))
                victims.append(name)
                print(f"  {name}: {took[-1]:.2f} s", flush=True)
            wait_until(lambda: drained(redis), 60)
            time.sleep(2)
            heard, reads, backwards = watcher.end()
            held = b"\n".join(fields[b"m"] for name in names for _, fields in redis.xrange(log_key(shard_of(name))))
            times = [int(part[:13]) for part in held.split(b'"ping"')[1:] for part in [part.split(b'"at":')[1]]]
            lost = sum(status == 202 and times.count(at_ms) < len(names) for at_ms, status in system.answers)
            twice = sum(times.count(at_ms) > len(names) for at_ms, _ in system.answers)
            verdict = judge(redis, heard)
        finally:
            system.process.send_signal(signal.SIGTERM)
            system.process.wait(60)
            system.log.close()
    accepted = sum(s == 202 for _, s in system.answers)
    figures = {"kills": args.kills, "of": len(set(victims)), "slowest": f"{max(took):.2f} s", "accepted": accepted}
    figures |= {"accepted_lost": lost, "accepted_twice": twice, **verdict.figures(), "reads": reads, "backwards": backwards}
    good = verdict.good and not (lost or twice or backwards) and max(took) <= args.within
    return result("kills of several", good=good, **figures)


if __name__ == "__main__":
    sys.exit(main())
