"""Scores a recorded day: reads it, runs it at full speed, writes what came of it, and only then looks at the truth."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

import polars as pl

from geofences.fences import InvalidFenceFile
from replay.accounting import Accounting, account
from replay.day_errors import BadDay
from replay.day_folder import read_folder
from replay.event_table import read_events
from replay.provenance import data_hash, settings_hash, versions
from replay.results import Results, finish
from replay.run_day import DayRun, RunReport, run_flow, run_loop
from replay.scorecard.card import Scorecard, score_day
from replay.spool import Spool
from replay.timeline import Timeline, timeline
from replay.truth_tables import truth_tables
from stream.apply import Applied
from stream.settings import FleetSettings

Engine = Literal["bytewax", "loop"]


class Watcher(Protocol):
    """Who looks on."""

    def stage(self, doing: str) -> None:
        """Another part of the work begins."""

    def begin(self, line: Timeline, settings: Mapping[str, FleetSettings]) -> None:
        """The day is about to run."""

    def advance(self, entries: int, applied: list[Applied]) -> None:
        """So many more entries of the timeline are behind us, and this is what they gave."""


class Nobody:
    """Nobody looks on."""

    def stage(self, doing: str) -> None:
        """Not seen."""

    def begin(self, line: Timeline, settings: Mapping[str, FleetSettings]) -> None:
        """Not seen."""

    def advance(self, entries: int, applied: list[Applied]) -> None:
        """Not seen."""


@dataclass(frozen=True, slots=True)
class Speed:
    """`seconds` for the run alone, without reading and scoring; `python_share` is looks at single rows for each ping."""

    entries_per_s: float
    seconds: float
    python_share: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """Everything that is known of a run. `files` is empty where nothing was to be kept."""

    scorecard: Scorecard
    accounting: Accounting
    speed: Speed
    digest: str
    notes: list[str]
    files: list[Path]


def score_folder(
    day_dir: Path, out_dir: Path | None = None, engine: Engine = "bytewax", watcher: Watcher | None = None, time_zone: str | None = None
) -> Score:
    """Score the day in `day_dir`; leave events, predictions, refused inputs and `score.json` in `out_dir`, or nothing anywhere.

    `time_zone` (IANA) overrides that of every fleet. Raises `BadDay` where the folder is no day, `ScorecardError` where it cannot be
    scored, `Unaccounted` where an entry was lost.
    """
    watcher = watcher or Nobody()
    watcher.stage("reading the day")
    line = _read(day_dir)
    settings = fleet_settings(line.day.fleets, time_zone)
    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".fleetcast-", dir=out_dir) as work:
        spool = Spool(Path(work) / "spool")
        watcher.begin(line, settings)
        report = (run_flow if engine == "bytewax" else run_loop)(DayRun(line, settings, spool, watcher.advance))
        entries, fleet_id, notes = len(line), next(iter(line.day.fleets)), line.day.notes
        del line  # the pings, which are the most of it
        watcher.stage("writing the results")
        results = finish(spool, Path(work) / "results")
        accounting = _accounting(entries, report, results)
        watcher.stage("scoring")
        scorecard = _scorecard(day_dir, fleet_id, results)
        score = Score(scorecard, accounting, _speed(report), spool.digest(), notes, [])
        if out_dir is None:
            return score
        _write_json(Path(work) / "results" / "score.json", score, {"engine": engine, **_made_from(day_dir, settings)})
        return _moved(score, Path(work) / "results", out_dir)


def fleet_settings(fleets: Mapping[str, str], time_zone: str | None) -> dict[str, FleetSettings]:
    """The settings of every fleet, from its time zone, or from one for all. Raises `BadDay` for a name that is no time zone."""
    zones = {fleet_id: time_zone or zone for fleet_id, zone in sorted(fleets.items())}
    for fleet_id, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise BadDay(f"fleet {fleet_id}: the time zone {zone!r} is not known here; give an IANA name such as Europe/Berlin") from error
    return {fleet_id: FleetSettings(time_zone=zone) for fleet_id, zone in zones.items()}


def _read(day_dir: Path) -> Timeline:
    if not day_dir.is_dir():
        raise BadDay(f"there is no folder {day_dir}; `fleetcast-replay make-day {day_dir}` makes a day there")
    try:
        return timeline(read_folder(day_dir))
    except BadDay:
        raise
    except (pl.exceptions.PolarsError, InvalidFenceFile, ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BadDay(f"{day_dir} cannot be read as a recorded day: {what}; docs/made-days.md lists the files") from error


def _accounting(entries: int, report: RunReport, results: Results) -> Accounting:
    reasons = pl.scan_parquet(results.refused_path).group_by("reason").len().collect()
    return account(entries, report.received, report.refused, dict(reasons.iter_rows()), report.kept_late)


def _scorecard(day_dir: Path, fleet_id: str, results: Results) -> Scorecard:
    """The scorecard; here, after all predictions are on disk, `arrivals.parquet` is read for the first time."""
    columns = ["made_at", "fleet_id", "route_id", "seq", "p10", "p50", "p90", "p_late"]
    predictions = pl.read_parquet(results.predictions_path, columns=columns)
    return score_day(truth_tables(day_dir, fleet_id), predictions, read_events(results.events_path))


def _speed(report: RunReport) -> Speed:
    share = report.scalar_rows / report.pings if report.pings else None
    return Speed(round(report.received / max(report.seconds, 1e-6), 1), round(report.seconds, 3), share)


def _made_from(day_dir: Path, settings: Mapping[str, FleetSettings]) -> dict[str, object]:
    return {"versions": versions(), "settings_sha256": settings_hash(settings), "data_sha256": data_hash(day_dir)}


def _write_json(path: Path, score: Score, made_from: dict[str, object]) -> None:
    known = {"figures": score.scorecard.figures(), "accounting": asdict(score.accounting), "speed": asdict(score.speed)}
    text = json.dumps({"digest": score.digest, **made_from, **known, "notes": score.notes}, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _moved(score: Score, made: Path, out_dir: Path) -> Score:
    """Put the finished files in their place all at once, so that half of a run never lies there."""
    return replace(score, files=[path.replace(out_dir / path.name) for path in sorted(made.iterdir())])
