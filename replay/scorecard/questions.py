"""The questions of a day: at every ping of a started route, when will each of the next stops be reached?"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from replay.scorecard.day import Bools, DayTables, Floats, Ints, Visits, epoch_s, list_fleets, name_fleet, to_floats

STOPS_AHEAD = 8
HORIZON_S = 3600.0
SLICE_ROWS = 500_000
LEARNING_SHARE = 3
"""One part in three of the questions, the earliest, is for learning and is not scored."""


@dataclass(frozen=True)
class Fixes:
    """Pings of started routes that have a stop still to reach, by fix time `ts_s`; `asked_s` is when the feed had delivered them.

    `last` is the visit that the vehicle had reached last by truth at `ts_s`, -1 before its first; `ahead` the visit next in its order.
    """

    ts_s: Floats
    asked_s: Floats
    lat: Floats
    lon: Floats
    last: Ints
    ahead: Ints
    route: Ints


@dataclass(frozen=True)
class Questions:
    """Scored questions in time order: `visit` asked about at fix `fix`, the `hop`-th stop ahead (1 = the next one).

    `ts_s, asked_s, arrived_s` are epoch seconds; `arrived_s` is NaN for a stop that was never (trustably) reached. `counted` marks the
    protocol's rows: some stop of the route has been reached before, and the arrival lies within `HORIZON_S` of the fix. The others are
    kept so that nothing is censored by its outcome: `early` ones were asked before the route's first arrival.
    """

    fix: NDArray[np.int32]
    visit: NDArray[np.int32]
    hop: NDArray[np.uint8]
    ts_s: Floats
    asked_s: Floats
    arrived_s: Floats
    early: Bools
    counted: Bools


def find_fixes(day: DayTables, visits: Visits) -> Fixes:
    """Finds the pings at which a route was under way: from its `route_started` until the vehicle's next, or the last true arrival."""
    if day.routes is None or day.statuses is None:
        none, nowhere = np.empty(0), np.empty(0, np.int64)
        return Fixes(none, none, none, none, nowhere, nowhere, nowhere)
    fleets = list_fleets(day.routes)
    started, vehicles = list_starts(day.statuses, visits, fleets)
    last_arrived = pl.DataFrame({"route": np.arange(visits.last_arrived_s.size), "last_arrived_s": visits.last_arrived_s})
    reached = pl.DataFrame({"route": visits.route, "ts_s": visits.arrived_s, "last": np.arange(visits.route.size)})
    reached = reached.filter(pl.col("ts_s").is_not_nan()).sort("ts_s", maintain_order=True)
    pings = read_pings(day.pings, fleets, vehicles)
    # A slice at a time: most pings of a day fall outside every route and are dropped before the next slice is joined.
    parts = [follow(pings.slice(at, SLICE_ROWS), started, last_arrived, reached) for at in range(0, max(pings.height, 1), SLICE_ROWS)]
    rows = pl.concat(parts)
    last, route = rows.get_column("last").fill_null(-1).to_numpy(), rows.get_column("route").to_numpy()
    first = np.concatenate([[0], visits.route_end])[route]
    ts_s, asked_s, lat, lon = (to_floats(rows, name) for name in ("ts_s", "asked_s", "lat", "lon"))
    return Fixes(ts_s, asked_s, lat, lon, last=last, ahead=np.where(last < 0, first, last + 1), route=route)


def list_starts(statuses: pl.DataFrame, visits: Visits, fleets: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every `route_started` by time (`vehicle, ts_s, route`; route null where the plan has none such), and the vehicles' codes."""
    codes = visits.keys.select("fleet_id", "route_id", route=visits.route).unique()
    started = (
        name_fleet(statuses.lazy(), fleets, "statuses")
        .filter(pl.col("type") == "route_started", pl.col("at").is_not_null())
        .select("fleet_id", pl.col("vehicle_id", "route_id").cast(pl.String), ts_s=epoch_s("at"))
        .join(codes.lazy(), on=["fleet_id", "route_id"], how="left", maintain_order="left")
        .collect()
    )
    vehicles = started.select("fleet_id", "vehicle_id").unique(maintain_order=True).with_row_index("vehicle")
    started = started.join(vehicles, on=["fleet_id", "vehicle_id"], maintain_order="left")
    return started.select("vehicle", "ts_s", "route").sort("ts_s", maintain_order=True), vehicles


def follow(pings: pl.DataFrame, started: pl.DataFrame, last_arrived: pl.DataFrame, reached: pl.DataFrame) -> pl.DataFrame:
    """Which of the pings lie on a route still under way, with their `route` and the visit reached `last` (null before the first)."""
    return (
        pings.join_asof(started, on="ts_s", by="vehicle", check_sortedness=False)
        .filter(pl.col("route").is_not_null())
        .join(last_arrived, on="route", maintain_order="left")
        .filter(pl.col("ts_s") < pl.col("last_arrived_s"))
        .drop("vehicle", "last_arrived_s")
        .join_asof(reached, on="ts_s", by="route", check_sortedness=False)
    )


def read_pings(pings: pl.LazyFrame | pl.DataFrame, fleets: list[str], vehicles: pl.DataFrame) -> pl.DataFrame:
    """Reads what the questions need of the pings of those vehicles, in order of fix time, ties in the order of the file."""
    frame = name_fleet(pings.lazy(), fleets, "pings")
    delivered = pl.coalesce(epoch_s("received_at"), epoch_s("ts")) if "received_at" in frame.collect_schema() else epoch_s("ts")
    return (
        frame.filter(pl.col("ts").is_not_null())
        .select("fleet_id", pl.col("vehicle_id").cast(pl.String), "lat", "lon", ts_s=epoch_s("ts"), asked_s=delivered)
        .join(vehicles.lazy(), on=["fleet_id", "vehicle_id"], maintain_order="left")
        .drop("fleet_id", "vehicle_id")
        .sort("ts_s", maintain_order=True)
        .collect()
    )


def ask(fixes: Fixes, visits: Visits) -> Questions:
    """Asks about the next `STOPS_AHEAD` visits at every fix and keeps what is scored.

    That is the last two thirds of the protocol's rows in time order, and whatever else was asked from the first of them on.
    """
    ahead = fixes.ahead[:, None] + np.arange(STOPS_AHEAD)
    fix, step = np.nonzero(ahead < visits.route_end[fixes.route][:, None])
    visit = ahead[fix, step]
    to_go_s = visits.arrived_s[visit] - fixes.ts_s[fix]
    early = fixes.last[fix] < 0
    # A NaN compares as false: a stop never reached is asked about, but no error can be measured on it.
    counted = (to_go_s > 0) & (to_go_s <= HORIZON_S) & ~early
    rows = np.flatnonzero(counted)
    start = int(rows[rows.size // LEARNING_SHARE]) if rows.size else 0
    fix, visit = fix[start:], visit[start:]
    return Questions(
        fix=fix.astype(np.int32),
        visit=visit.astype(np.int32),
        hop=(step[start:] + 1).astype(np.uint8),
        ts_s=fixes.ts_s[fix],
        asked_s=fixes.asked_s[fix],
        arrived_s=visits.arrived_s[visit],
        early=early[start:],
        counted=counted[start:],
    )
