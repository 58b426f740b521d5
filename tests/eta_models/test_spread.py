"""How large errors are: learned from made questions of which some are hard."""

import numpy as np
import pytest

from eta_models.features import NAMES as FEATURES
from eta_models.spread import NAMES, Spread, SpreadPolicy

HARD = FEATURES.index("first_spread")


def made(rng: np.random.Generator, count: int):
    """Features, and the size of errors: half a scale, and one and a half where the leg is spread."""
    table = np.zeros((count, len(FEATURES)))
    table[:, HARD] = rng.random(count) < 0.3
    return table, (0.5 + table[:, HARD]) * rng.uniform(0.6, 1.4, count)


def taught(count: int = 4_000) -> Spread:
    spread = Spread(SpreadPolicy())
    spread.learn(*made(np.random.default_rng(1), count))
    assert spread.export() == 0
    return spread


def test_before_anything_was_learned_errors_are_as_large_as_the_scale():
    table, _ = made(np.random.default_rng(2), 20)
    assert Spread(SpreadPolicy()).expected(table).tolist() == [1.0] * 20


def test_hard_questions_are_told_from_easy_ones():
    table, _ = made(np.random.default_rng(2), 200)
    expected, hard = taught().expected(table), table[:, HARD] > 0
    assert expected[hard] == pytest.approx(1.5, abs=0.15)
    assert expected[~hard] == pytest.approx(0.5, abs=0.15)


def test_what_is_expected_stays_within_its_bounds():
    spread = taught()
    spread.weights[:] = 100.0
    assert spread.expected(np.ones((1, len(FEATURES)))).tolist() == [4.0]
    spread.weights[:] = -100.0
    assert spread.expected(np.ones((1, len(FEATURES)))).tolist() == [0.25]


def test_the_exported_weights_answer_as_river_does():
    spread, (table, _) = taught(), made(np.random.default_rng(3), 50)
    table[:, :3] = np.random.default_rng(4).normal(0, 2, (50, 3))
    river = [spread.model.predict_one(dict(zip(NAMES, row, strict=True))) for row in spread.features(table).tolist()]
    assert np.abs(spread.expected(table) - np.clip(river, 0.25, 4.0)).max() < 1e-9


def test_what_was_learned_since_the_last_export_changes_nothing():
    spread, (table, sizes) = taught(), made(np.random.default_rng(3), 50)
    before = spread.expected(table).tobytes()
    spread.learn(table, sizes + 3.0)
    assert spread.expected(table).tobytes() == before
    spread.export()
    assert spread.expected(table).tobytes() != before


@pytest.mark.parametrize("poison", [float("inf"), float("nan")])
def test_a_poisoned_model_goes_back_to_its_last_good_weights(poison):
    spread = taught()
    good = spread.weights.copy()
    spread.model._weights["left"] = poison
    assert (spread.export(), spread.resets) == (1, 1)
    assert spread.weights.tolist() == good.tolist()
    spread.learn(*made(np.random.default_rng(5), 100))
    assert spread.export() == 0
