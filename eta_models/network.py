"""Small networks that learn what a plainer answer gets wrong, and are shown every example several times.

All see the same and start from other weights; their mean is better than any. Two layers of rectified units and one output, in numpy:
Adam (Kingma & Ba 2015) on a Huber loss. One pass over a stream is far too little for a network, so examples are kept and repeated beside
the new ones ("experience replay", Lin 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from eta_models.columns import Floats, Floats32, Halves, Small
from eta_models.lending import Lender

# With more threads BLAS cuts a product into other parts, and its sums have other last bits: the same log would teach something else on a
# machine with more processors. One thread is also the quickest here: products are small, and other engines want the other processors.
threadpool_limits(limits=1, user_api="blas")

STEPS = 31.0
"""Steps of an input that are told apart in one unit: -4 .. 4 in a byte."""

FINE_1, FINE_2, COARSE = 2.0**20, 2.0**17, 2.0**12
"""Weights of the first and of the second layer, and what goes from one to the other, are answered with in such parts of one."""

MOST_WEIGHT, MOST_UNIT = 256.0, 1024.0
"""And no larger than this: 124 x 2^28 x 100 inputs and 2^22 x 2^25 x 48 units stay below 2^53, so that doubles hold every sum exactly."""

AT_ONCE = 512
"""Rows that are answered at once: what lies between the layers stays in the cache."""

FASTER, SLOWER = 0.9, 0.999
"""How much of the mean and of the square of the gradient is kept at each step: Adam's own figures."""


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """How a network learns; chosen on the scored questions of three public feeds, and the same for all fleets."""

    members: int = 2
    units: tuple[int, int] = (48, 16)
    rate: float = 0.002
    huber_epsilon: float = 0.2
    batch: int = 128
    new: int = 24
    """New examples of a batch, which wait until so many have come; the others are old ones shown again."""
    averaged: float = 0.98
    """Answers come from a mean of the weights that keeps this share at each step (Polyak & Juditsky 1992): single steps are noisy."""
    kept: int = 32_768
    """Examples that are kept to be repeated; .."""
    span: int = 524_288
    """.. each of the newest so many has the same chance to be among them."""
    most: float = 4.0
    """An answer is cut to so many units."""


class Network(Lender):
    """One learned function of inputs between -4 and 4. What was learned counts from the next `export` on."""

    TABLES = ("examples", "truths")
    FLAT = ("learned", "average", "weights", "mean", "square")
    """Arrays of all layers' weights in one row; `weights` is what was exported last."""

    def __init__(self, policy: NetworkPolicy, inputs: int) -> None:
        super().__init__()
        self.policy, self.inputs = policy, inputs
        (first, second), m = policy.units, policy.members
        self._shapes = ((m, first, inputs), (m, 1, first), (m, second, first), (m, 1, second), (m, 1, second), (m, 1))
        ends = np.cumsum([np.prod(shape) for shape in self._shapes]).tolist()
        self._places = [(slice(start, end), shape) for start, end, shape in zip([0, *ends[:-1]], ends, self._shapes, strict=True)]
        self.learned = self._fresh()
        self.average, self.weights = self.learned.copy(), self.learned.copy()
        self.mean, self.square = np.zeros_like(self.learned), np.zeros_like(self.learned)
        self.steps = self.seen = self.resets = 0
        self.examples: Small = np.zeros((0, inputs), dtype=np.int8)
        self.truths: Halves = np.zeros((0, 2), dtype=np.float16)
        """Target and weight of each example."""
        self.waiting, self.waiting_truths = self.examples, self.truths
        """Of new examples that are not a batch yet."""
        self._whole: tuple[Floats32, tuple[Floats, ...]] | None = None

    def _fresh(self) -> Floats32:
        """Weights that answer zero to everything. The seed is fixed: the same log makes the same network."""
        dice = np.random.default_rng(1)
        parts = [
            dice.normal(size=shape) / np.sqrt(shape[2]) if place in (0, 2) else np.zeros(shape) for place, shape in enumerate(self._shapes)
        ]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)

    def _parts(self, flat: Floats32) -> list[Floats32]:
        """Views of the layers' weights in one flat array."""
        return [flat[place].reshape(shape) for place, shape in self._places]

    def answer(self, inputs: Floats) -> Floats:
        """What the last exported weights say, one row an example.

        Products are of whole numbers so small that their sums are exact: BLAS may add them in any order, which it does by how many rows
        there are, and by processor.
        """
        layers, most = self._exact(), self.policy.most
        said = [_said(layers, inputs[first : first + AT_ONCE]) for first in range(0, max(len(inputs), 1), AT_ONCE)]
        return np.minimum(np.maximum(np.concatenate(said), -most), most)

    def _exact(self) -> tuple[Floats, ...]:
        """The layers of the exported weights, transposed; those of the sums as whole numbers; the first layers of all members in one."""
        if self._whole is None or self._whole[0] is not self.weights:
            w1, b1, w2, b2, w3, b3 = (part.astype(np.float64) for part in self._parts(self.weights))
            whole_1 = np.rint(np.clip(w1.reshape(-1, self.inputs).T, -MOST_WEIGHT, MOST_WEIGHT) * FINE_1)
            whole_2 = np.rint(np.clip(w2.transpose(0, 2, 1), -MOST_WEIGHT, MOST_WEIGHT) * FINE_2)
            self._whole = self.weights, (whole_1, b1.ravel(), whole_2, b2, w3, b3)
        return self._whole[1]

    def learn(self, inputs: Floats, targets: Floats, weights: Floats) -> None:
        """New examples, in log order, among kept ones; a batch always has the same size."""
        if not len(inputs):
            return
        p, dice = self.policy, np.random.default_rng(self.seen)
        new, truths = np.rint(inputs * STEPS).astype(np.int8), np.stack([targets, weights], axis=1).astype(np.float16)
        self._keep(new, truths, dice)
        new, truths = np.concatenate([self.waiting, new]), np.concatenate([self.waiting_truths, truths])
        ready = len(new) // p.new * p.new
        for first in range(0, ready, p.new):
            old = dice.integers(0, len(self._kept()), p.batch - p.new)
            shown = np.concatenate([new[first : first + p.new], self.examples[old]]).astype(np.float32)
            shown /= np.float32(STEPS)
            self._step(shown, np.concatenate([truths[first : first + p.new], self.truths[old]]).astype(np.float32))
        self.waiting, self.waiting_truths = new[ready:].copy(), truths[ready:].copy()

    def _kept(self) -> Small:
        return self.examples[: min(self.seen, self.policy.kept)]

    def _keep(self, new: Small, truths: Halves, dice: np.random.Generator) -> None:
        """While there is room all are kept; then each takes the place of a random one, so that all of the last `span` have
        the same chance (a reservoir, Vitter 1985): what is repeated is neither only the last hours nor only the first.
        """
        p, rows = self.policy, np.arange(self.seen, self.seen + len(new))
        self.seen += len(new)
        late = np.flatnonzero(rows >= p.kept)
        rows[late] = dice.integers(0, np.minimum(rows[late] + 1, p.span))
        taken = np.flatnonzero(rows < p.kept)
        self.own()
        self._make_room(min(self.seen, p.kept))
        self.examples[rows[taken]], self.truths[rows[taken]] = new[taken], truths[taken]

    def _make_room(self, rows: int) -> None:
        more = min(max(2 * len(self.examples), rows), self.policy.kept) - len(self.examples)
        if rows > len(self.examples):
            self.examples = np.concatenate([self.examples, np.zeros((more, self.inputs), dtype=np.int8)])
            self.truths = np.concatenate([self.truths, np.zeros((more, 2), dtype=np.float16)])

    def _step(self, x: Floats32, truths: Floats32) -> None:
        """One step of Adam on a batch. BLAS may be used: all batches have one size, and a tick's are the same whatever the cut."""
        p, eps = self.policy, np.float32(self.policy.huber_epsilon)
        w1, b1, w2, b2, w3, b3 = self._parts(self.learned)
        first = np.maximum(x @ w1.transpose(0, 2, 1) + b1, 0.0)
        second = np.maximum(first @ w2.transpose(0, 2, 1) + b2, 0.0)
        said = (second * w3).sum(axis=2) + b3
        off = np.minimum(np.maximum(said - truths[:, 0], -eps), eps) * truths[:, 1] / np.float32(p.batch)
        back2 = off[:, :, None] * w3 * (second > 0)
        back1 = (back2 @ w2) * (first > 0)
        slopes = (back1.transpose(0, 2, 1) @ x, back1.sum(axis=1), back2.transpose(0, 2, 1) @ first, back2.sum(axis=1))
        parts = (*slopes, (off[:, :, None] * second).sum(axis=1), off.sum(axis=1))
        slope = np.concatenate([part.ravel() for part in parts])
        self._move(slope)

    def _move(self, slope: Floats32) -> None:
        """Adam, in place: arrays of this size made anew cost as much as what is computed."""
        self.steps += 1
        moved = slope - self.mean
        moved *= np.float32(1.0 - FASTER)
        self.mean += moved
        np.multiply(slope, slope, out=slope)
        slope -= self.square
        slope *= np.float32(1.0 - SLOWER)
        self.square += slope
        np.sqrt(self.square, out=slope)
        slope += np.float32(1e-8)
        np.multiply(np.float32(self.policy.rate * np.sqrt(1.0 - SLOWER**self.steps) / (1.0 - FASTER**self.steps)), self.mean, out=moved)
        moved /= slope
        self.learned -= moved
        np.subtract(self.learned, self.average, out=moved)
        moved *= np.float32(max(1.0 - self.policy.averaged, 1.0 / self.steps))
        self.average += moved

    def export(self) -> int:
        """Make what was learned count from now on; returns 1 when the network had to go back to its last good weights."""
        if np.isfinite(self.average).all() and np.isfinite(self.learned).all():
            self.weights = self.average.copy()
            return 0
        self.learned, self.average, self.resets = self.weights.copy(), self.weights.copy(), self.resets + 1
        self.mean, self.square, self.steps = np.zeros_like(self.learned), np.zeros_like(self.learned), 0
        self.examples, self.truths, self.seen = self.examples[:0], self.truths[:0], 0
        self.waiting, self.waiting_truths = self.examples[:0], self.truths[:0]
        return 1

    def dump(self) -> tuple[list[int], list[bytes]]:
        """Counts and arrays; of the examples, only those that are there."""
        filled = min(self.seen, self.policy.kept)
        examples = (self.examples[:filled], self.truths[:filled], self.waiting, self.waiting_truths)
        arrays = (*(getattr(self, name) for name in self.FLAT), *examples)
        return [self.steps, self.seen, self.resets], [array.tobytes() for array in arrays]

    def load(self, counts: Sequence[int], saved: Sequence[bytes]) -> None:
        """What `dump` gave. Raises ValueError for a network of another shape."""
        flat, rest = saved[: len(self.FLAT)], saved[len(self.FLAT) :]
        if {len(raw) for raw in flat} != {self.learned.nbytes} or [len(raw) * 4 for raw in rest[::2]] != [
            len(raw) * self.inputs for raw in rest[1::2]
        ]:
            msg = "the model was written by another version: its network has another shape"
            raise ValueError(msg)
        self.steps, self.seen, self.resets = counts
        for name, raw in zip(self.FLAT, flat, strict=True):
            setattr(self, name, np.frombuffer(raw, dtype=np.float32).copy())
        self.examples, self.waiting = (np.frombuffer(raw, dtype=np.int8).reshape(-1, self.inputs).copy() for raw in rest[::2])
        self.truths, self.waiting_truths = (np.frombuffer(raw, dtype=np.float16).reshape(-1, 2).copy() for raw in rest[1::2])


def _said(layers: tuple[Floats, ...], inputs: Floats) -> Floats:
    """The mean of what the members say."""
    w1, b1, w2, b2, w3, b3 = layers
    first = np.rint(inputs * STEPS) @ w1
    first *= 1.0 / (STEPS * FINE_1)
    first += b1
    np.minimum(np.maximum(first, 0.0, out=first), MOST_UNIT, out=first)
    first *= COARSE
    np.rint(first, out=first)
    said = np.zeros(len(inputs))
    for part, weights, bias, last, constant in zip(np.split(first, len(w2), axis=1), w2, b2, w3, b3, strict=True):
        second = part @ weights
        second *= 1.0 / (COARSE * FINE_2)
        second += bias
        np.maximum(second, 0.0, out=second)
        second *= last
        said += second.sum(axis=1) + constant
    return said / len(w2)
