"""Service times and waits: by hand for the first ones, by their laws for many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.journeys import StayEnded
from eta_models.stays import StayPolicy, Stays

HERE, ELSEWHERE, NOWHERE = 0, 1, -1
BY_HAND = {"place_prior": 3.0, "memory": 30.0, "hold_worth_s": 60.0, "longest_s": 7_200.0, "length_prior": 5.0}


def stays_of(**policy: float) -> Stays:
    stays = Stays(StayPolicy(**{**BY_HAND, **policy}))
    assert [stays.place("here"), stays.place("elsewhere"), stays.place("here")] == [HERE, ELSEWHERE, HERE]
    return stays


def service(stays: Stays, place: int, planned_s: float) -> float:
    return float(stays.service_s(np.array([place]), np.array([planned_s]))[0])


def hold(stays: Stays, place: int) -> float:
    return float(stays.hold(np.array([place]))[0])


def served(took_s: float, place: int = HERE, planned_s: float = 60.0, early_s: float = 0.0) -> StayEnded:
    return StayEnded(place, took_s, early_s, planned_s)


@pytest.mark.parametrize("place", [HERE, NOWHERE])
def test_before_anything_was_seen_service_takes_what_is_planned_and_an_opening_is_waited_for(place):
    stays = stays_of()
    assert service(stays, place, 90.0) == 90.0
    assert hold(stays, place) == 1.0


@pytest.mark.parametrize("planned_s", [0.0, float("nan")])
def test_a_stop_without_planned_service_has_none_whatever_was_seen_there(planned_s):
    stays = stays_of()
    stays.learn(served(600.0))
    assert service(stays, HERE, planned_s) == 0.0


def test_the_first_stay_moves_fleet_and_place_by_what_it_weighs():
    stays = stays_of()
    stays.learn(served(120.0, planned_s=60.0))
    beyond_s, weight = 60.0 / 6.0, 1.0 / 6.0  # of the fleet; of what was planned as long, between one and two minutes
    assert service(stays, ELSEWHERE, 90.0) == pytest.approx(weight * 180.0 + (1.0 - weight) * (90.0 + beyond_s))
    fleet = weight * 120.0 + (1.0 - weight) * (60.0 + beyond_s)
    assert service(stays, HERE, 60.0) == pytest.approx(0.25 * 120.0 + 0.75 * fleet)
    assert hold(stays, HERE) == 1.0


def test_a_plan_that_is_too_short_for_short_stays_is_believed_for_long_ones():
    stays = stays_of()
    for _ in range(50):
        stays.learn(served(180.0, place=NOWHERE, planned_s=120.0))
    assert 175.0 < service(stays, NOWHERE, 120.0) < 181.0
    assert 1_800.0 < service(stays, NOWHERE, 1_800.0) < 1_861.0


def test_the_first_hold_moves_fleet_and_place_by_what_it_weighs():
    stays = stays_of()
    stays.learn_hold(HERE, 0.2)
    fleet = 1.0 + (0.2 - 1.0) / 6.0
    assert hold(stays, ELSEWHERE) == pytest.approx(fleet)
    assert hold(stays, HERE) == pytest.approx(0.25 * 0.2 + 0.75 * fleet)
    assert service(stays, HERE, 60.0) == 60.0


def test_an_early_stay_teaches_the_wait_and_not_the_service():
    stays = stays_of()
    for _ in range(200):
        stays.learn(served(took_s=60.0 + 300.0, early_s=600.0))  # half of the earliness is waited out
    assert service(stays, HERE, 60.0) == 60.0
    assert hold(stays, HERE) == pytest.approx(0.5, abs=0.05)


def test_a_stay_hardly_early_teaches_the_service():
    stays = stays_of()
    stays.learn(served(took_s=200.0, early_s=59.0))
    assert service(stays, HERE, 60.0) > 60.0
    assert hold(stays, HERE) == 1.0


def test_a_place_often_seen_takes_what_it_took():
    stays, rng = stays_of(), np.random.default_rng(5)
    for took_s in rng.normal(400.0, 40.0, 300).tolist():
        stays.learn(served(took_s))
        stays.learn(served(60.0, place=ELSEWHERE))
    assert service(stays, HERE, 60.0) == pytest.approx(400.0, rel=0.1)
    assert service(stays, ELSEWHERE, 60.0) == pytest.approx(60.0, rel=0.25)


def test_a_breakdown_at_a_stop_is_learned_as_the_longest_stay():
    stays, other = stays_of(), stays_of()
    stays.learn(served(50_000.0))
    other.learn(served(7_200.0))
    assert service(stays, HERE, 60.0) == service(other, HERE, 60.0)


def test_the_least_used_place_makes_room_and_its_row_is_new_again():
    stays = stays_of(capacity=2)
    stays.learn(served(500.0, place=ELSEWHERE))
    assert stays.place("here") == HERE
    new = stays.place("new")
    number = stays.trim(np.array([-1]))
    assert (number[HERE], number[ELSEWHERE]) == (HERE, -1)
    assert stays.table.count == 2
    assert stays.table.seen[number[new]] == 0.0
    assert service(stays, int(number[new]), 60.0) == service(stays, NOWHERE, 60.0)


FACTS = st.builds(
    StayEnded, st.integers(-1, 1), st.floats(0, 1e9), st.one_of(st.floats(-1e5, 1e5), st.floats(60.1, 1e7)), st.floats(1e-3, 1e5)
)


@given(st.lists(FACTS, max_size=12))
def test_service_times_are_finite_and_holds_near_a_share_after_anything(facts):
    stays = stays_of()
    for fact in facts:
        stays.learn(fact)
    for place in (HERE, ELSEWHERE, NOWHERE):
        assert 0.0 <= service(stays, place, 60.0) <= max(7_200.0, 5.0 * 60.0)
        assert -0.2 <= hold(stays, place) <= 1.2


def test_a_place_has_the_same_bits_alone_and_among_others():
    stays, rng = stays_of(), np.random.default_rng(6)
    for took_s in rng.uniform(10, 900, 40).tolist():
        stays.learn(served(took_s, place=int(rng.integers(-1, 2)), early_s=float(rng.choice([0.0, 300.0]))))
    place, planned_s = rng.integers(-1, 2, 50), rng.uniform(0, 600, 50)
    assert stays.service_s(place, planned_s).tolist() == [service(stays, p, s) for p, s in zip(place, planned_s, strict=True)]
    assert stays.hold(place).tolist() == [hold(stays, p) for p in place]


def test_of_a_lead_half_is_lingered_at_first():
    assert Stays(StayPolicy()).linger(np.array([-1])).tolist() == [0.5]


@pytest.mark.parametrize(("share", "learned"), [(0.0, 0.0), (0.7, 0.7), (9.0, 1.2), (-9.0, -0.2)])
def test_what_is_lingered_is_learned_by_place_and_cut_to_what_can_be(share, learned):
    stays = Stays(StayPolicy())
    here, there = stays.place("here"), stays.place("there")
    for _ in range(400):
        stays.learn_linger(here, share)
    assert stays.linger(np.array([here, there])) == pytest.approx([learned, learned], abs=0.02)
    for _ in range(30):
        stays.learn_linger(there, 0.5)
    assert stays.linger(np.array([there]))[0] == pytest.approx(0.5, abs=0.1)
