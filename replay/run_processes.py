"""Runs a day in several processes, as a live system is scaled: each owns the fleets of some shards, and nothing crosses between them."""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.managers import SyncManager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np

from replay.read_day import read_day
from replay.run_day import DayRun, RunReport, run_flow
from replay.spool import Spool
from replay.start import Start
from stream.apply import Applied
from stream.checkpoints import Checkpoints
from stream.log import shard_of
from stream.outputs import ESTIMATE
from stream.settings import FleetSettings

News = tuple[int, list[Applied]]


@dataclass(frozen=True, slots=True)
class _Work:
    """What each process is told."""

    day_dir: Path
    settings: dict[str, FleetSettings]
    spool: Path
    checkpoints: Path | None
    checkpoint_every_us: int
    batch: int
    start: Start
    models: Path | None
    engine: Callable[[DayRun], RunReport]


def run_processes(day_dir: Path, run: DayRun, processes: int, engine: Callable[[DayRun], RunReport] = run_flow) -> RunReport:
    """Run the day of `run` in so many processes of their own; outputs go to the spool of `run`, each fleet's from one process.

    `engine` runs the part of one process. An error in any of them is raised here, once all have come to an end.
    """
    kept = None if run.checkpoints is None else run.checkpoints.folder
    work = _Work(day_dir, dict(run.settings), run.spool.folder, kept, run.checkpoint_every_us, run.batch, run.start, run.models, engine)
    report = RunReport()
    with get_context("spawn").Manager() as manager, ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        news = _queue(manager)
        parts = [[fleet_id for fleet_id in run.day.fleet_ids if shard_of(fleet_id) % processes == part] for part in range(processes)]
        running = [pool.submit(_run_part, work, part, news) for part in parts if part]
        _watch(run, news, running)
        for part in running:
            report.add(part.result())
    return report


def _queue(manager: SyncManager) -> "Queue[News]":
    return manager.Queue()


def _watch(run: DayRun, news: "Queue[News]", running: list[Future[RunReport]]) -> None:
    """Pass news on while any process runs."""
    while not all(part.done() for part in running) or not news.empty():
        try:
            run.progress(*news.get(timeout=0.2))
        except Empty:
            continue


def _run_part(work: _Work, fleets: list[str], news: "Queue[Any]") -> RunReport:
    """What one process does: read the day, run its fleets, tell of exceptions."""
    run = DayRun(
        read_day(work.day_dir).log,
        work.settings,
        Spool(work.spool),
        lambda entries, given: news.put((entries, list(map(_brief, given)))),
        None if work.checkpoints is None else Checkpoints(work.checkpoints),
        work.checkpoint_every_us,
        fleets,
        work.batch,
        work.start,
        work.models,
    )
    return work.engine(run)


def _brief(applied: Applied) -> Applied:
    """Only what the screen shows: exceptions travel, estimates do not."""
    events = [event for event in applied.events if event.kind.startswith("exception")]
    return replace(applied, events=events, estimates=np.empty(0, ESTIMATE), visits=[], refusals=[])
