"""Whether late-risk exceptions named the visits that really were late, and how long before it was too late."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from replay.scorecard.day import Visits, to_floats

LATE_RISK = "late_risk"


@dataclass(frozen=True)
class LateRisk:
    """Late-risk exceptions over the whole day, by visit: warned visits against visits that arrived after their window closed.

    `opened` counts openings, `reopened` those after a visit's first. `unverifiable` warned visits have no trusted arrival or no window and
    are left out of precision. `recall` takes any warning; `recall_before_close` only one detected before the window closed.
    `median_lead_s` is `window_end` minus detection of the first opening over late visits that were warned of, negative when too late.
    """

    opened: int
    reopened: int
    visits_warned: int
    unverifiable: int
    visits_late: int
    precision: float | None
    recall: float | None
    recall_before_close: float | None
    median_lead_s: float | None


def judge_late_risk(opened: pl.DataFrame, visits: Visits) -> LateRisk:
    """Judges `exception_opened` events (as `find_events` gives them) of the kind `late_risk`."""
    openings = opened.filter(pl.col("exception_kind") == LATE_RISK)
    known = openings.filter(pl.col("visit").is_not_null())
    first = known.unique("visit", keep="first", maintain_order=True)
    visit = first.get_column("visit").cast(pl.Int64).to_numpy()
    verifiable = ~np.isnan(visits.arrived_s) & ~np.isnan(visits.window_end_s)
    late = visits.arrived_s > visits.window_end_s
    lead_s = (visits.window_end_s[visit] - to_floats(first, "detected_s"))[late[visit]]
    judged, n_late = int(verifiable[visit].sum()), int(late.sum())
    return LateRisk(
        opened=openings.height,
        reopened=known.height - first.height,
        visits_warned=visit.size,
        unverifiable=openings.height - known.height + visit.size - judged,
        visits_late=n_late,
        precision=lead_s.size / judged if judged else None,
        recall=lead_s.size / n_late if n_late else None,
        recall_before_close=int((lead_s > 0).sum()) / n_late if n_late else None,
        median_lead_s=float(np.median(lead_s)) if lead_s.size else None,
    )
