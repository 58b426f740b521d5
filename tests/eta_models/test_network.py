"""A small network that repeats its examples: what it can learn, what it never does, and what comes back from bytes."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.network import Network, NetworkPolicy

WIDTH = 6


def examples(seed: int, count: int):
    """Inputs, and a truth that no linear model can tell: the sign of one input turns what another means."""
    inputs = np.random.default_rng(seed).uniform(-2, 2, (count, WIDTH))
    return inputs, np.sign(inputs[:, 0]) * inputs[:, 1], np.ones(count)


def taught(policy: NetworkPolicy, count: int = 6_000) -> Network:
    network = Network(policy, WIDTH)
    for seed in range(count // 100):
        network.learn(*examples(seed, 100))
        network.export()
    return network


def error(network: Network) -> float:
    inputs, truths, _ = examples(999, 2_000)
    return float(np.abs(network.answer(inputs) - truths).mean())


def test_before_anything_was_learned_it_answers_zero():
    assert Network(NetworkPolicy(), WIDTH).answer(examples(1, 20)[0]).tolist() == [0.0] * 20


def test_it_learns_that_a_sign_means_one_thing_here_and_another_there():
    assert error(taught(NetworkPolicy())) < 0.35 * error(Network(NetworkPolicy(), WIDTH))


def test_examples_that_are_repeated_teach_more():
    assert error(taught(NetworkPolicy(), 2_000)) < 0.8 * error(taught(NetworkPolicy(new=128), 2_000))


@given(seed=st.integers(0, 999), scale=st.sampled_from([1e-3, 1.0, 30.0, 1e4]), count=st.integers(1, 1_300))
def test_an_answer_has_the_same_bits_alone_and_among_others(seed, scale, count):
    dice, network = np.random.default_rng(seed), Network(NetworkPolicy(), 97)
    network.weights = (network.weights + dice.normal(size=network.weights.shape) * scale).astype(np.float32)
    inputs = dice.uniform(-4, 4, (count, 97))
    order = dice.permutation(count)
    assert network.answer(inputs[order]).tobytes() == network.answer(inputs)[order].tobytes()
    assert network.answer(inputs[:1]).tobytes() == network.answer(inputs)[:1].tobytes()


def test_its_whole_numbers_say_what_its_weights_do():
    network, (inputs, _, _) = taught(NetworkPolicy(), 1_000), examples(5, 500)
    w1, b1, w2, b2, w3, b3 = network._parts(network.weights.astype(np.float64))
    first = np.maximum(inputs @ w1.transpose(0, 2, 1) + b1, 0.0)
    plain = ((np.maximum(first @ w2.transpose(0, 2, 1) + b2, 0.0) * w3).sum(axis=2) + b3).mean(axis=0)
    assert np.abs(network.answer(inputs) - plain).max() < 0.05  # inputs are rounded to a thirty-first


def test_what_was_learned_since_the_last_export_changes_no_answer():
    network, inputs = taught(NetworkPolicy(), 500), examples(5, 40)[0]
    before = network.answer(inputs).tobytes()
    network.learn(*examples(77, 300))
    assert network.answer(inputs).tobytes() == before
    assert network.export() == 0
    assert network.answer(inputs).tobytes() != before


def test_the_same_examples_make_the_same_network_and_it_goes_through_bytes():
    one, other = taught(NetworkPolicy(kept=300), 700), Network(NetworkPolicy(kept=300), WIDTH)
    other.load(*taught(NetworkPolicy(kept=300), 700).dump())
    for network in (one, other):
        network.learn(*examples(88, 130))
        network.export()
    assert one.dump() == other.dump()


LEARNS = """
import hashlib, numpy as np
from eta_models.network import Network, NetworkPolicy
network, dice = Network(NetworkPolicy(), 97), np.random.default_rng(1)
network.learn(dice.uniform(-4, 4, (600, 97)), dice.normal(size=600), np.ones(600))
print(hashlib.sha256(network.learned.tobytes()).hexdigest())
"""


def test_it_learns_the_same_however_many_threads_blas_would_have():
    told = [
        subprocess.run([sys.executable, "-c", LEARNS], env={**os.environ, "OPENBLAS_NUM_THREADS": count}, capture_output=True, check=True)
        for count in ("1", "2", "4")
    ]
    assert len({each.stdout for each in told}) == 1


def test_a_network_of_another_shape_is_refused():
    counts, saved = taught(NetworkPolicy(), 200).dump()
    with pytest.raises(ValueError, match="another shape"):
        Network(NetworkPolicy(), WIDTH + 1).load(counts, saved)
    with pytest.raises(ValueError, match="another shape"):
        Network(NetworkPolicy(units=(8, 8)), WIDTH).load(counts, saved)


def test_examples_are_kept_up_to_a_number_and_then_old_ones_go_at_random():
    network = Network(NetworkPolicy(kept=100, span=400), WIDTH)
    for number in range(60):
        network.learn(np.full((20, WIDTH), number / 31.0), np.zeros(20), np.ones(20))
    assert network.examples.shape == (100, WIDTH)
    ages = 59 - network.examples[:, 0].astype(int)
    assert 10 < np.median(ages) < 30
    assert ages.max() > 20


def test_weights_that_are_no_numbers_go_back_to_the_last_good_ones_and_are_counted():
    network, inputs = taught(NetworkPolicy(), 500), examples(5, 40)[0]
    before = network.answer(inputs).tobytes()
    network.learned[3] = np.nan
    assert network.export() == 1
    assert network.resets == 1
    assert network.answer(inputs).tobytes() == before
    for seed in range(10):
        network.learn(*examples(seed, 100))
    assert network.export() == 0
    assert network.answer(inputs).tobytes() != before


@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(-8, 8), st.floats(0, 10)), min_size=1, max_size=50))
def test_whatever_it_learns_its_answers_are_finite_and_bounded(drawn):
    network = Network(NetworkPolicy(units=(8, 4), rate=0.1), WIDTH)
    inputs = np.repeat(np.array([row[0] for row in drawn])[:, None], WIDTH, axis=1)
    for _ in range(3):
        network.learn(inputs, np.array([row[1] for row in drawn]), np.array([row[2] for row in drawn]))
        assert network.export() == 0
    assert (np.abs(network.answer(inputs)) <= 4.0).all()
