"""How large errors are: a River model of their size in units of the error scale, from what makes a question hard."""

from dataclasses import dataclass

import numpy as np
from river import linear_model, optim

from eta_models.ada_grad import AdaGrad
from eta_models.columns import Floats
from eta_models.features import NAMES as FEATURES
from eta_models.plain_river import exported, give_weights

PLAIN = (
    "spread", "first_spread", "lead", "late", "early", "left", "horizon", "horizon2", "still", "elapsed", "last", "hops", "fix_age", "runs",
    "standing", "again",
)  # fmt: skip
"""Features that say as they are how hard a question is; .."""

SIZES = ("chain", "by_plan", "plan", "daily", "off_stop", "off_vehicle")
""".. others by their size, whatever their sign; and last how far the estimates lie apart."""

NAMES = (*PLAIN, *(f"{name}_size" for name in SIZES), "apart")


@dataclass(frozen=True, slots=True)
class SpreadPolicy:
    """How fast is learned; and where it starts: errors as large as the scale."""

    learning_rate: float = 0.05
    huber_epsilon: float = 0.5
    least: float = 0.25
    most: float = 4.0


class Spread:
    """The learned size of errors of one fleet."""

    def __init__(self, policy: SpreadPolicy) -> None:
        self.policy = policy
        self.weights = np.array([*([0.0] * len(NAMES)), 1.0])
        self.model = self._from(self.weights)
        self.resets = 0
        self._plain = np.array([FEATURES.index(name) for name in PLAIN])
        self._sizes = np.array([FEATURES.index(name) for name in SIZES])

    def _from(self, weights: Floats) -> linear_model.LinearRegression:
        loss = optim.losses.Huber(self.policy.huber_epsilon)
        model = linear_model.LinearRegression(optimizer=AdaGrad(self.policy.learning_rate), loss=loss, intercept_lr=0.005)
        give_weights(model, dict(zip(NAMES, weights[:-1].tolist(), strict=True)), weights[-1])
        return model

    def features(self, table: Floats) -> Floats:
        """What the size of an error is told by, from the features of a correction; one row a question."""
        apart = table[:, FEATURES.index("most")] - table[:, FEATURES.index("least")]
        made = np.empty((len(table), len(NAMES)))  # rows lie in one piece, so that their sums do not depend on how many there are
        made[:, : len(PLAIN)] = table[:, self._plain]
        made[:, len(PLAIN) : -1] = np.abs(table[:, self._sizes])
        made[:, -1] = np.minimum(apart, 4.0)
        return made

    def expected(self, table: Floats) -> Floats:
        """The expected size of errors in scales, `least` .. `most`."""
        size = (self.weights[:-1] * self.features(table)).sum(axis=1) + self.weights[-1]
        return np.asarray(np.minimum(np.maximum(size, self.policy.least), self.policy.most))

    def learn(self, table: Floats, sizes: Floats) -> None:
        """Sizes of errors of questions whose truth came, in scales."""
        for row, size in zip(self.features(table).tolist(), np.minimum(sizes, self.policy.most).tolist(), strict=True):
            self.model.learn_one({name: value for name, value in zip(NAMES, row, strict=True) if value}, size)

    def export(self) -> int:
        """Make what was learned count from now on; returns 1 when the model had to go back to its last good weights."""
        row = exported(self.model, NAMES)
        if np.isfinite(row).all():
            self.weights = row
            return 0
        self.model, self.resets = self._from(self.weights), self.resets + 1
        return 1
