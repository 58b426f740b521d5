"""How long a way takes that has no plan and was never driven before: by where the vehicle is, where it goes, and when.

The base is a learned curve over the crow distance left. What it gets wrong, in units of the error at that horizon, is learned by a
linear model over hashed tiles (`tiles.py`), one question at a time, with AdaGrad (Duchi 2011) and a Huber loss: the recipe of the River
models, in numpy, because a trip has seventy tiles and River's dicts would cost ten times as much. A network that sees the same and what the
tiles say learns what is still wrong: how place and hour work together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from eta_models.columns import Floats, Floats32, Ints
from eta_models.features import scale_s, target_of
from eta_models.lending import Lender
from eta_models.network import Network, NetworkPolicy
from eta_models.shares import Shares
from eta_models.tiles import ASKED, BITS, OF_KIND, tiles
from eta_models.trackers import Trackers
from eta_models.trip_inputs import WIDTH, trip_inputs
from eta_models.trip_slots import LATELY, trip_slots

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
    first_questions: int = 40
    """So many move the whole curve, later ones only the stretch that they lie on."""
    longest_s: float = 5_400.0
    speed_mps: float = 7.0
    """Before anything was seen: over the crow distance times the usual detour of streets (1.3), after a minute to set off."""
    network: NetworkPolicy = field(
        default_factory=lambda: NetworkPolicy(members=3, units=(32, 16), rate=0.001, huber_epsilon=0.1, kept=57_344)
    )
    share_rate: float = 0.0002
    share_sharpness: float = 200.0
    """How far the network is believed: slower and firmer than elsewhere, as the tiles can hardly be better for long."""


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
        self.middle, self.seen = np.zeros(2), 0
        """The mean place of so many trips, in degrees."""
        self.network, self.lately = Network(policy.network, WIDTH), Trackers(LATELY)
        self.shares = Shares(1, policy.share_rate, policy.share_sharpness)

    def expected_s(self, asked: Floats32, now_s: Floats) -> Floats:
        """Seconds to the destination, one row a trip, asked at log times; `asked` has the columns `tiles.ASKED`."""
        curve_s = self._base_s(asked)
        if not len(self.weights):
            return curve_s
        tiles_s, inputs = self._tiles_s(asked, tiles(asked), curve_s, self.lately.off(trip_slots(asked), now_s))
        looked_s = tiles_s + self.network.answer(inputs) * scale_s(tiles_s)
        return np.asarray(np.maximum(self.shares.weigh(np.zeros(len(asked), dtype=np.int64), tiles_s, looked_s), 1.0))

    def _tiles_s(self, asked: Floats32, rows: Ints, curve_s: Floats, lately: Floats) -> tuple[Floats, Floats]:
        """What the tiles say, in seconds, and what the network sees."""
        weights = self.weights[rows].astype(np.float64)
        sums = np.stack([weights[:, kind].sum(axis=1) for kind in OF_KIND], axis=1)
        shift = np.minimum(np.maximum(weights.sum(axis=1), -6.0), 8.0)
        tiles_s = np.maximum(curve_s + shift * scale_s(curve_s), 1.0)
        return tiles_s, trip_inputs(asked, self.middle, curve_s, tiles_s, sums, lately)

    def left_s(self, asked: Floats32, now_s: Floats) -> Floats:
        """As `expected_s`; NaN for rows that are NaN, as no trip is asked about."""
        on = np.flatnonzero(asked[:, 0] == asked[:, 0])
        left_s = np.full(len(asked), np.nan)
        if len(on):
            left_s[on] = self.expected_s(asked[on], now_s[on])
        return left_s

    def learn(self, asked: Floats32, took_s: Floats, asked_s: Floats, newest_s: float) -> None:
        """Trips of which the end has come, in log order: as they were asked about, how long they took from then, and when that was.

        `newest_s`: log time of the latest end.
        """
        if not len(asked):
            return
        self.own()
        self._make_room()
        p, took_s = self.policy, np.minimum(took_s, self.policy.longest_s)
        self._learn_pace(asked, took_s)
        base_s = self._base_s(asked)
        scale = scale_s(base_s)
        targets = target_of(took_s, base_s, scale).tolist()
        rows = tiles(asked)
        self._learn_network(asked, rows, base_s, took_s, asked_s, newest_s)
        for row, target, unit in zip(rows, targets, (scale / 100.0).tolist(), strict=True):
            error = float(self.weights[row].sum(dtype=np.float64)) - target
            step = max(-p.huber_epsilon, min(p.huber_epsilon, error)) * unit
            squares = self.squares[row] + np.float32(step * step)
            self.squares[row] = squares
            self.weights[row] -= np.float32(p.learning_rate * step) / np.sqrt(squares)
        self._learn_curve(asked, base_s, took_s)

    def _learn_network(self, asked: Floats32, rows: Ints, curve_s: Floats, took_s: Floats, asked_s: Floats, newest_s: float) -> None:
        """What the tiles get wrong, before they too learn it."""
        self.seen += len(asked)
        self.middle += (asked[:, :2].astype(np.float64).mean(axis=0) - self.middle) * (len(asked) / self.seen)
        slots = trip_slots(asked)
        tiles_s, inputs = self._tiles_s(asked, rows, curve_s, self.lately.off(slots, asked_s))
        scale = scale_s(tiles_s)
        looked_s = tiles_s + self.network.answer(inputs) * scale
        self.shares.learn(np.zeros(len(asked), dtype=np.int64), np.abs(tiles_s - took_s) / scale, np.abs(looked_s - took_s) / scale)
        targets = target_of(took_s, tiles_s, scale)
        self.network.learn(inputs, targets, scale / 100.0)
        self.lately.learn(slots, targets, newest_s)

    def export(self) -> int:
        """Make what was learned count from now on; returns 1 when the network was reset."""
        self.shares.export()
        self.lately.export()
        return self.network.export()

    def dump(self) -> list[bytes]:
        """Of the table, the tiles that were seen: which, and what was learned of them."""
        seen = np.flatnonzero(self.squares != np.float32(self.policy.first_squares)).astype(np.int32)
        return [array.tobytes() for array in (seen, self.weights[seen], self.squares[seen])]

    def load(self, saved: Sequence[bytes]) -> None:
        """What `dump` gave. Raises ValueError for tables of another size."""
        if len({len(raw) for raw in saved}) != 1:
            msg = "the model was written by another version: its trips have tables of another size"
            raise ValueError(msg)
        seen = np.frombuffer(saved[0], dtype=np.int32)
        if len(seen):
            self._make_room()
            self.weights[seen], self.squares[seen] = (np.frombuffer(raw, dtype=np.float32) for raw in saved[1:])

    def _make_room(self) -> None:
        if not len(self.weights):
            self.weights = np.zeros(1 << BITS, dtype=np.float32)
            self.squares = np.full(1 << BITS, self.policy.first_squares, dtype=np.float32)

    def _base_s(self, asked: Floats32) -> Floats:
        node, share = _between(asked)
        return np.maximum(self.curve[node] * (1.0 - share) + self.curve[node + 1] * share, 5.0)

    def _learn_pace(self, asked: Floats32, took_s: Floats) -> None:
        """The very first questions move the whole curve: a slow city is slow at every distance."""
        seen, pace = float(self.curve_seen.sum()), 1.0
        for took, base in zip(took_s.tolist(), self._base_s(asked).tolist(), strict=True):
            if seen >= self.policy.first_questions:
                break
            error = took / (base * pace) - 1.0
            pace *= 1.0 + min(max(error, -0.7), 1.0) / (seen + 5.0)
            seen += 1.0
        self.curve *= pace

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
