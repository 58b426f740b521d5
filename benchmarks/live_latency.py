"""From a ping sent over HTTP (or appended to the log) to its position in Redis, and a GET of an ETA, while others keep the system busy.

    python benchmarks/live_latency.py [--rate 1000] [--vehicles 5000] [--batch 10] [--seconds 30] [--stops 40] [--idle]

Everything is on: embedded server with its append-only file, one engine process, the API, checkpoints. Probes are single pings, each
followed from just before its POST until its time stands in `fc1:fixes`. With --idle nothing is sent, and processor time is measured.
"""

import argparse
import http.client
import json
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event

import msgspec
import numpy as np
from delivery_pings import LON_DEG_A_M, plans
from live_system import PORT, LiveSystem
from redis import Redis

from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import fleet_key
from stream.live.server import connect
from stream.live.signs import left_to_take
from stream.live.views import FIX

FLEET = "bench"
PROBES = 50


def ping(vehicle: int, at_ms: int, began_ms: int) -> bytes:
    """A ping of a van that drives along its street."""
    lon = 10.0 + (at_ms - began_ms) / 1000 * 8.0 * LON_DEG_A_M
    form = b'{"type":"ping","fleet_id":"%b","at":%d,"vehicle_id":"v%05d","lat":%.6f,"lon":%.6f,"speed_mps":8.0}'
    return form % (FLEET.encode(), at_ms, vehicle, 40.0 + 0.003 * vehicle % 20, lon)


def post(connection: http.client.HTTPConnection, key: str, body: bytes) -> None:
    """One batch; anything but 202 ends the benchmark."""
    connection.request("POST", "/v1/pings:batch", body, {"X-API-Key": key, "Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 202:
        raise SystemExit(f"{answer.status}: {text[:300]!r}")


def send(key: str, rate: float, vehicles: int, batch: int, began_ms: int, stop: Event) -> None:
    """Keep sending `rate` pings a second, vehicles in turn."""
    connection, sent, started = http.client.HTTPConnection("127.0.0.1", PORT), 0, time.time()
    while not stop.is_set():
        behind = int((time.time() - started) * rate) - sent
        if behind < batch:
            time.sleep((batch - behind) / rate)
            continue
        at_ms = int(time.time() * 1000)
        turns = (PROBES + (sent + i) % (vehicles - PROBES) for i in range(batch))
        post(connection, key, b"[" + b",".join(ping(vehicle, at_ms, began_ms) for vehicle in turns) + b"]")
        sent += batch
    print(f"  sent {sent:,} pings, {sent / (time.time() - started):,.0f} a second", flush=True)


def probe(key: str | None, redis: Redis, began_ms: int, until: float) -> Iterator[float]:
    """Seconds from sending a ping until it is visible: over HTTP, or without a key appended to the log."""
    connection, number, script = http.client.HTTPConnection("127.0.0.1", PORT), 0, redis.register_script(SCRIPT)
    while time.time() < until:
        vehicle, number = number % PROBES, number + 1
        at_ms, started = int(time.time() * 1000), time.perf_counter()
        if key is not None:
            post(connection, key, b"[" + ping(vehicle, at_ms, began_ms) + b"]")
        else:
            for call in calls([Message(FLEET, ping(vehicle, at_ms, began_ms))]):
                script(keys=call.keys, args=call.args)
        while True:
            packed = redis.hget(fleet_key("fixes", FLEET), f"v{vehicle:05d}")
            if packed and int(np.frombuffer(packed, FIX)["at_us"][0]) == at_ms * 1000:
                break
            time.sleep(0.0005)
        yield time.perf_counter() - started
        time.sleep(0.02)


def get_etas(key: str, until: float) -> Iterator[float]:
    """Seconds that a GET of an ETA takes."""
    connection, number = http.client.HTTPConnection("127.0.0.1", PORT), 0
    while time.time() < until:
        started, number = time.perf_counter(), number + 1
        connection.request("GET", f"/v1/orders/o{number % PROBES}-5/eta", headers={"X-API-Key": key})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200 or not body:
            raise SystemExit(f"{answer.status}: {body}")
        yield time.perf_counter() - started
        time.sleep(0.02)


def told(name: str, seconds: list[float]) -> None:
    """One line of quantiles."""
    p50, p90, p99 = (1000 * float(np.quantile(seconds, q)) for q in (0.5, 0.9, 0.99))
    print(f"{name}: p50 {p50:.1f} ms, p90 {p90:.1f}, p99 {p99:.1f}, most {1000 * max(seconds):.1f}, of {len(seconds):,}", flush=True)


def prepare(system: LiveSystem, vehicles: int, stops: int, began_us: int) -> None:
    """Publish and start every route, and wait until the engine has them."""
    script = system.redis.register_script(SCRIPT)
    messages = [Message(FLEET, payload) for payload in plans(FLEET, vehicles, stops, began_us)]
    for call in calls(messages):
        script(keys=call.keys, args=call.args)
    while True:
        totals = system.redis.hget(fleet_key("fleet", FLEET), "totals")
        if totals and msgspec.json.decode(totals)["received"] >= len(messages):
            return
        time.sleep(0.1)


def warm_up(system: LiveSystem, turn_s: float, rate: int) -> None:
    """The first pings of all vehicles make the first ETAs of all visits, each an event: that morning is not measured."""
    started = time.monotonic()
    time.sleep(turn_s + 2)
    while (waiting := left_to_take(system.redis)) > rate // 10 and time.monotonic() - started < 120:
        time.sleep(0.5)
    time.sleep(5)
    print(f"warmed up for {time.monotonic() - started:.0f} s; {waiting:,} messages waited then", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--rate", 1_000), ("--vehicles", 5_000), ("--batch", 10), ("--seconds", 30), ("--stops", 40)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--idle", action="store_true")
    args = parser.parse_args()
    with LiveSystem() as system:
        began_ms = int(time.time() * 1000)
        prepare(system, args.vehicles, args.stops, began_ms * 1000)
        stop, senders = multiprocessing.Event(), []
        if not args.idle:
            count = 1 if args.rate <= 5_000 else 2
            work = (system.key, args.rate / count, args.vehicles, args.batch, began_ms, stop)
            senders = [multiprocessing.Process(target=send, args=work) for _ in range(count)]
        for sender in senders:
            sender.start()
        warm_up(system, args.vehicles / args.rate, args.rate)
        before, started = system.cpu_s(), time.time()
        if args.idle:
            time.sleep(args.seconds)
        else:
            with connect(system.url) as redis:
                told("ping sent over HTTP to state visible", list(probe(system.key, redis, began_ms, started + args.seconds * 0.4)))
                told("ping appended to state visible", list(probe(None, redis, began_ms, started + args.seconds * 0.8)))
            told("GET of an ETA", list(get_etas(system.key, started + args.seconds)))
        used = {name: 100 * (seconds - before[name]) / (time.time() - started) for name, seconds in system.cpu_s().items()}
        print(f"{args.vehicles:,} vehicles x {args.stops} stops; share of a core: " + ", ".join(f"{n} {p:.1f} %" for n, p in used.items()))
        stop.set()
        for sender in senders:
            sender.join()


if __name__ == "__main__":
    main()
