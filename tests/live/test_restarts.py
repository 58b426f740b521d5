"""What is done about a process, given what was seen of it."""

import pytest

from stream.live.restarts import (
    FIRST_WORD_WITHIN_S,
    GOOD_AFTER_S,
    OWNED_ELSEWHERE,
    SILENT_FOR_S,
    UNUSABLE,
    Deed,
    Life,
    Seen,
    begun,
    buried,
    deed,
    pause_s,
)

RUNNING = begun(Life(), 100.0)


def test_a_process_that_was_never_started_is_started():
    assert deed(Life(), Seen(), 0.0) is Deed.START


def test_pauses_double_up_to_half_a_minute():
    assert [pause_s(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 5_000)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_one_that_had_come_to_life_is_started_at_once_and_then_soon_until_it_has_failed_ten_times():
    assert [pause_s(failures, lived=True) for failures in (1, 2, 3, 10, 11, 5_000)] == [0, 1, 1, 1, 30, 30]
    assert buried(RUNNING, 105.0, lived=True).due_s == 105.0


@pytest.mark.parametrize("exit_code", [0, 1, -9])
def test_one_that_ends_is_started_again_after_its_pause(exit_code: int):
    assert deed(RUNNING, Seen(exit_code), 105.0) is Deed.BURY
    life = buried(RUNNING, 105.0)
    assert (life.failures, life.restarts) == (1, 1)
    assert deed(life, Seen(), 105.9) is Deed.LEAVE
    assert deed(life, Seen(), 106.0) is Deed.START


def test_failures_in_a_row_are_counted_until_a_process_has_lived_for_a_minute():
    life = Life()
    for now_s in (0.0, 10.0, 20.0):
        life = buried(begun(life, now_s), now_s + 5)
    assert (life.failures, life.due_s, life.restarts) == (3, 29.0, 3)
    life = buried(begun(life, 100.0), 100.0 + GOOD_AFTER_S)
    assert (life.failures, life.due_s, life.restarts) == (1, 101.0 + GOOD_AFTER_S, 4)


def test_work_that_somebody_else_does_is_given_up_at_once():
    assert deed(RUNNING, Seen(OWNED_ELSEWHERE), 101.0) is Deed.GIVE_UP


def test_what_cannot_be_used_is_tried_three_times_because_a_server_may_just_be_starting():
    assert [deed(RUNNING._replace(failures=failures), Seen(UNUSABLE), 101.0) for failures in range(3)] == [
        Deed.BURY,
        Deed.BURY,
        Deed.GIVE_UP,
    ]


def test_one_that_falls_silent_is_killed():
    last_s = 200.0
    assert deed(RUNNING, Seen(None, last_s, gives_signs=True), last_s + SILENT_FOR_S) is Deed.LEAVE
    assert deed(RUNNING, Seen(None, last_s, gives_signs=True), last_s + SILENT_FOR_S + 0.1) is Deed.KILL


def test_one_may_take_longer_to_its_first_sign():
    assert deed(RUNNING, Seen(None, None, gives_signs=True), 100.0 + FIRST_WORD_WITHIN_S) is Deed.LEAVE
    assert deed(RUNNING, Seen(None, None, gives_signs=True), 100.1 + FIRST_WORD_WITHIN_S) is Deed.KILL


def test_silence_says_nothing_of_one_that_gives_no_signs():
    assert deed(RUNNING, Seen(), 1e9) is Deed.LEAVE
