"""One independent random generator for each thing that is drawn, so that adding a fleet or a vehicle changes no other."""

from enum import IntEnum

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence


class Draw(IntEnum):
    """What a generator is for; numbers from 1, because trailing zeros of a seed sequence are ignored."""

    DATE = 1
    BREAKDOWN = 2
    CITY = 3
    TRAFFIC = 4
    PLAN = 5
    DRIVE = 6
    GPS = 7
    STATUS = 8


def generator(seed: int, draw: Draw, *numbers: int) -> Generator:
    """The generator of `draw` for the things numbered `numbers` (each >= 0), such as fleet and vehicle."""
    return np.random.Generator(PCG64(SeedSequence([seed, *(number + 1 for number in numbers), draw])))


def between(rng: Generator, limits: tuple[float, float]) -> float:
    """A uniform draw from `limits`, in their unit."""
    return float(rng.uniform(limits[0], limits[1]))


def factor(rng: Generator, sigma: float) -> float:
    """A lognormal factor of median 1 whose logarithm has the given sigma."""
    return float(np.exp(rng.normal(0.0, sigma)))
