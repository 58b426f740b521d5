"""Whether the arrivals that happened were found, and when, and whether any were found that did not happen."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from replay.scorecard.day import Visits, to_floats

CLOSE_S, NEAR_S = 15.0, 60.0


@dataclass(frozen=True)
class ArrivalsFound:
    """Shares are of all `truth` arrivals (those with a trusted time), so a missed one counts as not within 15 s nor 60 s.

    `median_delay_s` is from occurrence to detection. `never_arrived` visits have no truth row at all, and `extra` of them were reported
    as reached. `unverifiable` were reported where truth knows of a visit but has no trusted time. `repeated` and `unplanned` count
    reports of a visit already reported, and of a stop that the plan does not have.
    """

    truth: int
    found: int
    found_share: float | None
    within_15s_share: float | None
    within_60s_share: float | None
    median_off_s: float | None
    median_delay_s: float | None
    never_arrived: int
    extra: int
    unverifiable: int
    repeated: int
    unplanned: int


def compare_arrivals(reported: pl.DataFrame, visits: Visits) -> ArrivalsFound:
    """Compares `stop_arrived` events (as `find_events` gives them) with the truth; of several for one visit the first detected counts."""
    planned = reported.filter(pl.col("visit").is_not_null())
    first = planned.unique("visit", keep="first", maintain_order=True)
    visit = first.get_column("visit").cast(pl.Int64).to_numpy()
    occurred_s = to_floats(first, "occurred_s")
    timed = ~np.isnan(visits.arrived_s)
    hit = timed[visit]
    off_s = np.abs(occurred_s[hit] - visits.arrived_s[visit[hit]])
    delay_s = (to_floats(first, "detected_s") - occurred_s)[hit]
    truth = int(timed.sum())
    return ArrivalsFound(
        truth=truth,
        found=off_s.size,
        found_share=off_s.size / truth if truth else None,
        within_15s_share=int((off_s <= CLOSE_S).sum()) / truth if truth else None,
        within_60s_share=int((off_s <= NEAR_S).sum()) / truth if truth else None,
        median_off_s=float(np.median(off_s)) if off_s.size else None,
        median_delay_s=float(np.median(delay_s)) if off_s.size else None,
        never_arrived=int((~visits.recorded).sum()),
        extra=int((~visits.recorded[visit]).sum()),
        unverifiable=int((visits.recorded[visit] & ~hit).sum()),
        repeated=planned.height - first.height,
        unplanned=reported.height - planned.height,
    )
