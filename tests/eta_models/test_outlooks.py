"""Two more ways to see a route ahead, worked out by hand."""

import numpy as np
import pytest

from eta_models.chain import ONE_STAY_S, chain
from eta_models.daily import Daily
from eta_models.legs import LegPolicy, Legs
from eta_models.outlooks import outlooks
from eta_models.runs import RunPolicy, Runs
from eta_models.stays import StayPolicy, Stays

NAN = float("nan")


def seen(question, linger: float | None = None, daily: Daily | None = None):
    """For a fleet with one place, where so much of a lead is lingered; legs take what is planned, 9/10 of it driving."""
    legs, stays = Legs(LegPolicy()), Stays(StayPolicy())
    stays.place("here")
    for _ in range(0 if linger is None else 400):
        stays.learn_linger(0, linger)
    plain = chain(*question, legs, stays, Runs(RunPolicy()))
    return plain, outlooks(*question, plain, legs, stays, daily or Daily())


def visit(planned_in_s: float, **more: object) -> dict[str, object]:
    return {"leg_planned_s": 100.0, "planned_in_s": planned_in_s, "place": 0, **more}


def test_at_first_half_of_a_lead_is_lingered_and_the_way_driven(asking):
    _, ways = seen(asking.one(visit(145.0), visit(300.0)))
    assert ways.lingering_s.tolist() == [45.0, 45.0 + 50.0 + 90.0]


@pytest.mark.parametrize("linger", [0.0, 0.4, 1.0])
def test_what_is_lingered_is_learned_by_place(asking, linger):
    _, ways = seen(asking.one(visit(145.0), visit(300.0)), linger)
    assert ways.lingering_s[1] == pytest.approx(45.0 + linger * 100.0 + 90.0, abs=2.0)


def test_a_stop_with_service_is_left_when_that_is_done(asking):
    plain, ways = seen(asking.one(visit(145.0, service_s=300.0), visit(700.0)))
    assert ways.lingering_s.tolist() == plain.arrival_s.tolist() == [45.0, 45.0 + 300.0 + 100.0]


def test_a_late_vehicle_does_not_linger(asking):
    _, ways = seen(asking.one(visit(-500.0), visit(-400.0)))
    assert ways.lingering_s.tolist() == [45.0, 45.0 + 90.0]


def test_a_vehicle_that_is_still_where_it_was_early_lingers_there(asking):
    _, ways = seen(asking.one(visit(100.0), left_place=0, lead_s=60.0))
    assert ways.lead_s.tolist() == [30.0]
    assert ways.lingering_s.tolist() == [45.0 + 30.0]


def test_a_leg_that_took_longer_at_this_minute_yesterday_is_half_believed(asking):
    daily = Daily()
    daily.learn(5, 480, 300.0, 77.0)
    _, ways = seen(asking.one(visit(100.0), visit(200.0, leg=5, minute=480)), daily=daily)
    assert ways.daily_s.tolist() == pytest.approx([45.0, 145.0 + 100.0])
    assert np.isnan(ways.daily_late_s[0])
    assert ways.daily_late_s[1] == 77.0


def test_a_visit_without_a_plan_is_seen_no_other_way(asking):
    plain, ways = seen(asking.one({"leg_planned_s": 100.0}, {"leg_planned_s": 100.0}))
    assert np.isnan([ways.lingering_s, ways.daily_s, ways.daily_late_s]).all()
    assert np.isfinite(plain.arrival_s).all()


def test_a_second_call_at_a_place_follows_the_rule_of_layovers(asking):
    _, ways = seen(asking.one(visit(45.0), visit(2_000.0, again=True)))
    assert ways.lingering_s[1] == ways.daily_s[1] == 2_000.0
    _, ways = seen(asking.one(visit(45.0), visit(500.0, again=True)))
    assert ways.lingering_s[1] == ways.daily_s[1] == 45.0 + ONE_STAY_S
