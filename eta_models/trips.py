"""How long a way takes that has no plan and was never driven before: by where the vehicle is, where it goes, and when.

The base is a learned curve over the crow distance left. What it gets wrong, in units of the error at that horizon, is learned by a
linear model over hashed tiles (`tiles.py`), one question at a time, with AdaGrad (Duchi 2011) and a Huber loss: the recipe of the River
models, in numpy, because a trip has seventy tiles and River's dicts would cost ten times as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eta_models.columns import Floats, Floats32, Ints
from eta_models.features import scale_s
from eta_models.lending import Lender
from eta_models.tiles import ASKED, BITS, tiles

NODES_M = np.array([0.0, 5, 12, 25, 50, 100, 200, 350, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 9000, 14000, 20000, 40000])
"""Crow distances between which the curve is straight."""


@dataclass(frozen=True, slots=True)
class TripPolicy:
    """How trips are learned; chosen on a week of taxis."""

    learning_rate: float = 0.02
    first_squares: float = 0.01
    """Sum of squared gradients that every tile starts with: its first steps are a fifth of what AdaGrad alone would do."""
    huber_epsilon: float = 0.2
    curve_rate: float = 0.002
    longest_s: float = 5_400.0
    speed_mps: float = 7.0
    """Before anything was seen: over the crow distance times the usual detour of streets (1.3), after a minute to set off."""


class Trips(Lender):
    """Learned travel times between any two places of one fleet. The table is made at the first trip asked about."""

    TABLES = ("weights", "squares")

    def __init__(self, policy: TripPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.curve = 60.0 + NODES_M * 1.3 / policy.speed_mps
        self.curve_seen = np.zeros(len(NODES_M))
        self.weights = np.zeros(0, dtype=np.float32)
        self.squares = np.zeros(0, dtype=np.float32)

    def expected_s(self, asked: Floats32) -> Floats:
        """Seconds to the destination, one row a trip; `asked` has the columns `tiles.ASKED`."""
        base_s = self._base_s(asked)
        if not len(self.weights):
            return base_s
        shift = self.weights[tiles(asked)].astype(np.float64).sum(axis=1)
        return np.asarray(np.maximum(base_s + np.minimum(np.maximum(shift, -6.0), 8.0) * scale_s(base_s), 1.0))

    def left_s(self, asked: Floats32) -> Floats:
        """As `expected_s`; NaN for rows that are NaN, as no trip is asked about."""
        on = np.flatnonzero(asked[:, 0] == asked[:, 0])
        left_s = np.full(len(asked), np.nan)
        if len(on):
            left_s[on] = self.expected_s(asked[on])
        return left_s

    def learn(self, asked: Floats32, took_s: Floats) -> None:
        """Trips of which the end has come, in log order: as they were asked about, and how long they took from then."""
        if not len(asked):
            return
        self.own()
        self._make_room()
        p, took_s = self.policy, np.minimum(took_s, self.policy.longest_s)
        base_s = self._base_s(asked)
        scale = scale_s(base_s)
        targets = np.minimum(np.maximum((took_s - base_s) / scale, -8.0), 8.0).tolist()
        for row, target, unit in zip(tiles(asked), targets, (scale / 100.0).tolist(), strict=True):
            error = float(self.weights[row].sum(dtype=np.float64)) - target
            step = max(-p.huber_epsilon, min(p.huber_epsilon, error)) * unit
            squares = self.squares[row] + np.float32(step * step)
            self.squares[row] = squares
            self.weights[row] -= np.float32(p.learning_rate * step) / np.sqrt(squares)
        self._learn_curve(asked, base_s, took_s)

    def dump(self) -> list[bytes]:
        """All that was learned; of the table, only the tiles that were seen."""
        seen = np.flatnonzero(self.squares != np.float32(self.policy.first_squares)).astype(np.int32)
        return [array.tobytes() for array in (self.curve, self.curve_seen, seen, self.weights[seen], self.squares[seen])]

    def load(self, saved: Sequence[bytes]) -> None:
        """What `dump` gave. Raises ValueError for tables of another size."""
        if {len(raw) for raw in saved[:2]} != {8 * len(NODES_M)} or len({len(raw) for raw in saved[2:]}) != 1:
            msg = "the model was written by another version: its trips have tables of another size"
            raise ValueError(msg)
        self.curve, self.curve_seen = (np.frombuffer(raw, dtype=np.float64).copy() for raw in saved[:2])
        seen = np.frombuffer(saved[2], dtype=np.int32)
        if len(seen):
            self._make_room()
            self.weights[seen], self.squares[seen] = (np.frombuffer(raw, dtype=np.float32) for raw in saved[3:])

    def _make_room(self) -> None:
        if not len(self.weights):
            self.weights = np.zeros(1 << BITS, dtype=np.float32)
            self.squares = np.full(1 << BITS, self.policy.first_squares, dtype=np.float32)

    def _base_s(self, asked: Floats32) -> Floats:
        node, share = _between(asked)
        return np.maximum(self.curve[node] * (1.0 - share) + self.curve[node + 1] * share, 5.0)

    def _learn_curve(self, asked: Floats32, base_s: Floats, took_s: Floats) -> None:
        """Move both ends of the stretch that a trip lies on by a share of its relative error, which is cut at the whole."""
        nodes, shares = _between(asked)
        errors = np.minimum(np.maximum((took_s - base_s) / base_s, -1.0), 1.0).tolist()
        for node, share, error in zip(nodes.tolist(), shares.tolist(), errors, strict=True):
            for end, weight in ((node, 1.0 - share), (node + 1, share)):
                self.curve_seen[end] += weight
                rate = max(0.7 / (self.curve_seen[end] + 5.0), 0.7 * self.policy.curve_rate)
                self.curve[end] *= 1.0 + error * weight * rate


def _between(asked: Floats32) -> tuple[Ints, Floats]:
    """The node of the curve before each trip's distance, and the share of the stretch behind it that it has."""
    to_m = asked[:, ASKED.index("to_m")].astype(np.float64)
    node = np.minimum(np.searchsorted(NODES_M, to_m, side="right") - 1, len(NODES_M) - 2)
    return node, np.minimum((to_m - NODES_M[node]) / (NODES_M[node + 1] - NODES_M[node]), 1.0)
