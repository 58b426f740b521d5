"""The tables of a recorded day as the engine may have them: times in UTC, a fleet on every row, and no id that would be refused."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from replay.day_errors import BadDay

NEEDED: dict[str, tuple[str, ...]] = {
    "pings": ("vehicle_id", "ts", "lat", "lon"),
    "routes": ("route_id", "vehicle_id", "seq", "stop_id", "lat", "lon", "published_at"),
    "statuses": ("at", "type", "vehicle_id"),
    "vehicles": ("vehicle_id",),
}
"""The tables of a day, and the columns that each must have."""

TIMES = ("ts", "at", "received_at", "published_at", "planned_arrival", "window_start", "window_end", "shift_start", "shift_end")
IDS = ("fleet_id", "vehicle_id", "route_id", "stop_id", "visit_id", "order_ref", "customer_ref", "driver_id")
INSTANT = pl.Datetime("us", "UTC")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.:-]")


def table(folder: Path, name: str) -> pl.DataFrame | None:
    """One table of a day, None where it is absent. Raises `BadDay` when it cannot be read, or lacks a column."""
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"{path.name} cannot be read as Parquet: {error}"
        raise BadDay(msg) from error
    missing = [column for column in NEEDED.get(name, ()) if column not in frame.columns]
    if missing:
        msg = f"{path.name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}"
        raise BadDay(msg)
    return frame.with_columns(_instants(path.name, frame[column]) for column in TIMES if column in frame.columns)


def _instants(where: str, times: pl.Series) -> pl.Series:
    """Times as UTC microseconds; those without a time zone are UTC already, whatever the zone of this machine."""
    if times.dtype == pl.Null:
        return times.cast(INSTANT)
    if not isinstance(times.dtype, pl.Datetime):
        msg = f"{where}: the column {times.name} holds {times.dtype}, and no times"
        raise BadDay(msg)
    zoned = times.dt.replace_time_zone("UTC") if times.dtype.time_zone is None else times.dt.convert_time_zone("UTC")
    return zoned.dt.cast_time_unit("us")


def clean_id(text: str) -> str:
    """An id that every part of the system takes: other characters become `_`. Two texts may become one: `day_ids` keeps them apart."""
    cleaned = _NOT_IN_ID.sub("_", text)[:64]
    return cleaned if cleaned[:1].isalnum() else f"x{cleaned}"[:64]


@dataclass(frozen=True, slots=True)
class DayIds:
    """The ids of a day that had to be renamed, by column: old to new."""

    renamed: dict[str, dict[str, str]]

    def of(self, column: str, text: str) -> str:
        """The id that a text of a column has here."""
        return self.renamed.get(column, {}).get(text, text)

    def give(self, frame: pl.LazyFrame, fleet_id: str) -> pl.LazyFrame:
        """The table with these ids, and with `fleet_id` where a row names no fleet."""
        columns = [column for column in IDS if column in frame.collect_schema().names()]
        ids = {column: pl.col(column).cast(pl.String).replace(self.renamed.get(column, {})) for column in columns}
        fleet = ids.pop("fleet_id").fill_null(fleet_id) if "fleet_id" in ids else pl.lit(fleet_id)
        return frame.with_columns(fleet.alias("fleet_id"), **ids)

    def notes(self) -> list[str]:
        """What a person should know about it."""
        examples = {column: (len(names), *min(names.items())) for column, names in self.renamed.items() if names}
        return [
            f"{count} {column} values are not what an id may be: {old!r} is read as {new!r}"
            for column, (count, old, new) in examples.items()
        ]


def day_ids(folder: Path, fleets: Iterable[str]) -> DayIds:
    """How the ids of all tables of a day (and of `fleets`) are to be read.

    Truth has no say in it. Raises `BadDay` for a table that cannot be read.
    """
    found: dict[str, set[str]] = {column: set() for column in IDS}
    found["fleet_id"].update(fleets)
    for path in (folder / f"{name}.parquet" for name in NEEDED):
        if path.exists():
            try:
                for column, values in _values(path).items():
                    found[column].update(values)
            except (pl.exceptions.PolarsError, OSError) as error:
                msg = f"{path.name} cannot be read as Parquet: {error}"
                raise BadDay(msg) from error
    return DayIds({column: _names(values) for column, values in found.items()})


def _values(path: Path) -> Mapping[str, list[str]]:
    rows = pl.scan_parquet(path)
    columns = [column for column in IDS if column in rows.collect_schema().names()]
    return {column: rows.select(pl.col(column).cast(pl.String).unique().drop_nulls()).collect()[column].to_list() for column in columns}


def _names(values: set[str]) -> dict[str, str]:
    """A name for each text that is no id; one that is taken gets a number, so that two vehicles never become one."""
    wrong = sorted(value for value in values if clean_id(value) != value)
    taken, numbers, names = values.difference(wrong), dict[str, int](), dict[str, str]()
    for value in wrong:
        name = form = clean_id(value)
        while name in taken:
            numbers[form] = numbers.get(form, 1) + 1
            name = f"{form[:56]}-{numbers[form]}"
        taken.add(name)
        names[value] = name
    return names
