"""Fences entered and left as fixes come in, and as fences are put and removed under standing vehicles."""

from stream import messages as m


def crossings(played):
    """(entered or exited, fence, second at which it happened) of every crossing."""
    kinds = ("fleetcast.geofence_entered.v1", "fleetcast.geofence_exited.v1")
    return [
        (event["type"].split(".")[1][9:], event["data"]["fence_id"], event["time"][14:19])
        for event in played.events
        if event["type"] in kinds
    ]


def test_a_fence_is_entered_and_left_with_the_first_fix_on_the_other_side(road, fleet):
    played = fleet().play(road.log(road.square("yard", 0, 150, 350), road.drive(0, 60, 0, 600)))
    assert crossings(played) == [("entered", "yard", "00:20"), ("exited", "yard", "00:40")]
    told = played.told("geofence_entered")[0]["data"]
    assert (told["vehicle_id"], told["fence_kind"], len(told["cell"])) == ("v1", "zone", 15)


def test_the_first_fix_can_be_inside(road, fleet):
    assert crossings(fleet().play([road.square("yard", 0, -50, 50), road.ping(5, 0)])) == [("entered", "yard", "00:05")]


def test_leaving_one_fence_for_another_tells_both_in_order(road, fleet):
    lines = [road.square("a", 0, -50, 50), road.square("b", 0, 150, 250), road.ping(0, 0), road.ping(20, 200)]
    assert crossings(fleet().play(lines)) == [("entered", "a", "00:00"), ("exited", "a", "00:20"), ("entered", "b", "00:20")]


def test_a_fence_put_around_a_standing_vehicle_is_entered_at_once(road, fleet):
    played = fleet().play([road.ping(0, 0), road.square("yard", 30, -50, 50), road.ping(40, 5)])
    assert crossings(played) == [("entered", "yard", "00:30")]


def test_a_fence_that_is_removed_is_left_for_that_reason(road, fleet):
    lines = [road.square("yard", 0, -50, 50), road.ping(0, 0), road.say(m.FenceRemoved, 30, fence_id="yard"), road.ping(40, 500)]
    played = fleet().play(lines)
    assert crossings(played) == [("entered", "yard", "00:00"), ("exited", "yard", "00:30")]
    assert played.told("geofence_exited")[0]["data"]["reason"] == "fence_removed"


def test_a_fence_that_is_put_elsewhere_is_left_without_being_removed(road, fleet):
    played = fleet().play([road.square("yard", 0, -50, 50), road.ping(0, 0), road.square("yard", 30, 500, 600), road.ping(60, 550)])
    assert crossings(played) == [("entered", "yard", "00:00"), ("exited", "yard", "00:30"), ("entered", "yard", "01:00")]
    assert "reason" not in played.told("geofence_exited")[0]["data"]


def test_the_same_fence_put_twice_tells_nothing_twice(road, fleet):
    lines = [road.square("yard", 0, -50, 50), road.ping(0, 0), road.square("yard", 30, -50, 50), road.ping(40, 5)]
    assert len(crossings(fleet().play(lines))) == 1


def test_fixes_that_do_not_count_cross_no_fence(road, fleet):
    lines = [road.square("yard", 0, 49_900, 50_100), road.square("gate", 0, 150, 250)]
    played = fleet().play([*lines, road.ping(0, 0), road.ping(60, 600), road.ping(61, 50_000), road.ping(30, 200, received=62)])
    assert crossings(played) == []
    assert played.reasons == ["teleport"]


def test_a_fence_nobody_knows_and_a_fence_that_is_none_are_refused(road, fleet):
    bad = road.say(m.FencePut, 0, fence_id="x", geometry={"type": "Polygon", "coordinates": [[[1.0, 1.0], [1.0, 1.0]]]})
    assert fleet().play([road.say(m.FenceRemoved, 0, fence_id="x"), bad]).reasons == ["unknown_fence", "bad_fence"]


def test_a_vehicle_without_a_fix_is_in_no_fence(road, fleet):
    ring = [[-20.0, -20.0], [20.0, -20.0], [20.0, 20.0], [-20.0, 20.0], [-20.0, -20.0]]
    gulf = road.say(m.FencePut, 1, fence_id="gulf", geometry={"type": "Polygon", "coordinates": [ring]})
    assert crossings(fleet().play([road.plan(), road.go(), gulf])) == []
