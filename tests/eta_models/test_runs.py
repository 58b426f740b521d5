"""Past runs of a leg say how long is left from a place; made by hand."""

import numpy as np
import pytest

from eta_models.runs import SAMPLES, RunPolicy, Runs

POLICY = RunPolicy(near_m=40.0, near_share=0.0, still_s=30.0, still_share=0.5, plain_weight=0.5, capacity=3)


def runs_with(*samples: tuple[float, float, float, float]) -> Runs:
    runs = Runs(POLICY)
    runs.learn(runs.room(), np.array(samples, dtype=np.float16).reshape(-1, 4))
    return runs


def left(runs: Runs, east_m=0.0, north_m=500.0, still_s=0.0, plain_s=400.0, row=0, slowed=1.0):
    seen = runs.left_s(*(np.array([value]) for value in (row, east_m, north_m, still_s, 1_000.0, plain_s, slowed)))
    return float(seen.left_s[0]), float(seen.spread_s[0]), float(seen.weight[0])


def test_where_nobody_was_before_the_plain_estimate_stands():
    assert left(runs_with((0.0, 500.0, 0.0, 100.0)), north_m=-9_000.0) == (400.0, 0.0, 0.0)
    assert left(runs_with(), north_m=500.0) == (400.0, 0.0, 0.0)


@pytest.mark.parametrize("unknown", [{"row": -1}, {"east_m": float("nan")}])
def test_a_leg_without_runs_or_a_vehicle_without_a_place_has_the_plain_estimate(unknown):
    assert left(runs_with((0.0, 500.0, 0.0, 100.0)), **unknown) == (400.0, 0.0, 0.0)


def test_traffic_that_was_told_of_makes_what_runs_took_longer():
    runs = runs_with((0.0, 500.0, 0.0, 100.0))
    assert left(runs, plain_s=800.0, slowed=2.0)[0] == pytest.approx(2.0 * left(runs)[0])


def test_one_run_at_the_very_place_weighs_twice_the_plain_estimate():
    left_s, spread_s, weight = left(runs_with((0.0, 500.0, 0.0, 100.0)))
    assert (weight, spread_s) == (1.0, 0.0)
    assert left_s == pytest.approx((100.0 + 0.5 * 400.0) / 1.5)


def test_a_run_two_widths_away_counts_by_the_bell_curve():
    assert left(runs_with((80.0, 500.0, 0.0, 100.0)))[2] == pytest.approx(np.exp(-2.0))
    assert left(runs_with((0.0, 500.0, 60.0, 100.0)))[2] == pytest.approx(np.exp(-2.0))


def test_who_stands_asks_those_who_stood_as_long():
    runs = runs_with(*[(0.0, 500.0, 0.0, 60.0)] * 20, *[(0.0, 500.0, 300.0, 20.0)] * 20)
    assert left(runs, plain_s=40.0)[0] == pytest.approx(60.0, rel=0.05)
    assert 20.0 < left(runs, plain_s=40.0, still_s=300.0)[0] < 30.0


def test_runs_that_differ_are_spread():
    assert left(runs_with((0.0, 500.0, 0.0, 100.0), (0.0, 500.0, 0.0, 200.0)))[1] == pytest.approx(50.0)


def test_the_oldest_places_make_room():
    runs = runs_with(*[(0.0, 500.0, 0.0, 100.0)] * SAMPLES)
    runs.learn(0, np.array([(0.0, 500.0, 0.0, 300.0)] * SAMPLES, dtype=np.float16))
    assert left(runs)[0] == pytest.approx(300.0, rel=0.01)
    assert runs.table.put[0] == 2 * SAMPLES


def test_rooms_are_as_many_as_the_capacity_and_are_given_back():
    runs = Runs(POLICY)
    assert [runs.room() for _ in range(5)] == [0, 1, 2, -1, -1]
    runs.learn(1, np.array([(0.0, 500.0, 0.0, 100.0)], dtype=np.float16))
    runs.trim(np.array([2, -1, 0]))
    assert runs.free == [1]
    assert runs.room() == 1
    assert left(runs, row=1) == (400.0, 0.0, 0.0)
    assert runs.room() == -1
