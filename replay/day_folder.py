"""A recorded day as a folder of tables, read as what happened: fences, vehicles, plans, statuses and pings, each with when it was received.

Truth (`arrivals.parquet`) is never read here.
"""

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from geofences.fences import Fence, read_fences
from replay.day_errors import BadDay
from stream.messages import AnyMessage, FencePut, PlannedStop, RoutePublished, VehiclePut
from stream.moments import instant

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.:-]")


@dataclass(frozen=True, slots=True)
class Said:
    """A message with when it was received (microseconds) and its rank among entries of the same moment."""

    received_us: int
    rank: int
    message: AnyMessage


@dataclass(frozen=True, slots=True)
class DayFolder:
    """A day as read: pings as a frame, all else as messages.

    Columns of `pings`: `fleet_id, vehicle_id, ts, received_at, lat, lon, speed_mps, heading, accuracy_m`.
    """

    folder: Path
    fleets: dict[str, str]
    """Fleet ids and their time zones; the first is that of rows that name none."""
    pings: pl.DataFrame
    said: list[Said] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know about how the day was read."""

    @property
    def default_fleet(self) -> str:
        """The fleet of rows that name none."""
        return next(iter(self.fleets))


def table(folder: Path, name: str) -> pl.DataFrame | None:
    """One table of a day, None where it is absent. Raises `BadDay` when it cannot be read."""
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"{path.name} cannot be read as Parquet: {error}"
        raise BadDay(msg) from error


def read_folder(folder: Path) -> DayFolder:
    """Read a day. Raises `BadDay`, saying what is missing."""
    pings = table(folder, "pings")
    if pings is None:
        msg = f"{folder} holds no pings.parquet: is it a recorded day? `fleetcast-replay make-day` makes one."
        raise BadDay(msg)
    fleets = read_fleets(folder)
    name = next(iter(fleets))
    notes: list[str] = []
    frame = _pings(pings, name, notes)
    day = DayFolder(folder, fleets, frame, notes=notes)
    seen = frame["fleet_id"].unique().to_list()
    for fleet_id in sorted(set(seen) - set(fleets)):
        fleets[fleet_id] = "UTC"
    start_us = int(frame["received_at"].min().timestamp() * 1e6) if frame.height else 0  # type: ignore[union-attr]
    day.said.extend(_fences(day, start_us))
    day.said.extend(_vehicles(table(folder, "vehicles"), name, start_us))
    day.said.extend(_routes(table(folder, "routes"), name, notes))
    return day


def read_fleets(folder: Path) -> dict[str, str]:
    """Fleets and time zones as `day.toml` has them, else one fleet named after the folder."""
    path = folder / "day.toml"
    if not path.exists():
        return {clean_id(folder.resolve().name): "UTC"}
    described = tomllib.loads(path.read_text())
    return {clean_id(str(fleet["fleet_id"])): str(fleet.get("time_zone", "UTC")) for fleet in described.get("fleets", [])} or {
        clean_id(folder.resolve().name): "UTC"
    }


def clean_id(text: str) -> str:
    """An id that every part of the system takes: other characters become `_`."""
    cleaned = _NOT_IN_ID.sub("_", text)[:64]
    return cleaned if cleaned[:1].isalnum() else f"x{cleaned}"[:64]


def _ids(frame: pl.DataFrame, columns: list[str], notes: list[str]) -> pl.DataFrame:
    """Replace ids that would be refused, and say so."""
    frame = frame.with_columns(pl.col(columns).cast(pl.String))
    for column in columns:
        values = frame[column].unique().drop_nulls().to_list()
        renamed = {value: clean_id(value) for value in values if clean_id(value) != value}
        if renamed:
            old, new = next(iter(sorted(renamed.items())))
            notes.append(f"{len(renamed)} {column} values hold characters that no id may have: {old!r} is read as {new!r}")
            frame = frame.with_columns(pl.col(column).replace(renamed))
    return frame


def _pings(pings: pl.DataFrame, fleet_id: str, notes: list[str]) -> pl.DataFrame:
    optional = {"speed_mps": pl.Float64, "heading": pl.Float64, "accuracy_m": pl.Float64}
    frame = pings.with_columns(
        *[pl.lit(None, dtype=dtype).alias(name) for name, dtype in optional.items() if name not in pings.columns],
        *([] if "fleet_id" in pings.columns else [pl.lit(fleet_id).alias("fleet_id")]),
        *([] if "received_at" in pings.columns else [pl.col("ts").alias("received_at")]),
    )
    real = (pl.col(name).cast(dtype) for name, dtype in optional.items())
    frame = frame.select("fleet_id", "vehicle_id", "ts", "received_at", "lat", "lon", *real)
    return _ids(frame, ["fleet_id", "vehicle_id"], notes)


def _fences(day: DayFolder, start_us: int) -> list[Said]:
    """The fences of a GeoJSON FeatureCollection, each for the fleet that its `fleet_id` property names, else for every fleet."""
    path = day.folder / "fences.geojson"
    if not path.exists():
        return []
    collection = json.loads(path.read_bytes())
    said: list[Said] = []
    for fleet_id in day.fleets:
        mine = [f for f in collection.get("features", []) if (f.get("properties") or {}).get("fleet_id", fleet_id) == fleet_id]
        fences, refused = read_fences(json.dumps({**collection, "features": mine}))
        day.notes.extend(f"fence {fence.fence_id} was not taken: {fence.reason}" for fence in refused)
        said.extend(Said(start_us, 0, fence_message(fleet_id, fence, instant(start_us))) for fence in fences)
    return said


def fence_message(fleet_id: str, fence: Fence, at: datetime) -> FencePut:
    """A fence as the message that puts it."""
    geometry = fence.geometry.__geo_interface__
    return FencePut(fleet_id=fleet_id, at=at, fence_id=fence.fence_id, kind=fence.kind, name=fence.name, geometry=geometry)


def _vehicles(vehicles: pl.DataFrame | None, fleet_id: str, start_us: int) -> list[Said]:
    if vehicles is None:
        return []
    said = []
    for row in vehicles.iter_rows(named=True):
        facts = {name: row.get(name) for name in ("driver_id", "capacity", "shift_start", "shift_end")}
        message = VehiclePut(
            fleet_id=row.get("fleet_id") or fleet_id,
            at=row["shift_start"],
            vehicle_id=row["vehicle_id"],
            skills=row.get("skills") or [],
            **facts,
        )
        said.append(Said(start_us, 1, message))
    return said


def _routes(routes: pl.DataFrame | None, fleet_id: str, notes: list[str]) -> list[Said]:
    """One `route_published` a route, from its rows."""
    if routes is None:
        return []
    if "fleet_id" not in routes.columns:
        routes = routes.with_columns(pl.lit(fleet_id).alias("fleet_id"))
    routes = _ids(routes, ["fleet_id", "vehicle_id", "route_id", "stop_id"], notes).sort(
        "published_at", "fleet_id", "route_id", "seq", maintain_order=True
    )
    said: list[Said] = []
    stops: list[PlannedStop] = []
    head: dict[str, Any] = {}
    for row in routes.iter_rows(named=True):
        if stops and (row["route_id"], row["fleet_id"]) != (head["route_id"], head["fleet_id"]):
            said.append(_route(head, stops))
            stops = []
        head = row
        stops.append(_stop(row))
    return [*said, _route(head, stops)] if stops else said


def _route(head: dict[str, Any], stops: list[PlannedStop]) -> Said:
    at = head["published_at"]
    message = RoutePublished(fleet_id=head["fleet_id"], at=at, route_id=head["route_id"], vehicle_id=head["vehicle_id"], stops=stops)
    return Said(round(at.timestamp() * 1e6), 2, message)


_STOP_FIELDS = ("stop_id", "lat", "lon", "seq", "radius_m", "planned_arrival", "window_start", "window_end")
_STOP_EXTRAS = ("visit_id", "kind", "service_s", "priority", "order_ref", "customer_ref")


def _stop(row: dict[str, Any]) -> PlannedStop:
    extras = {name: row[name] for name in _STOP_EXTRAS if row.get(name) is not None}
    return PlannedStop(**{name: row[name] for name in _STOP_FIELDS}, **extras)
