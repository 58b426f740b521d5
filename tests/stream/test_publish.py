"""Estimates as they leave: finite, in order, never in the past, and told when they moved enough to matter."""

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest

from stream import messages as m


@pytest.fixture(scope="module")
def driven(road, fleet):
    """Two vehicles that drive, wait, fall silent and fall behind, with windows and service."""
    stops = [
        road.stop(1, service_s=60.0),
        road.stop(2, window_start=road.at(900), window_end=road.at(1200)),
        *road.stops((3, 4, 5), window_end=road.at(900)),
    ]
    first = [*road.drive(0, 100, 0, 1000), *road.drive(110, 400, 1000, 1000), *road.drive(410, 700, 1000, 4000)]
    second = [road.plan(road.stops((1, 2, 3), "b"), route_id="r2", vehicle_id="v2"), road.go(route_id="r2", vehicle_id="v2")]
    crawl = road.drive(0, 900, 0, 1500, "v2", step=45)
    silence = road.ticks(910, 1500)
    return fleet().play(road.log(road.plan(stops), road.go(), first, second, crawl)).play(silence)


def test_every_estimate_is_in_order_and_never_before_now(driven):
    rows = driven.estimates
    assert len(rows) > 200
    assert (rows["made_us"] <= rows["p10_us"]).all()
    assert (rows["p10_us"] <= rows["p50_us"]).all()
    assert (rows["p50_us"] <= rows["p90_us"]).all()
    assert (rows["p90_us"] < rows["made_us"] + 86_400_000_000).all()


def test_every_chance_is_one_and_only_visits_with_a_window_have_one(driven):
    rows = driven.estimates
    windowed = np.isin(rows["visit"], [1, 2, 3, 4])
    assert ((rows["p_late"][windowed] >= 0) & (rows["p_late"][windowed] <= 1)).all()
    assert np.isnan(rows["p_late"][~windowed]).all()


def test_later_stops_are_never_expected_before_earlier_ones(driven):
    for _, group in itertools.groupby(driven.estimates.tolist(), key=lambda row: (row[0], row[1] >= 5)):
        rows = list(group)
        assert [row[1] for row in rows] == sorted(row[1] for row in rows)
        assert all(one[k] <= other[k] for one, other in itertools.pairwise(rows) for k in (2, 3, 4))


def test_an_estimate_is_kept_only_when_it_moved(driven):
    last = {}
    for _, visit, *now in driven.estimates.tolist():
        if visit in last:
            old = last[visit]
            moved = max(abs(a - b) for a, b in zip(old[:3], now[:3], strict=True)) > 1e6 or abs(old[3] - now[3]) > 0.005
            assert moved
        last[visit] = now


def test_event_ids_are_unique_and_numbered_without_gaps(driven):
    events = driven.events
    assert len({event["id"] for event in events}) == len(events)
    assert [int(event["sequence"]) for event in events] == list(range(len(events)))
    assert {event["id"].split(":")[0] for event in events} == {"depot"}


def test_an_eta_is_told_when_new_and_then_when_it_moved_by_a_minute(driven):
    for visit in ("a3", "a5", "b3"):
        told = driven.told("eta_updated", visit_id=visit)
        assert told[0]["data"]["moved_s"] is None
        assert all(abs(event["data"]["moved_s"]) >= 60 for event in told[1:])
        assert [event["id"] for event in told] == [f"depot:eta_updated:{visit}:{i}" for i in range(1, len(told) + 1)]


def test_a_silent_vehicle_is_estimated_anew_each_minute_and_marked_as_silent(driven):
    made = {row[0] for row in driven.estimates.tolist() if row[0] > driven.parts[0].estimates["made_us"][-1] + 60_000_000}
    assert len(made) >= 5
    assert driven.told("eta_updated")[-1]["data"]["basis"] == "no_recent_fix"


def test_nothing_is_estimated_once_all_is_visited(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 600, 0, 6000)))
    made = len(played.estimates)
    assert len(played.play(road.log(road.drive(610, 900, 6000, 9000))).estimates) == made


def test_a_stop_without_any_fix_or_plan_still_has_a_finite_estimate(road, fleet):
    rows = fleet().play(road.log(road.plan(), road.go(), road.ticks(10, 300))).estimates
    assert len(rows) > 0
    assert (rows["made_us"] <= rows["p10_us"]).all()
    assert (rows["p90_us"] < rows["made_us"] + 86_400_000_000).all()


def test_a_vehicle_without_a_fix_is_not_always_about_to_arrive(road, fleet):
    planned = [road.stop(1, planned_arrival=None), *road.stops((2, 3))]
    played = fleet().play(road.log(road.plan(planned), road.go(), road.ticks(10, 40)))
    assert played.visit("a1")["p50_s"] > 60


def test_what_dispatch_said_of_a_visit_travels_with_its_events(road, fleet):
    stops = [road.stop(1, order_ref="o-7", customer_ref="c-9", priority=3)]
    data = fleet().play([road.plan(stops), road.go(), road.ping(0, 0)]).told("eta_updated")[0]["data"]
    assert [data[name] for name in ("vehicle_id", "route_id", "stop_id", "seq", "order_ref", "customer_ref", "priority")] == [
        "v1",
        "r1",
        "s1",
        1,
        "o-7",
        "c-9",
        3,
    ]


def test_metadata_travels_too(road, fleet):
    played = fleet().play([road.plan([road.stop(1, metadata={"door": "7"})]), road.go(), road.ping(0, 0)])
    assert played.told("eta_updated")[0]["data"].get("metadata") == {"door": "7"}


def test_a_correction_of_a_correction_has_an_id_of_its_own(road, fleet):
    twice = [road.say(m.StopArrived, at, received=150 + at / 100, visit_id="a1") for at in (30, 65)]
    played = fleet().play(road.log(road.plan(road.stops(service_s=600.0)), road.go(), road.drive(0, 110, 0, 1100), twice))
    assert len({event["id"] for event in played.told("stop_arrived")}) == len(played.told("stop_arrived")) == 3


def test_a_plan_that_leads_out_of_the_calendar_is_answered_within_a_year(road, fleet):
    years = [datetime(2000 + 99 * (n % 2), 1, 2, tzinfo=UTC) for n in range(500)]
    stops = [road.stop(1, stop_id=f"s{n}", visit_id=f"a{n}", seq=n, planned_arrival=year) for n, year in enumerate(years)]
    played = fleet().play(road.log(road.plan(stops), road.go(), road.drive(5, 65, 0, 100)))
    assert len(played.told("eta_updated")) == 500
    assert (played.estimates["p90_us"] <= played.estimates["made_us"] + 366 * 86_400_000_000).all()
