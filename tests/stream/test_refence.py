"""Fences that are put, put elsewhere, removed or over while vehicles stand in them, and fences that are for some vehicles only."""

import msgspec
import pytest

from stream import messages as m


def told(played):
    """(word, fence, second at which it happened, reason) of every event about a fence."""
    return [
        (event["type"].split(".")[1][9:], event["data"]["fence_id"], event["time"][14:19], event["data"].get("reason"))
        for event in played.events
        if ".geofence_" in event["type"]
    ]


@pytest.fixture
def put(road):
    """The fence_put of a fence from -100 m to 100 m, with more fields."""

    def made(second=0, from_m=-100, to_m=100, fence_id="yard", **more):
        square = road.square(fence_id, second, from_m, to_m)[1]
        return second, msgspec.structs.replace(square, **more)

    return made


@pytest.fixture
def parked(road):
    """Fixes of a parked vehicle."""
    return lambda start=0, end=60, vehicle="v1", metres=0: road.drive(start, end, metres, metres, vehicle)


def test_a_fence_put_around_a_standing_vehicle_is_entered_with_the_next_fixes(road, fleet, put, parked):
    played = fleet().play(road.log(put(25), parked(0, 60)))
    assert told(played) == [("entered", "yard", "00:30", None)]


def test_a_fence_that_is_removed_is_left_for_that_reason(road, fleet, put, parked):
    gone = road.say(m.FenceRemoved, 65, fence_id="yard")
    played = fleet().play(road.log(put(), parked(), gone, parked(70, 120)))
    assert told(played) == [("entered", "yard", "00:00", None), ("exited", "yard", "01:05", "fence_removed")]
    assert played.told("geofence_exited")[0]["data"]["dwell_s"] == 65
    assert len(played.state.contacts.used()) == 0


def test_a_candidate_is_forgotten_with_its_fence(road, fleet, put, parked):
    lines = [put(), *parked(0, 10), road.say(m.FenceRemoved, 15, fence_id="yard"), put(16), *parked(20, 30)]
    assert told(fleet().play(lines)) == []


def test_a_fence_that_is_put_elsewhere_is_left_for_that_reason(road, fleet, put, parked):
    played = fleet().play(road.log(put(), parked(), put(65, 500, 600), parked(70, 120)))
    assert told(played) == [("entered", "yard", "00:00", None), ("exited", "yard", "01:05", "fence_moved")]


def test_a_visit_goes_on_in_a_fence_that_is_put_again_around_it(road, fleet, put, parked):
    played = fleet().play(road.log(put(), parked(), put(65), put(66, -500, 500, kind="city"), parked(70, 400)))
    assert told(played) == [("entered", "yard", "00:00", None), ("dwelled", "yard", "05:00", None)]
    assert played.told("geofence_dwelled")[0]["data"]["fence_kind"] == "city"


def test_a_visit_beside_the_edge_survives_a_fence_that_is_put_again(road, fleet, put, parked):
    played = fleet().play(road.log(put(), parked(), parked(70, 90, metres=115), put(95), parked(100, 200)))
    assert told(played) == [("entered", "yard", "00:00", None)]


def test_other_fences_keep_their_visits_when_numbers_change(road, fleet, put, parked):
    lines = road.log(put(fence_id="m"), parked(), put(61, 900, 950, fence_id="a"), put(62, 900, 950, fence_id="z"))
    more = road.log(road.say(m.FenceRemoved, 63, fence_id="a"), parked(70, 80), road.drive(90, 200, 0, 1000))
    found = [event for event in told(fleet().play([*lines, *more])) if event[1] == "m"]
    assert found == [("entered", "m", "00:00", None), ("exited", "m", "01:41", None)]


def test_a_fence_is_in_force_from_its_first_moment_to_its_last(road, fleet, put, parked):
    played = fleet().play(road.log(put(valid_from=road.at(100), valid_until=road.at(205)), parked(0, 400)))
    assert told(played) == [("entered", "yard", "01:40", None), ("exited", "yard", "03:25", "fence_expired")]
    assert played.told("geofence_exited")[0]["data"]["dwell_s"] == 105
    assert played.state.fences == {}


def test_a_fence_that_is_over_is_not_entered_though_no_tick_has_told_it_yet(road, fleet, put, parked):
    assert told(fleet().play([put(valid_until=road.at(15)), *parked(0, 60)])) == []


def test_a_fence_is_for_the_vehicles_it_names_or_whose_tags_it_names(road, fleet, put, parked):
    lines = [
        put(fence_id="one", vehicle_ids=["v1"]),
        put(fence_id="cold", vehicle_tags=["cold", "ice"]),
        put(fence_id="all"),
        road.say(m.VehiclePut, 0, vehicle_id="v2", tags=["ice"]),
        *(line for vehicle in ("v1", "v2", "v3") for line in parked(0, 60, vehicle)),
    ]
    played = fleet().play(sorted(lines, key=lambda line: line[0]))
    inside = {(event["data"]["vehicle_id"], event["data"]["fence_id"]) for event in played.told("geofence_entered")}
    assert inside == {("v1", "one"), ("v2", "cold"), ("v1", "all"), ("v2", "all"), ("v3", "all")}


def test_a_vehicle_that_loses_its_tag_leaves_and_one_that_gets_it_enters(road, fleet, put, parked):
    lines = [put(vehicle_tags=["cold"]), road.say(m.VehiclePut, 0, tags=["cold"])]
    played = fleet().play([*lines, *parked(0, 60), road.say(m.VehiclePut, 65, tags=[]), *parked(70, 120)])
    assert told(played) == [("entered", "yard", "00:00", None), ("exited", "yard", "01:05", "out_of_scope")]
    played.play([road.say(m.VehiclePut, 125, tags=["cold"]), *parked(130, 160)])
    assert told(played)[2:] == [("entered", "yard", "02:10", None)]


def test_a_fence_that_is_put_again_for_others_is_left(road, fleet, put, parked):
    played = fleet().play([put(), *parked(0, 60), put(65, vehicle_ids=["v9"]), *parked(70, 120)])
    assert told(played) == [("entered", "yard", "00:00", None), ("exited", "yard", "01:05", "out_of_scope")]


def test_a_fence_nobody_knows_and_a_fence_that_is_none_are_refused(road, fleet):
    bad = road.say(m.FencePut, 0, fence_id="x", geometry={"type": "Polygon", "coordinates": [[[1.0, 1.0], [1.0, 1.0]]]})
    assert fleet().play([road.say(m.FenceRemoved, 0, fence_id="x"), bad]).reasons == ["unknown_fence", "bad_fence"]


def test_a_vehicle_without_a_fix_is_in_no_fence(road, fleet):
    ring = [[-20.0, -20.0], [20.0, -20.0], [20.0, 20.0], [-20.0, 20.0], [-20.0, -20.0]]
    gulf = road.say(m.FencePut, 1, fence_id="gulf", geometry={"type": "Polygon", "coordinates": [ring]})
    assert told(fleet().play([road.plan(), road.go(), gulf, gulf])) == []


def test_rows_of_visits_that_are_over_are_used_again(road, fleet, put):
    lines = road.log(put(), *(road.drive(200 * i, 200 * i + 190, 0, 2000 if i % 2 else 0) for i in range(20)))
    played = fleet().play(lines)
    assert len(played.told("geofence_exited")) > 5
    assert played.state.contacts.count == 1
