"""Errors of lately, by what they are kept by: decayed, shared by nothing else, and only from the export on."""

import numpy as np
import pytest

from eta_models.trackers import NAMES, SLOTS, TrackerPolicy, Trackers

POLICY = TrackerPolicy(fade_s=(1e9, 7_200.0, 3_600.0, 1_800.0, 3_600.0), prior=(10.0, 10.0, 10.0, 50.0, 10.0), most=2.0)
STOP, VEHICLE = NAMES.index("off_stop"), NAMES.index("off_vehicle")


def told(errors: list[float], now_s: float = 1e9) -> Trackers:
    """Errors of one question each, all kept at slot 7."""
    trackers = Trackers(POLICY)
    trackers.learn(np.full((len(errors), len(NAMES)), 7), np.array(errors), now_s)
    trackers.export()
    return trackers


def off(trackers: Trackers, slot: int = 7, now_s: float = 1e9) -> list[float]:
    return trackers.off(np.full((1, len(NAMES)), slot), np.array([now_s]))[:, 0].tolist()


def test_a_few_errors_are_half_believed():
    assert off(told([1.0] * 10))[STOP] == pytest.approx(0.5)
    assert off(told([1.0] * 10))[NAMES.index("off_hour")] == pytest.approx(10.0 / 60.0)


def test_errors_are_kept_by_what_they_belong_to():
    assert off(told([1.0] * 10), slot=8) == [0.0] * len(NAMES)


def test_errors_fade():
    trackers = told([1.0] * 10)
    later = off(trackers, now_s=1e9 + 7_200.0)
    kept = 10.0 * np.exp(-1.0)
    assert later[VEHICLE] == pytest.approx(kept / (kept + 10.0))
    assert later[STOP] == pytest.approx(0.5, abs=1e-4)


def test_a_breakdown_counts_as_two_scales():
    assert off(told([1e9] * 10)) == off(told([2.0] * 10))
    assert off(told([-1e9] * 10)) == off(told([-2.0] * 10))


def test_what_is_learned_counts_from_the_export_on():
    trackers = Trackers(POLICY)
    trackers.learn(np.full((1, len(NAMES)), 7), np.array([1.0]), 1e9)
    assert off(trackers) == [0.0] * len(NAMES)
    trackers.export()
    assert min(off(trackers)) > 0.0


def test_what_has_faded_takes_no_room():
    trackers = told([1.0] * 3)
    trackers.learn(np.full((1, len(NAMES)), 9), np.array([1.0]), 1e9 + 86_400.0)
    trackers.export()
    assert trackers.count[:, 7].tolist() == [pytest.approx(3.0), 0.0, 0.0, 0.0, 0.0]
    assert (trackers.count[:, 9] == 1.0).all()


def test_clocks_that_go_back_leave_errors_as_they_were():
    assert off(told([1.0] * 10), now_s=0.0)[STOP] == pytest.approx(0.5)


def test_the_next_stop_and_later_ones_are_told_apart(asking):
    journeys, ahead = asking.one({"place": 3, "leg": 5}, {"place": 3, "leg": 5}, vehicle=SLOTS, route=7)
    first, second = Trackers(POLICY).slots(journeys, ahead).tolist()
    assert first == [6, 0, 14, 24, 10]
    assert second == [7, 1, 15, 25, 11]


def test_nobody_s_slots_are_within_the_table(asking):
    journeys, ahead = asking.one({"place": -1, "leg": -1}, vehicle=10**9, route=10**12)
    slots = Trackers(POLICY).slots(journeys, ahead)
    assert slots.min() >= 0
    assert slots.max() < SLOTS
