"""Visits to fences against a vendor's own labels: campus shuttles whose telematics say of every fix which fence it is in.

    python benchmarks/fence_labels.py --data DIR        (DIR holds shubble/pings.parquet)

The vendor's fences are not public, only the name that it gave each fix: one, the innermost. So the fences are fitted on the labels of one
day, a place belonging to the label of the nearest fix of that day (Voronoi cells of its fixes, at most 30 m from one), and the days behind
it are scored. On 31 October the vendor drew eight more fences; that is a second period, fitted and scored in the same way. The outermost
fence (the campus) is where there is any label at all.

A visit of the vendor is an unbroken run of fixes with its label, so it flaps. One of over 60 s is found when the engine's visits to
that fence cover at least half of it; a visit of the engine of over 60 s is one that the vendor does not have when its labels cover less
than half.
"""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import shapely

from eta_models.model import EtaModel
from geofences.positions import METRES_PER_DEGREE
from stream.apply import apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.messages import FencePut, Ping
from stream.moments import instant
from stream.settings import FleetSettings

CAMPUS = "90548826"
NARROW = float(np.cos(np.radians(42.73)))
REACH_M, LONG_S = 30.0, 60.0
DREW = datetime(2025, 10, 31, 19, 28, tzinfo=UTC)
BEFORE = datetime(2025, 10, 31, 19, 15, tzinfo=UTC)
NIGHT = 8  # o'clock UTC: four in the morning there, no shuttle drives

Stays = dict[tuple[str, str], list[tuple[float, float]]]
"""(vehicle, fence) -> from and to, in epoch seconds."""


@dataclass(frozen=True)
class Period:
    """A day to fit, and the days behind it to score."""

    name: str
    begin: datetime
    fitted: datetime
    end: datetime


PERIODS = (
    Period("ten fences", datetime(2025, 10, 28, NIGHT, tzinfo=UTC), datetime(2025, 10, 29, NIGHT, tzinfo=UTC), BEFORE),
    Period("eighteen fences", DREW, datetime(2025, 11, 1, 19, 28, tzinfo=UTC), datetime(2025, 11, 4, tzinfo=UTC)),
)


def fit(pings: pl.DataFrame) -> dict[str, Any]:
    """Label -> GeoJSON area."""
    xy = np.round(np.stack([pings["lon"] * METRES_PER_DEGREE * NARROW, pings["lat"] * METRES_PER_DEGREE], axis=1), 1)
    labels = pings["label"].to_numpy()
    places, first = np.unique(xy, axis=0, return_index=True)
    labels = labels[first]
    points = shapely.points(places)
    cells = np.array(shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points))))
    inside = shapely.STRtree(points).query(cells, predicate="contains")
    owner = np.empty(len(cells), dtype=object)
    owner[inside[0]] = labels[inside[1]]
    areas = {}
    for label in sorted(set(labels) - {""}):
        mine = (owner != "") & (owner != None) if label == CAMPUS else owner == label  # noqa: E711 (elementwise)
        near = shapely.union_all(shapely.buffer(points[labels != "" if label == CAMPUS else labels == label], REACH_M, quad_segs=2))
        area = shapely.make_valid(shapely.simplify(shapely.intersection(shapely.union_all(cells[mine]), near), 1.0))
        parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon" and part.area > 1.0]
        scaled = shapely.transform(shapely.multipolygons(parts), lambda c: c / (METRES_PER_DEGREE * np.array([NARROW, 1.0])))
        areas[label] = msgspec.json.decode(shapely.to_geojson(scaled))
    return areas


def engine(areas: dict[str, Any], pings: pl.DataFrame) -> Stays:
    """The visits that the engine tells, open ones until the vehicle's last fix; passages are none."""
    first_us = int(pings["received_at"].dt.epoch("us").min())
    said = [(first_us, FencePut(fleet_id="f", at=instant(first_us), fence_id=name, geometry=area)) for name, area in areas.items()]
    columns = (pings["received_at"].dt.epoch("us"), pings["ts"].dt.epoch("us"), pings["vehicle_id"], pings["lat"], pings["lon"])
    for received_us, at_us, vehicle_id, lat, lon in zip(*columns, strict=True):
        said.append((received_us, Ping(fleet_id="f", at=instant(at_us), vehicle_id=vehicle_id, lat=lat, lon=lon)))
    entries = [Entry(i, received_us, encode(message)) for i, (received_us, message) in enumerate(said)]
    settings = FleetSettings()
    state, found, open_ = FleetState("f", EtaModel(settings.model)), Stays(), dict[tuple[str, str], float]()
    for batch in (batch for at in range(0, len(entries), 1000) for batch in read_entries(settings.judge, entries[at : at + 1000])):
        for event in apply(settings, state, batch).events:
            if event.kind in {"geofence_entered", "geofence_exited"}:
                told = msgspec.json.decode(event.payload)
                key = told["data"]["vehicle_id"], told["data"]["fence_id"]
                at_s = msgspec.convert(told["time"], datetime).timestamp()
                if event.kind == "geofence_entered":
                    open_[key] = at_s
                elif "passed" not in told["data"]:
                    found.setdefault(key, []).append((open_.pop(key), at_s))
                else:
                    open_.pop(key)
    for (vehicle_id, name), since_s in open_.items():
        last_s = int(state.vehicles.at_us[state.vehicle_rows[vehicle_id]]) / 1e6
        found.setdefault((vehicle_id, name), []).append((since_s, last_s))
    return found


def vendor(pings: pl.DataFrame) -> Stays:
    """Unbroken runs of a label; of the campus, of any label."""
    found: Stays = {}
    for (vehicle_id,), mine in pings.sort("ts").group_by(["vehicle_id"], maintain_order=True):
        at_s = (mine["ts"].dt.epoch("us") / 1e6).to_numpy()
        labels = mine["label"].to_numpy()
        for name in sorted(set(labels) - {""}):
            inside = np.concatenate([[False], labels != "" if name == CAMPUS else labels == name, [False]])
            edges = np.flatnonzero(inside[1:] != inside[:-1])
            for start, end in zip(edges[::2], edges[1::2], strict=True):
                found.setdefault((str(vehicle_id), name), []).append((float(at_s[start]), float(at_s[end - 1])))
    return found


def covered(one: tuple[float, float], others: list[tuple[float, float]]) -> float:
    """The share of one stay that others cover together; they do not overlap each other."""
    return sum(max(0.0, min(one[1], end) - max(one[0], start)) for start, end in others) / (one[1] - one[0])


def why(pings: pl.DataFrame, areas: dict[str, Any], names: dict[str, str], stay: tuple[str, str, float, float]) -> str:
    """What the vendor called the places of a stay, by the share of their time, and how far from the edge as it was fitted they lay."""
    vehicle_id, name, since_s, until_s = stay
    mine = pings.filter(pl.col("vehicle_id") == vehicle_id).with_columns(at_s=pl.col("ts").dt.epoch("us") / 1e6).sort("at_s")
    mine = mine.with_columns(took_s=(pl.col("at_s").shift(-1) - pl.col("at_s")).fill_null(0.0))
    mine = mine.filter(pl.col("at_s").is_between(since_s, until_s))
    shares = mine.group_by("label").agg(pl.col("took_s").sum()).sort("took_s", descending=True).iter_rows()
    called = ", ".join(f"{names[label]} {took_s / (until_s - since_s):.0%}" for label, took_s in shares)
    metres = METRES_PER_DEGREE * np.array([NARROW, 1.0])
    area = shapely.transform(shapely.from_geojson(msgspec.json.encode(areas[name])), lambda c: c * metres)
    places = shapely.points(mine.select("lon", "lat").to_numpy() * metres)
    off_m = np.average(shapely.distance(area.boundary, places), weights=mine["took_s"])
    return f"{names[name]}, vehicle {vehicle_id}, {until_s - since_s:.0f} s, {off_m:.0f} m from its edge; the vendor says {called}"


def missed(stays: Stays, others: Stays, since_s: float) -> tuple[int, list[tuple[str, str, float, float]]]:
    """How many stays of over a minute began behind a moment, and those of which others cover less than half."""
    count, lost = 0, []
    for key, mine in stays.items():
        for stay in mine:
            if stay[0] >= since_s and stay[1] - stay[0] > LONG_S:
                count += 1
                if covered(stay, others.get(key, [])) < 0.5:
                    lost.append((*key, *stay))
    return count, lost


def main() -> None:
    """Fit, run and score each period."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="Tell the visits that were missed or are too many.")
    args = parser.parse_args()
    table = pl.read_parquet(args.data / "shubble" / "pings.parquet").sort("received_at", maintain_order=True)
    table = table.with_columns(label=pl.col("vendor_geofence_id").fill_null(""))
    names = {row[0]: str(row[1]).strip() for row in table.select("label", "vendor_geofence").unique().iter_rows()}
    totals = np.zeros(4, dtype=np.int64)
    for period in PERIODS:
        pings = table.filter(pl.col("ts").is_between(period.begin, period.end))
        areas = fit(pings.filter(pl.col("ts") < period.fitted))
        ours, theirs = engine(areas, pings), vendor(pings)
        since_s = period.fitted.timestamp()
        known = {key: stays for key, stays in theirs.items() if key[1] in areas}
        count, lost = missed(known, ours, since_s)
        told, extra = missed(ours, theirs, since_s)
        totals += count, len(lost), told, len(extra)
        print(f"{period.name}, fitted until {period.fitted:%d %b %H:%M}, scored until {period.end:%d %b %H:%M} UTC:")
        print(f"  of the vendor's {count} visits of over a minute {100 * (1 - len(lost) / count):.2f} % found ({len(lost)} not)")
        print(f"  of the engine's {told} visits of over a minute {100 * len(extra) / told:.2f} % are none of the vendor's ({len(extra)})")
        for vehicle_id, name, since, until in lost if args.show else []:
            print(f"    missed: {names[name]}, vehicle {vehicle_id}, {until - since:.0f} s")
        for stay in extra if args.show else []:
            print(f"    too many: {why(pings, areas, names, stay)}")
    count, lost_count, told, extra_count = totals.tolist()
    print(f"together: {100 * (1 - lost_count / count):.2f} % of {count} found, {100 * extra_count / told:.2f} % of {told} too many")


if __name__ == "__main__":
    main()
