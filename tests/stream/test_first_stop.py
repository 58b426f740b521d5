"""Fleets whose routes begin where the vehicle is: one that was not seen at its first stop is past it all the same."""

import pytest

from stream import messages as m


def run(road, number, start, fixes, stops=None, vehicle="v1", ends=True):
    """A route of two stops a kilometre apart, with fixes so many seconds after its start: (seconds, metres up the road)."""
    route = f"r{number}"
    names = {"route_id": route, "vehicle_id": vehicle}
    planned = [_named(stop, route) for stop in stops or [road.stop(0), road.stop(1)]]
    lines = [road.plan(planned, start, **names), road.go(start, **names)]
    lines += [road.ping(start + second, metres, vehicle) for second, metres in fixes]
    return [*lines, *([road.say(m.RouteEnded, start + 200, **names)] if ends else [])]


def _named(stop, route):
    return type(stop)(**{name: getattr(stop, name) for name in stop.__struct_fields__} | {"visit_id": f"{route}.{stop.seq}"})


def runs(road, count, fixes=((1, 0), (60, 500))):
    return [line for number in range(count) for line in run(road, number, 300 * number, fixes, vehicle=f"v{number}")]


def reached(played, visit):
    return [event["data"]["source"] for event in played.told("stop_arrived", visit_id=visit)]


UNSEEN = ((1, 600), (40, 700), (70, 800))


def test_where_routes_begin_at_their_first_stop_one_that_was_not_seen_there_is_past_it(road, fleet):
    played = fleet().play(road.log(runs(road, 60), run(road, 60, 20_000, UNSEEN, ends=False)))
    assert reached(played, "r60.0") == ["status"]
    assert played.told("stop_departed", visit_id="r60.0")[0]["time"] == road.at(20_000).isoformat().replace("+00:00", "Z")
    assert played.vehicle("v1")["next"] == played.visit("r60.1")["row"]


def test_it_is_not_concluded_before_a_minute_has_passed(road, fleet):
    played = fleet().play(road.log(runs(road, 60), run(road, 60, 20_000, UNSEEN[:2], ends=False)))
    assert reached(played, "r60.0") == []


def test_who_comes_to_the_first_stop_is_found_there(road, fleet):
    played = fleet().play(road.log(runs(road, 60), run(road, 60, 20_000, ((1, 600), (70, 0)), ends=False)))
    assert reached(played, "r60.0") == ["position"]


def test_where_routes_begin_elsewhere_the_vehicle_drives_to_the_first_stop(road, fleet):
    played = fleet().play(road.log(runs(road, 60, UNSEEN), run(road, 60, 20_000, UNSEEN, ends=False)))
    assert (reached(played, "r60.0"), played.state.began_there, played.state.began_elsewhere) == ([], 0, 60)


def test_before_enough_routes_were_seen_nothing_is_concluded(road, fleet):
    played = fleet().play(road.log(runs(road, 20), run(road, 60, 20_000, UNSEEN, ends=False)))
    assert reached(played, "r60.0") == []


def test_what_was_concluded_is_not_counted(road, fleet):
    played = fleet().play(road.log(runs(road, 60), run(road, 60, 20_000, UNSEEN)))
    assert (played.state.began_there, played.state.began_elsewhere) == (60, 0)


@pytest.mark.parametrize("planned", [{"service_s": 60.0}, {"planned_arrival": 20_100}])
def test_a_first_stop_with_work_or_a_time_is_driven_to(road, fleet, planned):
    planned = {name: road.at(value) if name == "planned_arrival" else value for name, value in planned.items()}
    last = run(road, 60, 20_000, UNSEEN, [road.stop(0, **planned), road.stop(1)], ends=False)
    assert reached(fleet().play(road.log(runs(road, 60), last)), "r60.0") == []


def test_the_only_stop_of_a_route_is_driven_to(road, fleet):
    last = run(road, 60, 20_000, UNSEEN, [road.stop(0)], ends=False)
    assert reached(fleet().play(road.log(runs(road, 60), last)), "r60.0") == []


def test_what_a_fleet_learns_of_starts_counts_from_the_next_tick_on_however_the_log_is_cut(road, fleet):
    seen = run(road, 49, 20_000, ((1, 0), (60, 500)), vehicle="seen")  # the fiftieth to begin there; it ends behind the fixes of the other
    unseen = run(road, 50, 20_131, ((1, 600), (40, 700), (60, 800), (61, 810), (62, 820), (120, 900)), vehicle="unseen", ends=False)
    lines = road.log(runs(road, 49), seen, unseen)
    whole, single = fleet().play(lines), fleet().play(lines, range(1, len(lines)))
    (found,) = whole.told("stop_arrived", visit_id="r50.0")
    assert (whole.state.began_there, found["data"]["detected_at"]) == (50, road.at(20_251).isoformat().replace("+00:00", "Z"))
    assert whole.bytes() == single.bytes()
