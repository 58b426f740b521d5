"""Rows of routes that are over go away at a tick, and nothing that is still needed goes with them."""

from stream import messages as m

HOUR = 3600


def finished(road, fleet, *, until):
    """A fleet whose only route ended after ten minutes, and which then only hears ticks."""
    lines = road.log(road.plan(), road.go(), road.drive(0, 590, 0, 5900), road.say(m.RouteEnded, 599))
    return fleet().play(lines).play([road.say(m.Tick, float(s)) for s in range(600, until + 1, 300)])


def test_an_ended_route_is_known_for_an_hour_because_drivers_report_late(road, fleet):
    played = finished(road, fleet, until=HOUR)
    assert played.play([road.say(m.StopCompleted, HOUR + 1, visit_id="a5")]).reasons == []


def test_an_ended_route_is_forgotten_after_that(road, fleet):
    played = finished(road, fleet, until=HOUR + 1200)
    assert (played.state.routes, played.state.visit_rows, played.state.visits.count) == ({}, {}, 0)
    assert played.play([road.say(m.StopCompleted, HOUR + 1201, visit_id="a5")]).reasons == ["unknown_visit"]


def test_a_route_that_never_starts_is_kept_for_two_days(road, fleet):
    played = fleet().play([road.plan(), *(road.say(m.Tick, float(s)) for s in (600, 47 * HOUR))])
    assert "r1" in played.state.routes
    assert "r1" not in played.play([road.say(m.Tick, 49.0 * HOUR)]).state.routes


def test_rows_that_a_new_plan_left_behind_are_dropped_and_the_way_goes_on(road, fleet):
    lines = [*road.log(road.plan(), road.go(), road.drive(0, 240, 0, 2400)), road.plan(second=241, plan_version=2)]
    played = fleet().play(lines)
    rows = played.state.visits.count
    before = {name: played.visit(name) | {"row": 0} for name in ("a1", "a2")}
    played.play(road.log(road.drive(250, 590, 2400, 2400), [road.say(m.Tick, 601.0)]))
    assert (rows, played.state.visits.count, len(played.state.names)) == (10, 5, 5)
    assert str({name: played.visit(name) | {"row": 0} for name in before}) == str(before)
    played.play(road.log(road.drive(610, 900, 2400, 5300)))
    assert played.visits("stop_arrived") == ["a1", "a2", "a3", "a4", "a5"]


def test_a_vehicle_that_stands_at_a_stop_still_stands_there(road, fleet):
    old = road.plan(road.stops((7,), "z"), route_id="r0", vehicle_id="v0")
    stops = road.stops(service_s=9000.0)
    lines = [
        old,
        *road.log(road.plan(stops), road.go(), road.say(m.RouteEnded, 5, route_id="r0", vehicle_id="v0"), road.drive(0, 100, 0, 1000)),
    ]
    played = fleet().play([*lines, *(road.say(m.Tick, float(s)) for s in range(300, HOUR + 1800, 300))])
    assert "r0" not in played.state.routes
    assert played.vehicle()["here"] == played.visit("a1")["row"] == 0
    assert (played.vehicle()["next"], played.vehicle()["end"]) == (1, 5)
    played.play([road.ping(HOUR + 1800, 1000), road.ping(HOUR + 1830, 1300), road.ping(HOUR + 1840, 1400)])
    assert played.visits("stop_departed") == ["a1"]


def test_a_fleet_whose_routes_are_all_forgotten_still_takes_fixes(road, fleet):
    played = finished(road, fleet, until=HOUR + 1200)
    assert played.play([road.ping(HOUR + 1300, 0)]).reasons == []


def test_a_route_that_ended_before_it_started_does_not_break_the_next_one(road, fleet):
    ended = [road.plan(), road.say(m.RouteEnded, 10), road.go(5, received=20)]
    ticks = [road.say(m.Tick, float(s)) for s in range(300, HOUR + 1201, 300)]
    later = HOUR + 1300
    second = [road.plan(road.stops((1, 2), "b"), second=later, route_id="r2"), road.go(later + 1, route_id="r2")]
    played = fleet().play([*ended, *ticks, *second])
    assert played.state.route_of(0).route_id == "r2"
