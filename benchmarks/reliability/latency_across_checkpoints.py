"""From a ping appended to the log to its position in Redis, while checkpoints of a large fleet are taken.

    python benchmarks/reliability/latency_across_checkpoints.py [--seed N] [--vehicles 10000] [--stops 20] [--rate 3000] [--seconds 60]

One fleet, one engine process, an embedded server with its append-only file, a checkpoint every 10 s (live: 20 s). Probes are single pings.
"""

import argparse
import multiprocessing
import sys
import time

import numpy as np
from harness import arguments, connect, result
from live_latency import FLEET, ping, prepare, probe
from live_system import LiveSystem

from stream.live.append import SCRIPT, Message, calls
from stream.live.signs import left_to_take

PROBES = 50
MOST_S = 0.1


def send(url: str, args: argparse.Namespace, began_ms: int, stop: multiprocessing.synchronize.Event) -> None:
    """Pings of all vehicles in turn, 50 entries a second."""
    with connect(url) as redis:
        script, started, sent = redis.register_script(SCRIPT), time.time(), 0
        while not stop.is_set():
            due = int((time.time() - started) * args.rate) - sent
            at_ms = int(time.time() * 1000)
            turns = (PROBES + (sent + i) % (args.vehicles - PROBES) for i in range(due))
            for call in calls([Message(FLEET, ping(vehicle, at_ms, began_ms)) for vehicle in turns]):
                script(keys=call.keys, args=call.args)
            sent += due
            time.sleep(0.02)


def main() -> int:
    """Measure."""
    args = arguments(__doc__, vehicles=10_000, stops=20, rate=3_000, seconds=60)
    with LiveSystem(api=False, settings={"FLEETCAST_CHECKPOINT_EVERY_S": "10"}) as system:
        began_ms = int(time.time() * 1000)
        prepare(system, args.vehicles, args.stops, began_ms * 1000)
        stop = multiprocessing.Event()
        sender = multiprocessing.Process(target=send, args=(system.url, args, began_ms, stop), daemon=True)
        sender.start()
        time.sleep(args.vehicles / args.rate + 10)
        while left_to_take(system.redis) > args.rate:
            time.sleep(0.5)
        time.sleep(5)
        file, until, taken = next(system.folder.glob("checkpoints/*.checkpoint"), None), time.time() + args.seconds, set()
        seconds = []
        for second in probe(None, system.redis, began_ms, until):
            seconds.append(second)
            file = file or next(system.folder.glob("checkpoints/*.checkpoint"), None)
            if file is not None:
                taken.add(file.stat().st_mtime_ns)
        stop.set()
        sender.join()
        size_mb = file.stat().st_size / 1e6 if file is not None else 0.0
    p50, p99, most = (1000 * float(np.quantile(seconds, q)) for q in (0.5, 0.99, 1.0))
    figures = {"checkpoints": len(taken) - 1, "of": f"{size_mb:.1f} MB", "probes": len(seconds)}
    shown = {"p50": f"{p50:.1f} ms", "p99": f"{p99:.1f} ms", "most": f"{most:.1f} ms"}
    good = p99 <= 1000 * MOST_S and len(taken) > 1
    return result(
        "latency across checkpoints",
        good=good,
        vehicles=args.vehicles,
        visits=args.vehicles * args.stops,
        rate=args.rate,
        **figures,
        **shown,
    )


if __name__ == "__main__":
    sys.exit(main())
