"""What dispatch says and cannot be: refused by name, and nothing of it is left behind. And what comes back, or changes hands."""

import pytest

from stream import messages as m


def under_way(road, fleet, *lines, stops=None, until=240):
    return fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, until, 0, 10 * until))).play(list(lines))


def hopeless(road):
    return [*road.stops((1, 2, 3, 4)), road.stop(5, window_end=road.at(60))]


@pytest.mark.parametrize("way", ["add", "reassign"])
@pytest.mark.parametrize("before", ["nope", "b6"])
def test_a_place_before_a_visit_that_is_not_on_the_route_is_refused(road, fleet, way, before):
    added = road.say(m.StopAdded, 241, stop=road.stop(7), before_visit_id=before)
    moved = road.say(m.StopReassigned, 241, visit_id="a5", to_vehicle_id="v1", to_route_id="r1", before_visit_id=before)
    played = under_way(road, fleet, road.plan(road.stops((6,), "b"), route_id="r2"), added if way == "add" else moved)
    assert (played.reasons, "a7" in played.state.visit_rows) == (["unknown_visit"], False)


def test_nothing_joins_a_route_that_has_ended(road, fleet):
    ended = [road.plan(road.stops((6,), "b"), route_id="r2", vehicle_id="v2"), road.say(m.RouteEnded, 241, route_id="r2", vehicle_id="v2")]
    added = road.say(m.StopAdded, 242, stop=road.stop(7), route_id="r2", vehicle_id="v2")
    moved = road.say(m.StopReassigned, 242, visit_id="a5", to_vehicle_id="v2", to_route_id="r2")
    assert under_way(road, fleet, *ended, added, moved).reasons == ["unknown_route", "unknown_route"]


def test_a_stop_does_not_move_to_a_route_of_somebody_else(road, fleet):
    other = road.plan(road.stops((6,), "b"), route_id="r2", vehicle_id="v2")
    moved = road.say(m.StopReassigned, 242, visit_id="a5", to_vehicle_id="v3", to_route_id="r2")
    played = under_way(road, fleet, other, moved)
    assert (played.reasons, "v3" in played.state.vehicle_rows) == (["unknown_route"], False)


def test_the_window_of_a_visit_that_is_over_does_not_change(road, fleet):
    changed = road.say(m.WindowChanged, 241, visit_id="a1", window_end=road.at(900))
    assert under_way(road, fleet, changed).reasons == ["unknown_visit"]


def test_an_older_window_does_not_come_back(road, fleet):
    first, second = (road.say(m.WindowChanged, 241 + i, visit_id="a5", window_end=road.at(900 + i)) for i in (0, 1))
    played = under_way(road, fleet, first, second, (243.0, first[1]), (243.0, second[1]))
    assert (played.reasons, played.visit("a5")["closes_s"]) == (["too_late", "duplicate"], 901)


def test_a_visit_that_comes_back_counts_its_events_on(road, fleet):
    gone = [road.plan(road.stops((1, 2, 3, 4)), second=241, plan_version=2), road.ping(250, 2500)]
    back = [road.plan(hopeless(road), second=251, plan_version=3), *road.drive(260, 300, 2600, 3000)]
    played = under_way(road, fleet, *gone, *back, stops=hopeless(road))
    ids = [event["id"] for event in played.events]
    assert len(ids) == len(set(ids))
    assert [event["data"]["episode"] for event in played.told("exception_opened", visit_id="a5")] == [1, 2]
    assert played.told("eta_updated", visit_id="a5")[-1]["id"].split(":")[-1] == str(len(played.told("eta_updated", visit_id="a5")))


def test_a_vehicle_that_takes_a_route_over_ends_what_it_was_on(road, fleet):
    other = [road.plan(road.stops((6,), "b"), route_id="r2", vehicle_id="v2"), road.go(241, route_id="r2", vehicle_id="v2")]
    over = [road.ping(242, 2000, "v2"), road.plan(second=243, plan_version=2, vehicle_id="v2")]
    played = under_way(road, fleet, *other, *over)
    assert played.told("stop_skipped")[0]["data"]["reason"] == "next_route_started"
    assert played.vehicle("v2")["left_lat"] == road.lat(2000)
    assert (played.state.route_of(1).route_id, played.state.route_of(0)) == ("r1", None)


def test_unnamed_visits_keep_their_names_when_the_plan_is_counted_anew(road, fleet):
    stops = [road.stop(n, visit_id=None) for n in (1, 2, 3)]
    anew = [road.stop(n, visit_id=None, seq=i) for i, n in enumerate((3, 2, 4, 1))]
    played = fleet().play([road.plan(stops), road.plan(anew, second=1, plan_version=2)])
    route = played.state.routes["r1"]
    assert [played.state.names[row].visit_id for row in range(route.first, route.end)] == ["r1.2", "r1.1", "r1.3", "r1.0"]


def test_a_default_name_that_dispatch_has_given_away_is_not_given_again(road, fleet):
    played = fleet().play([road.plan([road.stop(1, visit_id=None), road.stop(2, visit_id="r1.0")])])
    assert list(played.state.visit_rows) == ["r1.1", "r1.0"]
