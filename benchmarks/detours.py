"""`off_route`: how often it opens on real drives, and how soon it finds detours that are made.

    python benchmarks/detours.py DAY [--detours 80] [--seed 5]

Runs DAY as it was recorded and counts what opened per vehicle and day: nobody made a detour there, so all of it counts as false. Then the
same day with detours: a vehicle that has just left a stop goes aside at 10 m/s up to 700 m, in a random direction, drives on beside its way
and comes back. Some of them lead to streets where the vehicle really was within 25 minutes: they are told apart. A detour is found when
`off_route` opens within three minutes of its 500th metre.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from geofences.positions import METRES_PER_DEGREE

ROOT = Path(__file__).resolve().parent.parent
ASIDE_MPS, ASIDE_M, FAR_M, LASTS_S, WITHIN_S = 10.0, 700.0, 500.0, 400.0, 180.0
LEARNING_H = 48.0
"""Detours are made from the third day on: before, there are no corridors."""
APART_S = 3_600.0
LEAST_FIXES = 40
OWN_WAY_S = 1_500.0
FAR_SHARE = 0.5
"""Of the fixes within the three minutes: a vehicle that is back on streets that it uses anyway before that is not on a detour."""

Floats = NDArray[np.float64]


class Detour(NamedTuple):
    """Whose, from when (epoch seconds), and whether it leads away from where the vehicle really drove."""

    vehicle_id: str
    start_s: float
    far_s: float
    leads_away: bool


class _Told(msgspec.Struct):
    exception_kind: str | None = None
    vehicle_id: str | None = None
    detected_at: str | None = None


class _Event(msgspec.Struct):
    type: str
    data: _Told


def openings(day: Path) -> list[tuple[str, float]]:
    """Vehicles and moments at which `off_route` opened when the day is scored."""
    decode = msgspec.json.Decoder(_Event).decode
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "replay", "score", str(day), "--out", out, "--quiet"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with (Path(out) / "events.ndjson").open("rb") as lines:
            told = [decode(line).data for line in lines if b"exception_opened" in line]
    rows = [(one.vehicle_id, one.detected_at) for one in told if one.exception_kind == "off_route"]
    off = pl.DataFrame(rows, ["vehicle", "at"], orient="row")
    if not off.height:
        return []
    at_s = off["at"].str.to_datetime("%+", time_unit="us", time_zone="UTC").dt.epoch("us") / 1e6
    return list(zip(off["vehicle"].to_list(), at_s.to_list(), strict=True))


def departures(day: Path, count: int, seed: int) -> list[tuple[str, float]]:
    """Departures from stops, in a random order, at least an hour apart of each vehicle."""
    left = pl.read_parquet(day / "arrivals.parquet").filter(pl.col("departed_at").is_not_null())
    vehicles = pl.read_parquet(day / "routes.parquet").select("route_id", "vehicle_id").unique()
    rows = left.join(vehicles, on="route_id").select("vehicle_id", at_s=pl.col("departed_at").dt.epoch("us") / 1e6)
    rows = rows.sort("vehicle_id", "at_s")
    first_s = float(pl.scan_parquet(day / "pings.parquet").select(pl.col("ts").min().dt.epoch("us") / 1e6).collect().item())
    late = rows.filter(pl.col("at_s") > first_s + LEARNING_H * 3_600).rows()
    chosen, busy = list[tuple[str, float]](), dict[str, list[float]]()
    for i in np.random.default_rng(seed).permutation(len(late)).tolist():
        vehicle, at_s = late[i]
        if len(chosen) < count and all(abs(at_s - other) > APART_S for other in busy.get(vehicle, [])):
            busy.setdefault(vehicle, []).append(at_s)
            chosen.append((vehicle, at_s))
    return chosen


def make_detours(day: Path, made: Path, count: int, seed: int) -> list[Detour]:
    """A copy of the day with detours in its pings."""
    shutil.copytree(day, made, ignore=shutil.ignore_patterns("pings.parquet"), dirs_exist_ok=True)
    pings = pl.read_parquet(day / "pings.parquet")
    lat, lon = (pings[name].to_numpy().copy() for name in ("lat", "lon"))
    at_s, vehicle = pings["ts"].dt.epoch("us").to_numpy() / 1e6, pings["vehicle_id"].to_numpy()
    detours, random = list[Detour](), np.random.default_rng(seed)
    real = lat.copy(), lon.copy()
    for vehicle_id, left_s in departures(day, count, seed):
        start_s = left_s + 10.0
        mine = np.flatnonzero((vehicle == vehicle_id) & (at_s >= start_s) & (at_s <= start_s + LASTS_S))
        if len(mine) < LEAST_FIXES:
            continue
        aside_m = np.minimum(np.minimum((at_s[mine] - start_s) * ASIDE_MPS, ASIDE_M), (start_s + LASTS_S - at_s[mine]) * ASIDE_MPS)
        angle = random.uniform(0, 2 * np.pi)
        lat[mine] += aside_m * np.cos(angle) / METRES_PER_DEGREE
        lon[mine] += aside_m * np.sin(angle) / METRES_PER_DEGREE / np.cos(np.radians(real[0][mine]))
        far_s = start_s + FAR_M / ASIDE_MPS
        far = mine[(at_s[mine] >= far_s) & (at_s[mine] <= far_s + WITHIN_S)]
        near = np.flatnonzero((vehicle == vehicle_id) & (np.abs(at_s - far_s) < OWN_WAY_S))
        away = away_m((lat[far], lon[far]), (real[0][near], real[1][near])) > FAR_M
        detours.append(Detour(vehicle_id, start_s, far_s, bool(away.mean() >= FAR_SHARE)))
    pings.with_columns(lat=pl.Series(lat), lon=pl.Series(lon)).write_parquet(made / "pings.parquet")
    return detours


def away_m(places: tuple[Floats, Floats], others: tuple[Floats, Floats]) -> Floats:
    """From each place to the nearest of the others."""
    north_m = (places[0][:, None] - others[0]) * METRES_PER_DEGREE
    east_m = (places[1][:, None] - others[1]) * METRES_PER_DEGREE * np.cos(np.radians(places[0]))[:, None]
    return np.asarray(np.sqrt(north_m**2 + east_m**2).min(axis=1))


def show(detours: list[Detour], opened: list[tuple[str, float]]) -> None:
    """How many detours were found, and how soon."""
    after_s = []
    for one in detours:
        found = sorted(at_s for vehicle, at_s in opened if vehicle == one.vehicle_id and one.start_s <= at_s <= one.far_s + WITHIN_S)
        after_s.append(found[0] - one.far_s if found else np.nan)
    delay = np.array(after_s)
    real = np.array([one.leads_away for one in detours])
    for name, rows in (("that lead away from the vehicle's own way", real), ("that do not", ~real)):
        known = delay[rows & ~np.isnan(delay)]
        times = f"; after 500 m: median {np.median(known):.0f}, most {known.max():.0f} s" if len(known) else ""
        print(f"made detours {name}: {int(rows.sum())}, found within three minutes {len(known)}{times}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("day", type=Path)
    parser.add_argument("--detours", type=int, default=80)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    seen = pl.scan_parquet(args.day / "pings.parquet").select(vehicle="vehicle_id", day=pl.col("ts").dt.date()).unique().collect()
    opened = openings(args.day)
    rate = len(opened) / seen.height
    print(f"as recorded: {len(opened)} openings in {seen.height} vehicle-days, {rate:.3f} each; {seen['vehicle'].n_unique()} vehicles")
    with tempfile.TemporaryDirectory() as made:
        detours = make_detours(args.day, Path(made), args.detours, args.seed)
        show(detours, openings(Path(made)))


if __name__ == "__main__":
    main()
