"""Scores a recorded day: reads it, runs it at full speed, writes what came of it, and only then looks at the truth."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

import polars as pl

from replay.accounting import Accounting, account
from replay.day_errors import BadDay
from replay.event_table import read_events
from replay.provenance import data_hash, settings_hash, versions
from replay.read_day import read_day
from replay.recorded import Recorded
from replay.results import Results, finish
from replay.run_day import DayRun, RunReport, run_flow, run_loop
from replay.run_processes import run_processes
from replay.scorecard.card import Scorecard, score_day
from replay.spool import Spool
from replay.start import Start
from replay.truth_tables import truth_tables
from replay.zones import zones_of
from stream.apply import Applied
from stream.checkpoint import UnusableCheckpoint
from stream.checkpoints import Checkpoints
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings

Engine = Literal["bytewax", "loop"]


class Watcher(Protocol):
    """Who looks on."""

    def stage(self, doing: str) -> None:
        """Another part of the work begins."""

    def begin(self, line: Recorded, settings: Mapping[str, FleetSettings]) -> None:
        """The day is about to run."""

    def advance(self, entries: int, applied: list[Applied]) -> None:
        """So many more entries of the timeline are behind us, and this is what they gave."""


class Nobody:
    """Nobody looks on."""

    def stage(self, doing: str) -> None:
        """Not seen."""

    def begin(self, line: Recorded, settings: Mapping[str, FleetSettings]) -> None:
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


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How a day is run; none of it but `proposals` and `start` changes what comes out."""

    engine: Engine = "bytewax"
    processes: int = 1
    """Processes that share the fleets of the day by their shards."""
    resume: bool = False
    """Keep checkpoints in the output folder while running, and go on from those of a run that was cut short."""
    time_zone: str | None = None
    """IANA name for all fleets, whatever `day.toml` says."""
    proposals: bool = False
    """Solve what could be done about exceptions at the ticks; its answer is known at the next one. This does change what comes out."""
    start: Start = field(default_factory=Start)
    """What fleets begin with: this does too."""
    models: Path | None = None
    """Folder into which every fleet leaves what it learned."""


def score_folder(day_dir: Path, out_dir: Path | None = None, options: ScoreOptions | None = None, watcher: Watcher | None = None) -> Score:
    """Score the day in `day_dir`; leave events, predictions, refused inputs and `score.json` in `out_dir`, or nothing anywhere.

    Raises `BadDay` where the folder is no day, `ScorecardError` where it cannot be scored, `Unaccounted` where an entry was lost.
    """
    watcher, options = watcher or Nobody(), options or ScoreOptions()
    watcher.stage("reading the day")
    day = read_day(day_dir)
    settings = fleet_settings(day.fleets, options.time_zone, proposals=options.proposals)
    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
    made_from = {**_made_from(day_dir, settings), **options.start.made_from()}
    with _work_folder(out_dir, options.resume, made_from) as work:
        spool, kept = Spool(work / "spool"), Checkpoints(work / "checkpoints") if options.resume else None
        watcher.begin(day.log, settings)
        run = DayRun(day.log, settings, spool, watcher.advance, kept, start=options.start, models=options.models)
        report = _run(day_dir, run, options)
        entries, fleet_id, notes = len(day.log), next(iter(day.fleets)), day.notes
        del day, run  # the pings, which are the most of it
        watcher.stage("writing the results")
        results = finish(spool, work / "results")
        accounting = _accounting(entries, report, results)
        watcher.stage("scoring")
        scorecard = _scorecard(day_dir, fleet_id, results)
        score = Score(scorecard, accounting, _speed(report), spool.digest(), notes, [])
        if out_dir is None:
            return score
        _write_json(work / "results" / "score.json", score, {"engine": options.engine, **made_from})
        return _moved(score, work / "results", out_dir)


_ENGINES = {"bytewax": run_flow, "loop": run_loop}


def _run(day_dir: Path, run: DayRun, options: ScoreOptions) -> RunReport:
    engine = _ENGINES[options.engine]
    try:
        return run_processes(day_dir, run, options.processes, engine) if options.processes > 1 else engine(run)
    except UnusableCheckpoint as error:
        raise BadDay(f"the run cannot be resumed: {error}") from error


@contextmanager
def _work_folder(out_dir: Path | None, resume: bool, made_from: dict[str, object]) -> Iterator[Path]:
    """Where a run keeps what it has so far: gone with it, or, to be resumed, until a run of the same day and settings has ended well."""
    if out_dir is None or not resume:
        with TemporaryDirectory(prefix=".fleetcast-", dir=out_dir) as temporary:
            yield Path(temporary)
        return
    work = out_dir / ".unfinished"
    mark, same = work / "made_from.json", json.dumps(made_from, sort_keys=True)
    if mark.exists() and mark.read_text(encoding="utf-8") != same:
        shutil.rmtree(work)
    work.mkdir(exist_ok=True)
    mark.write_text(same, encoding="utf-8")
    yield work
    shutil.rmtree(work)


def fleet_settings(fleets: Mapping[str, str], time_zone: str | None, *, proposals: bool = False) -> dict[str, FleetSettings]:
    """The settings of every fleet, from its time zone, or from one for all. Raises `BadDay` for a name that is no time zone."""
    reassign = ReassignPolicy(solving="here" if proposals else "off")
    return {fleet_id: FleetSettings(time_zone=zone, reassign=reassign) for fleet_id, zone in zones_of(fleets, time_zone).items()}


def _accounting(entries: int, report: RunReport, results: Results) -> Accounting:
    reasons = pl.scan_parquet(results.refused_path).group_by("reason").len().collect()
    return account(entries, report.received, report.refused, dict(reasons.iter_rows()), report.kept_late)


def _scorecard(day_dir: Path, fleet_id: str, results: Results) -> Scorecard:
    """The scorecard; here, after all predictions are on disk, `arrivals.parquet` is read for the first time."""
    columns = ["made_at", "fleet_id", "route_id", "seq", "p10", "p50", "p90", "p_late"]
    predictions = pl.read_parquet(results.predictions_path, columns=columns)
    beside = None if results.challenger_path is None else pl.read_parquet(results.challenger_path, columns=columns)
    return score_day(truth_tables(day_dir, fleet_id), predictions, read_events(results.events_path), beside)


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
