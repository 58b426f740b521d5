"""Policies of kinds are changed through the log; the table never overflows; corridors forget what is too much."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from geofences.cells import disk
from stream import corridors as of_legs
from stream import messages as m
from stream.corridors import Corridors, Run
from stream.exception_messages import PolicyPut
from stream.exceptions import tidy
from stream.exceptions.pod_mismatch import PodMismatchPolicy, is_mismatch

SPEC = importlib.util.spec_from_file_location("golden_days", Path(__file__).with_name("golden.py"))
GOLDEN = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GOLDEN)


def put(road, second, kind, **fields):
    return second, PolicyPut(fleet_id="depot", at=road.at(second), kind=kind, fields=fields)


def played(fleet, lines):
    return fleet().play(sorted(lines, key=lambda line: line[0]))


def opened(day, kind):
    return day.told("exception_opened", exception_kind=kind)


@pytest.mark.parametrize("kind", [kind for kind in GOLDEN.GOLDEN if kind not in {"eta_quality", "off_route"}])
def test_a_kind_that_is_turned_off_says_nothing(road, fleet, kind):
    assert opened(played(fleet, [put(road, 0, kind, on=False), *GOLDEN.GOLDEN[kind](road)]), kind) == []


def test_turning_a_kind_off_resolves_what_is_open_and_on_again_opens_it_anew(road, fleet):
    lines = [*GOLDEN.stalled(road), put(road, 800, "stalled", on=False), put(road, 840, "stalled", reopen_after_s=0.0)]
    told = [(e["type"].split(".")[1][10:], e["data"].get("reason")) for e in played(fleet, lines).events if "exception" in e["type"]]
    assert told[:3] == [("opened", None), ("resolved", "turned_off"), ("opened", None)]


def test_late_risk_too_is_resolved_when_it_is_turned_off(road, fleet):
    day = played(fleet, [*GOLDEN.late_risk(road), put(road, 100, "late_risk", on=False)])
    assert [event["data"]["reason"] for event in day.told("exception_resolved")] == ["turned_off"]
    assert len(opened(day, "late_risk")) == 1


def test_another_limit_counts_from_then_on(road, fleet):
    day = played(fleet, [put(road, 0, "signal_lost", limit_s=120.0), *GOLDEN.signal_lost(road)])
    assert 120 <= opened(day, "signal_lost")[0]["data"]["silent_s"] <= 180


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("stalled", {"limit": 1.0}),
        ("nonsense", {}),
        ("stalled", {"on": 1.0}),
        ("stalled", {"limit_s": True}),
        ("stalled", {"limit_s": -1.0}),
    ],
)
def test_a_policy_that_cannot_be_is_refused(road, fleet, kind, fields):
    assert played(fleet, [put(road, 0, kind, **fields)]).reasons == ["bad_policy"]


def test_the_table_forgets_the_oldest_closed_first_and_then_expires_the_oldest_open(road, fleet, monkeypatch):
    monkeypatch.setattr(tidy, "MOST", 2)
    stops = road.stops(range(1, 7), window_end=road.at(60))
    lines = road.log(road.plan(stops), road.go(), road.drive(0, 1_300, 0, 1_500, step=20))
    day = fleet().play(lines)
    assert len(day.state.exceptions.known) == 2
    assert {event["data"]["reason"] for event in day.told("exception_expired")} == {"too_many"}
    ids = [event["id"] for event in day.events]
    assert len(ids) == len(set(ids))


def test_what_an_exception_is_about_may_be_forgotten_and_it_expires(road, fleet):
    failed = GOLDEN.stop_failed(road)
    ended = [road.say(m.RouteEnded, 300), road.say(m.Tick, 300), *(road.say(m.Tick, 300 + 600 * i) for i in range(1, 9))]
    day = fleet().play([*failed, *ended])
    assert [event["data"]["reason"] for event in day.told("exception_expired")] == ["subject_gone"]


def test_a_completion_near_the_stop_or_with_an_old_fix_is_not_doubted():
    said = {"proof_distance_m": None, "vehicle_distance_m": 300, "radius_m": 60, "been_there": False, "dwell_s": None, "fix_age_s": 10}
    policy = PodMismatchPolicy()
    assert is_mismatch(policy, said) == "not_been_there"
    assert is_mismatch(policy, {**said, "vehicle_distance_m": 259}) is None
    assert is_mismatch(policy, {**said, "fix_age_s": 121}) is None
    assert is_mismatch(policy, {**said, "been_there": True}) is None
    assert is_mismatch(policy, {**said, "been_there": True, "proof_distance_m": 261}) == "proof_far_from_stop"


def test_a_corridor_speaks_after_four_runs_and_forgets_the_legs_that_are_driven_least(monkeypatch):
    monkeypatch.setattr(of_legs, "MOST_LEGS", 8)
    cell, corridors = 0x8A2AA6C968B7FFF, Corridors()
    far = set(disk(cell, 3)) - set(disk(cell, 2))
    for run in range(4):
        assert all(corridors.covers(1, other) for other in far)
        corridors.runs.append(Run(run, 1, [cell]))
        corridors.learn()
    assert all(corridors.covers(1, near) for near in disk(cell, 2))
    assert not any(corridors.covers(1, other) for other in far)
    corridors.runs += [Run(leg, leg, [cell]) for leg in range(2, 12)]
    corridors.learn()
    assert sorted(corridors.legs) == [1, 2, 3, 4, 5, 6, 7]
    corridors.renumber(np.array([-1, 0, 1, 2, -1, -1, -1, -1, -1]))
    assert sorted(corridors.legs) == [0, 1, 2]


def test_the_order_in_which_runs_were_noted_does_not_matter():
    runs = [Run(position, position % 3, [0x8A2AA6C968B7FFF, 0x8A2AA6C96817FFF]) for position in range(9)]
    one, other = Corridors(runs=list(runs)), Corridors(runs=runs[::-1])
    one.learn()
    other.learn()
    assert one.legs == other.legs
