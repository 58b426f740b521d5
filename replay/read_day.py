"""Whatever a recorded day is kept as, read as a log: a folder of tables, the log of a live system in one file, or an archive."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from geofences.fence_files import InvalidFenceFile
from replay.archive import Archive, BadArchive, Reached
from replay.day_errors import BadDay
from replay.day_folder import default_fleet, read_fleets, read_folder
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
    except BadArchive as error:
        raise BadDay(str(error)) from error
    except (pl.exceptions.PolarsError, InvalidFenceFile, tomllib.TOMLDecodeError, ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BadDay(f"{day_dir} cannot be read as a recorded day: {what}; docs/made-days.md lists the files") from error


def _read(day_dir: Path) -> Day:
    described = read_fleets(day_dir)
    if (day_dir / "log.parquet").exists():
        log = read_log([day_dir / "log.parquet"], described, default_fleet(day_dir, described))
        return Day(log, log.fleets, [])
    if (reached := Archive(day_dir).reached()) is not None:
        return _archived(day_dir, reached, described)
    line = timeline(read_folder(day_dir))
    return Day(line, line.day.fleets, line.day.notes)


def _archived(folder: Path, reached: Reached, described: dict[str, str]) -> Day:
    """What is there now; a recorder may go on writing meanwhile."""
    pieces = Archive(folder).pieces("log", reached.flushes)
    log = read_log([piece.path for piece in pieces], described, default_fleet(folder, described))
    late = {shard: number for shard, number in reached.began.items() if number > 0}
    notes = [f"shard {shard}: {number:,} messages came before the archive was begun" for shard, number in sorted(late.items())]
    lost = "left the log before they were recorded"
    notes += [f"shard {gap.shard}: {gap.lost:,} messages from number {gap.first:,} on {lost}" for gap in reached.gaps]
    notes += [f"{reached.forgotten} times something was taken out on request"] if reached.forgotten else []
    return Day(log, log.fleets, notes)
