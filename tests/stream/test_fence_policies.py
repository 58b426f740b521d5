"""Policies of kinds of fences come through the log; there are never more fences than a fleet may have."""

from dataclasses import replace

import msgspec
import pytest

from stream import messages as m
from stream.checkpoint import dump, load
from stream.fence_messages import FencePolicyPut
from stream.fence_policies import MOST_KINDS
from stream.fence_rules import FencePolicies
from stream.settings import FleetSettings


def put(road, second, kind="zone", **fields):
    return second, FencePolicyPut(fleet_id="depot", at=road.at(second), kind=kind, fields=fields)


def words(played):
    return [event["type"].split(".")[1][9:] for event in played.events if ".geofence_" in event["type"]]


def test_a_policy_holds_from_its_place_in_the_log_on_and_goes_back(road, fleet):
    yard, there = road.square("yard", 0, 100, 300), [road.ping(s, 200) for s in (10, 20, 30, 40)]
    at_once = {"enter_fixes": 1, "enter_hold_s": 0.0}
    assert words(fleet().play([yard, *there[:2]])) == []
    assert words(fleet().play([yard, put(road, 5, **at_once), there[0]])) == ["entered"]
    assert words(fleet().play([yard, put(road, 5, kind="gate", **at_once), there[0]])) == []
    assert words(fleet().play([yard, put(road, 5, **at_once), put(road, 6), *there[:2]])) == []
    long = put(road, 15, enter_hold_s=100.0)
    assert words(fleet().play([yard, there[0], long, *there[1:]])) == []


def test_since_when_a_policy_holds_is_known_until_it_goes_back(road, fleet):
    played = fleet().play([put(road, 5, exit_m=5), put(road, 7, kind="gate", dwell_s=60), put(road, 9, kind="gate")])
    assert load(dump(played.state), FleetSettings().model).fence_told_us == {"zone": road.us(5)}


@pytest.mark.parametrize("cuts", [[1], [2, 4], [1, 2, 3, 4, 5, 6]])
def test_policies_come_with_the_checkpoint_and_whatever_the_cut(road, fleet, cuts):
    lines = [road.square("yard", 0, 100, 300), put(road, 1, dwell_s=30.0, exit_fixes=1, exit_hold_s=0.0)]
    lines += [*road.drive(10, 60, 200, 200), *road.drive(70, 90, 400, 500)]
    whole = fleet().play(lines)
    assert words(whole) == ["entered", "dwelled", "exited"]
    assert fleet().play(lines, cuts).bytes() == whole.bytes()
    begun = fleet().play(lines[:4])
    begun.state = load(dump(begun.state), FleetSettings().model)
    assert begun.play(lines[4:]).bytes() == whole.bytes()


@pytest.mark.parametrize(
    "fields",
    [
        {"enter_fixes": 0},
        {"enter_fixes": 1.5},
        {"exit_fixes": 101},
        {"exit_hold_s": -1.0},
        {"dwell_s": True},
        {"passages": 1.0},
        {"hold": 3.0},
        {"changed": 1.0},
        {"exit_m": 1e10},
    ],
)
def test_what_no_policy_has_is_a_dead_letter_and_changes_nothing(road, fleet, fields):
    played = fleet().play([put(road, 0, exit_m=5.0), put(road, 1, **fields)])
    assert played.reasons == ["bad_policy"]
    assert played.state.fence_told == {"zone": {"exit_m": 5.0}}


def test_there_are_never_more_kinds_than_anybody_needs(road, fleet):
    played = fleet().play([put(road, 0, f"k{i}", exit_m=1.0) for i in range(MOST_KINDS + 2)])
    assert played.reasons == ["too_large"] * 2
    assert len(played.state.fence_told) == MOST_KINDS
    assert put_again(road, fleet, played) == "too_large"


def put_again(road, fleet, played):
    """A known kind may still be changed, and one given back makes room. The last reason before it does."""
    reasons = list(played.reasons)
    played.play([put(road, 1, "k1", exit_m=2.0), put(road, 2, "k2"), put(road, 3, "new", exit_m=1.0)])
    assert played.reasons == reasons
    assert played.state.fence_told["k1"] == {"exit_m": 2.0}
    return reasons[-1]


def test_fences_beyond_the_most_are_refused_by_name_and_those_there_stay(road, fleet):
    settings = replace(FleetSettings(), fences=FencePolicies(most_fences=2))
    squares = [road.square(f"f{i}", i, 100 * i, 100 * i + 50) for i in range(3)]
    played = fleet(settings).play([*squares, road.square("f1", 4, 0, 60)])
    assert (played.reasons, sorted(played.state.fences)) == (["fences_full"], ["f0", "f1"])
    removed = road.say(m.FenceRemoved, 5, fence_id="f0")
    assert sorted(played.play([removed, squares[2]]).state.fences) == ["f1", "f2"]


def test_corners_beyond_the_most_are_refused_however_they_are_drawn(road, fleet):
    settings = replace(FleetSettings(), fences=FencePolicies(most_corners=40))
    square = road.square("f0", 0, 0, 60)
    circle = 1, msgspec.structs.replace(square[1], fence_id="c", geometry={"type": "Point", "coordinates": [-78.9, 42.9]}, radius_m=20.0)
    played = fleet(settings).play([circle, square, road.square("f1", 2, 100, 160)])
    assert played.reasons == ["fences_full"]
    assert played.state.fence_corners == sum(fence.corners for fence in played.state.fences.values()) == 38
    played.play([road.say(m.FenceRemoved, 5, fence_id="c"), road.square("f1", 6, 100, 160)])
    assert played.state.fence_corners == 10
    assert load(dump(played.state), settings.model).fence_corners == 10
