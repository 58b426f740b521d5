"""Redis goes away, hangs, dies, forgets its last second, or is full: the engine stays, catches up, and nobody is lied to.

    python benchmarks/reliability/redis_outage.py [--seed N] [--away 60] [--kills 15] [--cuts 3]

In turn: 5 s hung (SIGSTOP), 5 s and `--away` s dead, `--kills` times kill -9, full, and `--cuts` times kill -9 with the last 20 to 200 kB
cut off its append-only file, once more as often with the engine killed as well, behind a checkpoint. Pings are sent over HTTP throughout.
Then: what was answered with 202 is in the log, every event that a subscriber heard is what a plain loop over the log gives, or stands in
Redis as he heard it where the end of the log was cut off, and the engine is the process that it was.
"""

import http.client
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from multiprocessing.synchronize import Event
from typing import Any

from harness import Watcher, append, arguments, drained, kill, plans, result, wait_until
from live_system import PORT, LiveSystem
from verdict import judge

from stream.checkpoints import Checkpoints
from stream.live.append import Message
from stream.live.keys import EVENTS, fleet_key, log_key
from stream.live.log_entry import position_of
from stream.log import shard_of
from stream.settings import FleetSettings

FLEET, CAUGHT_UP_S, VEHICLES = "bench", 5.0, 50


def send(key: str, stop: Event, answers: Any) -> None:
    """A ping every 10 ms over HTTP; for each its time, which none shares, and the status of the answer (0 = none)."""
    told: list[tuple[int, int]] = []
    connection, at_ms = http.client.HTTPConnection("127.0.0.1", PORT, timeout=15), int(time.time() * 1000)
    while not stop.is_set():
        at_ms = max(at_ms + 1, int(time.time() * 1000))
        form = '[{"type":"ping","fleet_id":"%s","at":%d,"vehicle_id":"v%05d","lat":%.6f,"lon":10.001}]'
        body = form % (FLEET, at_ms, at_ms % VEHICLES, 40.0 + 0.003 * (at_ms % VEHICLES) + at_ms % 100_000 * 1e-7)
        try:
            connection.request("POST", "/v1/pings:batch", body, {"X-API-Key": key, "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            told.append((at_ms, answer.status))
        except (OSError, http.client.HTTPException):
            connection.close()
            told.append((at_ms, 0))
        time.sleep(0.01)
    answers.put(told)


class Server:
    """The server of a system, to be hurt."""

    def __init__(self, system: LiveSystem) -> None:
        self.system = system

    @property
    def pid(self) -> int:
        """Its process."""
        return self.system.server._process.pid

    def die(self) -> None:
        """With -9."""
        os.kill(self.pid, signal.SIGKILL)
        self.system.server._process.wait()

    def live(self) -> None:
        """Start it again on what it kept, and wait until it has read it."""
        self.system.server._process = None
        self.system.server.start(timeout=60)

    def hang(self, seconds: float) -> None:
        """Stop it, and let it go on."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    def forget(self, size: int) -> None:
        """Cut so many bytes off what it had appended to disk."""
        file = max(self.system.folder.glob("appendonlydir/*.incr.aof"))
        os.truncate(file, max(0, file.stat().st_size - size))


def outages(system: LiveSystem, server: Server, args: Any, draw: random.Random) -> float:
    """Hang, leave and die; the longest that the engine took to have caught up when Redis was back."""
    slowest_s = 0.0
    server.hang(5)
    slowest_s = max(slowest_s, wait_until(lambda: caught_up(system), 60))
    for away_s in (5, args.away):
        server.die()
        time.sleep(away_s)
        server.live()
        slowest_s = max(slowest_s, wait_until(lambda: caught_up(system), 60))
        time.sleep(2)
    for _ in range(args.kills):
        server.die()
        server.live()
        slowest_s = max(slowest_s, wait_until(lambda: caught_up(system), 60))
        time.sleep(draw.uniform(0.2, 1.5))
    return slowest_s


def caught_up(system: LiveSystem, within_us: int = 200_000) -> bool:
    """Whether the fleet's place is that of the last ping, or nearly: they keep coming."""
    entry: Any = system.redis.xrevrange(log_key(shard_of(FLEET)), count=1)
    written = system.redis.hget(fleet_key("fleet", FLEET), "now_us")
    return bool(entry and written) and int(entry[0][0].split(b"-")[0]) * 1000 - int(written) < within_us


def durable(system: LiveSystem) -> int:
    """How far the fleet's checkpoint is."""
    kept = Checkpoints(system.folder / "checkpoints").read(FLEET, FleetSettings().model)
    return -1 if kept is None else kept.position


def heard_stands(system: LiveSystem, heard: list[tuple[str, int, bytes]]) -> int:
    """How many events that were heard do not stand in Redis as they were."""
    answer: Any = system.redis.xrange(EVENTS)
    stands = {(fields[b"f"].decode(), int(fields[b"s"]), fields[b"d"]) for _, fields in answer}
    return sum(one not in stands for one in heard)


def is_full(system: LiveSystem, watched: dict[str, int]) -> bool:
    """Whether the engine goes on working while Redis has no room and the API says so."""
    engine = system.children["stream-0"].pid
    system.redis.config_set("maxmemory", 1)
    time.sleep(12)
    beating = system.redis.hget(fleet_key("fleet", FLEET), "now_us")
    alive = int(beating) > (time.time() - 12) * 1e6
    system.redis.config_set("maxmemory", 0)
    watched["engine_worked_while_full"] = int(alive)
    return alive and system.children["stream-0"].poll() is None and system.children["stream-0"].pid == engine


def main() -> int:
    """Hurt, and compare."""
    args = arguments(__doc__, away=60, kills=15, cuts=3)
    draw, figures = random.Random(args.seed), dict[str, int]()
    settings = {"FLEETCAST_CHECKPOINT_EVERY_S": "2", "FLEETCAST_EVENTS_KEPT": "1000000"}
    with LiveSystem(settings=settings) as system:
        server, engine = Server(system), system.children["stream-0"]
        append(system.redis, [Message(FLEET, plan) for plan in plans(FLEET, VEHICLES, 10, int(time.time() * 1e6))], driven=False)
        watcher, stop, answers = Watcher(system.url, [FLEET]).start(), multiprocessing.Event(), multiprocessing.Queue()
        sender = multiprocessing.Process(target=send, args=(system.key, stop, answers), daemon=True)
        sender.start()
        time.sleep(3)
        slowest_s = outages(system, server, args, draw)
        good = is_full(system, figures)
        stop.set()
        told = answers.get(timeout=60)
        wait_until(lambda: drained(system.redis), 60)
        time.sleep(1)
        heard, _, figures["backwards"] = watcher.end()
        held: Any = system.redis.xrange(log_key(shard_of(FLEET)))
        text = b"\n".join(fields[b"m"] for _, fields in held)
        kept = {int(part.split(b",", 1)[0]) for part in text.split(b'"at":')[1:] if part[:13].isdigit()}
        statuses = Counter(status for _, status in told)
        figures["acknowledged"], figures["acknowledged_lost"] = statuses[202], sum(s == 202 and at not in kept for at, s in told)
        figures["refused_503"], figures["other_answers"] = statuses[503], len(told) - statuses[202] - statuses[503]
        verdict = judge(system.redis, heard)
        good = good and verdict.good and engine.poll() is None
        figures |= verdict.figures()
        figures["vanished_after_cuts"] = cuts(system, server, args, draw)
        good = good and not (
            figures["backwards"] or figures["acknowledged_lost"] or figures["vanished_after_cuts"] or figures["other_answers"]
        )
    return result("redis outage", good=good and slowest_s <= CAUGHT_UP_S, kills=args.kills, slowest=f"{slowest_s:.2f} s", **figures)


def cuts(system: LiveSystem, server: Server, args: Any, draw: random.Random) -> int:
    """Kill it and cut off its end, with the engine alive, and then killed as well; events that were heard before and are gone."""
    vanished = 0
    for number in range(2 * args.cuts):
        watcher = Watcher(system.url, [FLEET]).start()
        began_us = int(time.time() * 1e6)
        for turn in range(40):
            pings = []
            for vehicle in range(VEHICLES):
                at_ms = began_us // 1000 + 100 * turn
                form = '{"type":"ping","fleet_id":"%s","at":%d,"vehicle_id":"v%05d","lat":%.6f,"lon":%.6f}'
                lat, lon = 40.0 + 0.003 * vehicle, 10.0 + draw.random() * 0.01
                pings.append(Message(FLEET, (form % (FLEET, at_ms, vehicle, lat, lon)).encode()))
            append(system.redis, pings, driven=False)
            time.sleep(0.1)
        wait_until(lambda: caught_up(system, 1_000), 60)
        # What is in no checkpoint and no log any more nobody can know: those heard before the last checkpoint must not be gone.
        last = position_of(system.redis.xrevrange(log_key(shard_of(FLEET)), count=1)[0][0])
        wait_until(lambda last=last: durable(system) >= last, 60)
        engine_too = number >= args.cuts
        server.die()
        if engine_too:
            kill(system.children["stream-0"])
        server.forget(draw.randrange(20_000, 200_000))
        server.live()
        if engine_too:
            system.again("stream-0")
        now = int(time.time() * 1000)
        said = b'{"type":"ping","fleet_id":"%b","at":%d,"vehicle_id":"v00001","lat":40.003,"lon":10.0}' % (FLEET.encode(), now)
        append(system.redis, [Message(FLEET, said)], driven=False)
        time.sleep(8 if not engine_too else 15)
        heard, _, _ = watcher.end()
        gone = heard_stands(system, heard)
        print(f"  cut {number + 1}{' with the engine' if engine_too else ''}: {len(heard):,} events heard, {gone} of them gone", flush=True)
        vanished += gone
    return vanished


if __name__ == "__main__":
    sys.exit(main())
