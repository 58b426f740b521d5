"""Traffic from outside: the ETAs know of it from the next working tick until it is over, and it teaches nothing of the usual."""

import numpy as np
import pytest

from geofences.cells import area_cell, cell_name
from stream import messages as m
from stream.checkpoint import dump, load
from stream.settings import FleetSettings
from stream.traffic_messages import TrafficPut, TrafficSpeedsPut


def cell_of(road, metres):
    return cell_name(area_cell(road.lat(metres), -78.9, 7))


def driving(road):
    return road.log(road.plan(road.stops(service_s=60.0)), road.go(1), road.drive(2, 122, 0, 600), road.ping(150, 650))


def slowed(road, second, factor, **more):
    return [road.say(TrafficPut, second, cell=cell_of(road, 1000.0 * n), factor=factor, source="tests", **more) for n in range(1, 6)]


def last_eta_s(played):
    return (played.visit("a5")["p50_us"] - played.state.now_us) / 1e6


def test_slow_traffic_moves_etas_from_the_next_working_tick_on_until_it_is_over(road, fleet):
    lines = driving(road)
    usual = last_eta_s(fleet().play([*lines, *road.ticks(160, 330)]))
    told = fleet().play([*lines, *slowed(road, 155, 2.0, valid_until=road.at(1_000)), *road.ticks(160, 330)])
    assert told.reasons == []
    assert 1.4 < last_eta_s(told) / usual < 2.1
    told.play(road.ticks(340, 1_400))
    assert told.state.traffic == {}
    assert not len(told.state.model.legs.slow)


def told_speeds(road, second, mps, hours=range(24), **more):
    speeds = [mps if hour in hours else None for hour in range(24)]
    cells = sorted({cell_of(road, 1000.0 * n) for n in range(1, 6)})
    return [road.say(TrafficSpeedsPut, second, cell=cell, speeds_mps=speeds, source="tests", **more) for cell in cells]


def test_speeds_of_the_hour_move_etas_and_those_of_another_hour_do_not(road, fleet):
    lines, hour = driving(road), road.at(160).hour
    usual = last_eta_s(fleet().play([*lines, *road.ticks(160, 330)]))
    slow = fleet().play([*lines, *told_speeds(road, 155, 2.0), *road.ticks(160, 330)])
    other = fleet().play([*lines, *told_speeds(road, 155, 2.0, {(hour + 5) % 24}), *road.ticks(160, 330)])
    assert slow.reasons == other.reasons == []
    assert last_eta_s(slow) > 1.4 * usual
    assert last_eta_s(other) == pytest.approx(usual)


def test_told_speeds_have_an_age_and_a_source_and_end(road, fleet):
    played = fleet().play([*driving(road), *told_speeds(road, 155, 2.0, valid_until=road.at(400)), *road.ticks(160, 330)])
    assert {(known.source, known.at_us) for known in played.state.told_speeds.values()} == {("tests", road.us(155))}
    played.play(road.ticks(340, 500))
    assert played.state.told_speeds == {}
    assert not len(played.state.model.legs.slow)


def test_what_traffic_does_now_goes_before_what_its_hours_are_told_to_be(road, fleet):
    lines = [*driving(road), *told_speeds(road, 154, 0.5), *slowed(road, 155, 1.0), *road.ticks(160, 330)]
    assert last_eta_s(fleet().play(lines)) == pytest.approx(last_eta_s(fleet().play([*driving(road), *road.ticks(160, 330)])))


@pytest.mark.parametrize(("speeds", "reason"), [([1.0] * 23, "missing_field"), ([1.0] * 25, "too_large"), ([0.0] * 24, "value_range")])
def test_speeds_that_are_no_day_or_no_speeds_are_refused(road, fleet, speeds, reason):
    line = road.say(TrafficSpeedsPut, 1, cell=cell_of(road, 0), speeds_mps=speeds)
    assert fleet().play([line]).reasons == [reason]


def test_an_hour_is_what_holds_where_nobody_says(road, fleet):
    played = fleet().play([*driving(road), *slowed(road, 155, 3.0)[:1], road.say(m.Tick, 180)])
    (known,) = played.state.traffic.values()
    assert (known.factor, known.source, known.at_us) == (3.0, "tests", road.us(155))
    assert known.until_us - known.from_us == 3_600_000_000


@pytest.mark.parametrize(
    ("more", "reason"), [({"cell": "x"}, "value_range"), ({"cell": "892a100d2c3ffff"}, "value_range"), ({"factor": 0.0}, "value_range")]
)
def test_what_names_no_area_or_no_traffic_is_refused(road, fleet, more, reason):
    line = road.say(TrafficPut, 1, **{"cell": cell_of(road, 0), "factor": 2.0, **more})
    assert fleet().play([line]).reasons == [reason]


def test_older_news_of_an_area_do_not_replace_newer(road, fleet):
    newer, older = slowed(road, 155, 2.0)[0], road.say(TrafficPut, 100, received=156, cell=cell_of(road, 1000.0), factor=5.0)
    played = fleet().play([*driving(road), newer, older])
    assert played.reasons == ["too_late"]
    assert [known.factor for known in played.state.traffic.values()] == [2.0]


def test_any_cut_and_a_checkpoint_give_the_same(road, fleet):
    lines = [
        *driving(road),
        *slowed(road, 155, 2.0, valid_from=road.at(100)),
        *road.ticks(160, 200),
        *told_speeds(road, 203, 3.0),
        *slowed(road, 205, 4.0)[:2],
        *road.ticks(210, 400),
    ]
    whole = fleet().play(lines)
    assert fleet().play(lines, range(1, len(lines))).bytes() == whole.bytes()
    for cut in range(len(lines) - 40, len(lines)):
        resumed = fleet().play(lines[:cut])
        resumed.state = load(dump(resumed.state), FleetSettings().model)
        assert resumed.play(lines[cut:]).bytes() == whole.bytes()


def test_a_leg_in_traffic_that_was_told_of_teaches_what_it_takes_without(road, fleet):
    def learned(factor, seconds):
        drive = road.drive(60, 60 + seconds, 1_000, 2_000)
        lines = road.log(
            road.plan(road.stops()),
            road.go(1),
            road.drive(2, 50, 600, 1_000),
            slowed(road, 5, factor),
            drive,
            road.ping(90 + seconds, 2_300),
        )
        legs = fleet().play(lines).state.model.legs
        return float(legs.table.mean_s[legs.keys.rows["s1", "s2"]])

    assert learned(2.0, 200) == pytest.approx(learned(1.0, 200) / 2.0, rel=0.01)
    assert np.isfinite(learned(2.0, 200))


def test_a_leg_that_past_runs_know_takes_longer_in_traffic_that_was_told_of(road, fleet):
    def runs_before(count):
        """So many vehicles that drove the first leg, which teaches runs."""
        return [
            part
            for number in range(count)
            for part in (
                road.plan(
                    [road.stop(1, visit_id=f"{number}.1"), road.stop(2, visit_id=f"{number}.2")],
                    route_id=f"p{number}",
                    vehicle_id=f"p{number}",
                ),
                road.go(600 * number + 1, route_id=f"p{number}", vehicle_id=f"p{number}"),
                road.drive(600 * number + 2, 600 * number + 302, 900, 2_400, f"p{number}"),
            )
        ]

    before, start = runs_before(8), 4_800
    own = [road.plan([road.stop(1), road.stop(2)], start), road.go(start + 1), road.drive(start + 2, start + 102, 900, 1_400)]
    usual, told = (
        fleet().play(road.log(*before, *own, *more, road.ticks(start + 110, start + 190)))
        for more in ([], [slowed(road, start - 100, 2.0)])
    )
    assert told.reasons == []
    left_s = [(played.visit("a2")["p50_us"] - road.us(start + 102)) / 1e6 for played in (usual, told)]
    assert left_s[1] > 1.4 * left_s[0]
