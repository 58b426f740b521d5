"""From kill -9 of the engine to the first event that a message sent afterwards gives: a large fleet, learned models, one that stands by.

    python benchmarks/reliability/recovery.py [--seed N] [--kills 5] [--vehicles 10000] [--stops 20] [--learned 600] [--rate 1000]
                                              [--soonest 5] [--latest 60] [--ready 1] [--every 20]

Before the kills `--learned` seconds of log time are driven, so that there are arrivals to have learned from, questions that wait, and a
checkpoint with all of it. They come at full speed; what a live system would have behind a checkpoint by then is waited for. Then pings go
on at `--rate` a second. The clock runs from the kill to the moment at which a subscriber hears of a fence that was entered by a message
sent after it. The next kill comes `--soonest` to `--latest` seconds later, and with `--ready 1` not before the one that was started in the
dead one's place stands by. A checkpoint is taken every `--every` seconds: 20, as by default.
"""

import random
import statistics
import sys
import time
from itertools import islice

from harness import START_US, append, arguments, drained, fixes, kill, plans, result, wait_until
from live_system import LiveSystem

from stream.live.append import Message
from stream.live.keys import EVENTS, HEARTBEATS

FLEET, MOST_S = "bench", 3.0


def main() -> int:
    """Drive, kill, and wait."""
    args = arguments(__doc__, kills=5, vehicles=10_000, stops=20, learned=600, rate=1_000, soonest=5, latest=60, ready=1, every=20)
    draw, took = random.Random(args.seed), []
    every_s = args.vehicles / args.rate
    with LiveSystem(api=False, standby=True, settings={"FLEETCAST_CHECKPOINT_EVERY_S": str(args.every)}) as system:
        append(system.redis, [Message(FLEET, plan, START_US) for plan in plans(FLEET, args.vehicles, args.stops, START_US)])
        stream = fixes(FLEET, args.vehicles, START_US, 10**9, every_s, args.seed)
        for at_us, pings in islice(stream, args.learned):
            append(system.redis, [Message(FLEET, ping, at_us) for ping in (*pings, tick(at_us))])
        wait_until(lambda: drained(system.redis), 600)
        wait_until(lambda: len(list(system.folder.glob("checkpoints/*.checkpoint"))) > 0)
        drive(system, stream, 2 * args.every)
        for number in range(args.kills):
            drive(system, stream, draw.uniform(args.soonest, args.latest))
            wait_until(lambda: not args.ready or system.redis.hexists(HEARTBEATS, "standby-0"))
            ready = bool(system.redis.hexists(HEARTBEATS, "standby-0"))
            took.append(once(system, number, stream))
            print(f"  kill {number + 1}: {took[-1]:.2f} s{'' if ready else ', nobody stood by'}", flush=True)
        checkpoint_mb = next(system.folder.glob("checkpoints/*.checkpoint")).stat().st_size / 1e6
    good = max(took) <= MOST_S
    shown = {"checkpoint": f"{checkpoint_mb:.1f} MB", "median": f"{statistics.median(took):.2f} s", "most": f"{max(took):.2f} s"}
    return result("recovery", good=good, kills=args.kills, vehicles=args.vehicles, visits=args.vehicles * args.stops, **shown)


def tick(at_us: int) -> bytes:
    """A tick of the fleet."""
    return b'{"type":"tick","fleet_id":"%b","at":%d}' % (FLEET.encode(), at_us // 1000)


def drive(system: LiveSystem, stream: object, seconds: float) -> None:
    """Pings at the speed of the clock for so long."""
    began_s = time.monotonic()
    while (gone_s := time.monotonic() - began_s) < seconds:
        second(system, stream)
        time.sleep(max(0.0, int(gone_s) + 1 - (time.monotonic() - began_s)))


def second(system: LiveSystem, stream: object) -> int:
    """The next second of log time; which one it was."""
    at_us, pings = next(stream)
    append(system.redis, [Message(FLEET, ping, at_us) for ping in (*pings, tick(at_us))])
    return at_us


def once(system: LiveSystem, number: int, stream: object) -> float:
    """Kill the engine that works, and tell what nobody knew before: seconds until it is heard of."""
    (last, _), *_ = system.redis.xrevrange(EVENTS, count=1)
    working = int(system.redis.hget(HEARTBEATS, "stream-0").split(b'"pid":')[1].split(b",")[0])
    name = next(name for name, child in system.children.items() if child.pid == working)
    kill(system.children[name])
    killed_s = time.monotonic()
    system.again(name)
    at_us = second(system, stream)
    vehicle = f"probe{number}"
    form = '{"type":"%s","fleet_id":"%s","at":%d,%s}'
    square = f'"fence_id":"{vehicle}","geometry":{{"type":"Polygon","coordinates":[[[50,50],[50.1,50],[50.1,50.1],[50,50.1],[50,50]]]}}'
    ping = f'"vehicle_id":"{vehicle}","lat":50.05,"lon":50.05'
    said = [form % ("fence_put", FLEET, at_us // 1000, square), form % ("ping", FLEET, at_us // 1000, ping)]
    said.append(form % ("ping", FLEET, at_us // 1000 + 60_000, ping))
    append(system.redis, [Message(FLEET, text.encode(), at_us + 60_000_000 * (i == 2)) for i, text in enumerate(said)])
    while True:
        for _, entries in system.redis.xread({EVENTS: last}, count=1_000, block=5_000) or ():
            last = entries[-1][0]
            if any(vehicle.encode() in fields[b"d"] for _, fields in entries):
                return time.monotonic() - killed_s
        if time.monotonic() - killed_s > 60:
            raise SystemExit("FAIL recovery: nothing within a minute: " + (system.folder / "log.txt").read_text()[-1500:])


if __name__ == "__main__":
    sys.exit(main())
