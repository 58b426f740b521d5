"""The Parquet tables of a made day: their schemas, and the rows of one vehicle."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from replay.make_day.city import City
from replay.make_day.drive import Driven
from replay.make_day.observe import Fixes
from replay.make_day.plan import Duty
from replay.make_day.press import Status
from replay.make_day.streets import Floats
from replay.make_day.truth import arrivals

UTC_US = pl.Datetime("us", "UTC")
ROUTES: dict[str, pl.DataType | type[pl.DataType]] = {
    "fleet_id": pl.String, "route_id": pl.String, "vehicle_id": pl.String, "seq": pl.Int64, "stop_id": pl.String,
    "lat": pl.Float64, "lon": pl.Float64, "kind": pl.String, "planned_arrival": UTC_US, "window_start": UTC_US,
    "window_end": UTC_US, "service_s": pl.Float64, "priority": pl.Int64, "load": pl.Float64, "order_ref": pl.String,
    "customer_ref": pl.String, "published_at": UTC_US, "radius_m": pl.Float64,
}  # fmt: skip
STATUSES: dict[str, pl.DataType | type[pl.DataType]] = {
    "fleet_id": pl.String, "at": UTC_US, "received_at": UTC_US, "type": pl.String, "route_id": pl.String,
    "vehicle_id": pl.String, "stop_id": pl.String, "reason": pl.String,
}  # fmt: skip
VEHICLES: dict[str, pl.DataType | type[pl.DataType]] = {
    "fleet_id": pl.String, "vehicle_id": pl.String, "driver_id": pl.String, "capacity": pl.Float64,
    "skills": pl.List(pl.String), "shift_start": UTC_US, "shift_end": UTC_US,
}  # fmt: skip
ARRIVALS: dict[str, pl.DataType | type[pl.DataType]] = {
    "fleet_id": pl.String, "route_id": pl.String, "stop_id": pl.String, "seq": pl.Int64, "arrived_at": UTC_US,
    "departed_at": UTC_US, "served_at": UTC_US, "outcome": pl.String, "trusted": pl.Boolean,
}  # fmt: skip


@dataclass
class Tables:
    """The rows of all fleets, as they grow."""

    pings: list[pl.DataFrame] = field(default_factory=list)
    routes: list[tuple[object, ...]] = field(default_factory=list)
    statuses: list[tuple[object, ...]] = field(default_factory=list)
    vehicles: list[tuple[object, ...]] = field(default_factory=list)
    arrivals: list[tuple[object, ...]] = field(default_factory=list)
    fences: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True)
class Setting:
    """The fleet that rows belong to, its city, and the UTC microseconds at which its local day has second 0."""

    fleet_id: str
    city: City
    midnight_us: int

    def instant_us(self, at_s: float | None) -> int | None:
        """UTC microseconds of a second of the local day, to the millisecond."""
        return None if at_s is None else self.midnight_us + round(at_s * 1000.0) * 1000

    def instants(self, at_s: Floats) -> pl.Series:
        """The same for a column."""
        return pl.Series(self.midnight_us + np.round(at_s * 1000.0).astype(np.int64) * 1000).cast(UTC_US)


def ping_table(setting: Setting, vehicle_id: str, fixes: Fixes) -> pl.DataFrame:
    """`pings.parquet`, rows of one vehicle."""
    lat, lon = setting.city.degrees(fixes.x, fixes.y)
    table = pl.DataFrame(
        {
            "ts": setting.instants(fixes.t_s),
            "received_at": setting.instants(fixes.received_s),
            "lat": lat,
            "lon": lon,
            "speed_mps": np.round(fixes.speed_mps, 2),
            "heading": pl.Series(np.round(fixes.heading_deg, 1) % 360.0).fill_nan(None),
            "accuracy_m": np.round(fixes.accuracy_m, 1),
        }
    )
    return table.select(pl.lit(setting.fleet_id).alias("fleet_id"), pl.lit(vehicle_id).alias("vehicle_id"), pl.all())


def route_rows(setting: Setting, duty: Duty) -> list[tuple[object, ...]]:
    """`routes.parquet`, rows of one vehicle."""
    rows: list[tuple[object, ...]] = []
    at = setting.instant_us
    for route in duty.routes:
        lat, lon = setting.city.degrees(*(np.array([getattr(v.door, axis) for v in route.visits]) for axis in ("x", "y")))
        for seq, v in enumerate(route.visits):
            names = (setting.fleet_id, route.route_id, duty.vehicle_id, seq, v.door.stop_id, float(lat[seq]), float(lon[seq]), v.kind)
            times = (at(v.planned_s), at(v.window_start_s), at(v.window_end_s), v.service_s)
            rows.append(
                (*names, *times, v.priority, float(v.demand), v.order_ref, v.door.customer_ref, at(route.published_s), v.door.radius_m)
            )
    return rows


def status_rows(setting: Setting, statuses: Sequence[Status]) -> list[tuple[object, ...]]:
    """`statuses.parquet`, rows of one vehicle."""
    at = setting.instant_us
    return [(setting.fleet_id, at(row.at_s), at(row.received_s), *row[2:]) for row in statuses]


def vehicle_row(setting: Setting, duty: Duty) -> tuple[object, ...]:
    """`vehicles.parquet`, the row of one vehicle."""
    start, end = setting.instant_us(duty.shift_start_s), setting.instant_us(duty.shift_end_s)
    return (setting.fleet_id, duty.vehicle_id, duty.driver_id, duty.capacity, list(duty.skills), start, end)


def arrival_rows(setting: Setting, driven: Driven) -> list[tuple[object, ...]]:
    """`arrivals.parquet`, rows of one vehicle: one for every row of its plan."""
    rows: list[tuple[object, ...]] = []
    at = setting.instant_us
    for run in driven.runs:
        for seq, (visit, (came_s, left_s)) in enumerate(zip(run.route.visits, arrivals(driven, run), strict=True)):
            call = run.calls[seq] if seq < len(run.calls) else None
            served_s, outcome = (call.served_s, call.outcome) if call else (None, "missed")
            names = (setting.fleet_id, run.route.route_id, visit.door.stop_id, seq)
            rows.append((*names, at(came_s), at(left_s), at(served_s), outcome, True))
    return rows
