"""How many pings a second go through Redis into the present: a filled log is drained by two engine processes, everything on.

    python benchmarks/live_throughput.py [--pings 2000000] [--fleets 16] [--vehicles 500] [--every 1] [--processes 2]

Vans with 40 stops each, a stop every four minutes, a fix every `--every` seconds, ticks every 10 s. The rate is that of the middle 80 %.
The Redis server runs on the same cores, and appends to its file.
"""

import argparse
import time

import msgspec
from delivery_pings import fixes, plans
from live_system import LiveSystem
from redis import Redis

from stream.codec import encode
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import fleet_key
from stream.log import shard_of
from stream.messages import Tick
from stream.moments import instant

START_US = 1_760_000_000_000_000


def fleet_ids(count: int) -> list[str]:
    """Fleets spread evenly over the processes, and over shards as evenly as names allow."""
    chosen: dict[int, list[str]] = {}
    for number in range(10_000):
        chosen.setdefault(shard_of(f"fleet{number:04d}"), []).append(f"fleet{number:04d}")
    per_shard = max(1, count // 16)
    names = [name for shard in sorted(chosen) for name in chosen[shard][:per_shard]]
    return names[:: max(1, len(names) // count)][:count]


def fill(redis: Redis, fleets: list[str], vehicles: int, pings: int, every_s: float) -> int:
    """Append plans, pings and ticks in log order; returns the number of messages."""
    script, total = redis.register_script(SCRIPT), 0

    def put(messages: list[Message]) -> None:
        nonlocal total
        total += len(messages)
        for call in calls(messages, driven=True):
            script(keys=call.keys, args=call.args)

    for fleet in fleets:
        put([Message(fleet, payload, START_US) for payload in plans(fleet, vehicles, 40, START_US)])
    seconds = round(pings * every_s / (vehicles * len(fleets)))
    ways = [fixes(fleet, vehicles, START_US, seconds, every_s, seed) for seed, fleet in enumerate(fleets)]
    waiting: dict[str, list[Message]] = {fleet: [] for fleet in fleets}
    for second in range(seconds):
        for fleet, way in zip(fleets, ways, strict=True):
            at_us, made = next(way)
            waiting[fleet] += [Message(fleet, payload, at_us) for payload in made]
            if second % 10 == 0:
                waiting[fleet].append(Message(fleet, encode(Tick(fleet_id=fleet, at=instant(at_us))), at_us))
            if len(waiting[fleet]) >= 500 or second == seconds - 1:
                put(waiting[fleet])
                waiting[fleet] = []
    return total


def received(redis: Redis, fleets: list[str]) -> int:
    """Messages taken so far."""
    with redis.pipeline(transaction=False) as pipe:
        for fleet in fleets:
            pipe.hget(fleet_key("fleet", fleet), "totals")
        return sum(msgspec.json.decode(totals)["received"] for totals in pipe.execute() if totals)


def main() -> None:
    """Fill, drain, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--pings", 2_000_000), ("--fleets", 16), ("--vehicles", 500), ("--processes", 2)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--every", type=float, default=1.0)
    args = parser.parse_args()
    step = 16 // args.processes
    shards = [f"{first}-{first + step - 1}" for first in range(0, 16, step)]
    with LiveSystem(shards, api=False, start=False) as system:
        fleets = fleet_ids(args.fleets)
        total = fill(system.redis, fleets, args.vehicles, args.pings, args.every)
        print(f"{total:,} messages of {len(fleets)} fleets x {args.vehicles} vehicles in the log", flush=True)
        system.start()
        marks: list[tuple[float, int, dict[str, float]]] = []
        while not marks or marks[-1][1] < total:
            marks.append((time.perf_counter(), received(system.redis, fleets), system.cpu_s()))
            time.sleep(0.1)
        (t0, n0, c0), (t1, n1, c1) = (next(m for m in marks if m[1] >= share * total) for share in (0.1, 0.9))
        print(f"{(n1 - n0) / (t1 - t0):,.0f} messages/s through Redis in {args.processes} processes, over {t1 - t0:.1f} s")
        print("processor, us a message: " + ", ".join(f"{name} {1e6 * (c1[name] - c0[name]) / (n1 - n0):.2f}" for name in c1))


if __name__ == "__main__":
    main()
