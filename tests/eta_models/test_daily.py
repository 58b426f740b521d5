"""A trip as it was at the same minute of other days."""

import numpy as np
import pytest

from eta_models.daily import SLOTS, Daily


def looked(daily: Daily, leg: int, minute: int) -> tuple[float, float, float]:
    return tuple(float(column[0]) for column in daily.look(np.array([leg]), np.array([minute])))


def test_a_leg_is_remembered_by_its_minute():
    daily = Daily()
    daily.learn(3, 480, 200.0, 60.0)
    assert looked(daily, 3, 480) == (1.0, 200.0, 60.0)
    assert looked(daily, 3, 481)[0] == looked(daily, 4, 480)[0] == 0.0


def test_three_days_are_remembered():
    daily = Daily()
    for took_s in (900.0, 100.0, 200.0, 300.0):
        daily.learn(3, 480, took_s, 0.0)
    days, took_s, _ = looked(daily, 3, 480)
    assert days == 3.0
    assert took_s == pytest.approx((2 * 400.0 + 300.0) / 3.0)


@pytest.mark.parametrize(("leg", "minute"), [(-1, 480), (3, -1)])
def test_a_leg_without_a_name_or_a_plan_is_not_remembered(leg, minute):
    daily = Daily()
    daily.learn(leg, minute, 200.0, 60.0)
    assert looked(daily, leg, minute)[0] == 0.0
    assert (daily.table.key == -1).all()


def test_a_slot_belongs_to_the_last_who_came():
    daily, seen = Daily(), set()
    for leg in range(300):
        for minute in range(0, 1_440, 7):
            daily.learn(leg, minute, 100.0, 0.0)
            seen.add((leg, minute))
    assert len(seen) > SLOTS
    assert looked(daily, 299, 1_435)[:2] == (1.0, 100.0)
    assert looked(daily, 0, 0)[0] in (0.0, 1.0)


def test_after_legs_were_renumbered_nothing_is_known():
    daily = Daily()
    daily.learn(3, 480, 200.0, 60.0)
    daily.forget()
    assert looked(daily, 3, 480)[0] == 0.0
