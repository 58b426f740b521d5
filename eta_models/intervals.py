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
    inside: float = 0.805
    """Half a point more than is promised: what is learned from is a little easier than what is asked, .."""
    inside_far: float = 0.825
    """.. and more so beyond half an hour, where the truths of the slowest come in last."""
    most_upper: float = 0.97
    """Where truths lie below P10 more often, because nothing is promised before now, the upper end makes up for it, so far."""
    first_low: float = -1.3
    first_high: float = 1.6
    """Before anything was learned: P10 and P90 of the errors on public feeds, skewed to late."""


CUTS_S = np.array([20.0, 60.0, *BINS_S])
"""Horizons at which quantiles are kept apart: finer at the end, where a vehicle may have arrived before its fix came in."""

FAR_S = 1_800.0


class Intervals:
    """Learned P10 and P90 around P50, in units of the width of a question, for each horizon and next / later."""

    def __init__(self, policy: IntervalPolicy) -> None:
        self.policy = policy
        groups = 2 * (len(CUTS_S) + 1)
        self.low, self.high = np.full(groups, policy.first_low), np.full(groups, policy.first_high)
        inside = np.where(np.arange(groups) >= _group(np.array([FAR_S]), np.array([0])), policy.inside_far, policy.inside)
        self._lower, self._inside = (0.5 * (1.0 - inside)).tolist(), inside.tolist()
        self.asked, self.below = np.zeros(groups), np.full(groups, 0.1)
        self._low, self._high = self.low.copy(), self.high.copy()

    def bounds(self, p50_s: Floats, hop: Ints, width_s: Floats) -> tuple[Floats, Floats]:
        """P10 and P90 in seconds from now; `width_s` is the expected size of the error."""
        group = _group(p50_s, hop)
        low = np.minimum(p50_s + np.minimum(self._low[group], -0.05) * width_s, p50_s - 1.0)
        return np.maximum(low, 0.0), np.maximum(p50_s + np.maximum(self._high[group], 0.05) * width_s, p50_s + 1.0)

    def learn(self, p10_s: Floats, p50_s: Floats, hop: Ints, width_s: Floats, took_s: Floats) -> None:
        """Questions whose truth came, in the order of their truths."""
        p, errors, before = self.policy, ((took_s - p50_s) / np.maximum(width_s, 1.0)).tolist(), (took_s < p10_s).tolist()
        for group, error, was_before in zip(_group(p50_s, hop).tolist(), errors, before, strict=True):
            self.asked[group] += 1.0
            step = max(p.least_step, p.step / sqrt(self.asked[group]))
            self.below[group] += max(0.2 * p.least_step, 1.0 / (self.asked[group] + 50.0)) * (was_before - self.below[group])
            lower, inside = self._lower[group], self._inside[group]
            upper = min(p.most_upper, inside + max(lower, float(self.below[group])))
            self.low[group] += step * (lower - (error < self.low[group]))
            self.high[group] += step * (upper - (error < self.high[group]))

    def export(self) -> None:
        """Make what was learned count from now on."""
        self._low, self._high = self.low.copy(), self.high.copy()


def _group(p50_s: Floats, hop: Ints) -> Ints:
    return np.searchsorted(CUTS_S, p50_s, side="right") * 2 + (hop > 0)
