"""A second look at every answer: a small network that sees what all others say, and the hour, and says what is still wrong.

Linear models cannot tell that a sign means one thing here and another there; a network can. It is believed as far as it was better lately.
"""

from dataclasses import dataclass, field

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.correction import CELLS, EXPERTS
from eta_models.features import CLIP, NAMES, scale_s, target_of
from eta_models.network import Network, NetworkPolicy
from eta_models.shares import Shares

LEARNED = EXPERTS.index("learned")
"""The expert whose answer is looked at; the others are features already."""

WIDTH = len(NAMES) + 2 + 4
"""Features, the learned and the weighed answer, and the hour as two waves."""

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class SecondLookPolicy:
    """How the network learns."""

    network: NetworkPolicy = field(default_factory=NetworkPolicy)


class SecondLook:
    """The learned network of one fleet."""

    def __init__(self, policy: SecondLookPolicy) -> None:
        self.network = Network(policy.network, WIDTH)
        self.shares = Shares(CELLS)

    def inputs(self, table: Floats, experts: Floats, base_s: Floats, first_s: Floats, now_s: Floats) -> Floats:
        """What the network sees, one row a question; `first_s` is the weighed answer of the experts, `now_s` log time."""
        scale, turn = scale_s(base_s), now_s % DAY_S * (2.0 * np.pi / DAY_S)
        made = np.empty((len(base_s), WIDTH))
        made[:, : len(NAMES)] = table
        for place, answer in enumerate((experts[:, LEARNED], first_s), start=len(NAMES)):
            made[:, place] = np.minimum(np.maximum((answer - base_s) / scale, -CLIP), CLIP)
        for place, wave in enumerate((np.sin(turn), np.cos(turn), np.sin(2.0 * turn), np.cos(2.0 * turn)), start=WIDTH - 4):
            made[:, place] = wave
        return made

    def looked_s(self, inputs: Floats, base_s: Floats, first_s: Floats) -> Floats:
        """The network's own answer, in seconds from now."""
        return first_s + self.network.answer(inputs) * scale_s(base_s)

    def weigh(self, first_s: Floats, looked_s: Floats, cell: Ints) -> Floats:
        """One answer from the first and the second."""
        return self.shares.weigh(cell, first_s, looked_s)

    def learn(self, inputs: Floats, base_s: Floats, first_s: Floats, looked_s: Floats, cell: Ints, took_s: Floats) -> None:
        """Questions whose truth came, in log order. `looked_s`: what the network said when they were put."""
        scale = scale_s(base_s)
        self.shares.learn(cell, np.abs(first_s - took_s) / scale, np.abs(looked_s - took_s) / scale)
        self.network.learn(inputs, target_of(took_s, first_s, scale), scale / 100.0)

    def export(self) -> int:
        """Make what was learned count from now on; returns 1 when the network was reset."""
        self.shares.export()
        return self.network.export()
