"""What drivers say: it wins over what positions suggest, is counted once, and reopens nothing."""

import pytest

from stream import messages as m

SETTLING = [m.StopCompleted, m.StopFailed, m.StopCancelled]
OTHERS = [m.StopArrived, m.StopDeparted, m.StopCompleted, m.StopFailed, m.StopSkipped, m.StopCancelled]


def play(road, fleet, *lines, stops=None, until=60):
    return fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, until, 0, 10 * until), *lines))


def test_a_completed_stop_is_arrived_at_and_done(road, fleet):
    played = play(road, fleet, road.say(m.StopCompleted, 30, visit_id="a1"))
    assert (played.visits("stop_arrived"), played.visits("stop_completed")) == (["a1"], ["a1"])
    assert (played.visit("a1")["state"], played.visit("a1")["done_s"]) == ("COMPLETED", 30)


def test_a_stop_completed_out_of_sequence_leaves_the_earlier_ones_open(road, fleet):
    played = play(road, fleet, road.say(m.StopCompleted, 30, visit_id="a3"))
    assert played.told("stop_arrived", visit_id="a3")[0]["data"]["out_of_sequence"]
    assert [played.visit(f"a{n}")["state"] for n in (1, 2, 3)] == ["OPEN", "OPEN", "COMPLETED"]
    assert played.vehicle()["next"] == played.visit("a1")["row"]
    assert played.visits("stop_skipped") == []


def test_an_arrival_by_status_replaces_the_one_that_was_found(road, fleet):
    said = road.say(m.StopArrived, 30, received=150, visit_id="a1")
    played = play(road, fleet, said, stops=road.stops(service_s=600.0), until=110)
    assert played.visit("a1")["arrived_s"] == 30
    found, corrected = played.told("stop_arrived", visit_id="a1")
    assert (found["data"]["source"], corrected["data"]["source"], corrected["data"]["replaces_position"]) == ("position", "status", True)
    assert found["id"] != corrected["id"]


def test_an_arrival_by_status_that_agrees_changes_nothing(road, fleet):
    played = play(road, fleet, road.say(m.StopArrived, 100, received=111, visit_id="a1"), until=110)
    assert (played.visit("a1")["arrived_s"], len(played.told("stop_arrived"))) == (94, 1)


def test_a_failed_stop_says_why(road, fleet):
    played = play(road, fleet, road.say(m.StopFailed, 30, visit_id="a1", reason="nobody home"))
    assert played.told("stop_failed")[0]["data"]["reason"] == "nobody home"
    assert played.visit("a1")["state"] == "FAILED"


def test_a_skipped_stop_may_be_visited_later(road, fleet):
    played = play(road, fleet, road.say(m.StopSkipped, 30, visit_id="a1"), road.say(m.StopCompleted, 50, visit_id="a1"))
    assert (played.visits("stop_skipped"), played.visits("stop_completed")) == (["a1"], ["a1"])
    assert played.reasons == []


def test_a_driver_may_leave_a_stop_that_is_done(road, fleet):
    played = play(road, fleet, road.say(m.StopCompleted, 30, visit_id="a1"), until=30)
    played.play([road.say(m.StopDeparted, 31, visit_id="a1")])
    assert (played.visits("stop_departed"), played.reasons) == (["a1"], [])
    assert played.visit("a1")["state"] == "COMPLETED"
    assert played.vehicle()["here"] == -1


@pytest.mark.parametrize("second", [kind for kind in OTHERS if kind is not m.StopDeparted])
@pytest.mark.parametrize("first", SETTLING)
def test_a_settled_visit_never_reopens(road, fleet, first, second):
    played = play(road, fleet, road.say(first, 30, visit_id="a1"))
    before, told = played.visit("a1")["state"], len(played.events)
    played.play([road.say(second, 61, visit_id="a1")])
    assert (played.visit("a1")["state"], played.reasons, len(played.events)) == (before, ["duplicate"], told)


@pytest.mark.parametrize("kind", OTHERS)
def test_the_same_status_twice_changes_nothing_twice(road, fleet, kind):
    played = play(road, fleet, road.say(kind, 30, visit_id="a1"), until=60)
    visit, vehicle, told = played.visit("a1")["state"], played.vehicle()["here"], [event["id"] for event in played.events]
    played.play([road.say(kind, 30, received=61, visit_id="a1")])
    assert (played.visit("a1")["state"], played.vehicle()["here"]) == (visit, vehicle)
    assert [e["id"] for e in played.events if not e["id"].startswith("depot:eta_updated")] == [
        i for i in told if not i.startswith("depot:eta_updated")
    ]


@pytest.mark.parametrize("kind", [m.RouteStarted, m.RouteEnded])
def test_a_route_starts_and_ends_once(road, fleet, kind):
    played = play(road, fleet, road.say(kind, 50), *([] if kind is m.RouteStarted else [road.say(kind, 55)]))
    assert played.reasons == ["duplicate"]


def test_a_route_that_ends_leaves_its_open_stops_unvisited(road, fleet):
    played = play(road, fleet, road.say(m.RouteEnded, 250), until=240)
    assert played.visits("stop_skipped") == ["a3", "a4", "a5"]
    assert {event["data"]["reason"] for event in played.told("stop_skipped")} == {"route_ended"}
    assert (played.vehicle()["route"], played.vehicle()["next"], played.vehicle()["here"]) == (-1, -1, -1)


@pytest.mark.parametrize(
    "fields", [{"route_id": "nope", "stop_id": "s1"}, {"visit_id": "nope"}, {"vehicle_id": "v9", "visit_id": "a1"}, {"stop_id": "s9"}]
)
def test_a_status_about_what_nobody_planned_is_refused(road, fleet, fields):
    assert play(road, fleet, road.say(m.StopCompleted, 30, **fields)).reasons == ["unknown_visit"]


def test_a_stop_id_twice_on_a_route_means_the_first_open_visit(road, fleet):
    stops = [road.stop(1), road.stop(2), road.stop(1, visit_id="again", seq=3)]
    played = play(road, fleet, road.say(m.StopCompleted, 20, stop_id="s1"), road.say(m.StopCompleted, 50, stop_id="s1"), stops=stops)
    assert played.visits("stop_completed") == ["a1", "again"]


def test_a_status_by_stop_id_that_comes_twice_does_not_complete_the_next_visit_there(road, fleet):
    stops = [road.stop(1), road.stop(2), road.stop(1, visit_id="again", seq=3)]
    done = road.say(m.StopCompleted, 20, stop_id="s1")
    again = road.say(m.StopCompleted, 20, received=21, stop_id="s1")
    assert play(road, fleet, done, again, stops=stops).visits("stop_completed") == ["a1"]


def test_completing_a_stop_just_after_driving_off_does_not_complete_the_next_visit_there(road, fleet):
    stops = [road.stop(1), road.stop(2), road.stop(3), road.stop(1, visit_id="again", seq=4)]
    done = road.say(m.StopCompleted, 105, received=125, stop_id="s1")
    assert play(road, fleet, done, stops=stops, until=130).visits("stop_completed") == ["a1"]


def test_a_late_status_about_the_route_before_leaves_the_live_route_alone(road, fleet):
    second = road.plan(road.stops((3, 4), "b"), route_id="r2")
    late = road.say(m.StopArrived, 50, received=305, visit_id="a5")
    lines = [road.drive(0, 300, 0, 2900), road.go(200, route_id="r2")]
    played = fleet().play(road.log(road.plan([road.stop(1), road.stop(5)]), second, road.go(), *lines))
    before = [played.vehicle()[name] for name in ("here", "left_us", "next", "deviation_s")]
    played.play([late])
    assert [played.vehicle()[name] for name in ("here", "left_us", "next", "deviation_s")] == before


@pytest.mark.parametrize("ended_first", [False, True])
def test_a_late_route_started_does_not_end_the_route_that_followed(road, fleet, ended_first):
    second = road.plan(road.stops((3, 4), "b"), route_id="r2")
    ended = [road.say(m.RouteEnded, 90)] if ended_first else []
    late = road.go(10, received=150)
    played = fleet().play(road.log(road.plan(), second, ended, road.go(100, route_id="r2"), road.drive(0, 140, 0, 1400), late))
    assert played.state.route_of(0).route_id == "r2"
