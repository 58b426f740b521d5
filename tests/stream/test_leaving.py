"""When a stop with service has been left: wild fixes, noise at the edge and driving by are no departures."""

from stream import messages as m


def times(played, kind):
    """(visit, second) of every event of a kind."""
    return [(event["data"]["visit_id"], event["time"][14:]) for event in played.told(kind)]


def served(road, *more):
    """Two stops with service, 300 m apart."""
    return road.plan([road.stop(1, service_s=240.0), road.stop(2, lat=road.lat(1300), service_s=240.0), *more])


def test_a_wild_fix_is_no_departure(road, fleet):
    stands = [*road.drive(0, 100, 0, 1000), *road.drive(110, 200, 1000, 1000), road.ping(210, 1300), *road.drive(220, 400, 1000, 1000)]
    played = fleet().play(road.log(served(road), road.go(), stands, road.drive(410, 440, 1100, 1400)))
    assert times(played, "stop_departed")[0] == ("a1", "06:46Z")
    assert times(played, "stop_arrived")[1][0] == "a2"


def test_noise_at_the_edge_is_no_departure(road, fleet):
    there, edge = road.drive(0, 100, 0, 1000), [road.ping(200 + 10 * i, 1070 if i % 3 else 1050) for i in range(20)]
    played = fleet().play(road.log(served(road), road.go(), there, edge))
    assert played.visits("stop_arrived") == ["a1"]
    assert played.visits("stop_departed") == []


def test_who_passes_the_door_and_comes_back_has_not_left_and_has_not_reached_the_next_one(road, fleet):
    around = [*road.drive(0, 140, 0, 1400), *road.drive(150, 180, 1300, 1000), *road.drive(190, 400, 1000, 1000)]
    played = fleet().play(road.log(served(road), road.go(), around))
    assert (played.visits("stop_arrived"), played.visits("stop_departed")) == (["a1"], [])
    played.play(road.drive(410, 440, 1100, 1400))
    assert times(played, "stop_departed") == [("a1", "06:46Z")]
    assert played.visits("stop_arrived") == ["a1", "a2"]


def test_who_drove_by_and_is_far_away_has_left(road, fleet):
    played = fleet().play(road.log(road.plan(road.stops(service_s=240.0)), road.go(), road.drive(0, 400, 0, 4000)))
    assert played.visits("stop_arrived") == ["a1", "a2", "a3", "a4"]
    assert times(played, "stop_departed")[0] == ("a1", "02:50Z")


def test_who_drove_by_and_stands_at_the_next_stop_has_left(road, fleet):
    played = fleet().play(road.log(served(road), road.go(), road.drive(0, 130, 0, 1300), road.drive(140, 250, 1300, 1300)))
    assert played.visits("stop_arrived") == ["a1", "a2"]


def test_who_drove_by_and_stands_anywhere_else_has_left(road, fleet):
    lines = [*road.drive(0, 140, 0, 1400), *road.drive(150, 300, 1400, 1400)]
    played = fleet().play(road.log(road.plan(road.stops(service_s=240.0)), road.go(), lines))
    assert times(played, "stop_departed") == [("a1", "04:10Z")]


def test_where_fixes_are_sparse_one_outside_is_a_departure(road, fleet):
    there = [road.ping(60 * i, min(400 * i, 1000)) for i in range(8)]
    played = fleet().play(road.log(served(road), road.go(), there, road.ping(480, 1500)))
    assert times(played, "stop_departed")[0] == ("a1", "07:07.200000Z")


def test_what_the_driver_says_is_done_is_left_at_once(road, fleet):
    done = road.say(m.StopCompleted, 130, visit_id="a1")
    played = fleet().play(road.log(served(road), road.go(), road.drive(0, 130, 0, 1000), done, road.ping(140, 1100)))
    assert played.visits("stop_departed") == ["a1"]


def test_a_place_shared_with_a_later_door_is_no_stay_at_that_one(road, fleet):
    stops = [road.stop(1, service_s=60.0), road.stop(2, service_s=60.0), road.stop(3, lat=road.lat(1040), service_s=60.0)]
    stands = [*road.drive(0, 100, 0, 1000), *road.drive(110, 300, 1000, 1000)]
    done, goes = road.say(m.StopCompleted, 300, visit_id="a1"), [road.ping(310, 1070), road.ping(320, 1150), road.ping(330, 1250)]
    played = fleet().play(road.log(road.plan(stops), road.go(), stands, done, goes))
    assert (played.visits("stop_arrived"), played.visits("stop_skipped")) == (["a1"], [])
