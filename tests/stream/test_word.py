"""Fleets whose drivers drive until they say that a stop is done: coming near it is no arrival there."""

import pytest

from stream import messages as m


def run(road, number, stands_s=0, says=True, start=0, vehicle="v1", step=10):
    """Lines of one run: a kilometre up the road, past the near edge of the radius, a stand of some seconds at the end, and the word."""
    route = f"r{number}"
    names = {"route_id": route, "vehicle_id": vehicle}
    stops = [road.stop(0, visit_id=f"{route}.0"), road.stop(1, visit_id=f"{route}.1", radius_m=150.0)]
    lines = [road.plan(stops, start, **names), road.ping(start, 0, vehicle), road.go(start + 1, **names)]
    lines += road.drive(start + 10, start + 110, 0, 1_000, vehicle, step=step)
    lines += [road.ping(start + 110 + second, 1_000, vehicle) for second in range(10, stands_s + 1, 10)]
    end = start + 110 + stands_s + 3
    if says:
        lines.append(road.say(m.StopCompleted, end, visit_id=f"{route}.1", **names))
    return [*lines, road.say(m.RouteEnded, end + 2, **names)], end


def runs(road, count, **more):
    """Several runs, one after the other."""
    lines, start = [], 0
    for number in range(count):
        part, end = run(road, number, start=start, **more)
        lines, start = lines + part, end + 60
    return lines, start


def arrivals(played, route):
    return [(event["data"]["source"], event["time"]) for event in played.told("stop_arrived", route_id=route, stop_id="s1")]


def test_where_drivers_drive_until_they_say_so_the_word_is_the_arrival(road, fleet):
    lines, start = runs(road, 25)
    last, end = run(road, 25, start=start)
    played = fleet().play(road.log(lines, last))
    assert [source for source, _ in arrivals(played, "r0")] == ["position"]
    assert arrivals(played, "r25") == [("status", road.at(end).isoformat().replace("+00:00", "Z"))]


def test_where_drivers_stand_before_they_say_so_position_is_the_arrival(road, fleet):
    lines, start = runs(road, 25, stands_s=120)
    last, _ = run(road, 25, stands_s=120, start=start)
    assert [source for source, _ in arrivals(fleet().play(road.log(lines, last)), "r25")] == ["position"]


def test_where_drivers_say_nothing_position_is_the_arrival(road, fleet):
    lines, start = runs(road, 25, says=False)
    last, _ = run(road, 25, says=False, start=start)
    assert [source for source, _ in arrivals(fleet().play(road.log(lines, last)), "r25")] == ["position"]


def test_a_word_that_does_not_come_is_made_up_for_by_a_long_stand(road, fleet):
    lines, start = runs(road, 25)
    silent, _ = run(road, 25, stands_s=7_300, says=False, start=start)
    (found,) = fleet().play(road.log(lines, silent)).told("stop_arrived", route_id="r25", stop_id="s1")
    assert found["data"]["source"] == "position"
    assert found["time"] < road.at(start + 110).isoformat().replace("+00:00", "Z")


def test_who_leaves_after_a_stand_without_a_word_was_there(road, fleet):
    lines, start = runs(road, 25)
    silent, end = run(road, 25, stands_s=320, says=False, start=start)
    leaves = road.drive(end - 2, end + 60, 1_000, 2_000)
    played = fleet().play(road.log(lines, silent[:-1], leaves))
    assert [source for source, _ in arrivals(played, "r25")] == ["position"]


def test_until_the_word_the_visit_stays_open_and_is_estimated(road, fleet):
    lines, start = runs(road, 25)
    last, _ = run(road, 25, start=start)
    played = fleet().play(road.log(lines, last[:-2]))
    assert played.visit("r25.1")["state"] == "OPEN"


@pytest.mark.parametrize("service_s", [60.0])
def test_a_stop_with_planned_work_is_reached_by_position_whatever_is_said(road, fleet, service_s):
    lines, start = runs(road, 25)
    last, _ = run(road, 25, start=start)
    stops = [road.stop(0, visit_id="r25.0"), road.stop(1, visit_id="r25.1", radius_m=150.0, service_s=service_s)]
    last[0] = road.plan(stops, start, route_id="r25")
    assert [source for source, _ in arrivals(fleet().play(road.log(lines, last)), "r25")] == ["position"]


def test_the_words_of_others_count_from_the_next_tick_on_however_the_log_is_cut(road, fleet):
    lines, start = runs(road, 19)
    start += -start % 30
    last, other = run(road, 19, start=start)[0], run(road, 20, start=start, vehicle="v2", step=1)[0]
    log = road.log(lines, last, other)  # the twentieth word is said just behind the other vehicle's arrival
    whole, single = fleet().play(log), fleet().play(log, range(1, len(log)))
    assert [source for source, _ in arrivals(whole, "r20")] == ["position"]
    assert whole.bytes() == single.bytes()
