"""Which fixes move the live state: repeated, late, impossible and too frequent ones do not, and one bad fix locks nobody out."""

from dataclasses import replace

import pytest

from stream import messages as m
from stream.settings import FleetSettings

LIVE = ("at_us", "lat", "lon", "was_at_us", "was_lat", "tokens", "next", "here", "strays", "still_us")


def live(played, vehicle="v1"):
    return {name: value for name, value in played.vehicle(vehicle).items() if name in LIVE}


def test_a_late_fix_enters_history_and_never_moves_the_live_state_back(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 90, 0, 900)))
    before, told = live(played), len(played.events)
    played.play([road.ping(25, 2000, received=91)])
    assert live(played) == before
    assert played.vehicle()["fixes"] == 11
    assert (played.state.kept_late, played.reasons, len(played.events)) == (1, [], told)


def test_when_a_vehicle_was_heard_first_and_when_the_newest_late_fixes_were_is_known_to_the_minute(road, fleet):
    def known(*pings):
        played = fleet().play(list(pings))
        return [None if minute == 0 else minute - road.us(0) // 60_000_000 for minute in played.state.vehicles.heard_min[0].tolist()]

    drive = [road.ping(second, second) for second in range(0, 2_100, 100)]
    assert known(*drive[:2]) == [0, None, None]
    assert known(*drive[:3], road.ping(150, 150, received=201), road.ping(70, 70, received=202)) == [0, 1, 2]
    late = [road.ping(150, 150, received=201), road.ping(1_810, 1_810, received=1_901), road.ping(1_870, 1_870, received=1_902)]
    assert known(*drive[:3], late[0], *drive[3:20], *late[1:]) == [0, 30, 31]


def test_a_fix_older_than_five_minutes_is_refused(road, fleet):
    played = fleet().play([road.ping(0, 0), road.ping(400, 100), road.ping(99, 50, received=401), road.ping(101, 50, received=402)])
    assert played.reasons == ["too_late"]
    assert played.state.kept_late == 1


@pytest.mark.parametrize("back", [0, 10, 20])
def test_a_repeated_fix_changes_nothing_twice(road, fleet, back):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 90, 0, 900)))
    before, told, made = played.vehicle(), len(played.events), len(played.estimates)
    played.play([road.ping(90 - back, 900 - 10 * back, received=90)])
    assert played.reasons == ["duplicate"]
    assert (played.vehicle(), len(played.events), len(played.estimates)) == (before, told, made)


def test_a_late_fix_that_comes_twice_is_a_duplicate(road, fleet):
    played = fleet().play([road.ping(0, 0), road.ping(20, 100), road.ping(11, 50, received=21), road.ping(11, 50, received=22)])
    assert (played.reasons, played.state.kept_late) == (["duplicate"], 1)


def test_another_place_at_the_same_moment_does_not_move_the_vehicle(road, fleet):
    played = fleet().play([road.ping(0, 0), road.ping(0, 40, received=1)])
    assert (played.reasons, played.state.kept_late) == ([], 1)
    assert played.vehicle()["lat"] == road.lat(0)


def test_a_teleport_is_quarantined_and_the_way_goes_on(road, fleet):
    played = fleet().play([road.ping(0, 0), road.ping(10, 50_000), road.ping(20, 200)])
    assert played.reasons == ["teleport"]
    assert played.told("ping_rejected")[0]["data"]["reason"] == "teleport"
    assert (played.vehicle()["lat"], played.vehicle()["was_lat"], played.vehicle()["strays"]) == (road.lat(200), road.lat(0), 0)


def test_three_fixes_that_agree_relocate_the_vehicle(road, fleet):
    played = fleet().play([road.ping(0, 0), *(road.ping(10 * i, 50_000 + 100 * i) for i in (1, 2, 3, 4))])
    assert played.reasons == ["teleport", "teleport"]
    assert played.vehicle()["lat"] == road.lat(50_400)


def test_a_relocation_is_no_path_on_which_stops_are_found(road, fleet):
    played = fleet().play([road.plan(), road.go(), road.ping(0, 0), *(road.ping(10 * i, 50_000) for i in (1, 2, 3, 4))])
    assert played.vehicle()["lat"] == road.lat(50_000)
    assert not played.told("stop_arrived")


def test_impossible_fixes_that_do_not_agree_never_relocate(road, fleet):
    lines = [road.ping(0, 0), *(road.ping(10 * i, 50_000 * i) for i in range(1, 9))]
    assert fleet().play(lines).reasons == ["teleport"] * 8


def test_a_good_fix_between_them_ends_the_quarantine(road, fleet):
    lines = [road.ping(0, 0), road.ping(1, 50_000), road.ping(2, 50_000), road.ping(3, 20), road.ping(4, 50_000), road.ping(5, 50_000)]
    played = fleet().play(lines)
    assert played.reasons == ["teleport"] * 4
    assert played.vehicle()["lat"] == road.lat(20)


def test_a_device_that_sends_every_fix_twice_relocates_too(road, fleet):
    lines = [road.ping(0, 0)]
    for i in range(1, 8):
        lines += [road.ping(10 * i, 50_000), road.ping(10 * i, 50_000)]
    assert fleet().play(lines).vehicle()["lat"] == road.lat(50_000)


@pytest.mark.parametrize("at", [10, -350])
def test_a_refused_fix_that_comes_twice_is_told_once(road, fleet, at):
    metres = 50_000 if at > 0 else 0
    played = fleet().play([road.ping(0, 0), road.ping(at, metres, received=10), road.ping(at, metres, received=11)])
    assert len(played.told("ping_rejected")) == 1


def test_a_hundred_fixes_a_second_are_thinned_to_five(road, fleet):
    played = fleet().play([road.ping(i / 100, i / 10) for i in range(1000)])
    accepted = 1000 - played.reasons.count("rate_limited")
    assert 20 + 45 <= accepted <= 20 + 50 + 1
    assert set(played.reasons) == {"rate_limited"}


def test_a_spammer_costs_others_nothing(road, fleet):
    spam = [road.ping(i / 100, i / 10) for i in range(1000)]
    others = road.drive(0, 10, 0, 100, vehicle="v2", step=1)
    assert fleet().play(road.log(spam, others, ticks=False)).vehicle("v2")["fixes"] == len(others)


def test_a_vehicle_that_nobody_planned_is_a_position_without_an_eta(road, fleet):
    played = fleet().play(road.log(road.drive(0, 60, 0, 600, vehicle="stranger")))
    assert played.vehicle("stranger")["lat"] == road.lat(600)
    assert (played.events, played.reasons, len(played.estimates)) == ([], [], 0)


SMALL = replace(FleetSettings(), most_vehicles=1)


def test_a_full_fleet_takes_no_other_vehicle(road, fleet):
    lines = [road.ping(0, 0), road.ping(1, 0, "v2"), road.plan(second=2, route_id="r2", vehicle_id="v2"), road.ping(10, 10)]
    played = fleet(SMALL).play(lines)
    assert played.reasons == ["fleet_full", "fleet_full"]
    assert (list(played.state.vehicle_rows), played.vehicle()["fixes"]) == (["v1"], 2)


@pytest.mark.parametrize("kind", [m.RouteStarted, m.VehicleDown, m.VehiclePut])
def test_nothing_about_a_vehicle_without_room_is_lost_in_silence(road, fleet, kind):
    played = fleet(SMALL).play([road.ping(0, 0), road.say(kind, 1, vehicle_id="v2")])
    assert played.reasons == ["fleet_full"]


@pytest.mark.parametrize("way", ["replan", "reassign"])
def test_no_change_of_plan_makes_a_vehicle_without_room(road, fleet, way):
    again = road.plan(second=2, vehicle_id="v2", plan_version=2)
    moved = road.say(m.StopReassigned, 2, visit_id="a1", to_vehicle_id="v2", to_route_id="r2")
    played = fleet(SMALL).play([road.plan(), again if way == "replan" else moved])
    assert (list(played.state.vehicle_rows), played.reasons) == (["v1"], ["fleet_full"])
