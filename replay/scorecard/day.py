"""The tables of a recorded day, and its visits laid out as arrays with the truth beside the plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

VISIT_KEY = ["fleet_id", "route_id", "seq"]


class ScorecardError(Exception):
    """A table handed to the scorecard cannot be scored; the message names the table and what is wrong with it."""


@dataclass(frozen=True)
class DayTables:
    """A recorded day in the neutral layout, read by the caller; `arrivals` is the truth, None where nobody recorded it.

    Every table may carry `fleet_id`; without it the day is one fleet. Times are UTC datetimes. `pings` may be lazy: only
    `vehicle_id, ts, received_at, lat, lon` are taken from it, and it is never held whole with its other columns.
    """

    pings: pl.LazyFrame | pl.DataFrame
    routes: pl.DataFrame | None = None
    statuses: pl.DataFrame | None = None
    arrivals: pl.DataFrame | None = None


@dataclass(frozen=True)
class Visits:
    """Every planned stop of the day, one array element a visit; routes lie contiguous, in the order in which stops were really reached.

    Times are epoch seconds (exact to 1 us until 2255), NaN where unknown. A visit that was never reached stands behind the reached one
    that the plan puts before it. `keys` maps `fleet_id, route_id, seq` to `visit` (the element's index). `route`, `fleet` are dense
    codes; `route_end` (first index past the route), `last_arrived_s` are one element a route. `recorded` tells which visits have a
    truth row at all: one without an `arrived_s` was seen at an unknown or untrusted time.
    """

    keys: pl.DataFrame
    fleet: Ints
    route: Ints
    seq: Ints
    lat: Floats
    lon: Floats
    planned_s: Floats
    window_end_s: Floats
    arrived_s: Floats
    recorded: Bools
    route_end: Ints
    last_arrived_s: Floats


def epoch_s(column: str) -> pl.Expr:
    """The column's datetimes as float epoch seconds; null stays null."""
    return pl.col(column).dt.epoch("us") / 1e6


def to_floats(frame: pl.DataFrame, column: str) -> Floats:
    """The column as float64, NaN where null."""
    return frame.get_column(column).cast(pl.Float64).fill_null(float("nan")).to_numpy()


def list_fleets(routes: pl.DataFrame) -> list[str]:
    """The fleets the plan names; empty where it names none, which means one unnamed fleet."""
    if "fleet_id" not in routes.columns:
        return []
    return routes.get_column("fleet_id").cast(pl.String).unique().sort().to_list()


def name_fleet(frame: pl.LazyFrame, fleets: Sequence[str], table: str) -> pl.LazyFrame:
    """Gives the table the `fleet_id` under which it joins the plan. Raises ScorecardError where that cannot be told."""
    named = "fleet_id" in frame.collect_schema()
    if fleets:
        if not named and len(fleets) > 1:
            raise ScorecardError(f"{table} has no fleet_id, but routes name {len(fleets)} fleets")
        return frame.with_columns(fleet_id=pl.col("fleet_id").cast(pl.String) if named else pl.lit(fleets[0]))
    if named:
        found = int(frame.select(pl.col("fleet_id").drop_nulls().n_unique()).collect().item())
        if found > 1:
            raise ScorecardError(f"{table} has {found} fleets, but routes have no fleet_id")
    return frame.with_columns(fleet_id=pl.lit(""))


def with_missing(frame: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """The table with every optional column that it lacks added as null."""
    return frame.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in columns.items() if name not in frame.columns)


def list_visits(routes: pl.DataFrame, arrivals: pl.DataFrame | None) -> Visits:
    """Lays the plan's visits and their true arrivals out as arrays; where a truth row says `trusted` false, its time is not used."""
    fleets = list_fleets(routes)
    instant = pl.Datetime("us", "UTC")
    plan = name_fleet(with_missing(routes, {"planned_arrival": instant, "window_end": instant}).lazy(), fleets, "routes")
    truth = read_truth(arrivals, fleets)
    rows = (
        plan.select(
            "fleet_id",
            pl.col("route_id").cast(pl.String),
            pl.col("seq").cast(pl.Int64),
            pl.col("lat", "lon").cast(pl.Float64),
            planned_s=epoch_s("planned_arrival"),
            window_end_s=epoch_s("window_end"),
        )
        .unique(VISIT_KEY, keep="first", maintain_order=True)
        .join(truth.lazy(), on=VISIT_KEY, how="left")
        .sort(VISIT_KEY)
        .with_columns(behind_s=pl.col("arrived_s").cum_max().forward_fill().over("fleet_id", "route_id"))
        .sort("fleet_id", "route_id", pl.coalesce("arrived_s", "behind_s"), "seq", nulls_last=False)
        .with_columns(route=pl.struct("fleet_id", "route_id").rle_id(), fleet=pl.col("fleet_id").rle_id())
        .collect()
    )
    return lay_out(rows)


def read_truth(arrivals: pl.DataFrame | None, fleets: Sequence[str]) -> pl.DataFrame:
    """True arrivals by visit: `arrived_s` null where the time is unknown or untrusted, `recorded` true on every row."""
    if arrivals is None:
        kinds = {"fleet_id": pl.String(), "route_id": pl.String(), "seq": pl.Int64(), "arrived_s": pl.Float64(), "recorded": pl.Boolean()}
        return pl.DataFrame(schema=kinds)
    truth = name_fleet(with_missing(arrivals, {"trusted": pl.Boolean()}).lazy(), fleets, "arrivals")
    usable = pl.col("trusted").fill_null(True)
    return (
        truth.select(
            "fleet_id",
            pl.col("route_id").cast(pl.String),
            pl.col("seq").cast(pl.Int64),
            arrived_s=pl.when(usable).then(epoch_s("arrived_at")),
            recorded=pl.lit(True),
        )
        .sort("arrived_s", nulls_last=True)
        .unique(VISIT_KEY, keep="first", maintain_order=True)
        .collect()
    )


def lay_out(rows: pl.DataFrame) -> Visits:
    """Turns the joined rows, already in their final order, into arrays; the dense route code is checked nowhere else."""
    routes = rows.group_by("route").agg(n=pl.len(), last=pl.col("arrived_s").max()).sort("route")
    return Visits(
        keys=rows.select(*VISIT_KEY, visit=pl.int_range(pl.len(), dtype=pl.Int32)),
        fleet=rows.get_column("fleet").cast(pl.Int64).to_numpy(),
        route=rows.get_column("route").cast(pl.Int64).to_numpy(),
        seq=rows.get_column("seq").to_numpy(),
        lat=to_floats(rows, "lat"),
        lon=to_floats(rows, "lon"),
        planned_s=to_floats(rows, "planned_s"),
        window_end_s=to_floats(rows, "window_end_s"),
        arrived_s=to_floats(rows, "arrived_s"),
        recorded=rows.get_column("recorded").fill_null(False).to_numpy(),
        route_end=routes.get_column("n").cast(pl.Int64).cum_sum().to_numpy(),
        last_arrived_s=to_floats(routes, "last"),
    )
