"""How far a second answer is believed over a first one: by how much better it was lately, apart for each cell."""

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.running_means import learn_means

RATE = 0.001
"""Of the errors' means, once a thousand were seen."""
SHARPNESS = 100.0
"""A second answer that is better by a hundredth of the error scale gets three quarters."""
TRUSTED = 200.0
"""Before so many answers the second counts for less in proportion."""
MOST = 8.0


class Shares:
    """Shares of the second answer, 0 .. 1; at first 0."""

    def __init__(self, cells: int, rate: float = RATE, sharpness: float = SHARPNESS) -> None:
        self.rate, self.sharpness = rate, sharpness
        self.errors, self.asked = np.zeros((cells, 2)), np.zeros(cells)
        self.share = np.zeros(cells)

    def of(self, cell: Ints) -> Floats:
        """The share in each cell, as last exported."""
        return self.share[cell]

    def weigh(self, cell: Ints, first: Floats, second: Floats) -> Floats:
        """One answer from both."""
        return first + self.of(cell) * (second - first)

    def learn(self, cell: Ints, first: Floats, second: Floats) -> None:
        """Absolute errors of both answers in error scales, in log order."""
        learn_means(self.errors, self.asked, cell, np.minimum(np.stack([first, second], axis=1), MOST), self.rate)

    def export(self) -> None:
        """Make what was learned count from now on."""
        better = self.errors[:, 0] - self.errors[:, 1]
        self.share = np.minimum(self.asked / TRUSTED, 1.0) / (1.0 + np.exp(-self.sharpness * better))
