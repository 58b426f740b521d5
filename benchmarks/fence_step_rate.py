"""What the step of the fences costs a ping: a city feed among a thousand fences, in batches of a thousand.

    python benchmarks/fence_step_rate.py [--fences 1000] [--vehicles 1000] [--minutes 60] [--every 10]

Synthetic: vans in a city of 30 km by 30 km that drive 8 m/s between random doors, stand 3 minutes at each, and report every 10 s with
5 m of noise; fences are areas of 3 to 12 corners and 40 to 200 m radius at random places, a tenth of the doors lie in them by design.
Every batch is the next fix of every vehicle. Timed is `steps.locate.locate` alone (which fences, hysteresis and hold, passages, events),
after the first tenth; cells come with the fix. The baseline is the distance from the fix before, of the same batches in the same run.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eta_models.columns import MISSING
from eta_models.model import EtaModel
from geofences.cells import cells_of
from geofences.fence_index import FenceIndex
from geofences.fences import Fence, fence_of
from geofences.positions import METRES_PER_DEGREE, distance_m
from stream.batches import Pings
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.settings import FleetSettings
from stream.steps.clean import store
from stream.steps.locate import locate

START_US, CITY_M, SPEED_MPS, STAY_S = 1_700_000_000_000_000, 30_000.0, 8.0, 180.0
LAT, LON = 40.0, -75.0
METRES_EAST = METRES_PER_DEGREE * float(np.cos(np.radians(LAT)))

Floats = NDArray[np.float64]


@dataclass
class Vans:
    """Where they are, where they go, and since when they stand."""

    at: Floats
    to: Floats
    leaves_s: Floats

    def drive(self, now_s: float, step_s: float, doors: Floats, rng: np.random.Generator) -> None:
        """Move for a step; who has arrived stands, and then goes to another door."""
        way = self.to - self.at
        far = np.hypot(way[:, 0], way[:, 1])
        moving = now_s >= self.leaves_s
        step = np.where(moving, np.minimum(far, SPEED_MPS * step_s), 0.0) / np.maximum(far, 1e-9)
        self.at += way * step[:, np.newaxis]
        there = moving & (far <= SPEED_MPS * step_s)
        self.leaves_s[there] = now_s + STAY_S
        # To a door within some kilometres: the nearest of a few drawn ones.
        drawn = doors[rng.integers(0, len(doors), (int(there.sum()), 8))]
        near = np.argmin(np.hypot(*np.moveaxis(drawn - self.at[there][:, np.newaxis], 2, 0)), axis=1)
        self.to[there] = drawn[np.arange(len(near)), near]


def town(count: int, rng: np.random.Generator) -> tuple[list[Fence], Floats]:
    """Fences, and doors."""
    centres = rng.uniform(0.0, CITY_M, (count, 2))
    fences = []
    for number, (x, y) in enumerate(centres.tolist()):
        angles = np.sort(rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(3, 13))))
        radius = rng.uniform(40.0, 200.0)
        ring = [[LON + (x + radius * np.cos(a)) / METRES_EAST, LAT + (y + radius * np.sin(a)) / METRES_PER_DEGREE] for a in angles.tolist()]
        fences.append(fence_of(f"f{number:05d}", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))
    doors = np.concatenate([rng.uniform(0.0, CITY_M, (9_000, 2)), centres[rng.integers(0, count, 1_000)]])
    return fences, doors


def fixes(vans: Vans, now_s: float, first: int, rng: np.random.Generator) -> Pings:
    """One fix of every van."""
    seen, count = vans.at + rng.normal(0.0, 5.0, vans.at.shape), len(vans.at)
    lat, lon = LAT + seen[:, 1] / METRES_PER_DEGREE, LON + seen[:, 0] / METRES_EAST
    whole, unknown = np.full(count, START_US + round(now_s * 1e6)), np.full(count, np.nan)
    none, names = np.empty(0, np.int64), [f"v{i}" for i in range(count)]
    position = np.arange(first, first + count)
    return Pings(position, whole, whole, np.arange(count), lat, lon, unknown, unknown, unknown, cells_of(lat, lon), names, none, none)


def main() -> None:
    """Drive, time, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--fences", 1000), ("--vehicles", 1000), ("--minutes", 60), ("--every", 10)):
        parser.add_argument(name, type=int, default=default)
    args = parser.parse_args()
    rng, settings = np.random.default_rng(7), FleetSettings()
    fences, doors = town(args.fences, rng)
    state = FleetState("bench", EtaModel(settings.model), most_vehicles=args.vehicles)
    state.fences = {fence.fence_id: fence for fence in fences}
    state.fence_index = FenceIndex(fences)
    rows = np.array([state.vehicle(f"v{i}") for i in range(args.vehicles)])
    vans = Vans(rng.uniform(0.0, CITY_M, (args.vehicles, 2)), doors[rng.integers(0, len(doors), args.vehicles)], np.zeros(args.vehicles))
    steps = args.minutes * 60 // args.every
    step_us, base_us, told, inside = list[float](), list[float](), 0, 0
    for step in range(steps):
        vans.drive(step * args.every, args.every, doors, rng)
        pings, out = fixes(vans, step * args.every, step * args.vehicles, rng), Outputs()
        store(settings.clean, state.vehicles, rows, pings)
        v = state.vehicles
        started = time.process_time()
        distance_m(v.was_lat[rows], v.was_lon[rows], pings.lat, pings.lon)
        middle = time.process_time()
        locate(settings.fences, state, rows, pings.received_us, pings, out)
        if step * 10 >= steps:
            base_us.append((middle - started) * 1e6 / args.vehicles)
            step_us.append((time.process_time() - middle) * 1e6 / args.vehicles)
            told += len(out.events)
            inside += len(np.unique(state.contacts.vehicle[state.contacts.used()]))
    assert not (state.vehicles.at_us[rows] == MISSING).any()
    timed = len(step_us) * args.vehicles
    print(f"{args.fences} fences, {args.vehicles} vehicles, {timed:,} pings: {1000 * told / timed:.1f} events per 1,000, ")
    print(f"{100 * inside / timed:.1f} % of the vehicles in or near a fence at a time")
    print(
        f"the step: {np.mean(step_us):.3f} us a ping (median batch {np.median(step_us):.3f}, "
        f"least tenth {np.percentile(step_us, 10):.3f}); baseline {np.mean(base_us):.3f} ({np.percentile(base_us, 10):.3f})"
    )
    print(f"ratio {np.mean(step_us) / np.mean(base_us):.1f}")


if __name__ == "__main__":
    main()
