"""Which prediction answers each question: the newest one made at or before it was asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from replay.scorecard.day import VISIT_KEY, Bools, Floats, Ints, ScorecardError, Visits, epoch_s, name_fleet, to_floats
from replay.scorecard.questions import Questions

SLICE_ROWS = 1_000_000
AnyInts = NDArray[np.int32] | Ints


@dataclass(frozen=True)
class Answers:
    """One element a question: P10, P50, P90 as epoch seconds and P(late) in 0..1, NaN where there is none; `given` where there is a P50."""

    p10_s: Floats
    p50_s: Floats
    p90_s: Floats
    p_late: Floats
    given: Bools


def answer(questions: Questions, predictions: pl.DataFrame, visits: Visits, fleets: list[str]) -> Answers:
    """Answers every question. Raises ScorecardError where the predictions lack a column."""
    missing = {"made_at", "route_id", "seq", "p10", "p50", "p90", "p_late"} - set(predictions.columns)
    if missing:
        raise ScorecardError(f"predictions lack {', '.join(sorted(missing))}")
    row = find_newest(questions.visit, questions.asked_s, predictions, visits, fleets)
    given = row >= 0
    told = predictions.select(pl.col("p10", "p50", "p90", "p_late").gather(row[given]))
    told = told.with_columns(epoch_s("p10"), epoch_s("p50"), epoch_s("p90"))

    def spread(column: str) -> Floats:
        out = np.full(row.size, np.nan)
        out[given] = to_floats(told, column)
        return out

    p50_s = spread("p50")
    return Answers(p10_s=spread("p10"), p50_s=p50_s, p90_s=spread("p90"), p_late=spread("p_late"), given=~np.isnan(p50_s))


def find_newest(visit: AnyInts, at_s: Floats, predictions: pl.DataFrame, visits: Visits, fleets: list[str]) -> Ints:
    """The row of `predictions` that answers each question (about a visit, at a time), -1 where none does; of equal times the last row."""
    made = pl.concat([match(part, visits, fleets) for part in slices(predictions)])
    asked = pl.DataFrame({"visit": visit.astype(np.int32), "at_s": at_s}).with_row_index("question")
    found = np.full(visit.size, -1, np.int64)
    for low, high in split_visits(made.get_column("visit").to_numpy(), visits.route.size):
        within = pl.col("visit").is_between(low, high, closed="left")
        newest = (
            asked.filter(within)
            .sort("at_s")
            .join_asof(made.filter(within).sort("at_s", maintain_order=True), on="at_s", by="visit", check_sortedness=False)
        )
        found[newest.get_column("question").to_numpy()] = newest.get_column("row").fill_null(-1).to_numpy()
    return found


def slices(predictions: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The columns that say which visit and when, a slice at a time, so that no whole copy with its text is ever made."""
    named = [name for name in ("fleet_id", "route_id", "seq", "made_at") if name in predictions.columns]
    rows = predictions.select(named).with_row_index("row")
    yield from (rows.slice(start, SLICE_ROWS) for start in range(0, max(rows.height, 1), SLICE_ROWS))


def match(part: pl.DataFrame, visits: Visits, fleets: list[str]) -> pl.DataFrame:
    """Finds the planned visit of each prediction: `row, at_s, visit`; one of no planned visit answers nothing."""
    return (
        name_fleet(part.lazy(), fleets, "predictions")
        .with_columns(pl.col("route_id").cast(pl.String), pl.col("seq").cast(pl.Int64))
        .join(visits.keys.lazy(), on=VISIT_KEY, maintain_order="left")
        .select("row", "visit", at_s=epoch_s("made_at"))
        .collect()
    )


def split_visits(visit: NDArray[np.int32], total: int) -> Iterator[tuple[int, int]]:
    """Ranges of visits that hold about `SLICE_ROWS` predictions each, so that the join's memory does not grow with the day."""
    rows = np.cumsum(np.bincount(visit, minlength=total))
    cuts = np.searchsorted(rows, np.arange(SLICE_ROWS, int(rows[-1]) if rows.size else 0, SLICE_ROWS)) + 1
    bounds = np.unique(np.concatenate([[0], cuts, [total]])).tolist()
    yield from pairwise(bounds)
