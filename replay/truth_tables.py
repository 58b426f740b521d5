"""A recorded day as the scorecard wants it: plan, statuses, pings and truth, under the ids that the engine saw."""

from pathlib import Path

import polars as pl

from replay.day_folder import read_fleets
from replay.day_tables import DayIds, day_ids, table
from replay.scorecard.day import DayTables

_NO_PINGS: dict[str, pl.DataType | type[pl.DataType]] = {
    "vehicle_id": pl.String,
    "ts": pl.Datetime("us", "UTC"),
    "lat": pl.Float64,
    "lon": pl.Float64,
}
"""A day that is kept as a log only has no table of pings to ask questions at."""


def truth_tables(folder: Path, fleet_id: str) -> DayTables:
    """Read what the scorecard needs; a row that names no fleet belongs to `fleet_id`. Raises `BadDay` when a table cannot be read."""
    found = (folder / "pings.parquet").exists()
    ids = day_ids(folder, read_fleets(folder))
    pings = ids.give(pl.scan_parquet(folder / "pings.parquet") if found else pl.LazyFrame(schema=_NO_PINGS), fleet_id)
    routes, statuses, arrivals = (_read(folder, name, ids, fleet_id) for name in ("routes", "statuses", "arrivals"))
    return DayTables(pings, routes, statuses, arrivals)


def _read(folder: Path, name: str, ids: DayIds, fleet_id: str) -> pl.DataFrame | None:
    frame = table(folder, name)
    return None if frame is None else ids.give(frame.lazy(), fleet_id).collect()
