"""How far the truth strays from P50: quantiles of the relative error by predicted horizon, moved a little by every learned question."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.correction import BINS_S, group_of
from eta_models.features import scale_s


@dataclass(frozen=True, slots=True)
class IntervalPolicy:
    """Quantile steps: `step / sqrt(questions)`, but at least `least_step`, in units of the error scale."""

    step: float = 0.7
    least_step: float = 0.01
    first_low: float = -1.3
    first_high: float = 1.6
    """Before anything was learned: P10 and P90 of the errors on public feeds, skewed to late."""


def width_s(p50_s: Floats, spread_s: Floats) -> Floats:
    """The unit of errors: half by the horizon, half by what lies ahead."""
    scale = scale_s(p50_s)
    return np.sqrt(0.5 * (scale * scale + spread_s * spread_s))


class Intervals:
    """Learned P10 and P90 around P50, in units of `width_s`, for each horizon and next / later."""

    def __init__(self, policy: IntervalPolicy) -> None:
        self.policy = policy
        groups = 2 * (len(BINS_S) + 1)
        self.low, self.high = np.full(groups, policy.first_low), np.full(groups, policy.first_high)
        self.asked = np.zeros(groups)
        self._low, self._high = self.low.copy(), self.high.copy()

    def bounds(self, p50_s: Floats, hop: Ints, spread_s: Floats) -> tuple[Floats, Floats]:
        """P10 and P90 in seconds from now; `spread_s` is the deviation that the legs and stays ahead have shown."""
        group, scale = group_of(p50_s, hop), width_s(p50_s, spread_s)
        low = np.minimum(p50_s + np.minimum(self._low[group], -0.05) * scale, p50_s - 1.0)
        return np.maximum(low, 0.0), np.maximum(p50_s + np.maximum(self._high[group], 0.05) * scale, p50_s + 1.0)

    def learn(self, p50_s: Floats, hop: Ints, spread_s: Floats, took_s: Floats) -> None:
        """Questions whose truth came, in the order of their truths."""
        errors = ((took_s - p50_s) / width_s(p50_s, spread_s)).tolist()
        for group, error in zip(group_of(p50_s, hop).tolist(), errors, strict=True):
            self.asked[group] += 1.0
            step = max(self.policy.least_step, self.policy.step / sqrt(self.asked[group]))
            self.low[group] += step * (0.1 - (error < self.low[group]))
            self.high[group] += step * (0.9 - (error < self.high[group]))

    def export(self) -> None:
        """Make what was learned count from now on."""
        self._low, self._high = self.low.copy(), self.high.copy()
