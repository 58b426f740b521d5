"""Memory of an engine under a steady load of days: vehicles drive to and fro, a new route each 24 minutes, everything twenty times as fast.

    python benchmarks/reliability/soak.py [--seed N] [--warm 15] [--minutes 30] [--vehicles 100] [--fleets 2] [--faster 20]

One engine process with its server. After `--warm` minutes (at this speed five hours of log, in which learned tables fill) its resident
memory is read every 2 s for `--minutes`, and the slope is the one of Theil and Sen over windows of 100 s, five checkpoints of 20 s each
(they make a saw-tooth, which shorter windows would be a part of). The medians of the windows are printed. Promise: less than 1 MB an hour.
"""

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from harness import START_US, append, arguments, drained, result, wait_until
from live_system import LiveSystem

from stream.codec import encode
from stream.live.append import Message
from stream.messages import RouteEnded, RoutePublished, RouteStarted
from stream.moments import instant
from stream.planned_stop import PlannedStop

LEG_S, STAY_S, LEG_M, STOPS = 150, 90, 1_200.0, 6
ROUND_S = STOPS * (LEG_S + STAY_S)
DEG_A_M = 1 / 85_000.0
EVERY_S = 5
MOST_MB_AN_HOUR = 1.0


def plan(fleet_id: str, v: int, turn: int, at_us: int) -> Iterator[bytes]:
    """The end of a vehicle's route and the next one: the same stops in the other direction."""
    at, name, places = instant(at_us), f"v{v:04d}", range(1, STOPS + 1) if turn % 2 == 0 else range(STOPS - 1, -1, -1)
    if turn:
        yield encode(RouteEnded(fleet_id=fleet_id, at=at, vehicle_id=name, route_id=f"r{turn - 1}-{v}"))
    stops = [
        PlannedStop(
            stop_id=f"s{v}-{place}",
            lat=40.0 + 0.003 * v,
            lon=10.0 + place * LEG_M * DEG_A_M,
            seq=k,
            service_s=STAY_S,
            order_ref=f"o{turn}-{v}-{k}",
            planned_arrival=instant(at_us + 1_000_000 * (k * (LEG_S + STAY_S) + LEG_S)),
            window_end=instant(at_us + 1_000_000 * (k * (LEG_S + STAY_S) + LEG_S + 60)),
        )
        for k, place in enumerate(places)
    ]
    yield encode(RoutePublished(fleet_id=fleet_id, at=at, vehicle_id=name, route_id=f"r{turn}-{v}", stops=stops))
    yield encode(RouteStarted(fleet_id=fleet_id, at=at, vehicle_id=name, route_id=f"r{turn}-{v}"))


def second(draw: np.random.Generator, fleet_id: str, vehicles: int, second: int) -> Iterator[bytes]:
    """All that is said in one second of log time."""
    at_us = START_US + 1_000_000 * second
    for v in range(vehicles):
        turn, into = divmod(second + 37 * v % ROUND_S, ROUND_S)
        if into == 0 or second == 0:
            yield from plan(fleet_id, v, turn, at_us)
        if v % EVERY_S == second % EVERY_S:
            done, leg_s = divmod(into, LEG_S + STAY_S)
            along = (done + min(leg_s / LEG_S, 1.0)) * LEG_M
            metres = (along if turn % 2 == 0 else STOPS * LEG_M - along) + draw.normal(0.0, 4.0)
            lat, lon = 40.0 + 0.003 * v + draw.normal(0.0, 4e-5), 10.0 + metres * DEG_A_M
            yield b'{"type":"ping","fleet_id":"%b","at":%d,"vehicle_id":"v%04d","lat":%.6f,"lon":%.6f,"speed_mps":%.1f}' % (
                fleet_id.encode(), at_us // 1000, v, lat, lon, 8.0 if leg_s < LEG_S else 0.0,
            )  # fmt: skip
    if second % 10 == 0:
        yield b'{"type":"tick","fleet_id":"%b","at":%d}' % (fleet_id.encode(), at_us // 1000)


def medians_mb(samples: list[tuple[float, float]], window_s: float = 100.0) -> list[tuple[float, float]]:
    """When each window began, and the median of what was read in it."""
    edges = np.arange(samples[0][0], samples[-1][0] + window_s, window_s)
    windows = [[mb for at_s, mb in samples if begin <= at_s < end] for begin, end in pairwise(edges)]
    return [(float(begin), float(np.median(window))) for begin, window in zip(edges, windows, strict=False) if window]


def slope_mb_an_hour(medians: list[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of windows."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(medians) for b in medians[i + 1 :]]
    return 3_600.0 * float(np.median(slopes))


def main() -> int:
    """Load it, watch it."""
    args = arguments(__doc__, warm=15, minutes=30, vehicles=100, fleets=2, faster=20)
    draw, names = np.random.default_rng(args.seed), [f"soak-{i}" for i in range(args.fleets)]
    samples, sent, done = list[tuple[float, float]](), 0, 0
    with LiveSystem(api=False) as system:
        began_s, told_s = time.monotonic(), 0.0
        while (passed_s := time.monotonic() - began_s) < (args.warm + args.minutes) * 60:
            for now_s in range(done, int(passed_s * args.faster)):
                said = [(name, message) for name in names for message in second(draw, name, args.vehicles, now_s)]
                append(system.redis, [Message(name, message, START_US + 1_000_000 * now_s) for name, message in said])
                sent, done = sent + len(said), now_s + 1
            if passed_s - told_s >= 2.0:
                told_s = passed_s
                samples.append((passed_s, system.rss_mb("stream-0")))
            time.sleep(0.02)
        wait_until(lambda: drained(system.redis))
        warm = [sample for sample in samples if sample[0] >= args.warm * 60]
        medians = medians_mb(warm)
        slope = slope_mb_an_hour(medians)
        print("  MB: " + " ".join(f"{mb:.1f}" for _, mb in medians), flush=True)
        figures = {"minutes": args.minutes, "messages": sent, "log_hours": round(done / 3_600, 1), "first_mb": round(samples[0][1], 1)}
        figures |= {"warm_mb": round(warm[0][1], 1), "last_mb": round(warm[-1][1], 1), "slope_mb_an_hour": round(slope, 2)}
    return result("memory is flat", good=slope < MOST_MB_AN_HOUR, **figures)


if __name__ == "__main__":
    raise SystemExit(main())
