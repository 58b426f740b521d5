"""How good a model was lately beside what needs no learning."""

import numpy as np
import pytest

from eta_models.skill import MEMORY, Skill


def told(count: int, off: float, plain: float) -> Skill:
    skill = Skill()
    skill.learn(np.full(count, off), np.full(count, -plain))
    return skill


def test_before_anything_was_asked_it_says_nothing():
    skill = Skill()
    skill.learn_late(np.array([]), np.array([], dtype=bool))
    assert (skill.mae_s(), skill.plain_mae_s(), skill.late_skill()) == (None, None, None)


def test_errors_stand_beside_those_of_the_plan():
    skill = told(100, 60.0, 80.0)
    assert (skill.mae_s(), skill.plain_mae_s()) == (pytest.approx(60.0), pytest.approx(80.0))


def test_what_is_long_past_fades():
    skill = told(20_000, 300.0, 300.0)
    skill.learn(np.full(round(MEMORY), 50.0), np.full(round(MEMORY), 60.0))
    assert 50.0 < skill.mae_s() < 160.0


def test_the_same_whatever_the_stretches():
    whole, parts, off = Skill(), Skill(), np.random.default_rng(1).normal(size=200)
    whole.learn(off, 2 * off)
    for part in np.split(off, [3, 50, 51]):
        parts.learn(part, 2 * part)
    assert parts.mae_s() == pytest.approx(whole.mae_s())


@pytest.mark.parametrize(("said", "least", "most"), [((1.0, 0.0), 0.999, 1.001), ((0.1, 0.1), -0.01, 0.01), ((0.0, 1.0), -11.0, -8.0)])
def test_skill_of_p_late_is_one_for_a_seer_and_none_for_who_says_the_share(said, least, most):
    late = np.arange(1_000) % 10 == 0
    skill = Skill()
    skill.learn_late(np.where(late, *said), late)
    assert least <= skill.late_skill() <= most


def test_where_nobody_is_late_there_is_no_skill_to_tell():
    skill = Skill()
    skill.learn_late(np.full(50, 0.1), np.zeros(50, dtype=bool))
    assert skill.late_skill() is None
