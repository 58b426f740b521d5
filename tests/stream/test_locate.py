"""Fences entered, stayed in, left and driven through as fixes come in: what is told, what it rests on, and what is not told."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from geofences.positions import METRES_PER_DEGREE
from stream import messages as m
from stream.fence_rules import FencePolicies, FencePolicy
from stream.settings import FleetSettings

KINDS = {f"fleetcast.geofence_{word}.v1": word for word in ("entered", "exited", "dwelled")}
HOUR_S = 3600


def crossings(played):
    """(entered, dwelled or exited, fence, second at which it happened, second at which it was known) of every event about a fence."""
    return [
        (KINDS[event["type"]], event["data"]["fence_id"], second(event["time"]), second(event["data"]["detected_at"]))
        for event in played.events
        if event["type"] in KINDS
    ]


def second(text):
    """Seconds since nine o'clock of a moment of this day."""
    hours, minutes, seconds = text[11:-1].split(":")
    return (int(hours) - 9) * HOUR_S + int(minutes) * 60 + round(float(seconds), 3)


def words(played):
    return [crossing[:2] for crossing in crossings(played)]


def aside(road, at, metres, east_m, **more):
    """A fix so far east of the road."""
    lon = -78.9 + east_m / METRES_PER_DEGREE / math.cos(math.radians(42.9))
    return road.ping(at, metres, lon=lon, **more)


@pytest.fixture
def yard(road):
    """A fence from 100 m to 300 m of the road."""
    return road.square("yard", 0, 100, 300)


def test_a_visit_is_told_when_it_is_sure_and_dated_where_the_path_crosses_the_edge(road, fleet, yard):
    lines = road.log(yard, road.drive(0, 40, 0, 200), road.drive(50, 100, 200, 200), road.drive(110, 200, 200, 650))
    played = fleet().play(lines)
    # In at 20 s, seen at 20, 30, 40 s. From 200 m at 110 s on with 5 m/s: at the edge at 130 s, more than 30 m off from 140 s on.
    assert crossings(played) == [("entered", "yard", 20.0, 40.0), ("exited", "yard", 130.0, 160.0)]
    entered, exited = played.told("geofence_entered")[0], played.told("geofence_exited")[0]
    assert entered["id"] == "depot:geofence_entered:v1:yard:1"
    assert exited["id"] == "depot:geofence_exited:v1:yard:1"
    data = entered["data"]
    assert (data["vehicle_id"], data["fence_kind"], data["visit"], len(data["cell"]), data["accuracy_m"]) == ("v1", "zone", 1, 15, 10.0)
    assert second(data["last_outside_at"]) == 10
    data = exited["data"]
    assert (second(data["entered_at"]), data["dwell_s"]) == (20, 110.0)
    assert (second(data["last_inside_at"]), second(data["first_outside_at"])) == (130, 140)
    assert "reason" not in data
    assert "passed" not in data


def test_the_crossing_lies_between_two_fixes_where_the_edge_is(road, fleet, yard):
    lines = [yard, road.ping(0, 50), road.ping(10, 150), road.ping(30, 150), road.ping(40, 350), road.ping(60, 600), road.ping(80, 800)]
    assert crossings(fleet().play(lines)) == [("entered", "yard", 5.0, 30.0), ("exited", "yard", 37.5, 60.0)]


def test_a_first_fix_inside_is_the_beginning_of_the_visit(road, fleet, yard):
    played = fleet().play([yard, road.ping(5, 200), road.ping(30, 200)])
    assert crossings(played) == [("entered", "yard", 5.0, 30.0)]
    assert played.told("geofence_entered")[0]["data"]["last_outside_at"] is None


@pytest.mark.parametrize("step", [1, 5])
def test_holding_is_counted_in_seconds_and_not_in_fixes(road, fleet, yard, step):
    inside = road.drive(0, 15, 200, 200, step=step)
    assert words(fleet().play([yard, *inside, *road.drive(16, 60, 500, 500, step=step)])) == []
    assert words(fleet().play([yard, *road.drive(0, 20, 200, 200, step=step)])) == [("entered", "yard")]


def test_one_outlier_ends_no_visit_and_delays_none(road, fleet, yard):
    far = [road.ping(10, 500), road.ping(50, 20)]
    lines = [yard, road.ping(0, 200), far[0], road.ping(20, 200), road.ping(40, 200), far[1], road.ping(60, 200), road.ping(80, 200)]
    assert crossings(fleet().play(lines)) == [("entered", "yard", 0.0, 20.0)]


def test_a_vehicle_beside_the_edge_neither_comes_nor_goes(road, fleet, yard):
    """Fixes wander 25 m to either side of the edge for an hour."""
    wander = [road.ping(10 * i, 300 + 25 * math.sin(i / 5)) for i in range(360)]
    assert words(fleet().play([yard, *wander])) == [("entered", "yard"), ("dwelled", "yard")]


def test_how_far_away_is_sure_depends_on_the_accuracy_of_the_fix(road, fleet, yard):
    def play(accuracy_m):
        there = [road.ping(s, 200) for s in (0, 30)]
        return words(fleet().play([yard, *there, *(road.ping(s, 350, accuracy_m=accuracy_m) for s in (60, 90, 120))]))

    assert play(5.0) == [("entered", "yard"), ("exited", "yard")]
    assert play(20.0) == [("entered", "yard")]


def test_a_long_stay_is_told_once_by_the_fix_that_shows_it(road, fleet, yard):
    played = fleet().play(road.log(yard, [road.ping(s, 200) for s in range(0, 1000, 70)]))
    assert crossings(played) == [("entered", "yard", 0.0, 70.0), ("dwelled", "yard", 300.0, 350.0)]
    assert played.told("geofence_dwelled")[0]["data"]["dwell_s"] == 300


def test_a_silent_vehicle_does_not_dwell(road, fleet, yard):
    assert words(fleet().play(road.log(yard, road.ping(0, 200), road.ping(30, 200), road.ping(1000, 1000)))) == [("entered", "yard")]


def test_kinds_of_fences_have_policies_of_their_own(road, fleet):
    gate = FencePolicy(enter_fixes=1, enter_hold_s=0.0, exit_m=0.0, exit_accuracies=0.0, exit_fixes=1, exit_hold_s=0.0)
    settings = replace(FleetSettings(), fences=FencePolicies(kinds={"gate": gate}))
    put = road.square("yard", 0, 100, 300)[1]
    lines = [(0, put), (0, m.FencePut(fleet_id="depot", at=put.at, fence_id="gate", kind="gate", geometry=put.geometry))]
    played = fleet(settings).play([*lines, road.ping(0, 0), road.ping(10, 200), road.ping(20, 301)])
    assert words(played) == [("entered", "gate"), ("exited", "gate")]
    with pytest.raises(ValueError, match="at least"):
        FencePolicy(enter_fixes=0)


def test_a_fence_between_two_fixes_is_driven_through(road, fleet, yard):
    played = fleet().play([yard, *(road.ping(20 * i, 400 * (i - 1)) for i in range(5))])
    assert crossings(played) == [("entered", "yard", 25.0, 60.0), ("exited", "yard", 35.0, 60.0)]
    entered, exited = played.told("geofence_entered")[0]["data"], played.told("geofence_exited")[0]["data"]
    assert entered["passed"] is exited["passed"] is True
    assert (exited["dwell_s"], exited["last_inside_at"], entered["visit"], exited["visit"]) == (10.0, None, 1, 1)


def test_a_fence_is_driven_through_however_many_fixes_lie_in_it(road, fleet, yard):
    for step in (1, 2, 5, 10):
        played = fleet().play([yard, *road.drive(-20, 100, -300, 1500, step=step)])
        told = crossings(played)
        assert words(played) == [("entered", "yard"), ("exited", "yard")]
        assert [told[0][2], told[1][2]] == pytest.approx([100 / 15, 20], abs=0.01)
        assert played.told("geofence_exited")[0]["data"]["passed"] is True


def test_passages_can_be_left_untold(road, fleet, yard):
    settings = replace(FleetSettings(), fences=FencePolicies(usual=FencePolicy(passages=False)))
    for step in (5, 20):
        assert words(fleet(settings).play([yard, *road.drive(-20, 100, -300, 1500, step=step)])) == []


def test_a_jump_there_and_back_is_no_passage(road, fleet):
    gate = road.square("gate", 0, 100, 140)
    parked = [*road.drive(0, 60, 50, 50), road.ping(70, 300), *road.drive(80, 300, 50, 50)]
    assert words(fleet().play([gate, *parked])) == []
    into = [*road.drive(0, 60, 50, 50), road.ping(70, 120), *road.drive(80, 200, 50, 50), *road.drive(210, 300, 0, -900)]
    assert words(fleet().play([gate, *into])) == []
    first = [road.ping(0, 300), *road.drive(10, 200, 50, 50)]
    assert words(fleet().play([gate, *first, *road.drive(210, 300, 0, -900)])) == []


def test_a_jump_aside_while_driving_is_no_passage(road, fleet, yard):
    """The yard reaches 400 m to the east; the vehicle drives 600 m east of the road, and one fix is thrown across the yard."""
    drive = [aside(road, s, 15 * s - 400, 600) for s in range(0, 120, 10)]
    assert words(fleet().play([yard, *drive])) == []
    drive[4] = aside(road, 40, 200, -600)
    assert words(fleet().play([yard, *drive])) == []
    drive[4] = aside(road, 40, 200, 0)
    assert words(fleet().play([yard, *drive])) == []


def test_a_graze_within_the_accuracy_is_no_passage(road, fleet, yard):
    """Past the edge that lies 405 m east of the road, from well before to well behind."""

    def past(east_m):
        return words(fleet().play([yard, *(aside(road, s, 20 * s - 400, east_m) for s in (0, 15, 35, 55, 75))]))

    edge_m = 0.005 * METRES_PER_DEGREE * math.cos(math.radians(42.9))
    assert past(edge_m - 5) == []
    assert past(edge_m - 15) == [("entered", "yard"), ("exited", "yard")]


def test_nobody_knows_the_way_over_a_long_gap(road, fleet, yard):
    assert words(fleet().play([yard, road.ping(0, 0), road.ping(300, 400), road.ping(330, 800), road.ping(360, 1200)])) == []


def test_a_gap_of_hours_ends_a_visit_with_the_last_fix_inside(road, fleet, yard):
    lines = [yard, road.ping(0, 200), road.ping(30, 200), road.ping(3 * HOUR_S, 5000), road.ping(3 * HOUR_S + 30, 5300)]
    played = fleet().play(road.log(lines))
    assert crossings(played) == [("entered", "yard", 0.0, 30.0), ("exited", "yard", 30.0, 3 * HOUR_S + 30.0)]
    data = played.told("geofence_exited")[0]["data"]
    assert (second(data["last_inside_at"]), second(data["first_outside_at"]), data["dwell_s"]) == (30, 3 * HOUR_S, 30.0)


def test_a_gap_of_hours_inside_is_one_visit_even_if_the_first_fix_is_thrown_off(road, fleet, yard):
    lines = [yard, road.ping(0, 200), road.ping(30, 200), *(road.ping(3 * HOUR_S + s, 200 + 300 * (s == 0)) for s in (0, 30, 60))]
    assert words(fleet().play(road.log(lines))) == [("entered", "yard"), ("dwelled", "yard")]


def test_fixes_that_come_late_or_do_not_count_change_nothing(road, fleet, yard):
    lines = [yard, *road.drive(0, 60, 0, 600), road.ping(61, 50_000)]
    late = [road.ping(s, 200, received=62 + s / 100) for s in (11, 22, 33, 44, 55)]
    plain, played = fleet().play([*lines, road.ping(100, 900)]), fleet().play([*lines, *late, road.ping(100, 900)])
    assert played.reasons == ["teleport"]
    assert crossings(played) == crossings(plain)


def test_leaving_one_fence_for_the_next_is_told_in_the_order_in_which_it_is_known(road, fleet):
    lines = [road.square("a", 0, -100, 100), road.square("b", 0, 100, 300), *road.drive(0, 60, 0, 0), *road.drive(70, 140, 100, 200)]
    told = crossings(fleet().play(lines))
    assert [crossing[:2] for crossing in told] == [("entered", "a"), ("entered", "b"), ("exited", "a")]
    assert all(one[3] <= other[3] for one, other in pairwise(told))


def test_fences_within_fences_are_kept_apart(road, fleet):
    lines = [road.square(f"f{n}", 0, -100 * n, 100 * n) for n in (3, 1, 2)]
    played = fleet().play([*lines, *road.drive(0, 60, 0, 0), *road.drive(70, 200, 50, 700)])
    assert [word for word in words(played) if word[0] == "entered"] == [("entered", f"f{n}") for n in (1, 2, 3)]
    assert [word for word in words(played) if word[0] == "exited"] == [("exited", f"f{n}") for n in (1, 2, 3)]
    assert sorted(event["data"]["visit"] for event in played.told("geofence_entered")) == [1, 2, 3]
    assert len({event["id"] for event in played.events}) == len(played.events)


def test_coming_again_is_another_visit(road, fleet, yard):
    legs = [road.drive(0, 60, 200, 200), road.drive(70, 150, 200, 600), road.drive(160, 240, 600, 200), road.drive(250, 300, 200, 200)]
    played = fleet().play(road.log(yard, *legs))
    assert words(played) == [("entered", "yard"), ("exited", "yard"), ("entered", "yard")]
    assert [event["data"]["visit"] for event in played.told("geofence_entered")] == [1, 2]
