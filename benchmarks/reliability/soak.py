"""Memory of an engine under a steady load of days: vehicles drive to and fro, a new route each 24 minutes, everything twenty times as fast.

    python benchmarks/reliability/soak.py [--seed N] [--hours 30] [--warm 15] [--minutes 30] [--vehicles 100] [--fleets 2] [--faster 20]

One engine process with its server. First `--hours` of log as fast as they are taken: learned tables fill, and closed exceptions, which are
kept for a day, begin to be forgotten. Then the steady load, of which the first `--warm` minutes are left out. For `--minutes` the resident
memory is read every 2 s, and the slope is the one of Theil and Sen over windows of 120 s, in which memory is given back three times (that
makes a saw-tooth, which shorter windows would be a part of). The medians of the windows are printed, and beside them those of what is in
use inside (`inside.py`): a leak by message, by tick or by the clock would show there, wherever it finds room. What the checkpoints hold is
printed as well. Promise: less than 1 MB an hour, resident and in use.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import inside
import numpy as np
from harness import START_US, append, arguments, drained, result, wait_until
from live_system import LiveSystem

from stream.checkpoint import capture
from stream.checkpoints import Checkpoints
from stream.codec import encode
from stream.live.append import Message
from stream.live.signs import left_to_take
from stream.messages import RouteEnded, RoutePublished, RouteStarted
from stream.moments import instant
from stream.pieces import in_pieces
from stream.planned_stop import PlannedStop
from stream.settings import FleetSettings

LEG_S, STAY_S, LEG_M, STOPS = 150, 90, 1_200.0, 6
ROUND_S = STOPS * (LEG_S + STAY_S)
DEG_A_M = 1 / 85_000.0
EVERY_S = 5
MOST_MB_AN_HOUR = 1.0
MOST_WAITING = 30_000
"""Messages that wait at most while hours are played as fast as they are taken: two seconds of work."""


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


def medians_mb(samples: list[tuple[float, float]], window_s: float = 120.0) -> list[tuple[float, float]]:
    """When each window began, and the median of what was read in it."""
    edges = np.arange(samples[0][0], samples[-1][0] + window_s, window_s)
    windows = [[mb for at_s, mb in samples if begin <= at_s < end] for begin, end in pairwise(edges)]
    return [(float(begin), float(np.median(window))) for begin, window in zip(edges, windows, strict=False) if window]


def slope_mb_an_hour(medians: list[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of windows."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(medians) for b in medians[i + 1 :]]
    return 3_600.0 * float(np.median(slopes))


@dataclass
class Load:
    """What is said to the system, second by second of log time."""

    system: LiveSystem
    names: list[str]
    vehicles: int
    draw: np.random.Generator
    sent: int = 0
    done_s: int = 0

    def say(self, until_s: int) -> None:
        """All up to a second of log time."""
        for now_s in range(self.done_s, until_s):
            said = [(name, message) for name in self.names for message in second(self.draw, name, self.vehicles, now_s)]
            append(self.system.redis, [Message(name, message, START_US + 1_000_000 * now_s) for name, message in said])
            self.sent, self.done_s = self.sent + len(said), now_s + 1

    def hurry(self, hours: int) -> None:
        """Hours of log as fast as they are taken."""
        for until_s in range(60, 3_600 * hours + 60, 60):
            wait_until(lambda: left_to_take(self.system.redis) < MOST_WAITING)
            self.say(until_s)
            if until_s % 14_400 == 0:
                print(f"  {until_s // 3_600} h of log: {self.system.rss_mb('stream-0'):.1f} MB", flush=True)
        wait_until(lambda: drained(self.system.redis))

    def steady(self, minutes: int, faster: int, each: Callable[[float], None]) -> None:
        """So many times as fast as the day; `each` is told of the time every 2 s."""
        began_s, before_s, told_s = time.monotonic(), self.done_s, 0.0
        while (passed_s := time.monotonic() - began_s) < minutes * 60:
            self.say(before_s + int(passed_s * faster))
            if passed_s - told_s >= 2.0:
                told_s = passed_s
                each(began_s + passed_s)
            time.sleep(0.02)


def held_kb(folder: Path, names: list[str]) -> float:
    """What the last checkpoints of the fleets hold, not compressed."""
    checkpoints, policy = Checkpoints(folder / "checkpoints"), FleetSettings().model
    found = [state for name in names if (state := checkpoints.read(name, policy)) is not None]
    return sum(len(piece) for state in found for piece in in_pieces(capture(state))) / 1024


def main() -> int:
    """Load it, watch it."""
    args = arguments(__doc__, hours=30, warm=15, minutes=30, vehicles=100, fleets=2, faster=20)
    names, samples = [f"soak-{i}" for i in range(args.fleets)], list[tuple[float, float]]()
    with LiveSystem(api=False, engine=(inside.__file__,)) as system:
        load = Load(system, names, args.vehicles, np.random.default_rng(args.seed))
        load.hurry(args.hours)
        load.steady(args.warm, args.faster, lambda _: None)
        kb = held_kb(system.folder, names)
        load.steady(args.minutes, args.faster, lambda at_s: samples.append((at_s, system.rss_mb("stream-0"))))
        wait_until(lambda: drained(system.redis))
        lines = [line for line in inside.read(system.folder) if samples[0][0] <= line.at_s <= samples[-1][0]]
        kb_after = held_kb(system.folder, names)
    resident, used = medians_mb(samples), medians_mb([(line.at_s, line.used_mb) for line in lines])
    blocks = medians_mb([(line.at_s, line.kilo_blocks) for line in lines])
    for name, medians in (("MB resident", resident), ("MB in use", used), ("thousand blocks", blocks)):
        print(f"  {name}: " + " ".join(f"{value:.1f}" for _, value in medians), flush=True)
    slope, used_slope = slope_mb_an_hour(resident), slope_mb_an_hour(used)
    figures = {"minutes": args.minutes, "messages": load.sent, "log_hours": round(load.done_s / 3_600, 1)}
    figures |= {"held_kb": f"{kb:.0f} to {kb_after:.0f}", "first_mb": round(resident[0][1], 1), "last_mb": round(resident[-1][1], 1)}
    figures |= {"used_mb_an_hour": round(used_slope, 2), "slope_mb_an_hour": round(slope, 2)}
    return result("memory is flat", good=max(slope, used_slope) < MOST_MB_AN_HOUR, **figures)


if __name__ == "__main__":
    raise SystemExit(main())
