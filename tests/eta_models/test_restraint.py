"""How far learned answers may move away from the plan."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.journeys import SERVED_S
from eta_models.restraint import Restraint, regime_of

AT = np.zeros(500, dtype=np.int64)


def taught(plain, learned, cell=AT):
    restraint = Restraint(2)
    restraint.learn(cell, plain, learned)
    restraint.export()
    return restraint


def share(restraint):
    return float(restraint.hold(np.array([0]), np.array([0.0]), np.array([1.0]))[0])


def test_before_anything_was_seen_an_answer_lies_half_way():
    assert share(Restraint(2)) == 0.5


@pytest.mark.parametrize(("plain", "learned", "least", "most"), [(1.0, 0.2, 0.9, 1.0), (0.2, 1.0, 0.0, 0.1), (0.5, -0.5, 0.45, 0.55)])
def test_it_goes_as_far_as_was_right(plain, learned, least, most):
    assert least <= share(taught(np.full(500, plain), np.full(500, learned))) <= most


def test_a_few_answers_move_it_little():
    assert 0.5 < share(taught(np.ones(5), np.full(5, 0.2), AT[:5])) < 0.6


def test_each_horizon_has_its_own():
    restraint = taught(np.ones(500), np.zeros(500))
    assert restraint.hold(np.array([1]), np.array([0.0]), np.array([1.0]))[0] == pytest.approx(0.5)


def test_what_was_learned_since_the_last_export_changes_no_answer():
    restraint = taught(np.ones(500), np.zeros(500))
    before = share(restraint)
    restraint.learn(AT, np.zeros(500), np.ones(500))
    assert share(restraint) == before


@dataclass(frozen=True)
class Doing:
    """What of journeys a regime rests on: under way, on time, overdue, done, at a stop without service."""

    standing: np.ndarray = field(default_factory=lambda: np.array([False, True, True, True, True]))
    service_s: np.ndarray = field(default_factory=lambda: np.array([np.nan, 120.0, 120.0, 120.0, 0.0]))
    elapsed_s: np.ndarray = field(default_factory=lambda: np.array([500.0, 100.0, 101.0, SERVED_S, 500.0]))


def test_the_regime_says_whether_somebody_is_served_and_for_longer_than_usual():
    assert regime_of(Doing(), np.full(5, 100.0)).tolist() == [0, 1, 2, 0, 0]


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40), st.floats(0, 1e5), st.floats(0, 1e5))
def test_an_answer_always_lies_between_both(errors, plain, learned):
    off = np.array(errors)
    restraint = taught(off[:, 0], off[:, 1], AT[: len(off)])
    held = float(restraint.hold(np.array([0]), np.array([plain]), np.array([learned]))[0])
    assert min(plain, learned) - 1e-6 <= held <= max(plain, learned) + 1e-6
