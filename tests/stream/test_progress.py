"""Stops reached, left and passed by, found on the path between fixes."""

from stream import messages as m


def times(played, kind):
    """(visit, second) of every event of a kind."""
    return [(event["data"]["visit_id"], event["time"][14:]) for event in played.told(kind)]


def test_a_stop_crossed_between_two_fixes_is_found_with_its_time(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.ping(0, 0), road.ping(100, 900), road.ping(120, 1100)))
    assert times(played, "stop_arrived") == [("a1", "01:44Z")]
    assert times(played, "stop_departed") == [("a1", "01:56Z")]
    assert played.told("stop_arrived")[0]["data"]["detected_at"] == "2026-03-02T09:02:00Z"


def test_a_whole_route_is_driven_stop_after_stop(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 600, 0, 6000)))
    assert played.visits("stop_arrived") == played.visits("stop_departed") == ["a1", "a2", "a3", "a4", "a5"]
    assert not any(event["data"]["out_of_sequence"] for event in played.told("stop_arrived"))
    assert played.vehicle()["next"] == -1


def test_one_long_path_crosses_several_stops(road, fleet):
    played = fleet().play([road.plan(), road.go(), road.ping(0, 0), road.ping(300, 3000)])
    assert times(played, "stop_arrived") == [("a1", "01:34Z"), ("a2", "03:14Z"), ("a3", "04:54Z")]
    assert times(played, "stop_departed") == [("a1", "01:46Z"), ("a2", "03:26Z")]


def test_a_stop_without_service_is_skipped_by_driving_on_to_the_next(road, fleet):
    stops = [road.stop(1), road.stop(2, lon=-78.88), road.stop(3)]
    played = fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, 400, 0, 4000)))
    assert played.visits("stop_arrived") == ["a1", "a3"]
    assert [(e["data"]["visit_id"], e["data"]["reason"]) for e in played.told("stop_skipped")] == [("a2", "passed_by")]
    assert played.told("stop_arrived")[1]["data"]["out_of_sequence"]


def test_a_stop_with_service_is_skipped_only_by_staying_at_a_later_one(road, fleet):
    stops = [road.stop(1, lon=-78.88, service_s=120.0), road.stop(2, service_s=120.0)]
    passing = fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, 400, 0, 4000)))
    assert (passing.visits("stop_arrived"), passing.visits("stop_skipped")) == ([], [])
    staying = fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, 200, 0, 2000), road.drive(210, 260, 2000, 2000)))
    assert (times(staying, "stop_arrived"), staying.visits("stop_skipped")) == ([("a2", "03:14Z")], ["a1"])


def test_what_was_passed_before_does_not_count_as_a_stay(road, fleet):
    stops = [road.stop(1, lon=-78.88, service_s=120.0), road.stop(2, service_s=120.0)]
    there_and_back = [
        *road.drive(0, 200, 0, 2000),
        *road.drive(210, 300, 2100, 3000),
        *road.drive(310, 400, 2900, 2000),
        road.ping(410, 2000),
    ]
    played = fleet().play(road.log(road.plan(stops), road.go(), there_and_back))
    assert played.visits("stop_arrived") == []


def test_looking_for_a_parking_place_is_no_departure(road, fleet):
    lines = [
        *road.drive(0, 100, 0, 1000),
        road.ping(110, 1090),
        road.ping(120, 1000),
        *road.drive(130, 400, 1000, 1000),
        *road.drive(410, 430, 1100, 1300),
    ]
    played = fleet().play(road.log(road.plan(road.stops(service_s=240.0)), road.go(), lines))
    assert (played.visits("stop_arrived"), played.visits("stop_departed")) == (["a1"], ["a1"])
    assert "06:40" <= times(played, "stop_departed")[0][1] <= "06:50"


def test_two_visits_in_one_building_are_reached_one_after_the_other(road, fleet):
    stops = [road.stop(1, service_s=60.0), road.stop(1, stop_id="s1b", visit_id="b1", service_s=60.0), road.stop(2)]
    done = [road.say(m.StopCompleted, 200, visit_id="a1"), road.say(m.StopCompleted, 300, visit_id="b1")]
    lines = [*road.drive(0, 100, 0, 1000), *road.drive(110, 310, 1000, 1000), *road.drive(320, 420, 1100, 2100)]
    played = fleet().play(road.log(road.plan(stops), road.go(), lines, done))
    assert times(played, "stop_arrived")[:2] == [("a1", "01:34Z"), ("b1", "03:20Z")]
    assert played.visits("stop_departed")[:2] == ["a1", "b1"]


def test_a_place_twice_on_a_route_is_reached_once_for_each_visit(road, fleet):
    stops = [road.stop(1), road.stop(2), road.stop(1, visit_id="again", seq=3)]
    lines = [*road.drive(0, 200, 0, 2000), *road.drive(210, 410, 2000, 0)]
    played = fleet().play(road.log(road.plan(stops), road.go(), lines))
    assert times(played, "stop_arrived") == [("a1", "01:34Z"), ("a2", "03:14Z"), ("again", "05:04Z")]


def layover(road, due_s: float):
    """A stop, another call there that is due at a second, and a vehicle that comes, stands for half an hour and drives on."""
    stops = [road.stop(1), road.stop(1, visit_id="again", seq=2, planned_arrival=road.at(due_s)), road.stop(2)]
    lines = [*road.drive(0, 100, 0, 1000), *road.drive(110, 1900, 1000, 1000), *road.drive(1910, 2010, 1100, 2000)]
    return road.log(road.plan(stops), road.go(), lines)


def test_two_calls_at_a_place_are_one_stay_when_the_second_is_due_soon(road, fleet):
    played = fleet().play(layover(road, due_s=600))
    assert times(played, "stop_arrived")[:2] == [("a1", "01:34Z"), ("again", "01:40Z")]


def test_a_layover_lasts_until_the_second_call_is_due(road, fleet):
    played = fleet().play(layover(road, due_s=1205))
    assert times(played, "stop_arrived")[:2] == [("a1", "01:34Z"), ("again", "20:10Z")]
    assert times(played, "stop_departed")[0] == ("a1", "20:10Z")


def test_who_drives_off_before_the_second_call_is_due_has_not_made_it(road, fleet):
    played = fleet().play(layover(road, due_s=3000))
    assert played.visits("stop_arrived") == ["a1", "a2"]
    assert played.visits("stop_skipped") == ["again"]


def test_a_layover_teaches_no_leg(road, fleet):
    played = fleet().play(layover(road, due_s=1205))
    legs = played.state.model.legs
    assert legs.table.seen[[legs.leg("s1", "s1"), legs.leg("s1", "s2")]].tolist() == [0.0, 1.0]


def test_a_route_that_starts_on_the_way_does_not_look_back(road, fleet):
    played = fleet().play([road.plan(), road.ping(0, 0), road.go(150), road.ping(220, 2200)])
    assert times(played, "stop_arrived") == [("a2", "03:14Z")]


def test_a_stop_that_was_driven_past_before_the_one_due_is_not_reached_after_it(road, fleet):
    stops = [road.stop(2), road.stop(1), road.stop(3)]
    played = fleet().play([road.plan(stops), road.go(), road.ping(0, 0), road.ping(230, 2300)])
    assert times(played, "stop_arrived") == [("a2", "03:14Z")]


def test_a_late_route_started_still_finds_the_stop_where_the_vehicle_stands(road, fleet):
    stops = road.stops(service_s=300.0)
    lines = [*road.drive(0, 100, 0, 1000), *road.drive(110, 300, 1000, 1000)]
    played = fleet().play(road.log(road.plan(stops), lines, road.go(5, received=205)))
    assert played.visits("stop_arrived") == ["a1"]
    assert played.vehicle()["here"] == 0


def test_nothing_is_reached_before_a_route_starts_or_after_it_has_ended(road, fleet):
    ended = road.say(m.RouteEnded, 250)
    played = fleet().play(road.log(road.plan(), road.drive(0, 600, 0, 6000), road.go(150), ended))
    assert played.visits("stop_arrived") == ["a2"]


def test_routes_follow_one_another(road, fleet):
    second = road.plan(road.stops((4, 5), "b"), route_id="r2")
    lines = road.log(road.plan(road.stops((1, 2))), second, road.go(), road.drive(0, 600, 0, 6000), road.go(300, route_id="r2"))
    played = fleet().play(lines)
    assert played.visits("stop_arrived") == ["a1", "a2", "b4", "b5"]
    assert played.state.routes["r1"].ended_us == road.us(300)


def test_far_from_the_next_stop_is_off_plan(road, fleet):
    lines = road.log(road.plan(), road.go(), road.drive(0, 60, 0, 600), road.drive(70, 570, 500, -4500))
    played = fleet().play(lines)
    assert played.vehicle()["off_plan"] == 1
    assert played.told("eta_updated")[-1]["data"]["off_plan"]


def test_positions_do_not_send_a_driver_away_who_says_that_he_has_arrived(road, fleet):
    arrived = road.say(m.StopArrived, 75, visit_id="a1")
    lines = [*road.drive(0, 70, 0, 700), *road.drive(80, 300, 720, 720)]
    played = fleet().play(road.log(road.plan(), road.go(), lines, arrived))
    assert played.visits("stop_departed") == []
