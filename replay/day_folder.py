"""A recorded day as a folder of tables, read as what happened: fences, vehicles, plans, statuses and pings, each with when it was received.

Truth (`arrivals.parquet`) is never read here.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from geofences.fence_files import read_fences
from replay.day_errors import BadDay
from replay.day_statuses import statuses
from replay.day_tables import INSTANT, DayIds, clean_id, day_ids, table
from replay.said import FENCE, PLAN, VEHICLE, Said, said
from stream.fence_facts import put_of
from stream.moments import instant, micros


@dataclass(frozen=True, slots=True)
class DayFolder:
    """A day as read: pings as a frame, all else as messages.

    Columns of `pings`: `fleet_id, vehicle_id, ts, received_at, lat, lon, speed_mps, heading, accuracy_m`; each may be null but the
    fleet and `received_at`.
    """

    folder: Path
    fleets: dict[str, str]
    """Fleet ids and their time zones; the first is that of rows that name none."""
    pings: pl.DataFrame
    said: list[Said] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know about how the day was read."""


@dataclass(frozen=True, slots=True)
class _Tables:
    pings: pl.DataFrame
    routes: pl.DataFrame | None
    statuses: pl.DataFrame | None
    vehicles: pl.DataFrame | None

    def all(self) -> list[pl.DataFrame]:
        return [frame for frame in (self.pings, self.routes, self.statuses, self.vehicles) if frame is not None]

    def start_us(self) -> int:
        """When the first of it all was received."""
        firsts = [frame[column].min() for frame in self.all() for column in ("received_at", "published_at") if column in frame.columns]
        return min((micros(first) for first in firsts if first is not None), default=0)  # type: ignore[arg-type]


def read_folder(folder: Path) -> DayFolder:
    """Read a day. Raises `BadDay`, saying what is missing."""
    described = read_fleets(folder)
    name = default_fleet(folder, described)
    ids = day_ids(folder, [name, *described])
    tables = _tables(folder, ids, ids.of("fleet_id", name))
    fleets = _fleets({ids.of("fleet_id", fleet_id): zone for fleet_id, zone in described.items()}, ids.of("fleet_id", name), tables)
    start_us, notes = tables.start_us(), ids.notes()
    spoken = [
        *_fences(folder, ids, fleets, start_us, notes),
        *_vehicles(tables.vehicles, start_us),
        *_routes(tables.routes, start_us),
        *statuses(tables.statuses),
    ]
    return DayFolder(folder, fleets, tables.pings, spoken, notes)


def read_fleets(folder: Path) -> dict[str, str]:
    """Fleets and their time zones as `day.toml` has them; none where there is no such file."""
    path = folder / "day.toml"
    described = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {str(fleet["fleet_id"]): str(fleet.get("time_zone", "UTC")) for fleet in described.get("fleets", [])}


def default_fleet(folder: Path, described: dict[str, str]) -> str:
    """The fleet of rows that name none: the first that is described, else one named after the folder."""
    return next(iter(described), clean_id(folder.resolve().name))


def _fleets(described: dict[str, str], default: str, tables: _Tables) -> dict[str, str]:
    """All fleets of a day, that of rows that name none before others that nobody described."""
    seen = {fleet_id for frame in tables.all() for fleet_id in frame["fleet_id"].unique().to_list()}
    others = sorted(seen - set(described), key=lambda fleet_id: (fleet_id != default, fleet_id))
    return {**described, **dict.fromkeys(others, "UTC")} or {default: "UTC"}


def _tables(folder: Path, ids: DayIds, fleet_id: str) -> _Tables:
    """Everything but truth, with fleets, ids, and when each row was received."""
    pings, routes, spoken, vehicles = (
        None if frame is None else ids.give(frame.lazy(), fleet_id).collect()
        for frame in (table(folder, name) for name in ("pings", "routes", "statuses", "vehicles"))
    )
    if pings is None:
        msg = f"{folder} holds no pings.parquet: is it a recorded day? `fleetcast-replay make-day` makes one."
        raise BadDay(msg)
    real = {"speed_mps": pl.Float64, "heading": pl.Float64, "accuracy_m": pl.Float64}
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in real.items() if name not in pings.columns]
    numbers = (pl.col(name).cast(pl.Float64) for name in ("lat", "lon", *real))
    pings = _received(pings, "ts").with_columns(absent).select("fleet_id", "vehicle_id", "ts", "received_at", *numbers)
    return _Tables(pings, routes, None if spoken is None else _received(spoken, "at"), vehicles)


def _received(frame: pl.DataFrame, at: str) -> pl.DataFrame:
    """With a `received_at` on every row: when it happened where nothing else is known, else when the row before it was received."""
    known = pl.coalesce("received_at", at) if "received_at" in frame.columns else pl.col(at)
    return frame.with_columns(known.forward_fill().backward_fill().fill_null(pl.lit(0).cast(INSTANT)).alias("received_at"))


def _fences(folder: Path, ids: DayIds, fleets: dict[str, str], start_us: int, notes: list[str]) -> list[Said]:
    """The fences of a GeoJSON FeatureCollection, each for the fleet that its `fleet_id` property names, else for every fleet."""
    path = folder / "fences.geojson"
    if not path.exists():
        return []
    features = _features(path.read_bytes())
    named = [(feature.get("properties") or {}).get("fleet_id") for feature in features]
    owners = [None if owner is None else ids.of("fleet_id", str(owner)) for owner in named]
    strangers = Counter(owner for owner in owners if owner is not None and owner not in fleets)
    notes.extend(f"{count} fences are for {owner!r}, which is no fleet of this day" for owner, count in sorted(strangers.items()))
    spoken: list[Said] = []
    for fleet_id in fleets:
        mine = [feature for feature, owner in zip(features, owners, strict=True) if owner in {None, fleet_id}]
        fences, refused = read_fences(json.dumps({"type": "FeatureCollection", "features": mine}))
        notes.extend(f"fence {fence.fence_id} was not taken: {fence.reason}" for fence in refused)
        spoken.extend(Said(start_us, FENCE, fleet_id, put_of(fleet_id, fence, start_us)) for fence in fences)
    return spoken


def _features(text: bytes) -> list[dict[str, Any]]:
    """The features of a collection. Raises `InvalidFenceFile`."""
    read_fences(text)
    features: list[dict[str, Any]] = json.loads(text)["features"]
    return features


_VEHICLE = ("fleet_id", "vehicle_id", "driver_id", "capacity", "skills", "shift_start", "shift_end")


def _vehicles(vehicles: pl.DataFrame | None, start_us: int) -> list[Said]:
    """A `vehicle_put` a row, known from the start of the day."""
    rows = [] if vehicles is None else vehicles.iter_rows(named=True)
    at = instant(start_us)
    return [said(start_us, VEHICLE, {"type": "vehicle_put", "at": at, **{name: row.get(name) for name in _VEHICLE}}) for row in rows]


def _routes(routes: pl.DataFrame | None, start_us: int) -> Iterator[Said]:
    """One `route_published` a route, from its rows."""
    if routes is None:
        return
    rows = routes.sort("published_at", "fleet_id", "route_id", "seq", maintain_order=True).iter_rows(named=True)
    fields = [name for name in _STOP if name in routes.columns]
    for _, stops in groupby(rows, lambda row: (row["fleet_id"], row["route_id"], row["published_at"])):
        yield _route(list(stops), fields, start_us)


def _route(rows: list[dict[str, Any]], fields: list[str], start_us: int) -> Said:
    head = rows[-1]
    named = {name: head[name] for name in ("fleet_id", "route_id", "vehicle_id")}
    at = instant(start_us) if head["published_at"] is None else head["published_at"]
    stops = [{name: row[name] for name in fields if row[name] is not None} for row in rows]
    return said(micros(at), PLAN, {"type": "route_published", "at": at, **named, "stops": stops})


_STOP = (
    "stop_id", "lat", "lon", "seq", "radius_m", "planned_arrival", "window_start", "window_end",
    "visit_id", "kind", "service_s", "priority", "load", "skills", "order_ref", "customer_ref",
)  # fmt: skip
