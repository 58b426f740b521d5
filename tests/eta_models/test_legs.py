"""Travel times of legs: by hand for the first traversals, by their laws for many."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.journeys import LegTaken
from eta_models.legs import LegPolicy, Legs

NAN = float("nan")
BY_HAND = {"detour": 1.3, "first_speed_mps": 6.0, "start_s": 30.0, "memory": 30.0, "leg_prior": 2.0, "area_prior": 5.0, "length_prior": 5.0}
FACTS = st.builds(
    LegTaken,
    leg=st.integers(-1, 3),
    area=st.integers(-1, 1),
    hour=st.floats(0, 24, exclude_max=True),
    took_s=st.one_of(st.floats(0, 1e4), st.floats(0, 1e9)),
    drive_s=st.one_of(st.floats(0, 1e4), st.floats(0, 1e9)),
    leg_m=st.one_of(st.floats(0, 2e7), st.just(NAN)),
    leg_planned_s=st.one_of(st.floats(-100, 1e6), st.just(NAN), st.just(1e-6)),
    place=st.just(-1),
    early_s=st.just(0.0),
    deviation_before_s=st.just(NAN),
    deviation_s=st.just(NAN),
)


def taken(
    took_s: float,
    leg: int = -1,
    area: int = -1,
    hour: float = 8.5,
    leg_m: float = 600.0,
    planned_s: float = NAN,
    drive_s: float | None = None,
) -> LegTaken:
    """A leg that was driven all the time, if nothing else is said."""
    return LegTaken(leg, area, hour, took_s, took_s if drive_s is None else drive_s, leg_m, planned_s, -1, 0.0, NAN, NAN)


def legs_of(count: int = 2, areas: int = 2, **policy: float) -> Legs:
    legs = Legs(LegPolicy(**{**BY_HAND, **policy}))
    assert [legs.leg("a", f"b{number}") for number in range(count)] == list(range(count))
    assert [legs.area(7000 + number) for number in range(areas)] == list(range(areas))
    return legs


def expected(legs: Legs, **fact: float) -> float:
    return legs.one_s(taken(1.0, **fact))


def test_a_leg_never_seen_takes_what_is_planned_else_what_the_distance_says():
    legs = legs_of()
    assert expected(legs, leg=0, planned_s=200.0) == 200.0
    assert expected(legs, leg=0, leg_m=600.0) == pytest.approx(30.0 + 600.0 * 1.3 / 6.0)
    assert expected(legs, leg=0, leg_m=0.0) == 30.0


@pytest.mark.parametrize("planned_s", [NAN, 0.0, -60.0])
def test_a_leg_of_which_nothing_is_known_takes_a_minute(planned_s):
    assert expected(legs_of(), leg_m=NAN, planned_s=planned_s) == 60.0


def test_the_first_traversal_moves_fleet_and_leg_by_what_it_weighs():
    legs = legs_of()
    legs.learn(taken(320.0, leg=0))  # twice the 160 s of distance
    fleet = 160.0 * math.exp(math.log(2.0) / (1.0 + 5.0))
    assert expected(legs, leg=1) == pytest.approx(fleet)
    assert expected(legs, leg=0) == pytest.approx(320.0 / 3.0 + fleet * 2.0 / 3.0)


def test_a_plan_that_is_too_long_for_short_ways_is_believed_for_long_ones():
    legs = legs_of()
    for _ in range(100):
        legs.learn(taken(45.0, planned_s=90.0)._replace(served=True))
        legs.learn(taken(1_800.0, planned_s=1_800.0)._replace(served=True))
    assert 44.0 < expected(legs, planned_s=90.0) < 50.0
    assert 1_700.0 < expected(legs, planned_s=1_800.0) < 1_850.0


def test_legs_from_stops_without_service_teach_nothing_by_their_length():
    legs = legs_of()
    for _ in range(100):
        legs.learn(taken(45.0, planned_s=90.0))
    assert not legs.lengths.any()


def test_nine_tenths_of_a_leg_never_seen_are_driven():
    assert legs_of().drive_share(np.array([0, -1])).tolist() == [0.9, 0.9]


def test_the_first_traversal_moves_the_drive_share_of_fleet_and_leg_by_what_it_weighs():
    legs = legs_of()
    legs.learn(taken(100.0, leg=0, drive_s=40.0))
    fleet = 0.9 + (0.4 - 0.9) / 6.0
    assert legs.drive_share(np.array([0, 1, -1])).tolist() == pytest.approx([0.4 / 3.0 + fleet * 2.0 / 3.0, fleet, fleet])


def test_legs_with_and_without_a_planned_time_teach_each_other_nothing():
    legs = legs_of()
    legs.learn(taken(800.0, planned_s=100.0))
    assert expected(legs, leg_m=600.0) == pytest.approx(160.0)
    assert expected(legs, planned_s=100.0) > 110.0
    before = expected(legs, planned_s=100.0)
    legs.learn(taken(10.0))
    assert expected(legs, planned_s=100.0) == before
    assert expected(legs) < 160.0


def test_an_area_at_an_hour_is_slow_and_others_are_not():
    legs = legs_of()
    for _ in range(30):
        legs.learn(taken(100.0, planned_s=100.0, area=1, hour=17.2))
        legs.learn(taken(200.0, planned_s=100.0, area=0, hour=8.9))
    slow, other_hour, other_area, nowhere = (
        expected(legs, area=area, hour=hour, planned_s=100.0) for area, hour in ((0, 8.1), (0, 9.0), (1, 8.9), (-1, 8.9))
    )
    assert other_hour == other_area == nowhere
    assert slow > 1.3 * other_hour


def test_a_leg_often_seen_takes_what_it_took_whatever_was_planned():
    legs, rng = legs_of(), np.random.default_rng(3)
    for took_s in rng.normal(300.0, 30.0, 300).tolist():
        legs.learn(taken(took_s, leg=0, planned_s=120.0))
    assert expected(legs, leg=0, planned_s=120.0) == pytest.approx(300.0, rel=0.06)


def test_a_leg_follows_when_its_time_changes():
    legs = legs_of()
    for took_s in [100.0] * 300 + [200.0] * 100:
        legs.learn(taken(took_s, leg=0, planned_s=100.0))
    assert expected(legs, leg=0, planned_s=100.0) > 190.0


def test_a_breakdown_counts_as_five_times_the_usual_time():
    legs, other = legs_of(), legs_of()
    for took_s in [100.0] * 10:
        legs.learn(taken(took_s, leg=0, planned_s=100.0))
        other.learn(taken(took_s, leg=0, planned_s=100.0))
    legs.learn(taken(36_000.0, leg=0, planned_s=100.0))
    other.learn(taken(5.0 * 100.0, leg=0, planned_s=100.0))
    assert legs.table.mean_s[0] == pytest.approx(other.table.mean_s[0], rel=0.01)


def test_the_spread_of_a_leg_is_a_quarter_of_its_time_until_it_has_shown_its_own():
    legs, rng = legs_of(), np.random.default_rng(4)
    two = np.array([0, -1])
    assert legs.spread_s(two, np.array([200.0, 80.0])).tolist() == [50.0, 20.0]
    for took_s in rng.normal(400.0, 20.0, 200).tolist():
        legs.learn(taken(took_s, leg=0, planned_s=400.0))
    spread = legs.spread_s(two, np.array([400.0, 400.0]))
    assert 18.0 < spread[0] < 45.0
    assert spread[1] == 100.0


def test_the_least_used_leg_makes_room_and_its_row_is_new_again():
    legs = legs_of(count=2, capacity=2)
    for leg in (0, 1):
        legs.learn(taken(900.0, leg=leg, planned_s=100.0))
    legs.leg("a", "b0")
    assert legs.leg("a", "new") == 2
    assert legs.trim(np.array([-1])).tolist() == [0, -1, 1, -1]
    assert legs.table.count == 2
    assert legs.table.seen[:2].tolist() == [1.0, 0.0]
    assert expected(legs, leg=1, planned_s=100.0) == expected(legs, leg=-1, planned_s=100.0)


def test_areas_beyond_the_most_share_the_last_one():
    legs = Legs(LegPolicy())
    legs.areas, legs.area_hours = {cell: cell for cell in range(4_095)}, np.zeros((4_095, 24, 2))
    assert legs.area(900_001) == 4_095
    assert legs.area(900_002) == 4_095
    assert legs.area(17) == 17
    assert len(legs.areas) == len(legs.area_hours) == 4_096


@given(st.lists(FACTS, max_size=12))
def test_expected_times_are_positive_and_finite_after_anything(facts):
    legs = legs_of(count=4)
    for fact in facts:
        legs.learn(fact)
    for fact in facts:
        found = legs.one_s(fact)
        assert 0.0 < found < math.inf
        assert 0.0 <= legs.spread_s(np.array([fact.leg]), np.array([found]))[0] < math.inf
        assert 0.0 <= legs.drive_share(np.array([fact.leg]))[0] <= 1.0 + 1e-6  # kept in 32 bits
    assert np.isfinite(legs.table.mean_s[:4]).all()
    assert np.isfinite(legs.area_hours).all()


@given(st.lists(FACTS, max_size=8), st.lists(FACTS, min_size=1, max_size=8))
def test_a_leg_has_the_same_bits_alone_and_among_others(learned, asked):
    legs = legs_of(count=4)
    for fact in learned:
        legs.learn(fact)
    leg, area, hour, leg_m, planned_s = (
        np.array([getattr(fact, name) for fact in asked]) for name in ("leg", "area", "hour", "leg_m", "leg_planned_s")
    )
    together = legs.expected_s(leg, area, hour.astype(np.int64), leg_m, planned_s)
    assert together.tolist() == [legs.one_s(fact) for fact in asked]
    assert legs.drive_share(leg).tolist() == [legs.drive_share(np.array([fact.leg]))[0] for fact in asked]
