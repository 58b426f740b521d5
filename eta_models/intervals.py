"""How far the truth strays from P50: quantiles of the relative error by predicted horizon, moved a little by every learned question."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.correction import BINS_S


@dataclass(frozen=True, slots=True)
class IntervalPolicy:
    """Quantile steps: `step / sqrt(questions)`, but at least `least_step`, in units of the error scale."""

    step: float = 0.7
    least_step: float = 0.01
    inside: float = 0.80
    inside_far: float = 0.825
    """Beyond a quarter of an hour: the truths of the slowest come in last, so that what is learned from is easier than what is asked."""
    most_upper: float = 0.97
    """Where truths lie below P10 more often, because nothing is promised before now, the upper end makes up for it, so far."""
    first_low: float = -1.3
    first_high: float = 1.6
    """Before anything was learned: P10 and P90 of the errors on public feeds, skewed to late."""


CUTS_S = np.array([20.0, 60.0, *BINS_S])
"""Horizons at which quantiles are kept apart: finer at the end, where a vehicle may have arrived before its fix came in."""

FAR_S = 900.0

NEAR_S = 120.0
"""Nearer than this all horizons make up together for truths that lie before now: of the very nearest more than half may."""

NEXT, LATER, SILENT = range(3)
"""Kinds of questions: the next stop, later ones, and any stop of a vehicle whose last fix is old: much may have happened since."""

OLD_S = 75.0
"""A fix is old after so long: feeds with a fix a minute are not silent."""


def kind_of(hop: Ints, fix_age_s: Floats) -> Ints:
    """The kind of each question."""
    return np.where(fix_age_s > OLD_S, SILENT, np.where(hop > 0, LATER, NEXT))


class Intervals:
    """Learned P10 and P90 around P50, in units of the width of a question, for each horizon and kind."""

    def __init__(self, policy: IntervalPolicy) -> None:
        self.policy = policy
        groups = 3 * (len(CUTS_S) + 1)
        self.low, self.high = np.full(groups, policy.first_low), np.full(groups, policy.first_high)
        inside = np.where(np.arange(groups) >= _group(np.array([FAR_S]), np.array([0])), policy.inside_far, policy.inside)
        self._lower, self._inside = (0.5 * (1.0 - inside)).tolist(), inside.tolist()
        self.asked, self.below = np.zeros(groups), np.full(groups, 0.1)
        near = 3 * int(np.searchsorted(CUTS_S, NEAR_S, side="right"))
        self._together = np.where(np.arange(groups) < near, 0, np.arange(groups)).tolist()
        """Where the share of truths below P10 is kept for each group."""
        self._low, self._high = self.low.copy(), self.high.copy()

    def bounds(self, p50_s: Floats, kind: Ints, width_s: Floats) -> tuple[Floats, Floats]:
        """P10 and P90 in seconds from now; `width_s` is the expected size of the error."""
        group = _group(p50_s, kind)
        low = np.minimum(p50_s + np.minimum(self._low[group], -0.05) * width_s, p50_s - 1.0)
        return np.maximum(low, 0.0), np.maximum(p50_s + np.maximum(self._high[group], 0.05) * width_s, p50_s + 1.0)

    def learn(self, p10_s: Floats, p50_s: Floats, kind: Ints, width_s: Floats, took_s: Floats) -> None:
        """Questions whose truth came, in the order of their truths."""
        p, errors, before = self.policy, ((took_s - p50_s) / np.maximum(width_s, 1.0)).tolist(), (took_s < p10_s).tolist()
        kept = (self.asked, self.below, self.low, self.high)
        asked, below, low, high = (column.tolist() for column in kept)  # plain numbers: a third of the time
        for group, error, was_before in zip(_group(p50_s, kind).tolist(), errors, before, strict=True):
            asked[group] += 1.0
            step = max(p.least_step, p.step / sqrt(asked[group]))
            lower, inside, place = self._lower[group], self._inside[group], self._together[group]
            below[place] += max(0.2 * p.least_step, 1.0 / (asked[group] + 50.0)) * (was_before - below[place])
            upper = min(p.most_upper, inside + max(lower, below[place]))
            low[group] += step * (lower - (error < low[group]))
            high[group] += step * (upper - (error < high[group]))
        for column, learned in zip(kept, (asked, below, low, high), strict=True):
            column[:] = learned

    def export(self) -> None:
        """Make what was learned count from now on."""
        self._low, self._high = self.low.copy(), self.high.copy()


def _group(p50_s: Floats, kind: Ints) -> Ints:
    return np.searchsorted(CUTS_S, p50_s, side="right") * 3 + kind
