"""The trail of a leg: a few places with the time that was left, which become the runs of the leg."""

import numpy as np
import pytest

from stream.vehicles import TRAIL


def runs_of(played, leg):
    """Metres north and seconds left of every place that is kept of a leg."""
    model = played.state.model
    row = int(model.legs.table.runs[model.legs.leg(*leg)])
    count = 0 if row < 0 else int(model.runs.table.put[row])
    return [(float(model.runs.table.north_m[row, i]), float(model.runs.table.left_s[row, i])) for i in range(count)]


def driven(road, fleet, laps: int, speed_mps: float = 10.0):
    """The first two kilometres of the road, again and again."""
    took_s, parts = 2_000.0 / speed_mps, []
    for lap in range(laps):
        first = lap * 1_000
        route = {"route_id": f"r{lap}"}
        parts += [road.plan(road.stops((1, 2), f"lap{lap}-"), first, **route), road.go(first, **route)]
        parts += [road.drive(first, first + took_s, 0, 2_000)]
    return fleet().play(road.log(*parts))


def test_a_leg_driven_twice_has_the_places_of_its_second_run(road, fleet):
    assert runs_of(driven(road, fleet, 1), ("s1", "s2")) == []
    places = runs_of(driven(road, fleet, 2), ("s1", "s2"))
    assert len(places) >= 4
    for north_m, left_s in places:
        assert left_s == pytest.approx((-north_m - 60.0) / 10.0, abs=1.0)  # its radius is 60 m


def test_a_slow_leg_has_as_many_places_as_a_trail_can_hold(road, fleet):
    assert 10 < len(runs_of(driven(road, fleet, 2, speed_mps=2.2), ("s1", "s2"))) <= TRAIL


def test_the_way_to_the_first_stop_is_no_leg_and_leaves_no_trail(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 80, 0, 800)))
    assert played.vehicle()["trail_visit"] == -1


def test_a_trail_begins_anew_with_each_leg(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 230, 0, 2_300)))
    row = played.state.vehicle_rows["v1"]
    vehicles = played.state.vehicles
    assert vehicles.trail_visit[row] == played.state.visits.number[played.state.visit_rows["a3"]]
    north_m = vehicles.trail[row, 1 : 4 * vehicles.trail_count[row] : 4]
    assert north_m[0] == pytest.approx(-1_000.0, abs=100.0)
    assert (np.diff(north_m) > 0).all()


def test_while_a_stop_with_service_is_served_there_is_no_trail(road, fleet):
    stops = road.stops((1, 2), service_s=300.0)
    played = fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, 100, 0, 1_000), road.drive(110, 300, 1_000, 1_000)))
    assert played.vehicle()["trail_visit"] == -1
