"""Questions that wait for their truth: chains newest first, rows used again, nothing lost on the way through bytes."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.correction import EXPERTS
from eta_models.features import NAMES
from eta_models.journeys import Estimates
from eta_models.questions import Questions
from eta_models.trackers import NAMES as OFF


def answer_of(count: int, first: float = 0.0) -> Estimates:
    """An answer whose row i says first + i in every column, its features what that leaves over from fours."""
    value = first + np.arange(count, dtype=np.float64)
    wide = {"features": len(NAMES), "experts": len(EXPERTS) + 1, "slots": len(OFF)}
    names = [field.name for field in fields(Estimates)]
    columns = {name: np.repeat(value[:, None], wide[name], axis=1) if name in wide else value.copy() for name in names}
    return Estimates(**{**columns, "features": columns["features"] % 4.0})


def put(questions: Questions, newest: list[int], value: float = 0.0) -> list[int]:
    """One question for each chain, about value, value + 1, .."""
    count = len(newest)
    chains = np.array(newest, dtype=np.int32)
    asked_us = np.full(count, round(value * 1e6))
    rows = np.arange(count)
    return questions.put(chains, asked_us, np.arange(count), np.full(count, 60.0), answer_of(count, value), rows).tolist()


def test_a_question_is_kept_with_all_it_rested_on():
    questions = Questions()
    answer = answer_of(3, 5.0)
    kept = questions.put(
        np.array([-1, -1], dtype=np.int32), np.array([100, 200]), np.array([0, 4]), np.array([30.0, np.nan]), answer, np.array([2, 0])
    )
    row, other = kept.tolist()
    assert (questions.asked_us[row], questions.hop[row], questions.closes_in_s[row]) == (100, 0, 30.0)
    for name in ("base_s", "p10_s", "p50_s", "p90_s"):
        assert (getattr(questions, name)[row], getattr(questions, name)[other]) == (7.0, 5.0)
    features, experts, base_s = questions.answered(np.array([row, other]))
    assert base_s.tolist() == [7.0, 5.0]
    assert features.tolist() == [[3.0] * len(NAMES), [1.0] * len(NAMES)]
    assert experts[1].tolist() == [5.0] * (len(EXPERTS) + 1)
    assert np.isnan(questions.closes_in_s[other])
    assert questions.hop[other] == 4


def test_the_questions_about_a_visit_come_back_oldest_first():
    questions = Questions()
    first = put(questions, [-1, -1])
    second = put(questions, first)
    third = put(questions, second)
    assert questions.kept == 6
    assert questions.take(third[0]) == [first[0], second[0], third[0]]
    assert questions.kept == 3
    assert questions.take(third[1]) == [first[1], second[1], third[1]]
    assert questions.kept == 0


def test_a_visit_that_was_never_asked_about_has_no_questions():
    questions = Questions()
    put(questions, [-1])
    assert questions.take(-1) == []
    assert questions.kept == 1


def test_taken_rows_can_still_be_read_until_others_are_put():
    questions = Questions()
    (chain,) = put(questions, put(questions, [-1], 3.0), 4.0)
    assert questions.base_s[questions.take(chain)].tolist() == [3.0, 4.0]


def test_free_rows_are_used_again_before_the_table_grows():
    questions = Questions()
    chains = put(questions, [-1] * 10)
    for chain in chains[:6]:
        questions.take(chain)
    again = put(questions, [-1] * 6, 50.0)
    assert questions.count == 10
    assert sorted(again) == sorted(chains[:6])
    put(questions, [-1])
    assert questions.count == 11


def test_a_million_questions_asked_and_answered_leave_the_table_as_small_as_what_waits():
    questions = Questions()
    for _ in range(2_000):
        for chain in put(questions, [-1] * 5):
            questions.take(chain)
    assert questions.count == 5
    assert questions.kept == 0


STEPS = st.lists(st.one_of(st.tuples(st.just("put"), st.integers(0, 4)), st.tuples(st.just("take"), st.integers(0, 4))), max_size=60)


@given(STEPS)
def test_no_question_is_lost_or_told_twice(steps):
    questions, newest, waiting = Questions(2), [-1] * 5, [[] for _ in range(5)]
    for number, (what, visit) in enumerate(steps):
        if what == "put":
            (newest[visit],) = put(questions, [newest[visit]], float(number))
            waiting[visit].append(float(number))
        else:
            assert questions.base_s[questions.take(newest[visit])].tolist() == waiting[visit]
            newest[visit], waiting[visit] = -1, []
    assert questions.kept == sum(map(len, waiting))
    for chain, values in zip(newest, waiting, strict=True):
        assert questions.base_s[questions.take(chain)].tolist() == values


@pytest.mark.parametrize("asked", [0, 1, 40])
def test_what_waits_goes_through_bytes(asked):
    questions = Questions()
    chain = [-1]
    for number in range(asked):
        chain = put(questions, chain, float(number))
    freed = put(questions, [-1, -1])
    questions.take(freed[0])
    again = Questions.load(questions.dump(), questions.count)
    again.free = list(questions.free)
    assert again.kept == questions.kept
    assert again.dump() == questions.dump()
    assert again.base_s[again.take(chain[0])].tolist() == [float(number) for number in range(asked)]
    assert put(again, [-1], 9.0) == put(questions, [-1], 9.0) or asked
