"""What fences cost: loading them, putting one more, asking them; and whether the index answers as asking shapely about every fence.

    python benchmarks/fence_rate.py [--data DIR] [--points 200000] [--fences 1000]

DIR holds GeoJSON files of recorded cities; without it the made fences are measured alone. The rates are for batches of 1,000 pings of
vehicles that drive in a city among so many fences: microseconds a ping, the median of the batches, and the same as a multiple of
finding the H3 cells of the batch, timed in turn. Loading is told in seconds of CPU besides: on a quiet machine both are the same.
What else a fence costs the engine is measured by `fence_step_rate.py`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely

from geofences.cells import cells_of
from geofences.fence_files import read_fences
from geofences.fence_index import FenceIndex
from geofences.fences import Fence, fence_of

CITY = (-74.25, 40.5, -73.7, 40.92)
"""West, south, east, north of New York."""

BATCH = 1_000
BATCHES = 200
STEP_M = (0.0, 0.0, 20.0, 60.0, 120.0, 250.0)
"""How far vehicles get between two fixes; a third of them stand."""


def made_fences(count: int, seed: int = 1) -> list[Fence]:
    """Seven circles of 60 to 300 m to two zones of 24 corners and one corridor, all over the city."""
    rng = np.random.default_rng(seed)
    fences = []
    for number in range(count):
        lon, lat = rng.uniform(CITY[0], CITY[2]), rng.uniform(CITY[1], CITY[3])
        drawn: tuple[dict[str, object], float | None, float | None]
        if number % 10 < 7:
            drawn = {"type": "Point", "coordinates": [lon, lat]}, float(rng.choice([60, 100, 150, 300])), None
        elif number % 10 < 9:
            angles = np.sort(rng.uniform(0.0, 2.0 * np.pi, 24))
            reach = rng.uniform(0.002, 0.006, 24)
            ring = np.column_stack([lon + 1.3 * reach * np.cos(angles), lat + reach * np.sin(angles)]).tolist()
            drawn = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, None, None
        else:
            line = np.cumsum(rng.normal(0.0, 0.002, (12, 2)), axis=0) + np.array([lon, lat])
            drawn = {"type": "LineString", "coordinates": line.tolist()}, None, 60.0
        fences.append(fence_of(f"f{number:05d}", drawn[0], "zone", None, drawn[1], drawn[2]))
    return fences


def asked(index: FenceIndex) -> FenceIndex:
    """The index, ready: it makes its tables when it is first asked."""
    none = np.empty(0)
    index.locate(np.empty(0, np.uint64), none, none)
    return index


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU that it takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure_puts(fences: list[Fence]) -> None:
    """One fence put into all of them, ready to answer, again and again; and all of them put one after the other."""
    index, known = asked(FenceIndex(fences)), {fence.fence_id: fence for fence in fences}
    seconds = []
    for moved in made_fences(50, seed=2):
        known[moved.fence_id] = moved
        begun = time.process_time()
        index = asked(FenceIndex(known.values(), index))
        seconds.append(time.process_time() - begun)
    print(f"  one put into {len(fences):,}: median {statistics.median(seconds) * 1e3:.1f} ms of CPU, most {max(seconds) * 1e3:.1f} ms")

    def one_by_one() -> None:
        some: dict[str, Fence] = {}
        index = FenceIndex(())
        for fence in fences:
            some = {**some, fence.fence_id: fence}
            index = FenceIndex(some.values(), index)
        asked(index)

    print(f"  {len(fences):,} put one after the other, then asked: {cpu(one_by_one):.2f} s of CPU")


def measure_load(data: Path | None) -> None:
    """From what was drawn to an index that answers."""
    print("load, seconds of CPU")
    begun = time.perf_counter()
    made: list[Fence] = []
    drawn_s = cpu(lambda: made.extend(made_fences(5_000)))
    index_s = cpu(lambda: asked(FenceIndex(made)))
    print(f"  5,000 made fences: {drawn_s + index_s:.2f} s ({drawn_s:.2f} to draw and judge, {index_s:.2f} to index),", end=" ")
    print(f"{time.perf_counter() - begun:.2f} s by the clock")
    if data is not None:
        text = (data / "nyc_taxi_zones.geojson").read_bytes()
        begun = time.perf_counter()
        zones: list[Fence] = []
        read_s = cpu(lambda: zones.extend(read_fences(text)[0]))
        index_s = cpu(lambda: asked(FenceIndex(zones)))
        wall_s = time.perf_counter() - begun
        corners = int(shapely.get_num_coordinates([zone.geometry for zone in zones]).sum())
        print(f"  {len(zones)} zones of New York, {corners:,} corners: {read_s + index_s:.2f} s", end=" ")
        print(f"({read_s:.2f} to read, {index_s:.2f} to index), {wall_s:.2f} s by the clock")
    measure_puts(made)


def driven(seed: int = 3) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Batches of the fixes of 1,000 vehicles that drive about: where each was, and where it is."""
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(CITY[1], CITY[3], BATCH), rng.uniform(CITY[0], CITY[2], BATCH)
    heading = rng.uniform(0.0, 2.0 * np.pi, BATCH)
    batches = []
    for _ in range(BATCHES):
        heading += rng.normal(0.0, 0.3, BATCH)
        step = rng.choice(STEP_M, BATCH) / 111_195.0
        here = lat + step * np.cos(heading), lon + step * np.sin(heading) / 0.76
        batches.append((lat, lon, *here))
        lat, lon = here
    return batches


def measure_rate(count: int) -> None:
    """Asking, and as a multiple of what the cells of the same batch cost."""
    index = asked(FenceIndex(made_fences(count)))
    tree = shapely.STRtree([fence.geometry for fence in made_fences(count)])
    spent: dict[str, list[float]] = {name: [] for name in ("cells (H3)", "locate", "crossed", "crossed, who moved", "STRtree.query")}
    inside = crossed = 0
    for lat0, lon0, lat1, lon1 in driven():
        cells = cells_of(lat1, lon1)
        moved = np.flatnonzero((lat0 != lat1) | (lon0 != lon1))
        some = tuple(column[moved] for column in (lat0, lon0, lat1, lon1))
        spent["cells (H3)"].append(timed(lambda lat=lat1, lon=lon1: cells_of(lat, lon)))  # type: ignore[misc]
        spent["locate"].append(timed(lambda at=(cells, lat1, lon1): index.locate(*at)))  # type: ignore[misc]
        spent["crossed"].append(timed(lambda at=(lat0, lon0, lat1, lon1): index.crossed(*at)))  # type: ignore[misc]
        spent["crossed, who moved"].append(timed(lambda at=some: index.crossed(*at)))  # type: ignore[misc]
        spent["STRtree.query"].append(timed(lambda lat=lat1, lon=lon1: tree.query(shapely.points(lon, lat), "intersects")))  # type: ignore[misc]
        inside += len(index.locate(cells, lat1, lon1)[0])
        crossed += len(index.crossed(lat0, lon0, lat1, lon1)[0])
    fixes = BATCH * BATCHES
    print(f"rate, {count:,} fences, {BATCHES} batches of {BATCH:,}:", end=" ")
    print(f"{inside / fixes:.3f} fences a fix, {1000 * crossed / fixes:.1f} crossed in 1,000 fixes")
    unit = statistics.median(spent["cells (H3)"])
    for name, seconds in spent.items():
        middle, best = statistics.median(seconds) * 1e6 / BATCH, min(seconds) * 1e6 / BATCH
        print(f"  {name:20} {middle:6.3f} us a ping (best {best:.3f}), {middle * BATCH / unit / 1e6:5.2f} x the cells")


def compare(path: Path, count: int, seed: int = 4) -> None:
    """Positions all over a city and near edges, and short paths between them: the index against every fence by itself."""
    fences, _ = read_fences(path.read_bytes())
    index = FenceIndex(fences)
    rng = np.random.default_rng(seed)
    alone = np.array([shapely.from_wkb(shapely.to_wkb(fence.geometry)) for fence in fences])
    shapely.prepare(alone)
    west, south, east, north = shapely.total_bounds(alone)
    corners = shapely.get_coordinates(alone)
    near = corners[rng.integers(0, len(corners), count // 2)] + rng.normal(0.0, 1e-4, (count // 2, 2))
    lon = np.concatenate([rng.uniform(west, east, count - count // 2), near[:, 0]])
    lat = np.concatenate([rng.uniform(south, north, count - count // 2), near[:, 1]])
    lat1, lon1 = lat + rng.normal(0.0, 0.002, count), lon + rng.normal(0.0, 0.002, count)
    lines = shapely.linestrings(np.stack([lon, lat, lon1, lat1], axis=1).reshape(-1, 2, 2))
    numbers = {fence.fence_id: number for number, fence in enumerate(fences)}
    mine = [numbers[fence_id] for fence_id in index.fence_ids]
    inside = np.stack([shapely.intersects_xy(alone[number], lon, lat) for number in mine])
    ends_inside = np.stack([shapely.intersects_xy(alone[number], lon1, lat1) for number in mine])
    through = np.stack([shapely.intersects(alone[number], lines) for number in mine]) & ~inside & ~ends_inside
    rows, found = index.locate(cells_of(lat, lon), lat, lon)
    path_rows, crossed, _, _ = index.crossed(lat, lon, lat1, lon1)
    same = np.array_equal(np.stack([rows, found]), np.stack(np.nonzero(inside.T)))
    same_paths = np.array_equal(np.stack([path_rows, crossed]), np.stack(np.nonzero(through.T)))
    print(f"  {path.stem}: {len(fences)} fences, {count:,} positions, {len(rows):,} inside: {'equal' if same else 'DIFFERENT'};", end=" ")
    print(f"{count:,} paths, {len(crossed):,} through: {'equal' if same_paths else 'DIFFERENT'}")


def main() -> None:
    """All three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--fences", type=int, default=1_000)
    arguments = parser.parse_args()
    measure_load(arguments.data)
    measure_rate(arguments.fences)
    if arguments.data is not None:
        print("against every fence by itself")
        for path in sorted(arguments.data.glob("*.geojson")):
            compare(path, arguments.points)


if __name__ == "__main__":
    main()
