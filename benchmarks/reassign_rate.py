"""How long it takes to find new vehicles for the visits of one that broke down: from a copy of the fleet to ranked, priced proposals.

    python benchmarks/reassign_rate.py [--vehicles 20 200] [--stops 20] [--orphans 30] [--runs 5]

Synthetic: a city of 14 km, routes around random middles, two in three stops with a window of an hour or two, every vehicle loaded to 80 %,
everybody an hour and a half into the day. One vehicle with `--orphans` visits left is down. Prints the median and the worst of the runs.
"""

import argparse
import time
from datetime import datetime
from statistics import median

import numpy as np

from eta_models.model import EtaModel
from stream.apply import apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.messages import AnyMessage, Ping, RoutePublished, RouteStarted, Tick, VehicleDown, VehiclePut
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposals import Proposal
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.solve import solve
from stream.reassign.trouble import troubles
from stream.settings import FleetSettings

START_US = 1_772_500_000_000_000
DEGREE_M = 111_195.0


def place(x_m: float, y_m: float) -> tuple[float, float]:
    return float(48.0 + y_m / DEGREE_M), float(11.0 + x_m / (DEGREE_M * 0.669))


def stops_of(rng: np.random.Generator, vehicle: int, count: int) -> list[PlannedStop]:
    middle = rng.uniform(-7000, 7000, 2)
    spots = middle + rng.normal(0.0, 1200.0, (count, 2))
    order, here = [], np.zeros(2)
    left = list(range(count))
    while left:
        nearest = min(left, key=lambda i: float(np.hypot(*(spots[i] - here))))
        left.remove(nearest)
        order.append(nearest)
        here = spots[nearest]
    stops, clock, here = [], 600.0, np.zeros(2)
    for seq, i in enumerate(order):
        clock += float(np.hypot(*(spots[i] - here))) * 1.3 / 6.0 + 30.0
        lat, lon = place(*spots[i])
        window = {}
        if rng.random() < 0.65:
            opens = clock - rng.uniform(0.1, 0.7) * 3600
            window = {"window_start": at(opens), "window_end": at(opens + float(rng.choice([3600, 7200])))}
        more = {"planned_arrival": at(clock), "service_s": 180.0, "load": 2.0, "priority": int(rng.choice(4, p=[0.7, 0.15, 0.1, 0.05]))}
        stops.append(PlannedStop(stop_id=f"s{vehicle}-{i}", visit_id=f"v{vehicle}-{seq}", lat=lat, lon=lon, seq=seq, **window, **more))
        clock, here = clock + 180.0, spots[i]
    return stops


def at(second: float) -> datetime:
    return instant(START_US + round(float(second) * 1e6))


def fleet_in_trouble(seed: int, vehicles: int, stops: int, orphans: int) -> FleetState:
    rng, lines = np.random.default_rng(seed), list[AnyMessage]()
    for v in range(vehicles):
        name = f"van-{v:03d}"
        count = orphans if v == 0 else stops
        lines.append(VehiclePut(fleet_id="bench", at=at(0), vehicle_id=name, capacity=2.5 * count + 20, shift_end=at(10 * 3600)))
        lines.append(RoutePublished(fleet_id="bench", at=at(0), route_id=f"r{v}", vehicle_id=name, stops=stops_of(rng, v, count)))
        lines.append(RouteStarted(fleet_id="bench", at=at(1), route_id=f"r{v}", vehicle_id=name))
    lines += [ping(rng, f"van-{v:03d}", 5.0) for v in range(vehicles)]
    lines.append(VehicleDown(fleet_id="bench", at=at(6), vehicle_id="van-000"))
    lines.append(Tick(fleet_id="bench", at=at(10)))
    settings = FleetSettings()
    state = FleetState("bench", EtaModel(settings.model))
    entries = [Entry(i, START_US + 11_000_000, encode(line)) for i, line in enumerate(lines)]
    for batch in read_entries(settings.judge, entries):
        apply(settings, state, batch)
    return state


def ping(rng: np.random.Generator, name: str, second: float) -> Ping:
    lat, lon = place(*rng.normal(0.0, 1500.0, 2))
    return Ping(fleet_id="bench", at=at(second), vehicle_id=name, lat=lat, lon=lon, speed_mps=8.0)


def in_short(first: Proposal) -> str:
    return f"{len(first.unserved_visit_ids)}/{len(first.changes) - 1}/{len(first.late_visit_ids)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, nargs="+", default=[20, 200])
    for name, default in (("--stops", 20), ("--orphans", 30), ("--runs", 5)):
        parser.add_argument(name, type=int, default=default)
    args, policy = parser.parse_args(), ReassignPolicy()
    for vehicles in args.vehicles:
        times, forks, kept = list[float](), list[float](), list[str]()
        for seed in range(args.runs):
            state = fleet_in_trouble(seed, vehicles, args.stops, args.orphans)
            (trouble,) = [each for each in troubles(state, policy) if each.kind == "vehicle_down"]
            started = time.perf_counter()
            tried = fork(state)
            middle = time.perf_counter()
            made = solve(tried, policy, trouble)
            times.append(1e3 * (time.perf_counter() - middle))
            forks.append(1e3 * (middle - started))
            first = made.proposals[0] if made.proposals else None
            kept.append("-" if first is None else in_short(first))
        print(
            f"{vehicles} vehicles x {args.stops} stops, {args.orphans} orphans: copy {median(forks):.1f} ms, "
            f"proposals {median(times):.0f} ms (worst {max(times):.0f}); unserved/vehicles/others late: {' '.join(kept)}"
        )


if __name__ == "__main__":
    main()
