"""The probability of being late: the plain distribution first, then what came true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.features import NAMES as FEATURES
from eta_models.features import scale_s
from eta_models.lateness import NAMES, SHORT, Z_90, Asked, Lateness, LatenessPolicy

NAN = float("nan")


def asked(p10_s, p50_s, p90_s, closes_in_s) -> Asked:
    """Questions of which nothing else is known."""
    return Asked(p10_s, p50_s, p90_s, scale_s(p50_s), closes_in_s, np.zeros((len(p50_s), len(FEATURES))))


def world(rng: np.random.Generator, count: int, spread: float = 1.0):
    """Predictions with normal bounds, windows around them, and truths that stray `spread` times as far as the bounds say."""
    p50_s = rng.uniform(60, 3_000, count)
    sd_s = 0.1 * p50_s + 20.0
    closes_in_s = np.maximum(p50_s + rng.normal(0.8, 1.3, count) * sd_s, 1.0)
    return asked(p50_s - Z_90 * sd_s, p50_s, p50_s + Z_90 * sd_s, closes_in_s), p50_s + rng.normal(0, spread, count) * sd_s


def taught(spread: float, count: int = 16_000) -> Lateness:
    lateness, rng = Lateness(LatenessPolicy()), np.random.default_rng(1)
    for _ in range(count // 500):
        question, took_s = world(rng, 500, spread)
        lateness.learn(lateness.features(question), took_s > question.closes_in_s)
        lateness.export()
    return lateness


def calibration_error(chance, late) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((chance * 10).astype(int), 9)
    gaps = [abs(chance[bins == b].mean() - late[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any()]
    return float(sum(gaps))


def one(lateness: Lateness, closes_in_s: float, p50_s: float = 600.0, half_s: float = 100.0) -> float:
    columns = (np.array([value]) for value in (p50_s - half_s, p50_s, p50_s + half_s, closes_in_s))
    return float(lateness.probability(asked(*columns))[0])


def test_before_anything_was_learned_the_bounds_mean_what_they_say():
    lateness = Lateness(LatenessPolicy())
    assert one(lateness, closes_in_s=600.0) == pytest.approx(0.5)
    assert one(lateness, closes_in_s=700.0) == pytest.approx(0.1, abs=0.01)
    assert one(lateness, closes_in_s=500.0) == pytest.approx(0.9, abs=0.01)
    assert one(lateness, closes_in_s=6_000.0) < 0.001


def test_without_a_window_there_is_no_probability():
    lateness, columns = Lateness(LatenessPolicy()), [np.array([500.0, 500.0]), np.array([600.0, 600.0]), np.array([700.0, 700.0])]
    assert np.isnan(lateness.probability(asked(*columns, np.array([NAN, NAN])))).all()
    mixed = lateness.probability(asked(*columns, np.array([NAN, 650.0])))
    assert np.isnan(mixed).tolist() == [True, False]


@pytest.mark.parametrize("closes_in_s", [0.0, -0.5, -1e12])
def test_a_window_that_has_closed_is_missed_for_certain(closes_in_s):
    assert one(Lateness(LatenessPolicy()), closes_in_s) == 1.0
    assert one(taught(spread=0.3, count=500), closes_in_s) == 1.0


@pytest.mark.parametrize("spread", [0.6, 1.0, 1.6])
def test_probabilities_come_true_whatever_the_bounds_were_worth(spread):
    lateness, rng = taught(spread), np.random.default_rng(2)
    question, took_s = world(rng, 20_000, spread)
    chance, late = lateness.probability(question), took_s > question.closes_in_s
    assert calibration_error(chance, late) < 0.025
    plain = Lateness(LatenessPolicy()).probability(question)
    assert ((chance - late) ** 2).mean() < ((plain - late) ** 2).mean() + 0.0005
    assert ((chance - late) ** 2).mean() < 0.8 * late.mean() * (1 - late.mean())


@pytest.mark.parametrize("count", [500, 2_000])
def test_learning_does_not_spoil_probabilities_that_were_true_before(count):
    lateness, rng = taught(spread=1.0, count=count), np.random.default_rng(6)
    question, took_s = world(rng, 20_000)
    late = took_s > question.closes_in_s
    assert calibration_error(Lateness(LatenessPolicy()).probability(question), late) < 0.02
    assert calibration_error(lateness.probability(question), late) < 0.03


def test_the_exported_weights_answer_as_river_does():
    lateness, rng = taught(spread=1.5), np.random.default_rng(3)
    table = lateness.features(world(rng, 200)[0])
    rows = [dict(zip(NAMES, row, strict=True)) for row in table.tolist()]
    short, long = ([model.predict_proba_one(row)[True] for row in rows] for model in lateness.models)
    river = lateness.share[0] * np.array(short) + lateness.share[1] * np.array(long)
    assert np.abs(lateness.weigh(table) - river).max() < 1e-9
    assert (lateness.weights[0, SHORT:-1] == 0.0).all()
    assert (lateness.weights[1, :-1] != 0.0).sum() > SHORT


def test_the_model_that_was_right_lately_weighs_more():
    lateness, rng = Lateness(LatenessPolicy()), np.random.default_rng(7)
    question, _ = world(rng, 4_000)
    table = lateness.features(question)
    told = NAMES.index("late")
    table[:, told] = rng.random(4_000) < 0.5  # whatever the window: who is late now will be late
    lateness.learn(table, table[:, told] > 0)
    lateness.export()
    assert lateness.share.sum() == pytest.approx(1.0)
    assert lateness.share[1] > 0.9


def test_what_was_learned_since_the_last_export_changes_no_probability():
    lateness, rng = taught(spread=1.0, count=500), np.random.default_rng(4)
    some, _ = world(rng, 50)
    before = lateness.probability(some).tobytes()
    question, _ = world(rng, 300)
    lateness.learn(lateness.features(question), np.ones(300, dtype=bool))
    assert lateness.probability(some).tobytes() == before
    lateness.export()
    assert lateness.probability(some).tobytes() != before


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("poison", [float("inf"), float("nan")])
def test_a_poisoned_model_goes_back_to_its_last_good_weights(poison, which):
    lateness, rng = taught(spread=1.0, count=1_000), np.random.default_rng(5)
    some, _ = world(rng, 50)
    good, before = lateness.weights.copy(), lateness.probability(some).tobytes()
    lateness.models[which]._weights["z"] = poison
    assert (lateness.export(), lateness.resets) == (1, 1)
    assert lateness.weights.tolist() == good.tolist()
    assert lateness.probability(some).tobytes() == before
    lateness.learn(lateness.features(some), np.zeros(50, dtype=bool))
    assert lateness.export() == 0
    assert np.isfinite(lateness.weights).all()


TIMES = st.floats(0.0, 1e12)


@given(st.lists(st.tuples(TIMES, TIMES, TIMES, st.one_of(st.just(NAN), st.floats(-1e12, 1e12))), min_size=1, max_size=20))
def test_a_probability_is_between_0_and_1_or_there_is_no_window(made):
    p10_s, p50_s, p90_s = np.sort(np.array([row[:3] for row in made]), axis=1).T.copy()
    closes_in_s = np.array([row[3] for row in made])
    lateness = Lateness(LatenessPolicy())
    lateness.weights[:] = [9.0, 9.0, -9.0, *([9.0] * (len(NAMES) - 2))]
    chance = lateness.probability(asked(p10_s, p50_s, p90_s, closes_in_s))
    assert (np.isnan(chance) == np.isnan(closes_in_s)).all()
    known = chance[~np.isnan(chance)]
    assert ((known >= 0.0) & (known <= 1.0)).all()
    assert np.isfinite(lateness.features(asked(p10_s, p50_s, p90_s, closes_in_s))).all()


def test_more_room_before_the_end_of_the_window_never_makes_lateness_likelier():
    lateness = Lateness(LatenessPolicy())
    chances = [one(lateness, closes_in_s=room) for room in np.linspace(1.0, 1_500.0, 200)]
    assert chances == sorted(chances, reverse=True)
