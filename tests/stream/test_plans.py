"""Plans published and changed: visits keep their id and what is known of them, whoever drives there in whatever order."""

import pytest

from stream import messages as m


def under_way(road, fleet, *lines, stops=None, until=240):
    """v1 has driven 10 m/s along the road: by default past a1 and a2 when the lines come."""
    return fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, until, 0, 10 * until))).play(list(lines))


def remaining(played, route="r1"):
    """Open visits of a route, in order."""
    known = played.state.routes[route]
    names = [played.state.names[row].visit_id for row in range(known.first, known.end)]
    return [name for name in names if played.visit(name)["state"] == "OPEN"]


def test_visits_are_named_by_route_and_place_in_the_plan_unless_dispatch_names_them(road, fleet):
    stops = [road.stop(1, visit_id=None), road.stop(2, visit_id="mine"), road.stop(3, visit_id=None)]
    played = fleet().play([road.plan(stops)])
    assert list(played.state.visit_rows) == ["r1.0", "mine", "r1.2"]
    assert [(visit.visit_id, visit.number, visit.vehicle_id) for visit in played.parts[0].visits] == [
        ("r1.0", 0, "v1"),
        ("mine", 1, "v1"),
        ("r1.2", 2, "v1"),
    ]


def test_a_plan_needs_a_newer_version_to_change(road, fleet):
    played = fleet().play([road.plan(plan_version=2), road.plan(plan_version=2), road.plan(plan_version=1)])
    assert played.reasons == ["duplicate", "stale_plan"]


def test_a_visit_id_belongs_to_one_route(road, fleet):
    assert fleet().play([road.plan(), road.plan(route_id="r2")]).reasons == ["bad_id"]


def test_a_resequenced_route_keeps_its_visits_and_what_is_known_of_them(road, fleet):
    before = under_way(road, fleet)
    played = under_way(road, fleet, road.plan(road.stops((1, 2, 5, 3, 4)), second=241, plan_version=2))
    assert remaining(played) == ["a5", "a3", "a4"]
    assert played.visit("a1")["arrived_s"] == 94
    for name in ("a3", "a4", "a5"):
        same = ("number", "shows", "shown_us", "place", "asked_us", "kept")
        assert [played.visit(name)[field] for field in same] == [before.visit(name)[field] for field in same]
    assert len(played.parts[-1].visits) == 0
    played.play(road.log(road.drive(250, 600, 2500, 6000)))
    assert played.visits("stop_arrived") == ["a1", "a2", "a5"]


def test_a_new_version_that_names_only_what_is_left_keeps_what_is_behind(road, fleet):
    played = under_way(road, fleet, road.plan(road.stops((4, 3, 6)), second=241, plan_version=2))
    assert remaining(played) == ["a4", "a3", "a6"]
    assert (played.visit("a1")["state"], played.visit("a2")["state"], "a5" in played.state.visit_rows) == ("DEPARTED", "DEPARTED", False)


@pytest.mark.parametrize("change", [{"planned_arrival": 900}, {"window_end": 1200}, {"service_s": 77.0}, {"radius_m": 99.0}])
def test_a_new_version_changes_what_it_says_of_known_visits(road, fleet, change):
    fields = {name: road.at(value) if name in ("planned_arrival", "window_end") else value for name, value in change.items()}
    played = under_way(road, fleet, road.plan([*road.stops((1, 2)), *road.stops((3, 4, 5), **fields)], second=241, plan_version=2))
    name, value = next(iter(change.items()))
    column = {"planned_arrival": "planned_s", "window_end": "closes_s"}.get(name, name)
    assert played.visit("a3")[column] == value


def test_a_plan_counted_from_one_keeps_its_unnamed_visits_when_resequenced(road, fleet):
    stops = [road.stop(n, visit_id=None) for n in (1, 2, 3)]
    played = fleet().play([road.plan(stops), road.plan([stops[2], stops[0], stops[1]], second=1, plan_version=2)])
    route = played.state.routes["r1"]
    assert [played.state.names[row].stop_id for row in range(route.first, route.end)] == ["s3", "s1", "s2"]


def test_an_unnamed_stop_that_is_added_gets_a_name_of_its_own(road, fleet):
    stops = [road.stop(n, visit_id=None) for n in (1, 2, 3)]
    added = road.say(m.StopAdded, 1, stop=road.stop(4, visit_id=None), before_visit_id="r1.1")
    played = fleet().play([road.plan(stops), added])
    route = played.state.routes["r1"]
    assert len({played.state.names[row].visit_id for row in range(route.first, route.end)}) == 4


def test_an_unnamed_stop_is_added_once(road, fleet):
    added = road.say(m.StopAdded, 1, stop=road.stop(4, visit_id=None))
    played = fleet().play([road.plan(), added, added])
    assert (played.state.routes["r1"].end - played.state.routes["r1"].first, played.reasons) == (6, ["duplicate"])


def test_a_new_version_cannot_take_a_visit_of_another_route(road, fleet):
    other = road.plan(road.stops((6,), "b"), route_id="r2")
    played = fleet().play([road.plan(), other, road.plan([*road.stops(), road.stop(6, visit_id="b6")], second=1, plan_version=2)])
    assert played.reasons == ["bad_id"]


def test_a_stop_is_added_where_dispatch_wants_it(road, fleet):
    before = road.say(m.StopAdded, 241, stop=road.stop(6), before_visit_id="a4")
    last = road.say(m.StopAdded, 242, stop=road.stop(7))
    played = under_way(road, fleet, before, last, last)
    assert (remaining(played), played.reasons) == (["a3", "a6", "a4", "a5", "a7"], ["duplicate"])


def test_an_added_stop_is_estimated_and_reached(road, fleet):
    played = under_way(
        road,
        fleet,
        *road.log(
            road.say(m.StopAdded, 241, stop=road.stop(6, lat=road.lat(3500)), before_visit_id="a4"), road.drive(250, 400, 2500, 4000)
        ),
    )
    assert played.told("eta_updated", visit_id="a6")
    assert played.visits("stop_arrived")[2:] == ["a3", "a6", "a4"]


def test_a_changed_window_counts_from_now_on(road, fleet):
    played = under_way(
        road,
        fleet,
        road.say(m.WindowChanged, 241, visit_id="a5", window_start=road.at(300), window_end=road.at(2000)),
        road.say(m.Tick, 275),
    )
    assert (played.visit("a5")["opens_s"], played.visit("a5")["closes_s"]) == (300, 2000)
    assert played.told("window_changed")[0]["data"]["window_end"] == "2026-03-02T09:33:20Z"
    assert 0 <= played.visit("a5")["p_late"] <= 1


def test_two_changes_of_a_window_are_two_events(road, fleet):
    played = under_way(road, fleet, *(road.say(m.WindowChanged, 241 + i, visit_id="a5", window_end=road.at(2000 + i)) for i in range(2)))
    assert len({event["id"] for event in played.told("window_changed")}) == 2


def test_a_stop_moves_to_a_route_of_another_vehicle(road, fleet):
    other = [road.plan(road.stops((6, 7), "b"), route_id="r2", vehicle_id="v2"), road.go(vehicle_id="v2", route_id="r2")]
    lines = road.log(road.plan(), road.go(), other, road.drive(0, 240, 0, 2400), road.drive(0, 240, 3000, 3000, "v2"))
    moved = road.say(m.StopReassigned, 241, visit_id="a4", to_vehicle_id="v2", to_route_id="r2", before_visit_id="b7")
    played = fleet().play(lines).play([moved]).play(road.log(road.drive(250, 400, 3000, 4500, "v2")))
    assert (remaining(played), remaining(played, "r2")) == (["a3", "a5"], ["b6", "a4", "b7"])
    assert played.told("eta_updated", visit_id="a4")[-1]["data"]["vehicle_id"] == "v2"
    later = road.say(m.StopCompleted, 401, visit_id="a4", vehicle_id="v2", route_id="r2")
    assert played.play([later]).visit("a4")["state"] == "COMPLETED"


def test_a_stop_moves_to_a_route_that_is_new(road, fleet):
    moved = road.say(m.StopReassigned, 241, visit_id="a4", to_vehicle_id="v2", to_route_id="r2")
    played = under_way(
        road, fleet, moved, road.go(242, vehicle_id="v2", route_id="r2"), road.ping(250, 3500, "v2"), road.ping(310, 4100, "v2")
    )
    assert played.told("stop_arrived", visit_id="a4", vehicle_id="v2", route_id="r2")
    assert remaining(played) == ["a3", "a5"]


@pytest.mark.parametrize("visit", ["a1", "nope"])
def test_what_is_not_open_does_not_move(road, fleet, visit):
    moved = road.say(m.StopReassigned, 241, visit_id=visit, to_vehicle_id="v2", to_route_id="r2")
    assert under_way(road, fleet, moved).reasons == ["unknown_visit"]


def test_a_stop_moved_within_its_route_stays_one_visit(road, fleet):
    moved = road.say(m.StopReassigned, 241, visit_id="a5", to_vehicle_id="v1", to_route_id="r1", before_visit_id="a3")
    assert remaining(under_way(road, fleet, moved)) == ["a5", "a3", "a4"]


def test_the_count_of_kept_questions_follows_a_visit_to_its_new_vehicle(road, fleet):
    moved = road.say(m.StopReassigned, 241, visit_id="a4", to_vehicle_id="v2", to_route_id="r2")
    done = road.say(m.StopCancelled, 242, visit_id="a4", vehicle_id="v2", route_id="r2")
    played = under_way(road, fleet, moved, done)
    assert played.vehicle("v2")["kept"] == 0
    assert played.vehicle()["kept"] == sum(played.visit(name)["kept"] for name in ("a3", "a5"))


def test_a_route_handed_to_another_vehicle_is_estimated_from_where_that_one_is(road, fleet):
    fixes = road.drive(0, 240, 2400, 2400, "v2")
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 240, 0, 2400), fixes))
    played.play(road.log(road.plan(second=241, plan_version=2, vehicle_id="v2"), road.ping(250, 2450, "v2")))
    assert played.vehicle("v2")["left_lat"] == pytest.approx(road.lat(2400), abs=0.01)
    assert 250 < played.visit("a3")["p50_s"] < 900
