"""Whether the P10-P90 intervals held what they promised, by how far away the arrival was predicted to be."""

from dataclasses import dataclass

import numpy as np

from replay.scorecard.answers import Answers
from replay.scorecard.eta_error import HORIZONS_MIN, mean, within_minutes
from replay.scorecard.questions import Questions


@dataclass(frozen=True)
class HorizonInterval:
    """Intervals whose P50 lay `from_min` to `to_min` minutes after the question: `coverage` is the share that held the true arrival.

    `width_s` is the mean of P90 - P10. `unresolved` were answered in this range too, but the stop was never reached, so nobody can
    tell whether they held; they are in neither `n` nor `coverage`. None where there is nothing to measure.
    """

    from_min: int
    to_min: int
    n: int
    coverage: float | None
    width_s: float | None
    unresolved: int


@dataclass(frozen=True)
class Intervals:
    """Intervals by predicted minutes, over all of them, and `overdue`: answers whose P50 was already past when it was asked for."""

    n: int
    coverage: float | None
    width_s: float | None
    overdue: int
    by_predicted_minutes: tuple[HorizonInterval, ...]


def measure_intervals(questions: Questions, answers: Answers) -> Intervals:
    """Measures coverage and width. Rows are chosen by the answer alone, however far away the arrival turned out to be."""
    rows = ~questions.early & answers.given & ~np.isnan(answers.p10_s) & ~np.isnan(answers.p90_s)
    ahead_s = (answers.p50_s - questions.asked_s)[rows]
    true_s, p10_s, p90_s = questions.arrived_s[rows], answers.p10_s[rows], answers.p90_s[rows]
    resolved = ~np.isnan(true_s)
    held = ((p10_s <= true_s) & (true_s <= p90_s)).astype(np.float64)
    width_s = p90_s - p10_s
    near = resolved & within_minutes(ahead_s, 0, HORIZONS_MIN[-1][1])
    groups = []
    for low, high in HORIZONS_MIN:
        pick = within_minutes(ahead_s, low, high)
        known = pick & resolved
        groups.append(HorizonInterval(low, high, int(known.sum()), mean(held[known]), mean(width_s[known]), int((pick & ~resolved).sum())))
    return Intervals(int(near.sum()), mean(held[near]), mean(width_s[near]), int((ahead_s < 0).sum()), tuple(groups))
