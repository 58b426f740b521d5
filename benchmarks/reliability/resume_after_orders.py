"""After many orders have been delivered a restart is as quick as on the first day.

    python benchmarks/reliability/resume_after_orders.py [--seed N] [--orders 100000] [--vehicles 500] [--stops 20] [--kills 3]

Routes are published, driven (every visit arrived at and completed, as drivers say it), and ended, one after the other, with ticks in
between. Then the engine is killed; the clock runs as in recovery.py until one that stands by has told something new.
"""

import random
import sys
import time
from collections.abc import Iterator

from harness import START_US, Message, append, arguments, drained, fixes, plans, result, wait_until
from live_system import LiveSystem
from recovery import FLEET, drive, once, tick

from stream.live.keys import HEARTBEATS

MOST_S, VISIT_S = 2.0, 60
EVENTS_KEPT = {"FLEETCAST_EVENTS_KEPT": "5000000"}


def deliveries(vehicles: int, stops: int, rounds: int) -> Iterator[list[Message]]:
    """Every round of every vehicle, a stop of all of them at a time."""
    for turn in range(rounds):
        began_us = START_US + turn * (stops + 2) * VISIT_S * 1_000_000
        yield [Message(FLEET, renamed(plan, turn), began_us) for plan in plans(FLEET, vehicles, stops, began_us)]
        for k in range(stops):
            at_us = began_us + (k + 1) * VISIT_S * 1_000_000
            form = b'{"type":"%b","fleet_id":"%b","at":%d,"route_id":"r%d-%d","vehicle_id":"v%05d","visit_id":"r%d-%d.%d"}'
            said = [
                form % (kind, FLEET.encode(), at_us // 1000, v, turn, v, v, turn, k)
                for v in range(vehicles)
                for kind in (b"stop_arrived", b"stop_completed")
            ]
            yield [Message(FLEET, text, at_us) for text in (*said, tick(at_us))]
        end_us = began_us + (stops + 1) * VISIT_S * 1_000_000
        form = b'{"type":"route_ended","fleet_id":"%b","at":%d,"route_id":"r%d-%d","vehicle_id":"v%05d"}'
        ended = [form % (FLEET.encode(), end_us // 1000, v, turn, v) for v in range(vehicles)]
        yield [Message(FLEET, text, end_us) for text in (*ended, tick(end_us))]


def renamed(plan: bytes, turn: int) -> bytes:
    """The plan as that of another turn: routes and orders have names of their own."""
    head, found, rest = plan.partition(b'"route_id":"r')
    number, _, tail = rest.partition(b'"')
    return head + found + b"%b-%d" % (number, turn) + b'"' + tail.replace(b'"order_ref":"o', b'"order_ref":"o%d-' % turn)


def main() -> int:
    """Deliver, kill, and wait."""
    args = arguments(__doc__, orders=100_000, vehicles=500, stops=20, kills=3)
    draw, rounds = random.Random(args.seed), args.orders // (args.vehicles * args.stops)
    took, delivered = [], 0
    with LiveSystem(api=False, standby=True, settings={**EVENTS_KEPT, "FLEETCAST_CHECKPOINT_EVERY_S": "10"}) as system:
        for said in deliveries(args.vehicles, args.stops, rounds):
            append(system.redis, said)
        wait_until(lambda: drained(system.redis), 600)
        time.sleep(2)  # the events of a large stretch are written behind its present
        for text in system.redis.xrange("fc1:events"):
            delivered += text[1][b"k"] == b"stop_completed"
        end_us = START_US + rounds * (args.stops + 2) * VISIT_S * 1_000_000
        append(system.redis, [Message(FLEET, tick(end_us + 86_400_000_000 * day), end_us + 86_400_000_000 * day) for day in (0, 1)])
        stream = fixes(FLEET, args.vehicles, end_us + 90_000_000_000, 10**9, 5.0, args.seed)
        for number in range(args.kills):
            drive(system, stream, draw.uniform(11, 20))
            wait_until(lambda: system.redis.hexists(HEARTBEATS, "standby-0"))
            took.append(once(system, number, stream))
            print(f"  kill {number + 1}: {took[-1]:.2f} s", flush=True)
        checkpoint_kb = next(system.folder.glob("checkpoints/bench.checkpoint")).stat().st_size / 1e3
    good = max(took) <= MOST_S and delivered == rounds * args.vehicles * args.stops
    figures = {"delivered": delivered, "vehicles": args.vehicles, "checkpoint": f"{checkpoint_kb:.0f} kB", "most": f"{max(took):.2f} s"}
    return result("resume after orders", good=good, kills=args.kills, **figures)


if __name__ == "__main__":
    sys.exit(main())
