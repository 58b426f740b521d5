"""Random kill -9 of the engine while a log comes in: nothing is lost, told twice or out of order, and no vehicle ever goes back.

    python benchmarks/reliability/kills.py [--seed N] [--kills 100] [--messages 400000] [--vehicles 40] [--fleets 5] [--reads 1000000]

A subscriber reads all events throughout and a poller the newest fix of every vehicle. In the end a plain loop over the same log says
what should have been told and what should stand in Redis. Every engine is killed between half a second before and four seconds after it
has begun to work: while it imports, catches up, writes, or takes a checkpoint (one a second).
"""

import random
import sys
import time
from threading import Thread

from harness import Watcher, append, arguments, drained, fleets, kill, made_log, result, wait_until
from live_system import LiveSystem
from verdict import judge

from stream.live.server import connect

IMPORTS_S = 2.0


def feed(url: str, log: list, pause_s: float) -> None:
    """The log, second by second."""
    with connect(url) as redis:
        for said in log:
            append(redis, said)
            time.sleep(pause_s)


def main() -> int:
    """Kill, and compare."""
    args = arguments(__doc__, kills=100, messages=400_000, vehicles=40, fleets=5, reads=1_000_000)
    draw, names = random.Random(args.seed), fleets(args.fleets)
    log = list(made_log(args.seed, names, args.messages, args.vehicles))
    waits = [draw.uniform(IMPORTS_S - 0.5, IMPORTS_S + 4.0) for _ in range(args.kills)]
    settings = {"FLEETCAST_CHECKPOINT_EVERY_S": "1", "FLEETCAST_EVENTS_KEPT": "10000000"}
    with LiveSystem(api=False, settings=settings) as system:
        watcher = Watcher(system.url, names).start()
        feeder = Thread(target=feed, args=(system.url, log, 0.9 * sum(waits) / len(log)))
        feeder.start()
        for wait_s in waits:
            time.sleep(wait_s)
            kill(system.children["stream-0"])
            system.again("stream-0")
        feeder.join()
        took_s = wait_until(lambda: drained(system.redis))
        time.sleep(1)
        heard, reads, backwards = watcher.end()
        verdict = judge(system.redis, heard)
    messages = sum(map(len, log))
    good = verdict.good and not backwards and reads >= args.reads
    return result(
        "kills",
        good=good,
        kills=args.kills,
        messages=messages,
        **verdict.figures(),
        reads=reads,
        backwards=backwards,
        drained_s=f"{took_s:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
