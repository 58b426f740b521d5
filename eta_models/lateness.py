"""The probability of being late: where the window's end lies in the predicted distribution, corrected by how often that came true."""

from dataclasses import dataclass

import numpy as np
from river import linear_model, optim

from eta_models.columns import Flags, Floats

NAMES = ("z", "z2", "above", "below", "horizon")
Z_90 = 1.2816
"""P90 of the normal distribution lies so many standard deviations above its middle."""


@dataclass(frozen=True, slots=True)
class LatenessPolicy:
    """How fast is learned, and where it starts."""

    learning_rate: float = 0.03
    intercept_rate: float = 0.005
    first_slope: float = 1.702
    """Of a logistic curve that follows the normal distribution within 0.01: at first the predicted distribution is believed."""


class Lateness:
    """Learned probabilities of one fleet."""

    def __init__(self, policy: LatenessPolicy) -> None:
        self.policy = policy
        self.weights = np.array([policy.first_slope, *([0.0] * len(NAMES))])
        self.model = self._from(self.weights)
        self.resets = 0

    def _from(self, weights: Floats) -> linear_model.LogisticRegression:
        p = self.policy
        model = linear_model.LogisticRegression(optimizer=optim.AdaGrad(p.learning_rate), intercept_lr=p.intercept_rate)
        model._weights.update(dict(zip(NAMES, weights[:-1].tolist(), strict=True)))
        model.intercept = float(weights[-1])
        return model

    def features(self, p10_s: Floats, p50_s: Floats, p90_s: Floats, closes_in_s: Floats) -> Floats:
        """One row a question: how many spreads the window's end lies beyond P50."""
        room = closes_in_s - p50_s
        spread = np.where(room > 0, p90_s - p50_s, p50_s - p10_s) / Z_90
        z = np.minimum(np.maximum(room / np.maximum(spread, 1.0), -6.0), 6.0)
        z[z != z] = 0.0
        table = np.empty((len(z), len(NAMES)))
        table[:, 0], table[:, 1] = -z, -z * np.abs(z) / 4.0
        table[:, 2], table[:, 3] = np.maximum(z - 1.5, 0.0), np.maximum(-z, 0.0)
        table[:, 4] = np.minimum(np.maximum(np.log(np.maximum(p50_s, 5.0) / 300.0), -4.0), 4.0) * 0.5
        return table

    def probability(self, p10_s: Floats, p50_s: Floats, p90_s: Floats, closes_in_s: Floats) -> Floats:
        """0..1, NaN without a window; 1 once it has closed."""
        if not (closes_in_s == closes_in_s).any():
            return np.full(len(closes_in_s), np.nan)
        table = self.features(p10_s, p50_s, p90_s, closes_in_s)
        learned = 1.0 / (1.0 + np.exp(-((self.weights[:-1] * table).sum(axis=1) + self.weights[-1])))
        late = np.where(closes_in_s <= 0, 1.0, learned)
        return np.where(closes_in_s == closes_in_s, late, np.nan)

    def learn(self, table: Floats, late: Flags) -> None:
        """Questions with a window that was open when they were put, in the order of their truths."""
        for row, was_late in zip(table.tolist(), late.tolist(), strict=True):
            self.model.learn_one(dict(zip(NAMES, row, strict=True)), was_late)

    def export(self) -> int:
        """Make what was learned count from now on; returns 1 when the model had to go back to its last good weights."""
        row = np.array([*(self.model.weights.get(name, 0.0) for name in NAMES), self.model.intercept])
        if np.isfinite(row).all():
            self.weights = row
            return 0
        self.model, self.resets = self._from(self.weights), self.resets + 1
        return 1
