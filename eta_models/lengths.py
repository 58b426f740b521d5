"""How long something was planned to take, in classes: a plan that is too short for short ways or stays may be right for long ones."""

import numpy as np

from eta_models.columns import Floats, Ints

LENGTHS_S = 60.0 * 2.0 ** np.arange(7)
"""Where classes of planned times are cut: one minute to an hour, each twice the one before."""


def length_of(planned_s: Floats) -> Ints:
    """The class of each planned time; NaN is in the last."""
    return np.searchsorted(LENGTHS_S, planned_s, side="right")
