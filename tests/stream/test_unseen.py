"""What is not told, or told without being true of the moment: it is counted, and teaches nothing."""

import pytest

from stream import messages as m
from stream.checkpoint import dump, load


def driven(road, fleet, *lines, stops=None, until=60):
    return fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, until, 0, 10 * until), *lines, ticks=False))


@pytest.mark.parametrize(("service_s", "taught"), [(300.0, []), (None, ["arrival"]), (0.0, ["arrival"])])
def test_a_stop_completed_without_an_arrival_teaches_one_only_where_no_time_is_spent(road, fleet, service_s, taught):
    played = driven(road, fleet, road.say(m.StopCompleted, 61, visit_id="a1"), stops=road.stops(service_s=service_s))
    assert [truth.kind for truth in played.state.truths if truth.kind in ("arrival", "leg", "stay")] == taught
    played.play(road.drive(70, 200, 900, 1300))
    assert "stay" not in [truth.kind for truth in played.state.truths]


def test_impossible_speeds_and_headings_are_counted_and_the_places_kept(road, fleet):
    lines = [road.ping(0, 0, speed_mps=-1.0), road.ping(1, 5, heading_deg=400.0, speed_mps=300.0), road.ping(2, 9, speed_mps=3.0)]
    for cuts in ((), (1,), (1, 2)):
        played = fleet().play(lines, cuts)
        assert (played.state.counted, played.reasons) == ({"speed_range": 2, "heading_range": 1}, [])


def test_too_many_fixes_are_told_once_a_minute(road, fleet):
    spam = [road.ping(i / 100, i / 10) for i in range(2_000)]
    later = [road.ping(70 + i / 100, 200 + i / 10) for i in range(1_000)]
    played = fleet().play([*spam, *later])
    assert played.reasons.count("rate_limited") > 2_000
    assert len(played.told("ping_rejected", reason="rate_limited")) == 2


def test_an_arrival_after_the_window_was_taken_away_is_not_late(road, fleet):
    stops = [*road.stops((1, 2, 3, 4)), road.stop(5, window_end=road.at(60))]
    gone = [road.say(m.WindowChanged, 61, visit_id="a5"), road.say(m.StopArrived, 62, visit_id="a5")]
    played = driven(road, fleet, *gone, stops=stops)
    assert played.told("exception_resolved")[0]["data"]["reason"] == "arrived_in_time"


def test_a_fleet_goes_on_from_its_checkpoint_as_if_nothing_had_been(road, fleet):
    lines = road.log(road.plan(), road.go(), road.drive(0, 300, 0, 3000), road.plan(road.stops((1, 2, 5)), second=65, plan_version=2))
    rest = road.log(road.plan(second=301, plan_version=3), road.drive(310, 700, 3100, 5300), road.say(m.Tick, 1_000))
    whole, resumed = (fleet().play(lines) for _ in range(2))
    resumed.state = load(dump(resumed.state), resumed.settings.model)
    assert dump(resumed.state) == dump(whole.state)
    assert resumed.play(rest).bytes() == whole.play(rest).bytes()
