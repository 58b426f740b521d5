"""A recorded day as the scorecard wants it: plan, statuses, pings and truth, under the ids that the engine saw."""

from pathlib import Path

import polars as pl

from replay.day_folder import clean_id, table
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
    pings = _as_seen(pl.scan_parquet(folder / "pings.parquet") if found else pl.LazyFrame(schema=_NO_PINGS), fleet_id)
    routes, statuses, arrivals = (_read(folder, name, fleet_id) for name in ("routes", "statuses", "arrivals"))
    return DayTables(pings, routes, statuses, arrivals)


def _read(folder: Path, name: str, fleet_id: str) -> pl.DataFrame | None:
    frame = table(folder, name)
    return None if frame is None else _as_seen(frame.lazy(), fleet_id).collect()


def _as_seen(frame: pl.LazyFrame, fleet_id: str) -> pl.LazyFrame:
    """The table with a fleet on every row, and with the ids that the reader of the day gave the engine."""
    columns = frame.collect_schema().names()
    named = pl.col("fleet_id").fill_null(fleet_id) if "fleet_id" in columns else pl.lit(fleet_id)
    seen = [named.alias("fleet_id")]
    for column in ("vehicle_id", "route_id"):
        if column in columns:
            values = frame.select(pl.col(column).unique().drop_nulls()).collect().get_column(column).to_list()
            renamed = {value: clean_id(value) for value in values if clean_id(value) != value}
            seen.append(pl.col(column).replace(renamed))
    return frame.with_columns(seen)
