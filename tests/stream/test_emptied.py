"""Routes whose visits have all gone to others: what is said of them then is as true as of any other."""

from dataclasses import replace

import pytest

from stream import messages as m
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings

ROWS = range(1, 40)  # other visits: with one of these counts, the emptied route stands at the very end of the table of visits
HERE = replace(FleetSettings(), reassign=ReassignPolicy(solving="here"))


def emptied(road, *lines):
    """Both visits of v1's route have gone to v2, which drives; v1 never had a fix."""
    first = road.plan([road.stop(1, visit_id="a1"), road.stop(2, visit_id="a2")])
    second = road.plan([road.stop(3, visit_id="b3")], vehicle_id="v2", route_id="r2")
    given = [road.say(m.StopReassigned, 10, visit_id=visit, to_vehicle_id="v2", to_route_id="r2") for visit in ("a1", "a2")]
    return road.log(first, second, road.go(5, vehicle_id="v2", route_id="r2"), given, *lines)


def others(road, count):
    """A route of so many visits that stays where it is."""
    return road.plan([road.stop(n, visit_id=f"o{n}") for n in range(count)], vehicle_id="v9", route_id="r9")


@pytest.mark.parametrize("count", ROWS)
def test_a_route_without_visits_starts_and_ends(road, fleet, count):
    names = {"route_id": "r1", "vehicle_id": "v1"}
    played = fleet().play(road.log(others(road, count))).play(emptied(road, road.go(20, **names), road.say(m.RouteEnded, 60, **names)))
    assert played.reasons == []
    assert (played.state.began_there, played.state.began_elsewhere) == (0, 0)


@pytest.mark.parametrize("ping", [30, 90])
def test_a_route_that_started_without_visits_is_estimated_when_it_is_given_some(road, fleet, ping):
    back = road.say(m.StopReassigned, 60, visit_id="a2", route_id="r2", vehicle_id="v2", to_vehicle_id="v1", to_route_id="r1")
    lines = emptied(road, road.go(20, route_id="r1", vehicle_id="v1"), back, road.drive(ping, 200, 0, 1500, "v1"))
    played = fleet().play(lines)
    told = played.estimates[played.estimates["visit"] == played.visit("a2")["number"]]
    assert played.reasons == []
    assert played.visit("a2")["state"] == "OPEN"
    assert len(told) > 0
    assert (told["p50_us"] > road.us(0)).all()


def test_a_waiting_route_without_visits_binds_nobody_who_could_help(road, fleet):
    broken = [road.plan([road.stop(4, visit_id="a4")], route_id="r4"), road.go(1, route_id="r4"), road.drive(2, 38, 0, 300, "v1")]
    helps = {"vehicle_id": "v2", "route_id": "r2"}
    able = [road.plan([road.stop(3, visit_id="b3")], **helps), road.go(1, **helps), road.drive(2, 38, 0, 300, "v2")]
    waits = road.plan([road.stop(9, visit_id="c9")], 20, vehicle_id="v2", route_id="r3")
    gone = road.say(m.StopReassigned, 30, visit_id="c9", vehicle_id="v2", route_id="r3", to_vehicle_id="v2", to_route_id="r2")
    next_in_table = road.plan([road.stop(7, visit_id="d7", planned_arrival=road.at(60))], 31, vehicle_id="v5", route_id="r5")
    lines = road.log(*(part for line in (broken, able) for part in (line[:2], line[2])), waits, gone, next_in_table)
    played = fleet(HERE).play(lines).play(road.log(road.say(m.VehicleDown, 40, vehicle_id="v1"), road.drive(50, 100, 300, 900, "v2")))
    assert played.reasons == []
    (known,) = played.state.proposals.values()
    assert sorted(change.vehicle_id for change in known.proposals[0].changes) == ["v1", "v2"]
