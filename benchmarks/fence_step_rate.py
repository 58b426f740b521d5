"""What the step of the fences costs a ping: a city feed among a thousand fences, in batches of a thousand.

    python benchmarks/fence_step_rate.py [--fences 1000] [--vehicles 1000] [--minutes 60] [--every 5] [--day DIR [--pings 300000]]

Synthetic: vans in a city of 30 km by 30 km that drive 8 m/s between random doors, stand 3 minutes at each, and report every 5 s with
5 m of noise; fences are areas of 3 to 12 corners and 40 to 200 m radius at random places, a tenth of the doors lie in them by design.
Every batch is the next fix of every vehicle. Timed is `steps.locate.locate` alone (which fences, hysteresis and hold, passages, events),
after the first tenth; cells come with the fix. With `--day` the same on a recorded day
(`DIR/pings.parquet`) among fences made there. The baseline is the distance from the fix before, of the same batches in the same run, and
the kernel one sum of two columns of 1,000 numbers: what this machine is worth now. The collector runs as seldom as in the live engine.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eta_models.columns import Ints
from eta_models.model import EtaModel
from geofences.cells import cells_of
from geofences.fence_index import FenceIndex
from geofences.fences import Fence, fence_of
from geofences.positions import METRES_PER_DEGREE, distance_m
from stream.batches import Pings
from stream.fleet import FleetState
from stream.live.memory import collect_rarely
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


def area(number: int, lon: float, lat: float, rng: np.random.Generator) -> Fence:
    """One of 3 to 12 corners and 40 to 200 m radius."""
    angles = np.sort(rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(3, 13))))
    radius, east = rng.uniform(40.0, 200.0), METRES_PER_DEGREE * float(np.cos(np.radians(lat)))
    ring = [[lon + radius * np.cos(a) / east, lat + radius * np.sin(a) / METRES_PER_DEGREE] for a in angles.tolist()]
    return fence_of(f"f{number:05d}", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def town(count: int, rng: np.random.Generator) -> tuple[list[Fence], Floats]:
    """Fences, and doors."""
    centres = rng.uniform(0.0, CITY_M, (count, 2))
    places = [(LON + x / METRES_EAST, LAT + y / METRES_PER_DEGREE) for x, y in centres.tolist()]
    fences = [area(number, *place, rng) for number, place in enumerate(places)]
    doors = np.concatenate([rng.uniform(0.0, CITY_M, (9_000, 2)), centres[rng.integers(0, count, 1_000)]])
    return fences, doors


def fixes(vans: Vans, now_s: float, first: int, rng: np.random.Generator) -> Pings:
    """One fix of every van."""
    seen, count = vans.at + rng.normal(0.0, 5.0, vans.at.shape), len(vans.at)
    lat, lon, numbers = LAT + seen[:, 1] / METRES_PER_DEGREE, LON + seen[:, 0] / METRES_EAST, np.arange(count)
    return pings_of(np.full(count, START_US + round(now_s * 1e6)), numbers, lat, lon, first + numbers, [f"v{i}" for i in range(count)])


def pings_of(at_us: Ints, vehicle: Ints, lat: Floats, lon: Floats, position: Ints, names: list[str]) -> Pings:
    """Fixes of which nothing is known but time and place."""
    unknown, none = np.full(len(lat), np.nan), np.empty(0, np.int64)
    return Pings(position, at_us, at_us, vehicle, lat, lon, unknown, unknown, unknown, cells_of(lat, lon), names, none, none)


def made_up(args: argparse.Namespace, rng: np.random.Generator) -> tuple[list[Fence], Iterator[Pings]]:
    """The town, and the fixes of its vans: a batch is one of each."""
    fences, doors = town(args.fences, rng)
    vans = Vans(rng.uniform(0.0, CITY_M, (args.vehicles, 2)), doors[rng.integers(0, len(doors), args.vehicles)], np.zeros(args.vehicles))

    def drive() -> Iterator[Pings]:
        for step in range(args.minutes * 60 // args.every):
            vans.drive(step * args.every, args.every, doors, rng)
            yield fixes(vans, step * args.every, step * args.vehicles, rng)

    return fences, drive()


def recorded(args: argparse.Namespace, rng: np.random.Generator) -> tuple[list[Fence], Iterator[Pings]]:
    """A recorded day, and fences all over the area that holds 98 % of its fixes either way.

    A batch is the first fix of each vehicle among the next thousand, then the second, .., as the engine takes them. Repeated fixes are
    left out: they do not come so far.
    """
    day = pl.read_parquet(args.day / "pings.parquet", columns=["vehicle_id", "ts", "lat", "lon"]).sort("ts", maintain_order=True)
    day = day.unique(["vehicle_id", "ts"], keep="first", maintain_order=True).head(args.pings)
    names, vehicle = np.unique(day["vehicle_id"].to_numpy().astype(str), return_inverse=True)
    at_us, lat, lon = day["ts"].dt.epoch("us").to_numpy(), day["lat"].to_numpy(), day["lon"].to_numpy()
    (west, east), (south, north) = (np.percentile(degrees, (1.0, 99.0)).tolist() for degrees in (lon, lat))
    places = zip(rng.uniform(west, east, args.fences).tolist(), rng.uniform(south, north, args.fences).tolist(), strict=True)
    across_m = (east - west) * METRES_PER_DEGREE * np.cos(np.radians(south))
    print(f"{across_m / 1e3:.1f} by {(north - south) * METRES_PER_DEGREE / 1e3:.1f} km")
    fences = [area(number, x, y, rng) for number, (x, y) in enumerate(places)]

    def read() -> Iterator[Pings]:
        for first in range(0, len(lat), 1000):
            some = np.arange(first, min(first + 1000, len(lat)))
            order = np.argsort(vehicle[some], kind="stable")
            turn = np.empty(len(some), dtype=np.int64)
            turn[order] = np.arange(len(some)) - np.searchsorted(vehicle[some][order], vehicle[some][order])
            for number in range(int(turn.max()) + 1):
                rows = some[turn == number]
                yield pings_of(at_us[rows], vehicle[rows], lat[rows], lon[rows], rows, names.tolist())

    return fences, read()


def main() -> None:
    """Drive or read, time, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--fences", 1000), ("--vehicles", 1000), ("--minutes", 60), ("--every", 5), ("--pings", 300_000)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--day", type=Path, help="folder of a recorded day: measure on its pings instead")
    args = parser.parse_args()
    rng, settings = np.random.default_rng(7), FleetSettings()
    fences, batches = recorded(args, rng) if args.day else made_up(args, rng)
    state = FleetState("bench", EtaModel(settings.model))
    state.fences = {fence.fence_id: fence for fence in fences}
    state.fence_index = FenceIndex(fences)
    took_s, base_s, kernel_s = list[float](), list[float](), list[float]()
    counts, told, inside, numbers = list[int](), list[int](), list[int](), np.ones(1000)
    collect_rarely()
    for pings in batches:
        rows, out, v = np.array([state.vehicle(pings.names[number]) for number in pings.vehicle.tolist()]), Outputs(), state.vehicles
        store(settings.clean, v, rows, pings)
        begun = time.process_time()
        for _ in range(20):
            np.add(numbers, numbers)
        started = time.process_time()
        distance_m(v.was_lat[rows], v.was_lon[rows], pings.lat, pings.lon)
        middle = time.process_time()
        locate(settings.fences, state, rows, pings.received_us, pings, out)
        took_s.append(time.process_time() - middle)
        base_s.append(middle - started)
        kernel_s.append((started - begun) / 20)
        counts.append(len(pings))
        told.append(len(out.events))
        inside.append(len(np.intersect1d(rows, state.contacts.vehicle[state.contacts.used()])))
    tell_all(args.fences, np.array([took_s, base_s, kernel_s, counts, told, inside])[:, len(counts) // 10 :])


def tell_all(fences: int, timed: Floats) -> None:
    """What the batches behind the first tenth took."""
    took_s, base_s, kernel_s, counts, told, inside = timed
    a_ping_us, pings = took_s / counts * 1e6, counts.sum()
    print(f"{fences} fences, {pings:,.0f} pings in batches of {counts.mean():.0f}: {1000 * told.sum() / pings:.1f} events per 1,000,")
    print(f"{100 * inside.sum() / pings:.1f} % of the vehicles in or near a fence at a time")
    print(f"the step: {1e6 * took_s.sum() / pings:.3f} us a ping (median batch {np.median(a_ping_us):.3f}, ", end="")
    print(
        f"least tenth {np.percentile(a_ping_us, 10):.3f}); baseline {1e6 * base_s.sum() / pings:.3f}, {took_s.sum() / base_s.sum():.1f} x, "
        f"kernel {1e6 * kernel_s.mean():.2f} us"
    )


if __name__ == "__main__":
    main()
