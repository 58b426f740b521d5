"""Whether the P10-P90 intervals held what they promised, by how far away the arrival was predicted to be."""

from dataclasses import dataclass

import numpy as np

from replay.scorecard.answers import Answers
from replay.scorecard.day import Floats
from replay.scorecard.eta_error import HORIZONS_MIN, mean, within_minutes
from replay.scorecard.questions import Questions


@dataclass(frozen=True)
class HorizonInterval:
    """Intervals whose P50 lay `from_min` to `to_min` minutes after the question: `coverage` is the share that held the true arrival.

    `width_s` is the mean of P90 - P10, `pinball_s` the mean pinball loss of P10, P50 and P90 in seconds (half the absolute error for P50).
    `unresolved` were answered in this range too, but the stop was never reached, so nobody can tell whether they held; they are in
    neither `n` nor `coverage`. None where there is nothing to measure.
    """

    from_min: int
    to_min: int
    n: int
    coverage: float | None
    width_s: float | None
    pinball_s: float | None
    unresolved: int


@dataclass(frozen=True)
class Intervals:
    """Intervals by predicted minutes, over all of them, and `overdue`: answers whose P50 was already past when it was asked for."""

    n: int
    coverage: float | None
    width_s: float | None
    pinball_s: float | None
    overdue: int
    by_predicted_minutes: tuple[HorizonInterval, ...]


def measure_intervals(questions: Questions, answers: Answers) -> Intervals:
    """Measures coverage and width. Rows are chosen by the answer alone, however far away the arrival turned out to be."""
    rows = ~questions.early & answers.given & ~np.isnan(answers.p10_s) & ~np.isnan(answers.p90_s)
    ahead_s = (answers.p50_s - questions.asked_s)[rows]
    true_s, p10_s, p50_s, p90_s = questions.arrived_s[rows], answers.p10_s[rows], answers.p50_s[rows], answers.p90_s[rows]
    resolved = ~np.isnan(true_s)
    held = ((p10_s <= true_s) & (true_s <= p90_s)).astype(np.float64)
    width_s = p90_s - p10_s
    lost_s = (pinball_s(0.1, p10_s, true_s) + pinball_s(0.5, p50_s, true_s) + pinball_s(0.9, p90_s, true_s)) / 3.0
    near = resolved & within_minutes(ahead_s, 0, HORIZONS_MIN[-1][1])
    groups = []
    for low, high in HORIZONS_MIN:
        pick = within_minutes(ahead_s, low, high)
        known = pick & resolved
        figures = (mean(held[known]), mean(width_s[known]), mean(lost_s[known]))
        groups.append(HorizonInterval(low, high, int(known.sum()), *figures, int((pick & ~resolved).sum())))
    overall = (mean(held[near]), mean(width_s[near]), mean(lost_s[near]))
    return Intervals(int(near.sum()), *overall, int((ahead_s < 0).sum()), tuple(groups))


def pinball_s(share: float, quantile_s: Floats, true_s: Floats) -> Floats:
    """The loss that a quantile has least of when it is right (Koenker 1978): a share of how far below, the rest of how far above."""
    return np.maximum(share * (true_s - quantile_s), (share - 1.0) * (true_s - quantile_s))
