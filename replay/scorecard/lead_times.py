"""How well P(late) told the late visits from the others, so many minutes before their windows closed.

One answer a visit: the newest that was made by then. Visits that had been reached by then are left out, because their outcome was known.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from eta_models.columns import Flags, Floats
from replay.scorecard.answers import find_newest
from replay.scorecard.day import Visits, to_floats

LEADS_MIN = (5, 10, 15, 30, 60)
"""Minutes before the end of the window: five is time for a call to the customer, an hour for another vehicle."""

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""P(late) from which on somebody would act; exceptions open at 0.3."""


@dataclass(frozen=True)
class Threshold:
    """What acting from `p` on gives: `warned` visits; shares 0..1, None of nothing.

    `precision`: of the warned visits those that were late; `recall`: of the late visits those warned of; `false_alarms`: of the visits in
    time those warned of. Recall over false alarms is the ROC curve.
    """

    p: float
    warned: int
    precision: float | None
    recall: float | None
    false_alarms: float | None


@dataclass(frozen=True)
class LeadTime:
    """Visits `lead_min` before their window closed. `auc` is the area under the ROC curve: how often a late visit had the higher P(late).

    `average_precision` is the area under precision over recall. `unanswered` visits had no P(late) by then and are in no other figure.
    """

    lead_min: int
    visits: int
    late: int
    unanswered: int
    auc: float | None
    average_precision: float | None
    thresholds: tuple[Threshold, ...]


def measure_lead_times(predictions: pl.DataFrame, visits: Visits, fleets: list[str]) -> tuple[LeadTime, ...]:
    """Measures every visit that has a window and a trusted arrival."""
    known = np.flatnonzero(~np.isnan(visits.arrived_s) & ~np.isnan(visits.window_end_s))
    lead_min, visit = np.repeat(np.array(LEADS_MIN), len(known)), np.tile(known, len(LEADS_MIN))
    at_s = visits.window_end_s[visit] - 60.0 * lead_min
    under_way = visits.arrived_s[visit] > at_s
    lead_min, visit, at_s = lead_min[under_way], visit[under_way], at_s[under_way]
    row = find_newest(visit, at_s, predictions, visits, fleets)
    p_late, late = np.full(len(visit), np.nan), visits.arrived_s[visit] > visits.window_end_s[visit]
    p_late[row >= 0] = to_floats(predictions.select(pl.col("p_late").gather(row[row >= 0])), "p_late")
    return tuple(measure(lead, p_late[lead_min == lead], late[lead_min == lead]) for lead in LEADS_MIN)


def measure(lead_min: int, p_late: Floats, late: Flags) -> LeadTime:
    """The figures of one lead time; `p_late` is NaN where nothing was said."""
    told = p_late == p_late
    p, was_late = p_late[told], late[told]
    curve = tuple(act_from(threshold, p, was_late) for threshold in THRESHOLDS)
    unanswered = int((~told).sum())
    return LeadTime(lead_min, len(p), int(was_late.sum()), unanswered, roc_area(p, was_late), average_precision(p, was_late), curve)


def act_from(threshold: float, p_late: Floats, late: Flags) -> Threshold:
    """What acting from a P(late) on gives."""
    warned, in_time = p_late >= threshold, ~late
    return Threshold(threshold, int(warned.sum()), _share(late, warned), _share(warned, late), _share(warned, in_time))


def roc_area(p_late: Floats, late: Flags) -> float | None:
    """How often, of a late visit and one in time, the late one had the higher P(late); equal ones count half. None without both.

    By ranks (Mann and Whitney): equal values share the mean of their ranks.
    """
    n_late, n_others = int(late.sum()), int((~late).sum())
    if not n_late or not n_others:
        return None
    _, place, count = np.unique(p_late, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return float((rank[late].sum() - n_late * (n_late + 1) / 2.0) / (n_late * n_others))


def average_precision(p_late: Floats, late: Flags) -> float | None:
    """The mean precision at each late visit, from the highest P(late) down; equal values are taken at once. None where none was late."""
    if not late.any():
        return None
    _, place = np.unique(-p_late, return_inverse=True)
    found, taken = np.cumsum(np.bincount(place, weights=late)), np.cumsum(np.bincount(place))
    return float((np.diff(found, prepend=0.0) * found / taken).sum() / late.sum())


def _share(wanted: Flags, among: Flags) -> float | None:
    return float((wanted & among).sum() / among.sum()) if among.any() else None
