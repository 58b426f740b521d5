"""Runs a day in several processes, as a live system is scaled: each owns the fleets of some shards, and nothing crosses between them."""

from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.managers import SyncManager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np

from replay.read_day import read_day
from replay.run_day import DayRun, RunReport, run_flow
from replay.spool import Spool
from stream.apply import Applied
from stream.checkpoints import Checkpoints
from stream.log import shard_of
from stream.outputs import ESTIMATE
from stream.settings import FleetSettings

News = tuple[int, list[Applied]]


def run_processes(day_dir: Path, run: DayRun, processes: int) -> RunReport:
    """Run the day of `run` in so many processes of their own; outputs go to the spool of `run`, each fleet's from one process."""
    settings, folder = dict(run.settings), run.spool.folder
    kept = None if run.checkpoints is None else run.checkpoints.folder
    report = RunReport()
    with get_context("spawn").Manager() as manager, ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        news = _queue(manager)
        parts = [[fleet_id for fleet_id in run.day.fleet_ids if shard_of(fleet_id) % processes == part] for part in range(processes)]
        running = [pool.submit(_run_part, day_dir, settings, folder, kept, part, news) for part in parts if part]
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


def _run_part(
    day_dir: Path, settings: dict[str, FleetSettings], folder: Path, kept: Path | None, fleets: list[str], news: "Queue[Any]"
) -> RunReport:
    """What one process does: read the day, run its fleets, tell of exceptions."""
    checkpoints = None if kept is None else Checkpoints(kept)
    run = DayRun(
        read_day(day_dir).log, settings, Spool(folder), lambda n, given: news.put((n, list(map(_brief, given)))), checkpoints, only=fleets
    )
    return run_flow(run)


def _brief(applied: Applied) -> Applied:
    """Only what the screen shows: exceptions travel, estimates do not."""
    events = [event for event in applied.events if event.kind.startswith("exception")]
    return replace(applied, events=events, estimates=np.empty(0, ESTIMATE), visits=[], refusals=[])
