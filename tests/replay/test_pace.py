"""Log time follows the clock: exactly, without drift, and never back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.pace import FREE_US, HELD_US, Pace

SECOND_US, DAY_US = 1_000_000, 86_400_000_000
START_US = 1_797_993_402_000_000


def running(speed: float = 60.0) -> Pace:
    pace = Pace(speed)
    pace.begin(START_US)
    pace.start(5.0)
    return pace


@pytest.mark.parametrize(("ahead_us", "seconds"), [(-SECOND_US, 0.0), (0, 0.0), (900_000, 0.015), (SECOND_US, 1 / 60), (DAY_US, 1_440.0)])
def test_a_second_ago_900_ms_and_a_day_are_due_when_they_are(ahead_us, seconds):
    assert running().due_in_s(START_US + ahead_us, 5.0) == pytest.approx(seconds)
    assert running().target_us(5.0 + seconds) == pytest.approx(START_US + max(ahead_us, 0), abs=1)


def test_a_week_of_log_is_to_the_millisecond_where_the_clock_is():
    pace = running(60.0)
    assert abs(pace.target_us(5.0 + 7 * 1_440.0) - (START_US + 7 * DAY_US)) < 1_000


def test_what_comes_before_the_begin_goes_at_once_however_long_it_takes():
    pace = Pace(60.0)
    pace.begin(START_US)
    assert pace.target_us(1e9) == START_US
    pace.start(100.0)
    pace.start(200.0)
    assert pace.target_us(101.0) == START_US + 60 * SECOND_US


def test_as_fast_as_it_will_go_means_everything_until_paused():
    pace = running(0)
    assert pace.target_us(5.0) == FREE_US
    pace.scale(2.0, 6.0)
    pace.skip(DAY_US, 6.0)
    assert pace.target_us(6.0) == FREE_US
    pace.toggle(7.0)
    assert (pace.target_us(8.0), pace.due_in_s(START_US, 8.0)) == (HELD_US, float("inf"))


def test_a_pause_takes_no_log_time():
    pace = running()
    pace.toggle(6.0)
    assert pace.target_us(60.0) == START_US + 60 * SECOND_US
    assert pace.due_in_s(START_US + DAY_US, 60.0) == float("inf")
    pace.toggle(100.0)
    assert pace.target_us(101.0) == START_US + 120 * SECOND_US


def test_half_and_double_count_from_when_they_were_said():
    pace = running()
    pace.scale(2.0, 6.0)
    pace.scale(0.5, 7.0)
    assert pace.target_us(8.0) == START_US + (60 + 120 + 60) * SECOND_US


@given(st.lists(st.tuples(st.sampled_from("pfm+-"), st.floats(0, 50)), max_size=30), st.sampled_from([1 / 16, 1.0, 60.0, 65_536.0]))
def test_whatever_is_pressed_log_time_never_goes_back(pressed, speed):
    pace, now_s, seen = running(speed), 5.0, [START_US]
    for key, later_s in pressed:
        now_s += later_s
        seen.append(pace.target_us(now_s))
        match key:
            case "p":
                pace.toggle(now_s)
            case "f":
                pace.skip(600 * SECOND_US, now_s)
            case "+" | "-":
                pace.scale(2.0 if key == "+" else 0.5, now_s)
        seen.append(pace.target_us(now_s))
    assert all(before <= after for before, after in pairwise(seen))
    assert 1 / 16 <= pace.speed <= 65_536
