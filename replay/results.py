"""What a run leaves for people and programs: all events in one file, all estimates and all refused inputs as tables."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from replay.spool import BESIDE, ESTIMATES, Spool
from stream.batches import Refusal
from stream.outputs import ESTIMATE, Estimated, NamedVisit

Item = TypeVar("Item")

NAMES = ("fleet_id", "vehicle_id", "route_id", "stop_id", "seq", "visit_id")
INSTANT = pl.Datetime("us", "UTC")
REFUSED = {
    "fleet_id": pl.String,
    "position": pl.Int64,
    "received_at": pl.Int64,
    "reason": pl.String,
    "type": pl.String,
    "vehicle_id": pl.String,
    "head": pl.Binary,
}
PART = 1 << 18
ROWS = 50_000
"""Rows that are held as Python objects at one time."""


@dataclass(frozen=True, slots=True)
class Results:
    """The files, and the rows of each."""

    events_path: Path
    predictions_path: Path
    refused_path: Path
    events: int
    predictions: int
    refused: int
    challenger_path: Path | None = None
    """Predictions of the challenger, where there was one."""


def finish(spool: Spool, out: Path) -> Results:
    """Write `events.ndjson`, `predictions.parquet` and `refused.parquet` into `out`, which is made if it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    events, predictions, refused = out / "events.ndjson", out / "predictions.parquet", out / "refused.parquet"
    beside = out / "challenger.parquet" if any(len(spool.estimates(fleet_id, BESIDE)) for fleet_id in spool.fleets()) else None
    if beside is not None:
        _predictions(spool, beside, BESIDE)
    rows = _events(spool, events), _predictions(spool, predictions, ESTIMATES), _refused(spool, refused)
    return Results(events, predictions, refused, *rows, beside)


def _events(spool: Spool, path: Path) -> int:
    """All events by the time at which they left, fleets in the order of their ids at the same time; payloads unchanged."""
    rows = 0
    with path.open("wb", buffering=1 << 20) as file:
        for _, _, _, payload in heapq.merge(*(_keyed(spool, fleet_id) for fleet_id in spool.fleets())):
            file.write(payload + b"\n")
            rows += 1
    return rows


def _keyed(spool: Spool, fleet_id: str) -> Iterator[tuple[int, str, int, bytes]]:
    return ((now_us, fleet_id, sequence, payload) for now_us, sequence, payload in spool.events(fleet_id))


def _predictions(spool: Spool, path: Path, which: str) -> int:
    """All estimates by `made_at`, those of one moment by fleet and then in log order, with the names of their visits."""
    names, made = [_named("", [])], [np.empty(0, ESTIMATE)]
    for fleet_id in spool.fleets():
        made.append(_renumbered(spool.estimates(fleet_id, which), sum(part.height for part in names)))
        names.extend(_named(fleet_id, visits) for visits in bunches(spool.visits(fleet_id)))
    estimates = np.concatenate(made) if len(made) > 2 else made[-1]
    _in_parts(estimates, pl.concat(names)).sink_parquet(path)
    return len(estimates)


def _renumbered(estimates: Estimated, first: int) -> Estimated:
    """Estimates whose visits count from `first`; for the first fleet they stay on disk."""
    if first:
        estimates = np.array(estimates)
        estimates["visit"] += first
    return estimates


def _in_parts(estimates: Estimated, names: pl.DataFrame) -> pl.LazyFrame:
    """The rows of `predictions.parquet`, made a part at a time, so that millions of them never carry their names in memory."""
    made_us = np.ascontiguousarray(estimates["made_us"])
    order = None if (made_us[1:] >= made_us[:-1]).all() else np.argsort(made_us, kind="stable")

    def parts(*_: object) -> Iterator[pl.DataFrame]:
        for first in range(0, len(estimates), PART):
            rows = slice(first, first + PART)
            yield _predicted(np.asarray(estimates[rows if order is None else order[rows]]), names)

    return register_io_source(parts, schema=_predicted(estimates[:0], names).schema, is_pure=True)


def _predicted(estimates: Estimated, names: pl.DataFrame) -> pl.DataFrame:
    """Estimates as `predictions.parquet` has them; `visit` is a row of `names`."""
    frame = pl.DataFrame({name: np.ascontiguousarray(estimates[name]) for name in ESTIMATE.names or ()}).hstack(names[estimates["visit"]])
    times = {name: pl.col(f"{name}_us").cast(INSTANT) for name in ("p10", "p50", "p90")}
    return frame.select(pl.col("made_us").cast(INSTANT).alias("made_at"), *NAMES, **times, p_late=pl.col("p_late").fill_nan(None))


def _named(fleet_id: str, visits: list[NamedVisit]) -> pl.DataFrame:
    rows = [(fleet_id, visit.vehicle_id, visit.route_id, visit.stop_id, visit.seq, visit.visit_id) for visit in visits]
    return pl.DataFrame(rows, schema={name: pl.Int64 if name == "seq" else pl.String for name in NAMES}, orient="row")


def _refused(spool: Spool, path: Path) -> int:
    """Every input that was not applied, by fleet and position."""
    parts = [_refusals(fleet_id, rows) for fleet_id in spool.fleets() for rows in bunches(spool.refusals(fleet_id))]
    frame = pl.concat([_refusals("", []), *parts])
    frame.write_parquet(path)
    return frame.height


def _refusals(fleet_id: str, refusals: list[Refusal]) -> pl.DataFrame:
    rows = [(fleet_id, r.position, r.received_us, r.reason, r.kind, r.vehicle_id, r.head) for r in refusals]
    return pl.DataFrame(rows, schema=REFUSED, orient="row").with_columns(pl.col("received_at").cast(INSTANT))


def bunches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items in lists of up to `ROWS`."""
    rest = iter(items)
    while bunch := list(islice(rest, ROWS)):
        yield bunch
