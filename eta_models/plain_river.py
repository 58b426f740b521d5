"""River models as plain numbers: what travels between systems holds no pickle, and takes its rates from where it arrives."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from msgspec import Struct

from eta_models.columns import Floats


class Numbers(Struct, frozen=True, array_like=True):
    """What a linear model has learned: its weights, AdaGrad's sums of squared gradients, the intercept, and steps taken."""

    weights: dict[str, float]
    squares: dict[str, float]
    intercept: float
    steps: int


def exported(model: Any, names: Sequence[str]) -> Floats:
    """The weights of a linear model by name and last its intercept: what numpy answers with."""
    weights = model.weights
    return np.array([*map(weights.get, names, repeat(0.0)), model.intercept])


def give_weights(model: Any, weights: Mapping[str, float], intercept: float) -> None:
    """Let a fresh linear model begin with these weights."""
    model._weights.update(weights)
    model.intercept = float(intercept)


def numbers(models: Any) -> list[Numbers]:
    """Of a model, or a list of them."""
    return [
        Numbers(dict(one.weights), dict(one.optimizer.g2), float(one.intercept), int(one.optimizer.n_iterations)) for one in _listed(models)
    ]


def give(models: Any, learned: list[Numbers], names: Iterable[str]) -> None:
    """Put numbers into fresh models of the same kinds. Raises ValueError for other ones: too many, or of unknown features."""
    known = frozenset(names)
    for one, kept in zip(_listed(models), learned, strict=True):
        if strangers := (kept.weights.keys() | kept.squares.keys()) - known:
            msg = f"a model knows features that are none: {', '.join(sorted(strangers)[:3])}"
            raise ValueError(msg)
        give_weights(one, kept.weights, kept.intercept)
        one.optimizer.g2.update(kept.squares)
        one.optimizer.n_iterations = kept.steps


def _listed(models: Any) -> list[Any]:
    return list(models) if isinstance(models, list) else [models]
