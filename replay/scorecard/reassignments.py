"""Did acting help? What accepted proposals expected of their visits, beside what came."""

from dataclasses import dataclass

import polars as pl

COLUMNS = {"late_expected_s": pl.Float64(), "late_s": pl.Float64(), "late_without_s": pl.Float64(), "moved": pl.Boolean()}


@dataclass(frozen=True)
class Reassignments:
    """Proposals by exception, and the visits of accepted ones that were settled; lateness in seconds, summed over the visits reached.

    `expected_s` is how late they were to be, `came_s` how late they were, `without_s` how late they would have been.
    """

    proposed: int
    accepted: int
    settled: int
    moved: int
    not_reached: int
    expected_s: float
    came_s: float
    without_s: float


def judge_reassignments(events: pl.DataFrame) -> Reassignments:
    """Counts proposals, and compares what was expected of accepted ones; `events` may lack the columns of `COLUMNS`."""
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in COLUMNS.items() if name not in events.columns]
    told = events.with_columns(missing)
    settled = told.filter(pl.col("type") == "reassignment_settled")
    reached = settled.filter(pl.col("late_s").is_not_null())
    expected_s, came_s, without_s = (
        float(reached.get_column(name).fill_null(0.0).sum()) for name in ("late_expected_s", "late_s", "late_without_s")
    )
    proposed, accepted = (int((told.get_column("type") == f"reassignment_{kind}").sum()) for kind in ("proposed", "accepted"))
    moved, not_reached = int(settled.get_column("moved").sum()), settled.height - reached.height
    return Reassignments(proposed, accepted, settled.height, moved, not_reached, expected_s, came_s, without_s)
