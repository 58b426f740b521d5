"""How far all that was learned may move an answer away from the plan with the current deviation.

Half way at first, and then as far as it was right lately, apart for each horizon and for what the vehicle does: while a customer is served
the plan knows nearly all that can be known, and when that takes longer than usual it knows nothing. Where little can be learned, half way
is better than either; where much can, all of the way is allowed after a few hundred questions.
"""

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.journeys import SERVED_S, Journeys
from eta_models.running_means import learn_means

SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
"""Shares of the way whose errors are watched."""
AT_FIRST = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
"""How likely each is the best, before anything was seen."""
RATE = 0.001
"""Of the errors' means, once a thousand were seen."""
SHARPNESS = 50.0
"""A share that is worse by a hundredth of the error scale counts for 0.6 times as much."""
TRUSTED = 200.0
"""Before so many answers what was seen counts for less in proportion."""
MOST = 8.0

REGIMES = 3
"""What the vehicle does: 0 = it is under way, or nobody is served (any more), 1 = serves a customer, 2 = does so for longer than usual."""


def regime_of(journeys: Journeys, usual_s: Floats) -> Ints:
    """The regime of each journey; `usual_s` is the expected service where it stands."""
    serves = journeys.standing & (journeys.service_s > 0) & (journeys.elapsed_s < SERVED_S)
    return serves.astype(np.int64) + (serves & (journeys.elapsed_s > usual_s))


class Restraint:
    """The share of the way that is gone, by cell."""

    def __init__(self, cells: int) -> None:
        self.errors, self.asked = np.zeros((cells, len(SHARES))), np.zeros(cells)
        self.share = np.full(cells, 0.5)

    def hold(self, cell: Ints, plain: Floats, learned: Floats) -> Floats:
        """An answer between both."""
        return plain + self.share[cell] * (learned - plain)

    def learn(self, cell: Ints, plain: Floats, learned: Floats) -> None:
        """How far both were from the truth, in error scales with their signs, in log order."""
        errors = np.minimum(np.abs(plain[:, None] + SHARES * (learned - plain)[:, None]), MOST)
        learn_means(self.errors, self.asked, cell, errors, RATE)

    def export(self) -> None:
        """Make what was learned count from now on."""
        trust = np.minimum(self.asked / TRUSTED, 1.0)[:, None]
        likely = AT_FIRST * np.exp(-SHARPNESS * trust * (self.errors - self.errors.min(axis=1, keepdims=True)))
        self.share = (likely * SHARES).sum(axis=1) / likely.sum(axis=1)
