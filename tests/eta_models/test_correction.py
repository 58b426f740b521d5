"""What River learns and numpy answers: the same numbers, only what was exported, and no way to break it for good."""

import numpy as np
import pytest

from eta_models.correction import BINS_S, EXPERTS, PLAIN, Correction, CorrectionPolicy, group_of
from eta_models.features import CLIP, NAMES, scale_s

NAN = float("nan")
NOBODY = len(BINS_S) + 1


def made(rng: np.random.Generator, count: int, groups: int = 24):
    """Questions: features as the flow keeps them, bases over all horizons, hops, plain experts near the base."""
    table = np.clip(rng.normal(0, 1.5, (count, len(NAMES))), -CLIP, CLIP).astype(np.float16).astype(np.float64)
    table[rng.random(table.shape) < 0.2] = 0.0
    base_s, hop = rng.uniform(5, 3_000, count), rng.integers(0, 3, count)
    plain = [base_s * rng.uniform(0.8, 1.2, count) for _ in range(3)]
    return table, base_s, hop, plain


def truth(table, base_s):
    """What really happens: a linear rule of two features, in units of the scale."""
    return base_s + scale_s(base_s) * (0.8 * table[:, 0] - 0.5 * table[:, 7])


def every(rows):
    return np.ones(len(rows), dtype=np.bool_)


def learned(seed: int = 1, count: int = 600, rounds: int = 1) -> Correction:
    correction, rng = Correction(CorrectionPolicy()), np.random.default_rng(seed)
    for _ in range(rounds):
        table, base_s, hop, plain = made(rng, count)
        experts = correction.experts(table, base_s, hop, plain)
        correction.learn(table, base_s, hop, experts, truth(table, base_s), every(table))
        correction.export()
    return correction


def answered(correction: Correction, table, base_s, hop, plain):
    group = group_of(base_s, hop)
    experts = correction.experts(table, base_s, hop, plain)
    return experts, correction.weigh(experts, group)


def test_questions_are_grouped_by_horizon_and_by_whether_the_stop_is_the_next():
    base_s = np.array([0.0, 119.9, 120.0, 2_399.9, 2_400.0, 1e12])
    assert group_of(base_s, np.zeros(6, dtype=np.int64)).tolist() == [0, 0, 2, 20, 22, 22]
    assert group_of(base_s, np.array([1, 2, 3, 4, 5, 900])).tolist() == [1, 1, 3, 21, 23, 23]
    assert Correction.GROUPS == 2 * NOBODY


def test_before_anything_was_learned_all_experts_weigh_the_same_and_the_models_say_the_base():
    table, base_s, hop, plain = made(np.random.default_rng(2), 50)
    experts, answer = answered(Correction(CorrectionPolicy()), table, base_s, hop, plain)
    for column in (EXPERTS.index(name) for name in ("base", "learned")):
        assert experts[:, column].tolist() == base_s.tolist()
    assert answer == pytest.approx(experts.mean(axis=1))


def test_an_expert_without_an_answer_says_what_the_chain_says():
    table, base_s, hop, plain = made(np.random.default_rng(2), 3)
    plain[2][1] = np.nan
    experts, _ = answered(Correction(CorrectionPolicy()), table, base_s, hop, plain)
    assert experts[1, 2] == plain[0][1]
    assert experts[0, 2] == plain[2][0]


def test_the_exported_weights_answer_as_river_does():
    correction = learned(rounds=2)
    table, base_s, hop, plain = made(np.random.default_rng(3), 300)
    group = group_of(base_s, hop)
    experts = correction.experts(table, base_s, hop, plain)
    rows = zip(group.tolist(), table.tolist(), strict=True)
    shift = np.array([correction.models[number].predict_one(dict(zip(NAMES, row, strict=True))) for number, row in rows])
    assert np.abs(shift).max() > 0.5
    wanted = base_s + np.clip(shift, -CLIP, CLIP) * scale_s(base_s)
    assert np.abs((experts[:, EXPERTS.index("learned")] - wanted) / scale_s(base_s)).max() < 1e-9


def test_the_models_learn_from_some_questions_and_the_hedge_from_all():
    correction = Correction(CorrectionPolicy())
    table, base_s, hop, plain = made(np.random.default_rng(4), 200)
    correction.learn(table, base_s, hop, correction.experts(table, base_s, hop, plain), truth(table, base_s), every(table) & False)
    correction.export()
    assert not correction.weights.any()
    assert correction.asked.sum() == 200


def test_what_was_learned_since_the_last_export_changes_no_answer():
    correction, rng = learned(), np.random.default_rng(4)
    question = made(rng, 100)
    before = answered(correction, *question)
    table, base_s, hop, plain = made(rng, 200)
    correction.learn(table, base_s, hop, correction.experts(table, base_s, hop, plain), truth(table, base_s) + 60.0, every(table))
    unexported = answered(correction, *question)
    assert [part.tobytes() for part in unexported] == [part.tobytes() for part in before]
    assert correction.export() == 0
    assert answered(correction, *question)[1].tobytes() != before[1].tobytes()


def test_a_rule_in_the_features_is_learned_and_trusted():
    correction = learned(count=8_000, rounds=6)
    table, base_s, hop, plain = made(np.random.default_rng(5), 500)
    experts, answer = answered(correction, table, base_s, hop, plain)
    errors = np.abs(np.column_stack([experts, answer]) - truth(table, base_s)[:, None]).mean(axis=0)
    own, base, weighed = errors[EXPERTS.index("learned")], errors[EXPERTS.index("base")], errors[-1]
    assert own < 0.35 * base
    assert weighed < 0.5 * base


def test_the_hedge_follows_the_expert_that_is_right_and_leaves_it_when_it_is_not():
    correction, rng = Correction(CorrectionPolicy()), np.random.default_rng(6)
    table, base_s, hop = np.zeros((400, len(NAMES))), np.full(400, 300.0), np.zeros(400, dtype=np.int64)
    for right in (1, 2):
        for _ in range(4):
            took_s = base_s + rng.normal(0, 150.0, 400)
            experts = np.repeat(base_s[:, None], len(EXPERTS), axis=1)
            experts[:, right] = took_s
            correction.learn(table, base_s, hop, experts, took_s, every(table))
        correction.export()
        ladder = np.arange(float(len(EXPERTS)))[None, :] + base_s[:1, None]
        assert correction.weigh(ladder, group_of(base_s[:1], hop[:1]))[0] == pytest.approx(300.0 + right, abs=0.2)


def test_the_weights_of_the_experts_are_a_share_each_at_every_horizon():
    correction = learned(rounds=3)
    ones = np.ones((24, len(EXPERTS)))
    assert correction.weigh(ones, np.arange(24)) == pytest.approx(np.ones(24), abs=1e-12)


def test_an_answer_has_the_same_bits_alone_and_among_others():
    correction = learned()
    table, base_s, hop, plain = made(np.random.default_rng(7), 37)
    experts, answer = answered(correction, table, base_s, hop, plain)
    for row in range(37):
        one = slice(row, row + 1)
        alone = answered(correction, table[one], base_s[one], hop[one], [column[one] for column in plain])
        assert alone[0].tobytes() == experts[one].tobytes()
        assert alone[1].tobytes() == answer[one].tobytes()


@pytest.mark.parametrize("poison", [float("inf"), float("-inf"), float("nan")])
def test_a_poisoned_model_goes_back_to_its_last_good_weights_and_is_counted(poison):
    number = 4
    correction, rng = learned(), np.random.default_rng(8)
    good, question = correction.weights.copy(), made(rng, 50)
    before = answered(correction, *question)[0]
    correction.models[number]._weights["chain"] = poison
    table, base_s, hop = np.zeros((1, len(NAMES))), np.array([300.0]), np.zeros(1, dtype=np.int64)
    table[:, 1] = 1.0
    correction.learn(table, base_s, hop, np.full((1, len(EXPERTS)), 300.0), np.array([300.0]), every(table))
    assert correction.export() == 1
    assert correction.resets == 1
    assert correction.weights[number].tolist() == good[number].tolist()
    column = EXPERTS.index("learned")
    assert answered(correction, *question)[0][:, column].tolist() == before[:, column].tolist()
    row = dict(zip(NAMES, question[0][0].tolist(), strict=True))
    wanted = float((good[number, :-1] * question[0][0]).sum() + good[number, -1])
    assert correction.models[number].predict_one(row) == pytest.approx(wanted, abs=1e-9)


def test_a_model_that_was_reset_learns_on():
    correction = learned(rounds=2)
    correction.models[-1].intercept = float("nan")
    rng = np.random.default_rng(9)
    table, base_s, hop, plain = made(rng, 600)
    correction.learn(table, base_s, hop, correction.experts(table, base_s, hop, plain), truth(table, base_s), every(table))
    assert correction.export() == 1
    good = correction.weights[-1].copy()
    correction.learn(table, base_s, hop, correction.experts(table, base_s, hop, plain), truth(table, base_s), every(table))
    assert correction.export() == 0
    assert np.isfinite(correction.weights).all()
    assert correction.weights[-1].tolist() != good.tolist()
    assert correction.resets == 1


def test_an_export_without_anything_learned_changes_nothing():
    correction = learned()
    weights, hedge = correction.weights.tobytes(), correction._hedge.tobytes()
    correction.models[0]._weights["chain"] = 1e300
    assert correction.export() == 0
    assert (correction.weights.tobytes(), correction._hedge.tobytes()) == (weights, hedge)


def test_absurd_truths_leave_weights_and_answers_finite():
    correction, rng = Correction(CorrectionPolicy()), np.random.default_rng(10)
    for took in (1e12, -1e12, 0.0, 1e300):
        table, base_s, hop, plain = made(rng, 200)
        correction.learn(table, base_s, hop, correction.experts(table, base_s, hop, plain), np.full(200, took), every(table))
        assert correction.export() == 0
    experts, answer = answered(correction, *made(rng, 200))
    assert np.isfinite(correction.weights).all()
    assert np.isfinite(experts).all()
    assert np.isfinite(answer).all()


def test_one_answer_that_is_no_number_does_not_poison_the_trust_in_the_experts():
    correction = learned()
    table, base_s, hop, plain = made(np.random.default_rng(11), 5)
    experts = correction.experts(table, base_s, hop, plain)
    experts[2, 0] = np.nan
    correction.learn(table, base_s, hop, experts, truth(table, base_s), every(table))
    correction.export()
    assert np.isfinite(answered(correction, *made(np.random.default_rng(12), 200))[1]).all()


def test_at_first_the_plain_answers_weigh_the_same_and_none_is_one_as_the_chain():
    correction, hop = Correction(CorrectionPolicy()), np.array([0, 1])
    plain = (np.array([300.0, 300.0]), np.array([600.0, NAN]), np.array([900.0, NAN]))
    assert correction.base(plain, hop) == pytest.approx([600.0, 300.0])


def test_the_plain_answer_that_was_right_lately_makes_the_base():
    correction, rng = Correction(CorrectionPolicy()), np.random.default_rng(13)
    took_s, hop = rng.uniform(300, 340, 400), np.ones(400, dtype=np.int64)
    experts = np.column_stack([took_s + 200.0, took_s, took_s + 200.0, *[took_s + 50.0] * (len(EXPERTS) - PLAIN)])
    correction.learn(np.zeros((400, len(NAMES))), np.full(400, 320.0), hop, experts, took_s, every(hop))
    plain = tuple(np.array([seconds]) for seconds in (320.0, 420.0, 520.0))
    before = correction.base(plain, hop[:1])
    assert before == pytest.approx([420.0])
    correction.export()
    assert correction.base(plain, hop[:1]) == pytest.approx([420.0], abs=1.0)
    assert correction.base(plain, np.array([0])) == pytest.approx([420.0])  # the next stop has learned nothing
    other = tuple(np.array([seconds]) for seconds in (320.0, 320.0, 1_000.0))
    assert correction.base(other, hop[:1]) == pytest.approx([320.0], abs=5.0)
