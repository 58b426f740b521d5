"""Fleets whose routes begin where the vehicle is: a start without a fix there says so too."""

import pytest

from stream import messages as m


def run(road, number, start, at_m=0.0, stops=None, vehicle="v1"):
    """A route of two stops a kilometre apart that a vehicle begins at `at_m` up the road (None = nobody knows where)."""
    route = f"r{number}"
    names = {"route_id": route, "vehicle_id": vehicle}
    planned = stops or [road.stop(0), road.stop(1)]
    lines = [road.plan([_named(stop, route) for stop in planned], start, **names)]
    lines += [] if at_m is None else [road.ping(start, at_m, vehicle)]
    return [*lines, road.go(start + 1, **names), road.say(m.RouteEnded, start + 40, **names)]


def _named(stop, route):
    return type(stop)(**{name: getattr(stop, name) for name in stop.__struct_fields__} | {"visit_id": f"{route}.{stop.seq}"})


def runs(road, count, at_m=0.0):
    return [line for number in range(count) for line in run(road, number, 60 * number, at_m)]


def reached(played, visit):
    return [event["data"]["source"] for event in played.told("stop_arrived", visit_id=visit)]


@pytest.mark.parametrize("at_m", [700.0, None])
def test_where_routes_begin_at_their_first_stop_a_start_says_that_it_is_behind_the_vehicle(road, fleet, at_m):
    played = fleet().play(road.log(runs(road, 60), run(road, 60, 3_600, at_m, vehicle="w")))
    assert reached(played, "r60.0") == ["status"]
    assert played.told("stop_departed", visit_id="r60.0")[0]["time"] == "2026-03-02T10:00:01Z"


def test_the_next_stop_is_estimated_at_once(road, fleet):
    played = fleet().play(road.log(runs(road, 60), run(road, 60, 3_600, 700.0, vehicle="w")[:-1]))
    assert played.vehicle("w")["next"] == played.visit("r60.1")["row"]


def test_where_routes_begin_elsewhere_the_vehicle_drives_to_the_first_stop(road, fleet):
    played = fleet().play(road.log(runs(road, 60, 700.0), run(road, 60, 3_600, 700.0)))
    assert reached(played, "r60.0") == []


def test_before_enough_starts_were_seen_a_start_says_nothing(road, fleet):
    played = fleet().play(road.log(runs(road, 20), run(road, 20, 1_200, 700.0, vehicle="w")))
    assert reached(played, "r20.0") == []


@pytest.mark.parametrize("planned", [{"service_s": 60.0}, {"planned_arrival": 3_700}])
def test_a_first_stop_with_work_or_a_time_is_driven_to(road, fleet, planned):
    planned = {name: road.at(value) if name == "planned_arrival" else value for name, value in planned.items()}
    last = run(road, 60, 3_600, 700.0, [road.stop(0, **planned), road.stop(1)], "w")
    assert reached(fleet().play(road.log(runs(road, 60), last)), "r60.0") == []


def test_the_only_stop_of_a_route_is_driven_to(road, fleet):
    last = run(road, 60, 3_600, 700.0, [road.stop(0)], "w")
    assert reached(fleet().play(road.log(runs(road, 60), last)), "r60.0") == []
