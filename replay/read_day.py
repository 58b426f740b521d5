"""Whatever a recorded day is kept as, read as a log: a folder of tables, or the log of a live system."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from geofences.fence_files import InvalidFenceFile
from replay.day_errors import BadDay
from replay.day_folder import read_fleets, read_folder
from replay.day_log import read_log
from replay.recorded import Recorded
from replay.timeline import timeline


@dataclass(frozen=True, slots=True)
class Day:
    """A day to run: its log, its fleets with their time zones, and what a person should know about how it was read."""

    log: Recorded
    fleets: dict[str, str]
    notes: list[str]


def read_day(day_dir: Path) -> Day:
    """Read a day. Raises `BadDay`, saying what is missing or wrong."""
    if not day_dir.is_dir():
        raise BadDay(f"there is no folder {day_dir}; `fleetcast-replay make-day {day_dir}` makes a day there")
    try:
        return _read(day_dir)
    except BadDay:
        raise
    except (pl.exceptions.PolarsError, InvalidFenceFile, tomllib.TOMLDecodeError, ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BadDay(f"{day_dir} cannot be read as a recorded day: {what}; docs/made-days.md lists the files") from error


def _read(day_dir: Path) -> Day:
    if (day_dir / "log.parquet").exists():
        log = read_log(day_dir, read_fleets(day_dir))
        return Day(log, log.fleets, [])
    line = timeline(read_folder(day_dir))
    return Day(line, line.day.fleets, line.day.notes)
