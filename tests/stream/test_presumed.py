"""A vehicle that stands for very long where it should move is presumed down, until it moves or somebody says what it is."""

import pytest

from stream import messages as m
from stream.exception_messages import PolicyPut


def phases(played, kind="vehicle_down"):
    told = [event for event in played.events if event["data"].get("exception_kind") == kind]
    return [event["type"].split(".")[1].removeprefix("exception_") for event in told]


def stands(road, until=3_400, **more):
    """A van that sets out well and then stands in the middle of its second leg, its phone going on."""
    stops = road.stops(service_s=30.0, window_end=road.at(2_400), customer_ref="acme")
    return [road.plan(stops, **more), road.go(), *road.drive(0, 250, 0, 1_500), *road.drive(260, until, 1_500, 1_500)]


@pytest.fixture
def stood(road, fleet):
    return fleet().play(road.log(stands(road), road.drive(3_410, 3_600, 1_510, 2_500)))


def test_it_is_one_exception_with_all_of_its_visits_and_says_that_it_is_presumed(stood):
    (opened,) = stood.told("exception_opened", exception_kind="vehicle_down")
    data = opened["data"]
    assert (data["presumed"], data["cause"], data["still_since"]) == (True, "stands_still", "2026-03-02T09:04:10Z")
    assert (3_600 * 9 + 4 * 60 + 10 - 32_400) * 0 + int(data["detected_at"][14:16]) * 60 + int(data["detected_at"][17:19]) - 250 >= 2_700
    assert (data["harmed_visits"], len(data["harm"])) == (4, 4)
    assert len(data["evidence"]["pings"]) == 2


def test_what_it_explains_is_superseded_and_stays_closed(stood):
    children = stood.told("exception_superseded", reason="vehicle_down")
    assert {event["data"]["exception_kind"] for event in children} >= {"stalled", "late_risk"}
    opened_at = stood.told("exception_opened", exception_kind="vehicle_down")[0]["data"]["detected_at"]
    resolved_at = stood.told("exception_resolved", exception_kind="vehicle_down")[0]["data"]["detected_at"]
    between = [e for e in stood.told("exception_opened") if opened_at < e["data"]["detected_at"] < resolved_at]
    assert between == []


def test_it_resolves_when_the_vehicle_moves(stood):
    assert phases(stood) == ["opened", "resolved"]
    assert stood.vehicle()["down"] == 0


def test_less_than_the_limit_is_no_breakdown(road, fleet):
    played = fleet().play(road.log(stands(road, 2_900), road.drive(2_910, 3_200, 1_510, 2_500)))
    assert (phases(played), phases(played, "stalled")) == ([], ["opened", "updated", "updated", "resolved"])


def test_a_vehicle_that_stood_and_then_fell_silent_is_presumed_down_too(road, fleet):
    others = [road.plan(road.stops((50,), "b"), route_id="r2", vehicle_id="v2"), road.go(route_id="r2", vehicle_id="v2")]
    played = fleet().play(road.log(stands(road, 900), others, road.drive(0, 3_600, 0, 9_000, "v2")))
    assert phases(played) == ["opened"]
    assert "superseded" in phases(played, "signal_lost")


def test_a_phone_that_dies_on_the_way_is_no_breakdown(road, fleet):
    others = [road.plan(road.stops((50,), "b"), route_id="r2", vehicle_id="v2"), road.go(route_id="r2", vehicle_id="v2")]
    moving = [road.plan(road.stops(service_s=30.0)), road.go(), *road.drive(0, 250, 0, 1_500)]
    played = fleet().play(road.log(moving, others, road.drive(0, 4_000, 0, 9_000, "v2")))
    assert (phases(played), phases(played, "signal_lost")[0]) == ([], "opened")


@pytest.mark.parametrize("word", ["break", "at_the_stop", "resting"])
def test_who_has_a_reason_to_stand_is_not_presumed_down(road, fleet, word):
    if word == "break":
        lines = [*stands(road, 3_900), road.say(m.DriverBreak, 300, duration_s=4_000.0)]
    elif word == "at_the_stop":
        plan = [road.plan(road.stops(service_s=30.0)), road.go()]
        lines = [*plan, *road.drive(0, 300, 0, 1_900), *road.drive(310, 3_900, 1_900, 1_900)]
    else:
        second, fence = road.square("yard", 0, 1_400, 1_600)
        lines = [(second, m.FencePut(**{**{f: getattr(fence, f) for f in fence.__struct_fields__}, "kind": "yard"})), *stands(road, 3_900)]
    assert phases(fleet().play(road.log(lines))) == []


def test_who_is_said_to_be_up_is_not_presumed_down_again_before_it_has_moved(road, fleet):
    played = fleet().play(road.log(stands(road, 7_000), road.say(m.VehicleUp, 3_500)))
    assert phases(played) == ["opened", "resolved"]


def test_word_about_a_presumed_breakdown_is_told_and_makes_it_certain(road, fleet):
    played = fleet().play(road.log(stands(road, 3_600), road.say(m.VehicleDown, 3_500, reason="axle")))
    told = [event["data"] for event in played.events if event["data"].get("exception_kind") == "vehicle_down"]
    assert [(one["presumed"], one["cause"]) for one in told] == [(True, "stands_still"), (False, "axle")]
    assert played.vehicle()["down"] == 1


def test_nothing_is_presumed_where_that_is_turned_off(road, fleet):
    off = 0.0, PolicyPut(fleet_id="depot", at=road.at(0), kind="vehicle_down", fields={"presume_after_s": 0.0})
    assert phases(fleet().play(road.log(off, stands(road)))) == []


def test_it_is_the_same_entry_by_entry(road, fleet):
    lines = road.log(stands(road), road.drive(3_410, 3_600, 1_510, 2_500))
    assert fleet().play(lines).bytes() == fleet().play(lines, range(0, len(lines), 7)).bytes()
