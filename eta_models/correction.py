"""What the plain estimate gets wrong, learned by River one arrival at a time, and answered from exported weights by numpy.

Two linear models see every learned question: one for its horizon (and whether the stop is the next), one for all. Their answers and
the plain estimates are experts; a hedge weighs them by how well each has done lately at that horizon, so that a cold model
cannot make the plain estimate worse for long. Predictions use the weights exported at the last tick, never newer ones.
"""

from dataclasses import dataclass

import numpy as np
from river import linear_model, optim

from eta_models.columns import Floats, Ints
from eta_models.features import CLIP, NAMES, scale_s

BINS_S = np.array([120.0, 240.0, 360.0, 480.0, 600.0, 750.0, 900.0, 1200.0, 1500.0, 1800.0, 2400.0])
"""Horizons at which the fine models are cut."""

HEDGE_BINS = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
"""The coarser bin of a fine one, for the weights of the experts."""

EXPERTS = ("chain", "by_plan", "base", "binned", "common")


@dataclass(frozen=True, slots=True)
class CorrectionPolicy:
    """How fast is learned. Rates were chosen on two public feeds by the spike that the project started from."""

    learning_rate: float = 0.04
    intercept_rate: float = 0.005
    huber_epsilon: float = 0.2
    hedge_rate: float = 0.002
    hedge_sharpness: float = 40.0


def group_of(base_s: Floats, hop: Ints) -> Ints:
    """The fine model of a question: its horizon bin, for the next stop or for later ones."""
    return np.searchsorted(BINS_S, base_s, side="right") * 2 + (hop > 0)


class Correction:
    """Learned corrections of one fleet."""

    GROUPS = 2 * (len(BINS_S) + 1)

    def __init__(self, policy: CorrectionPolicy) -> None:
        self.policy = policy
        self.models = [self._new() for _ in range(self.GROUPS + 1)]
        self.weights = np.zeros((self.GROUPS + 1, len(NAMES) + 1))
        self.loss = np.zeros((12, len(EXPERTS)))
        self.asked = np.zeros(12)
        self._hedge = np.full((12, len(EXPERTS)), 1.0 / len(EXPERTS))
        self._learned: set[int] = set()
        self.resets = 0

    def _new(self) -> linear_model.LinearRegression:
        return linear_model.LinearRegression(
            optimizer=optim.AdaGrad(self.policy.learning_rate), loss=optim.losses.Huber(self.policy.huber_epsilon), intercept_lr=self.policy.intercept_rate
        )

    def experts(self, table: Floats, base_s: Floats, hop: Ints, chain_s: Floats, by_plan_s: Floats) -> Floats:
        """The answers of all experts in seconds from now, one row a question."""
        scale, group = scale_s(base_s), group_of(base_s, hop)
        binned = np.clip((self.weights[group, :-1] * table).sum(axis=1) + self.weights[group, -1], -CLIP, CLIP)
        common = np.clip((self.weights[-1:, :-1] * table).sum(axis=1) + self.weights[-1, -1], -CLIP, CLIP)
        planned = np.where(by_plan_s == by_plan_s, by_plan_s, chain_s)
        return np.stack([chain_s, planned, base_s, base_s + binned * scale, base_s + common * scale], axis=1)

    def weigh(self, experts: Floats, base_s: Floats, hop: Ints) -> Floats:
        """One answer from all experts, in seconds from now."""
        group = group_of(base_s, hop)
        return np.asarray((self._hedge[HEDGE_BINS[group // 2] * 2 + group % 2] * experts).sum(axis=1))

    def learn(self, table: Floats, base_s: float, hop: int, experts: Floats, took_s: float) -> None:
        """One question whose truth came: `table` and `experts` as they were when it was put."""
        group = int(group_of(np.array([base_s]), np.array([hop]))[0])
        scale = float(scale_s(np.array([base_s]))[0])
        target = min(8.0, max(-8.0, (took_s - base_s) / scale))
        row = dict(zip(NAMES, table.tolist(), strict=True))
        for number in (group, self.GROUPS):
            self.models[number].learn_one(row, target, w=scale / 100.0)
            self._learned.add(number)
        cell = int(HEDGE_BINS[group // 2]) * 2 + group % 2
        self.asked[cell] += 1.0
        rate = max(self.policy.hedge_rate, 1.0 / (self.asked[cell] + 20.0))
        error = np.minimum(np.abs(experts - took_s) / scale, 2.0 * CLIP)
        self.loss[cell] += rate * (error - self.loss[cell])

    def export(self) -> int:
        """Make what was learned since the last export count; returns how many models had to go back to their last good weights."""
        broken = 0
        for number in sorted(self._learned):
            model = self.models[number]
            row = np.array([*(model.weights.get(name, 0.0) for name in NAMES), model.intercept])
            if np.isfinite(row).all():
                self.weights[number] = row
            else:
                self.models[number], broken = self._from(self.weights[number]), broken + 1
        if self._learned:
            trust = np.minimum(1.0, (self.asked + 5.0) / 100.0)[:, None]
            raw = np.exp(-self.policy.hedge_sharpness * trust * (self.loss - self.loss.min(axis=1, keepdims=True)))
            self._hedge = raw / raw.sum(axis=1, keepdims=True)
            self._learned.clear()
        self.resets += broken
        return broken

    def _from(self, weights: Floats) -> linear_model.LinearRegression:
        model = self._new()
        model._weights.update(dict(zip(NAMES, weights[:-1].tolist(), strict=True)))
        model.intercept = float(weights[-1])
        return model
