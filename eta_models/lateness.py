"""The probability of being late: where the window's end lies in the predicted distribution, corrected by how often that came true.

Two River models learn it: a short one, from where the window's end lies, and a long one, from all else too. They are weighed by how well
each did lately: where hardly anything is late, the long one has too little to learn from.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from river import linear_model

from eta_models.ada_grad import AdaGrad
from eta_models.columns import Flags, Floats
from eta_models.features import NAMES as FEATURES
from eta_models.features import scale_s, side_by_side
from eta_models.plain_river import exported, give_weights

NAMES = ("z", "z2", "above", "far", "below", "horizon", "z_horizon", "spread", "late", "early", "later", "beyond")
SHORT = 6
"""So many of them, the first, are the short model's."""
Z_90 = 1.2816
"""P90 of the normal distribution lies so many standard deviations above its middle."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions about a window: the answers in seconds from now, the expected size of the error, the end of the window, the features."""

    p10_s: Floats
    p50_s: Floats
    p90_s: Floats
    width_s: Floats
    closes_in_s: Floats
    table: Floats


@dataclass(frozen=True, slots=True)
class LatenessPolicy:
    """How fast is learned, and where it starts."""

    learning_rate: float = 0.03
    intercept_rate: float = 0.005
    share_power: float = 4.0
    """The models weigh by this power of how much smaller their squared errors were lately."""
    loss_rate: float = 0.0002
    first_loss: float = 0.02
    first_slope: float = 1.702
    """Of a logistic curve that follows the normal distribution within 0.01: at first the predicted distribution is believed."""


class Lateness:
    """Learned probabilities of one fleet."""

    def __init__(self, policy: LatenessPolicy) -> None:
        self.policy = policy
        self.weights = np.zeros((2, len(NAMES) + 1))
        self.weights[:, 0] = policy.first_slope
        self.models: list[Any] = [self._from(weights) for weights in self.weights]  # River types what it learns, not what it says
        self.loss, self.asked = np.full(2, policy.first_loss), np.zeros(1)
        self.share = np.full(2, 0.5)
        self.resets = 0

    def _from(self, weights: Floats) -> linear_model.LogisticRegression:
        p = self.policy
        model = linear_model.LogisticRegression(optimizer=AdaGrad(p.learning_rate), intercept_lr=p.intercept_rate)
        give_weights(model, {name: value for name, value in zip(NAMES, weights[:-1].tolist(), strict=True) if value}, weights[-1])
        return model

    def features(self, asked: Asked) -> Floats:
        """One row a question: how many spreads the window's end lies beyond P50, and what that says depends on."""
        room, scale = asked.closes_in_s - asked.p50_s, scale_s(asked.p50_s)
        spread = np.where(room > 0, asked.p90_s - asked.p50_s, asked.p50_s - asked.p10_s) / Z_90
        z = np.minimum(np.maximum(room / np.maximum(spread, 1.0), -6.0), 6.0)
        horizon = 0.5 * np.minimum(np.maximum(np.log(np.maximum(asked.p50_s, 5.0) / 300.0), -4.0), 4.0)
        columns = (
            -z,
            -z * np.abs(z) / 4.0,
            np.maximum(z - 1.5, 0.0),
            np.maximum(z - 3.0, 0.0),
            np.maximum(-z, 0.0),
            horizon,
            -z * horizon,
            asked.width_s / scale - 1.0,
            asked.table[:, FEATURES.index("late")],
            asked.table[:, FEATURES.index("early")],
            np.minimum(asked.table[:, FEATURES.index("hops")], 0.25) * 4.0,
            np.minimum(np.maximum((asked.p90_s - asked.closes_in_s) / scale, -4.0), 4.0),
        )
        return side_by_side(columns)

    def probability(self, asked: Asked) -> Floats:
        """0..1, NaN without a window; 1 once it has closed."""
        closes = asked.closes_in_s
        if not (closes == closes).any():
            return np.full(len(closes), np.nan)
        learned = self.weigh(self.features(asked))
        return np.where(closes == closes, np.where(closes <= 0, 1.0, learned), np.nan)

    def weigh(self, table: Floats) -> Floats:
        """The probability from both models, 0..1; one row a question."""
        short, long = (1.0 / (1.0 + np.exp(-((weights[:-1] * table).sum(axis=1) + weights[-1]))) for weights in self.weights)
        return np.asarray(self.share[0] * short + self.share[1] * long)

    def learn(self, table: Floats, late: Flags) -> None:
        """Questions with a window that was open when they were put, in the order of their truths."""
        for row, was_late in zip(table.tolist(), late.tolist(), strict=True):
            self.asked[0] += 1.0
            rate = max(self.policy.loss_rate, 1.0 / (self.asked[0] + 200.0))
            named = dict(zip(NAMES, row, strict=True))
            for which, known in enumerate((dict(zip(NAMES[:SHORT], row[:SHORT], strict=True)), named)):
                model = self.models[which]
                off = model.predict_proba_one(known)[True] - was_late
                self.loss[which] += rate * (off * off - self.loss[which])
                model.learn_one(known, was_late)

    def export(self) -> int:
        """Make what was learned count from now on; returns how many models had to go back to their last good weights."""
        broken = 0
        for which, model in enumerate(self.models):
            row = exported(model, NAMES)
            if np.isfinite(row).all():
                self.weights[which] = row
            else:
                self.models[which], broken = self._from(self.weights[which]), broken + 1
        self.loss[~np.isfinite(self.loss)] = self.policy.first_loss
        near = (self.loss + 1e-6) ** -self.policy.share_power
        self.share = near / near.sum()
        self.resets += broken
        return broken
