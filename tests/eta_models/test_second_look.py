"""A second look: what it sees, and how far it is believed."""

import numpy as np
import pytest

from eta_models.correction import EXPERTS
from eta_models.features import NAMES, scale_s
from eta_models.second_look import WIDTH, SecondLook, SecondLookPolicy
from eta_models.shares import Shares


def question(rng: np.random.Generator, count: int):
    table, base_s = np.clip(rng.normal(0, 1, (count, len(NAMES))), -4, 4), rng.uniform(60, 2_000, count)
    experts = base_s[:, None] + rng.normal(0, 20, (count, len(EXPERTS)))
    return table, experts, base_s, base_s + 5.0, rng.uniform(0, 1e9, count)


def test_it_sees_the_features_the_answers_and_the_hour_all_between_minus_four_and_four():
    asked = question(np.random.default_rng(1), 30)
    inputs = SecondLook(SecondLookPolicy()).inputs(*asked)
    assert inputs.shape == (30, WIDTH)
    assert inputs[:, : len(NAMES)].tolist() == asked[0].tolist()
    assert np.abs(inputs).max() <= 4.0
    assert np.hypot(inputs[:, -4], inputs[:, -3]) == pytest.approx(1.0)


def test_at_first_the_first_answer_counts_alone_and_later_the_better_one():
    look, rng = SecondLook(SecondLookPolicy()), np.random.default_rng(2)
    cell = np.zeros(200, dtype=np.int64)
    for _ in range(40):
        table, experts, base_s, first_s, now_s = question(rng, 200)
        took_s = first_s + scale_s(base_s) * np.sign(table[:, 0]) * table[:, 1]
        inputs = look.inputs(table, experts, base_s, first_s, now_s)
        looked_s = look.looked_s(inputs, base_s, first_s)
        answer = look.weigh(first_s, looked_s, cell)
        if not look.network.steps:
            assert answer.tolist() == first_s.tolist()
        look.learn(inputs, base_s, first_s, looked_s, cell, took_s)
        look.export()
    assert np.abs(answer - took_s).mean() < 0.7 * np.abs(first_s - took_s).mean()


def test_a_second_answer_that_is_worse_is_not_believed():
    shares, cell = Shares(2), np.zeros(500, dtype=np.int64)
    shares.learn(cell, np.full(500, 1.0), np.full(500, 1.1))
    assert shares.of(np.array([0, 1])).tolist() == [0.0, 0.0]
    shares.export()
    assert shares.of(np.array([0, 1])) == pytest.approx([0.0, 0.0], abs=0.01)
    shares.learn(cell + 1, np.full(500, 1.0), np.full(500, 0.9))
    shares.export()
    assert shares.of(np.array([1])) == pytest.approx([1.0], abs=0.01)
