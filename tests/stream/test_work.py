"""Who has served the route, or whose plan ended long ago, is not missed when it falls silent."""

import pytest


def lost(played):
    return [event["data"]["vehicle_id"] for event in played.told("exception_opened", exception_kind="signal_lost")]


@pytest.fixture
def company(road):
    """Another van that drives on all day, so that time goes on and the feed is not down."""
    plan = [road.plan(road.stops((90,), "b"), route_id="r2", vehicle_id="v2"), road.go(route_id="r2", vehicle_id="v2")]
    return [*plan, *road.drive(0, 8_000, 0, 24_000, "v2", step=30)]


def terminal(road, due_s, **more):
    """A route that ends with a second call at its last place."""
    end = [road.stop(2, planned_arrival=road.at(250)), road.stop(2, visit_id="again", seq=3, planned_arrival=road.at(due_s), **more)]
    return [road.plan([road.stop(1), *end]), road.go()]


def test_silence_at_the_terminal_is_none_when_only_its_second_call_is_left(road, fleet, company):
    played = fleet().play(road.log(terminal(road, 3_000), road.drive(0, 250, 0, 2_000), company))
    assert played.visit("again")["state"] == "OPEN" or played.visit("again")["arrived_us"] > 0
    assert lost(played) == []


def test_who_has_left_the_terminal_is_done_too(road, fleet, company):
    played = fleet().play(road.log(terminal(road, 3_000), road.drive(0, 500, 0, 4_000), company))
    assert lost(played) == []


def test_a_second_call_with_service_is_work(road, fleet, company):
    played = fleet().play(road.log(terminal(road, 3_000, service_s=300.0), road.drive(0, 500, 0, 4_000), company))
    assert lost(played) == ["v1"]


def test_silence_with_stops_to_come_is_told(road, fleet, company):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 250, 0, 2_000), company))
    assert lost(played) == ["v1"]


@pytest.mark.parametrize(("due_s", "told"), [(600.0, []), (6_000.0, ["v1"])])
def test_a_plan_that_ended_over_an_hour_ago_is_not_worked_at(road, fleet, company, due_s, told):
    stops = [road.stop(1), road.stop(30, planned_arrival=road.at(due_s))]
    played = fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, 5_000, 0, 10_000, step=30), company))
    assert lost(played) == told
