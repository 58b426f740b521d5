"""Drive + service + wait, worked out by hand on legs that take what is planned."""

import numpy as np
import pytest

from eta_models.chain import LAYOVER_S, ONE_STAY_S, SOONEST_S, Chain, chain
from eta_models.journeys import LegTaken
from eta_models.legs import LegPolicy, Legs
from eta_models.ranks import ranks
from eta_models.runs import RunPolicy, Runs
from eta_models.stays import StayPolicy, Stays

NAN = float("nan")
HERE = {"standing": True, "place": 0}


def plain(question, stays: Stays | None = None, legs: Legs | None = None) -> Chain:
    """The chain of a fleet that has seen nothing: legs and services as planned, 9/10 of a leg driven, every opening waited for."""
    return chain(*question, legs or Legs(LegPolicy()), stays or known_place(), Runs(RunPolicy()))


def known_place(hold: float | None = None) -> Stays:
    """A fleet with one place; with `hold`, one where so much of an early arrival was waited out for so far."""
    stays = Stays(StayPolicy())
    stays.place("here")
    for _ in range(0 if hold is None else 400):
        stays.learn_hold(0, hold)
    return stays


DRIVEN_S = 100.0 * (0.4 / 3.0 + (0.9 + (0.4 - 0.9) / 6.0) * 2.0 / 3.0)
"""Of a leg of 100 s, seen once with 40 s of driving: that weighs a third, and the fleet moved a sixth of the way from 0.9."""


def legs_driven_to_two_fifths() -> Legs:
    """A fleet with one leg, which took the planned 100 s once; 40 of them were driven."""
    legs = Legs(LegPolicy())
    legs.learn(LegTaken(legs.leg("a", "b"), -1, 12.0, 100.0, 40.0, 1000.0, 100.0, -1, 0.0, NAN, NAN))
    return legs


def visit(**more: object) -> dict[str, object]:
    return {"leg_planned_s": 100.0, **more}


def test_the_share_of_the_leg_that_is_left_is_driven_less_the_age_of_the_fix(asking):
    found = plain(asking.one(visit(), to_next_m=250.0, behind_m=750.0, fix_age_s=10.0))
    assert found.share_left.tolist() == [0.25]
    assert found.arrival_s.tolist() == found.first_s.tolist() == [0.25 * 90.0 - 10.0]


@pytest.mark.parametrize("left_m", [0.0, 10.0])
def test_no_arrival_is_promised_sooner_than_three_seconds_from_now(asking, left_m):
    found = plain(asking.one(visit(), to_next_m=left_m, behind_m=990.0, fix_age_s=60.0))
    assert found.arrival_s.tolist() == [SOONEST_S]


def test_a_vehicle_at_both_ends_of_its_leg_at_once_has_nothing_left_of_it(asking):
    assert plain(asking.one(visit(), to_next_m=0.4, behind_m=0.5)).share_left.tolist() == [0.0]


def test_each_stop_adds_its_service_and_the_leg_behind_it(asking):
    found = plain(asking.one(visit(service_s=60.0), visit(service_s=30.0, leg_planned_s=70.0), visit()))
    assert found.arrival_s.tolist() == [45.0, 45.0 + 60.0 + 70.0, 175.0 + 30.0 + 100.0]
    assert found.leg_s.tolist() == [100.0, 70.0, 100.0]
    assert found.service_s.tolist() == [60.0, 30.0, 0.0]
    assert found.wait_s.tolist() == [0.0, 0.0, 0.0]


def test_a_window_that_is_not_open_yet_is_waited_for_and_then_served(asking):
    found = plain(asking.one(visit(service_s=60.0, opens_in_s=200.0), visit(service_s=30.0), visit()))
    assert found.arrival_s.tolist() == [45.0, 200.0 + 60.0 + 100.0, 360.0 + 30.0 + 100.0]
    assert found.wait_s.tolist() == [0.0, 155.0, 155.0]


def test_an_arrival_after_the_opening_does_not_wait(asking):
    found = plain(asking.one(visit(service_s=60.0, opens_in_s=45.0), visit()))
    assert found.wait_s.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("when", [{"opens_in_s": 200.0}, {"opens_in_s": 200.0, "planned_in_s": 500.0}])
def test_a_stop_without_service_is_waited_for_until_it_opens_and_not_until_its_planned_time(asking, when):
    found = plain(asking.one(visit(**when), visit()))
    assert found.arrival_s.tolist() == [45.0, 200.0 + 100.0]
    assert found.wait_s.tolist() == [0.0, 155.0]


def test_a_stop_without_service_and_window_is_not_held_to_its_planned_time(asking):
    found = plain(asking.one(visit(planned_in_s=90.0), visit(planned_in_s=190.0), visit()))
    assert found.arrival_s.tolist() == [45.0, 145.0, 245.0]
    assert found.wait_s.tolist() == [0.0, 0.0, 0.0]


def test_where_half_of_the_earliness_is_waited_out_half_of_it_is_expected(asking):
    found = plain(asking.one(visit(opens_in_s=245.0, place=0), visit()), known_place(hold=0.5))
    assert found.wait_s.tolist() == pytest.approx([0.0, 100.0], abs=1.0)
    assert found.arrival_s.tolist() == pytest.approx([45.0, 45.0 + 100.0 + 100.0], abs=1.0)


def test_of_a_leg_under_way_only_what_is_driven_is_left(asking):
    found = plain(asking.one(visit(leg=0), visit(leg=0)), legs=legs_driven_to_two_fifths())
    assert found.first_s.tolist() == pytest.approx([0.5 * DRIVEN_S])
    assert found.arrival_s.tolist() == pytest.approx([0.5 * DRIVEN_S, 0.5 * DRIVEN_S + 100.0])  # the stop behind it has its stay ahead


@pytest.mark.parametrize(("elapsed_s", "left_s"), [(0.0, 100.0), (20.0, 80.0), (50.0, DRIVEN_S), (900.0, DRIVEN_S)])
def test_standing_uses_up_what_is_not_driven_of_the_leg(asking, elapsed_s, left_s):
    found = plain(asking.one(visit(leg=0), **HERE, elapsed_s=elapsed_s), legs=legs_driven_to_two_fifths())
    assert found.arrival_s.tolist() == pytest.approx([left_s])


def test_a_stop_with_service_and_no_window_is_served_at_once_however_early(asking):
    found = plain(asking.one(visit(planned_in_s=900.0, service_s=60.0), visit()))
    assert found.arrival_s.tolist() == [45.0, 45.0 + 60.0 + 100.0]


def test_waits_before_waits_add_up(asking):
    stops = [visit(service_s=60.0, opens_in_s=opens_in_s) for opens_in_s in (200.0, 500.0, 501.0)]
    found = plain(asking.one(*stops, visit()))
    assert found.arrival_s.tolist() == [45.0, 360.0, 660.0, 820.0]
    assert found.wait_s.tolist() == [0.0, 155.0, 155.0 + 140.0, 295.0]


def test_journeys_do_not_run_into_each_other(asking):
    first = ({}, [visit(service_s=60.0), visit()])
    second = ({"to_next_m": 900.0, "behind_m": 100.0}, [visit(), visit(), visit()])
    found = plain(asking.columns([first, second, first]))
    assert found.arrival_s.tolist() == [45.0, 205.0, 0.9 * 90.0, 181.0, 281.0, 45.0, 205.0]
    assert (found.by_hop.order.tolist(), found.by_hop.starts) == ([2, 0, 5, 3, 1, 6, 4], [0, 3, 6, 7])


def test_hops_of_nothing_are_nothing(asking):
    _, ahead = asking.one(visit())
    assert (ranks(ahead).order.tolist(), ranks(ahead).steps()) == ([0], [])


def test_a_standing_vehicle_serves_the_rest_and_drives_the_whole_leg(asking):
    found = plain(asking.one(visit(), **HERE, service_s=60.0, elapsed_s=20.0, to_next_m=1000.0, behind_m=0.0))
    assert found.arrival_s.tolist() == [40.0 + 100.0]
    assert found.share_left.tolist() == [1.0]


def test_a_vehicle_that_overstays_is_expected_to_need_a_fifth_of_its_service_still(asking):
    found = plain(asking.one(visit(), **HERE, service_s=60.0, elapsed_s=500.0))
    assert found.arrival_s.tolist() == [12.0 + 100.0]


@pytest.mark.parametrize(("elapsed_s", "left_s"), [(5.0, 95.0), (9.0, 91.0), (80.0, 90.0)])
def test_where_the_stop_is_part_of_the_leg_standing_uses_it_up_to_a_tenth(asking, elapsed_s, left_s):
    found = plain(asking.one(visit(), **HERE, elapsed_s=elapsed_s))
    assert found.arrival_s.tolist() == pytest.approx([left_s])


def test_a_vehicle_waiting_for_a_window_is_served_after_it_opens(asking):
    found = plain(asking.one(visit(), **HERE, service_s=60.0, elapsed_s=300.0, ready_in_s=50.0, opens=True))
    assert found.arrival_s.tolist() == [50.0 + 60.0 + 100.0]


@pytest.mark.parametrize(("opens", "wait_s"), [(True, 40.0), (False, 0.0)])
def test_a_vehicle_standing_without_service_waits_for_an_opening_and_for_nothing_else(asking, opens, wait_s):
    found = plain(asking.one(visit(), **HERE, elapsed_s=10.0, ready_in_s=40.0, opens=opens))
    assert found.arrival_s.tolist() == [wait_s + 90.0]
    assert found.wait_s.tolist() == [wait_s]


def test_an_opening_that_has_passed_is_not_waited_for(asking):
    found = plain(asking.one(visit(), **HERE, service_s=60.0, elapsed_s=20.0, ready_in_s=-30.0, opens=True))
    assert found.arrival_s.tolist() == [140.0]


@pytest.mark.parametrize("standing", [HERE, {}])
def test_a_pause_comes_before_everything(asking, standing):
    journey = {**standing, "service_s": 60.0, "elapsed_s": 20.0}
    without, paused = (plain(asking.one(visit(service_s=10.0), visit(), **journey, paused_s=pause)) for pause in (0.0, 300.0))
    assert paused.arrival_s.tolist() == [300.0 + arrival for arrival in without.arrival_s.tolist()]


def test_the_spread_grows_along_the_journey_as_that_of_independent_legs(asking):
    found = plain(asking.one(visit(), visit(), visit()))
    quarter = np.array([0.5, 1.5, 2.5]) * 25.0**2
    assert found.spread_s.tolist() == pytest.approx(np.sqrt(quarter).tolist())


def test_the_service_at_a_stop_blurs_the_arrivals_behind_it_and_not_its_own(asking):
    found = plain(asking.one(visit(service_s=100.0), visit()))
    assert found.spread_s[0] == pytest.approx(np.sqrt(0.5 * 25.0**2))
    assert found.spread_s[1] > np.sqrt(1.5 * 25.0**2)


def test_a_place_where_early_vehicles_leave_at_once_makes_nobody_wait_less_than_nothing(asking):
    stays = known_place(hold=-0.2)
    found = plain(asking.one(visit(opens_in_s=650.0, place=0), visit()), stays)
    assert found.wait_s.tolist() == pytest.approx([0.0, 0.0], abs=1e-9)


def test_no_arrival_is_promised_sooner_to_a_vehicle_that_stands_where_nobody_waits(asking):
    stays = known_place(hold=-0.2)
    found = plain(asking.one(visit(), **HERE, service_s=60.0, ready_in_s=5_000.0, opens=True), stays)
    assert found.arrival_s[0] >= SOONEST_S


def test_reaching_a_served_stop_early_does_not_bring_up_a_wait_that_was_not_expected_before(asking):
    found = plain(asking.one(visit(), **HERE, service_s=60.0, elapsed_s=0.0, ready_in_s=900.0, opens=False))
    assert found.arrival_s.tolist() == [60.0 + 100.0]


def test_the_wait_at_the_stop_where_the_vehicle_stands_is_told_as_wait(asking):
    found = plain(asking.one(visit(), visit(), **HERE, service_s=60.0, ready_in_s=50.0, opens=True))
    assert found.wait_s.tolist() == [50.0, 50.0]


def test_a_second_call_that_is_due_soon_is_part_of_the_stay(asking):
    found = plain(asking.one(visit(), visit(again=True, planned_in_s=45.0 + LAYOVER_S), visit()))
    assert found.arrival_s.tolist() == [45.0, 45.0 + ONE_STAY_S, 45.0 + ONE_STAY_S + 100.0]


def test_a_layover_ends_when_the_second_call_is_due(asking):
    found = plain(asking.one(visit(), visit(again=True, planned_in_s=2_000.0), visit()))
    assert found.arrival_s.tolist() == [45.0, 2_000.0, 2_100.0]
    waiting = plain(asking.one(visit(again=True, planned_in_s=900.0), visit(), **HERE, elapsed_s=300.0))
    assert waiting.arrival_s.tolist() == [900.0, 1_000.0]


def test_past_runs_say_how_long_is_left_of_the_leg_from_the_fix_on(asking):
    legs, runs = legs_driven_to_two_fifths(), Runs(RunPolicy())
    legs.table.runs[0] = runs.room()
    runs.learn(0, np.array([(0.0, -400.0, 0.0, 70.0)] * 200, dtype=np.float16))
    question = asking.one(visit(leg=0), visit(), east_m=0.0, north_m=-400.0, fix_age_s=10.0)
    found = chain(*question, legs, known_place(), runs)
    assert found.arrival_s.tolist() == pytest.approx([60.0, 160.0], abs=0.5)
    assert found.seen.weight[0] == pytest.approx(200.0)
