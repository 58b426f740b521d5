"""What the plain estimate gets wrong, learned by River one arrival at a time, and answered from exported weights by numpy.

A linear model for each horizon (and whether the stop is the next). Its answer and the plain estimates are experts; a hedge weighs them by
how well each has done lately at that horizon, so that a cold model cannot make the plain estimate worse for long. Predictions use the
weights exported at the last tick, never newer ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from river import linear_model, optim

from eta_models.ada_grad import AdaGrad
from eta_models.columns import Flags, Floats, Ints
from eta_models.features import CLIP, NAMES, scale_s, target_of
from eta_models.plain_river import exported, give_weights
from eta_models.running_means import learn_means

BINS_S = np.array([120.0, 240.0, 360.0, 480.0, 600.0, 750.0, 900.0, 1200.0, 1500.0, 1800.0, 2400.0])
"""Horizons at which the fine models are cut."""

HEDGE_BINS = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
"""The coarser bin of a fine one, for the weights of the experts."""

CELLS = 2 * (int(HEDGE_BINS.max()) + 1)
"""Coarse bins, each for the next stop and for later ones."""

EXPERTS = ("chain", "transfer", "by_plan", "base", "learned")

PLAIN = 3
"""The first experts learn nothing from questions; the base is a blend of them."""


@dataclass(frozen=True, slots=True)
class CorrectionPolicy:
    """How fast is learned. Rates were chosen on two public feeds by the spike that the project started from."""

    learning_rate: float = 0.04
    intercept_rate: float = 0.005
    huber_epsilon: float = 0.2
    blend_power: float = 4.0
    """The plain answers weigh by this power of how much nearer they were: half the error, sixteen times the weight."""
    hedge_rate: float = 0.001
    hedge_sharpness: float = 20.0


def group_of(base_s: Floats, hop: Ints) -> Ints:
    """The fine model of a question: its horizon bin, for the next stop or for later ones."""
    return np.searchsorted(BINS_S, base_s, side="right") * 2 + (hop > 0)


def cell_of(group: Ints) -> Ints:
    """The row of the weights of experts for a fine group."""
    return np.asarray(HEDGE_BINS[group >> 1] * 2 + (group & 1))


class Correction:
    """Learned corrections of one fleet."""

    GROUPS = 2 * (len(BINS_S) + 1)

    def __init__(self, policy: CorrectionPolicy) -> None:
        self.policy = policy
        self.models = [self._new() for _ in range(self.GROUPS)]
        self.weights = np.zeros((self.GROUPS, len(NAMES) + 1))
        self.loss = np.zeros((CELLS, len(EXPERTS)))
        self.asked = np.zeros(CELLS)
        self._hedge = np.full((CELLS, len(EXPERTS)), 1.0 / len(EXPERTS))
        self._blend = np.full((CELLS, PLAIN), 1.0 / PLAIN)
        self._learned: set[int] = set()
        self.resets = 0

    def _new(self) -> linear_model.LinearRegression:
        p = self.policy
        loss = optim.losses.Huber(p.huber_epsilon)
        return linear_model.LinearRegression(optimizer=AdaGrad(p.learning_rate), loss=loss, intercept_lr=p.intercept_rate)

    def base(self, plain: Sequence[Floats], hop: Ints) -> Floats:
        """One plain answer from chain, transfer and by plan (NaN = as chain), each as far as it was right lately at the chain's horizon."""
        share = self._blend[cell_of(group_of(plain[0], hop))]
        base_s = share[:, 0] * plain[0]
        for place in range(1, PLAIN):
            base_s = base_s + share[:, place] * np.where(plain[place] == plain[place], plain[place], plain[0])
        return np.maximum(base_s, 5.0)

    def experts(self, table: Floats, base_s: Floats, hop: Ints, plain: Sequence[Floats]) -> Floats:
        """The answers of all experts in seconds from now, one row a question. `plain`: chain, transfer, by plan (NaN = as chain)."""
        scale = scale_s(base_s)
        answers = np.empty((len(base_s), len(EXPERTS)))
        for place, answer in enumerate(plain):
            answers[:, place] = np.where(answer == answer, answer, plain[0])
        weights = self.weights[group_of(base_s, hop)]
        shift = (weights[:, :-1] * table).sum(axis=1) + weights[:, -1]
        answers[:, PLAIN] = base_s
        answers[:, PLAIN + 1] = base_s + np.minimum(np.maximum(shift, -CLIP), CLIP) * scale
        return answers

    def weigh(self, experts: Floats, group: Ints) -> Floats:
        """One answer from all experts, in seconds from now."""
        return np.asarray((self._hedge[cell_of(group)] * experts).sum(axis=1))

    def learn(self, table: Floats, base_s: Floats, hop: Ints, experts: Floats, took_s: Floats, some: Flags) -> None:
        """Questions whose truth came, in the order of their truths: `table` and `experts` as they were when they were put.

        The models learn from `some` of them; how right each expert was is told by all.
        """
        group, scale = group_of(base_s, hop), scale_s(base_s)
        targets = target_of(took_s, base_s, scale).tolist()
        rows = zip(group.tolist(), table.tolist(), targets, (scale / 100.0).tolist(), strict=True)
        for number, row, target, weight in compress(rows, some.tolist()):
            # A zero teaches nothing and costs as much.
            self.models[number].learn_one({name: value for name, value in zip(NAMES, row, strict=True) if value}, target, w=weight)
        self._learned.update(group.tolist())
        errors = np.fmin(np.abs(experts - took_s[:, None]) / scale[:, None], 2.0 * CLIP)
        learn_means(self.loss, self.asked, cell_of(group), errors, self.policy.hedge_rate)

    def export(self) -> int:
        """Make what was learned since the last export count; returns how many models had to go back to their last good weights."""
        broken = 0
        for number in sorted(self._learned):
            model = self.models[number]
            row = exported(model, NAMES)
            if np.isfinite(row).all():
                self.weights[number] = row
            else:
                self.models[number], broken = self._from(self.weights[number]), broken + 1
        if self._learned:
            trust = np.minimum(1.0, (self.asked + 5.0) / 100.0)[:, None]
            raw = np.exp(-self.policy.hedge_sharpness * trust * (self.loss - self.loss.min(axis=1, keepdims=True)))
            self._hedge = raw / raw.sum(axis=1, keepdims=True)
            near = (self.loss[:, :PLAIN] + 0.05 + 1.0 / (self.asked[:, None] + 1.0)) ** -self.policy.blend_power
            self._blend = near / near.sum(axis=1, keepdims=True)
            self._learned.clear()
        self.resets += broken
        return broken

    def _from(self, weights: Floats) -> linear_model.LinearRegression:
        model = self._new()
        give_weights(model, dict(zip(NAMES, weights[:-1].tolist(), strict=True)), weights[-1])
        return model
