"""How lateness travels along a plan: followed by hand, and learned from made runs with a known rule."""

import numpy as np
import pytest

from eta_models.chain import ONE_STAY_S, Chain, chain
from eta_models.deviation import Deviation, DeviationPolicy
from eta_models.legs import LegPolicy, Legs
from eta_models.runs import RunPolicy, Runs
from eta_models.stays import StayPolicy, Stays

NAN = float("nan")
POLICY = DeviationPolicy(first=(0.0, 0.8, 0.3), first_weight=1e2, most_min=15.0, fleet_weight=4.0, huber_min=2.0)


def legs_of(count: int) -> Legs:
    legs = Legs(LegPolicy())
    for number in range(count):
        legs.leg("a", f"b{number}")
    return legs


def plain_with(journeys, ahead, first_s: float, legs: Legs) -> Chain:
    """The plain chain of a journey, its first stop moved to `first_s`."""
    made = chain(journeys, ahead, legs, Stays(StayPolicy()), Runs(RunPolicy()))
    made.first_s[:] = first_s
    return made


def followed(asking, visits, first_s: float = 500.0, deviation: Deviation | None = None, legs: Legs | None = None, lead_s=0.0, **journey):
    """Arrivals from where the vehicle is, and from the deviation at the last stop."""
    legs = legs or legs_of(1)
    journeys, ahead = asking.one(*visits, **journey)
    plain = plain_with(journeys, ahead, first_s, legs)
    both = (deviation or Deviation(POLICY)).follow(journeys, ahead, plain, np.array([lead_s]), legs.table)
    return [arrival.tolist() for arrival in both]


def planned(*times_s: float, leg: int = -1) -> list[dict[str, object]]:
    return [{"planned_in_s": time_s, "leg": leg} for time_s in times_s]


def test_a_late_vehicle_keeps_four_fifths_of_its_delay_at_each_stop(asking):
    from_here, from_last = followed(asking, planned(200.0, 800.0, 1_400.0), deviation_s=300.0)
    assert from_here == pytest.approx([500.0, 800.0 + 0.8 * 300.0, 1_400.0 + 0.8 * 0.8 * 300.0])
    assert from_last == pytest.approx([200.0 + 0.8 * 300.0, 800.0 + 0.8**2 * 300.0, 1_400.0 + 0.8**3 * 300.0])


def test_an_early_vehicle_keeps_three_tenths_of_its_lead(asking):
    from_here, from_last = followed(asking, planned(700.0, 1_000.0), first_s=600.0, deviation_s=-120.0)
    assert from_here == pytest.approx([600.0, 1_000.0 - 0.3 * 100.0])
    assert from_last == pytest.approx([700.0 - 0.3 * 120.0, 1_000.0 - 0.09 * 120.0])


def test_what_will_be_lingered_is_spent_before_the_next_stop(asking):
    from_here, _ = followed(asking, planned(700.0, 1_000.0), first_s=600.0, lead_s=60.0)
    assert from_here == pytest.approx([660.0, 1_000.0 - 0.3 * 40.0])


def test_a_second_call_at_a_place_follows_the_rule_of_layovers(asking):
    from_here, from_last = followed(asking, [*planned(500.0), {"planned_in_s": 1_500.0, "again": True}], deviation_s=0.0)
    assert from_here[1] == from_last[1] == 1_500.0
    from_here, _ = followed(asking, [*planned(500.0), {"planned_in_s": 1_000.0, "again": True}], deviation_s=0.0)
    assert from_here[1] == 500.0 + ONE_STAY_S


def test_a_vehicle_whose_deviation_is_unknown_counts_as_on_time(asking):
    visits = planned(900.0, 1_200.0)
    assert followed(asking, visits) == followed(asking, visits, deviation_s=0.0)


def test_without_any_plan_there_is_no_answer(asking):
    assert np.isnan(followed(asking, planned(NAN, NAN), deviation_s=60.0)).all()


def test_behind_a_stop_without_planned_time_there_is_no_answer(asking):
    for first, *behind in followed(asking, planned(100.0, NAN, 700.0), deviation_s=60.0):
        assert first == first
        assert np.isnan(behind).all()


def test_stops_come_at_least_ten_seconds_apart_however_far_the_plan_has_passed(asking):
    for first, second, third in followed(asking, planned(-5_000.0, -4_990.0, -4_985.0), first_s=3.0, deviation_s=0.0):
        assert first >= 3.0
        assert second - first >= 10.0
        assert third - second >= 10.0


def test_beyond_a_quarter_of_an_hour_a_delay_is_kept(asking):
    visits = planned(1_000.0, 1_400.0)
    quarter, more = (followed(asking, visits, deviation_s=deviation_s)[1] for deviation_s in (900.0, 2_400.0))
    assert more[0] == pytest.approx(quarter[0] + 1_500.0)
    assert more[0] == pytest.approx(1_000.0 + 0.8 * 900.0 + 1_500.0)


def test_who_is_very_late_and_stays_so_teaches_that_nothing_is_made_up():
    deviation, legs = Deviation(POLICY), legs_of(1)
    for _ in range(500):
        deviation.learn(legs.table, 0, 3_600.0, 3_600.0)
    deviation.export(legs)
    base, up, _ = legs.table.transfer[0].tolist()
    assert base + 15.0 * up == pytest.approx(15.0, abs=0.3)


def test_a_learned_transfer_counts_from_the_export_on_for_its_leg_and_the_fleet(asking):
    legs, deviation, rng = legs_of(3), Deviation(POLICY), np.random.default_rng(8)
    before = [followed(asking, planned(600.0, leg=leg), deviation=deviation, legs=legs, deviation_s=300.0) for leg in (0, 2)]
    for late_min in rng.uniform(-8, 8, 400).tolist():
        after_min = 1.0 + 0.5 * max(late_min, 0.0) + 0.1 * min(late_min, 0.0)
        deviation.learn(legs.table, 0, 60.0 * late_min, 60.0 * after_min)
    unexported = [followed(asking, planned(600.0, leg=leg), deviation=deviation, legs=legs, deviation_s=300.0) for leg in (0, 2)]
    assert unexported == before
    deviation.export(legs)
    assert legs.table.transfer[0] == pytest.approx([1.0, 0.5, 0.1], abs=0.06)
    assert deviation.fleet == pytest.approx([1.0, 0.5, 0.1], abs=0.3)
    _, (known,) = followed(asking, planned(600.0, leg=0), deviation=deviation, legs=legs, deviation_s=300.0)
    assert known == pytest.approx(600.0 + 60.0 * 3.5, abs=12.0)
    assert legs.table.transferred.tolist()[:3] == [1, 0, 0]


def test_a_leg_seen_once_leans_on_the_fleet():
    legs, deviation = legs_of(2), Deviation(POLICY)
    for late_min in np.linspace(-8, 8, 300).tolist():
        deviation.learn(legs.table, 0, 60.0 * late_min, 30.0 * late_min)
    deviation.learn(legs.table, 1, 300.0, 300.0)
    deviation.export(legs)
    assert 0.4 < legs.table.transfer[1][1] < 0.75
    assert legs.table.transfer[0][1] == pytest.approx(0.5, abs=0.05)


def test_a_breakdown_hardly_moves_what_a_leg_has_shown():
    legs, deviation = legs_of(1), Deviation(POLICY)
    for late_min in np.linspace(-8, 8, 300).tolist():
        deviation.learn(legs.table, 0, 60.0 * late_min, 30.0 * late_min)
    deviation.export(legs)
    usual = legs.table.transfer[0].copy()
    deviation.learn(legs.table, 0, 60.0, 1e9)
    deviation.export(legs)
    moved = float(legs.table.transfer[0] @ [1.0, 1.0, 0.0] - usual @ [1.0, 1.0, 0.0])
    assert 0.0 < moved < 0.6  # minutes at a minute of lateness; unweighted, 20 minutes among 50 would move it by 1.5 and more


def test_transfers_are_finite_after_the_same_deviation_a_thousand_times():
    legs, deviation = legs_of(1), Deviation(POLICY)
    for _ in range(10_000):
        deviation.learn(legs.table, 0, 0.0, 0.0)
    deviation.export(legs)
    assert np.isfinite(deviation.fleet).all()
    assert np.isfinite(legs.table.transfer[0]).all()
    assert np.abs(deviation.fleet).max() < 2.0
