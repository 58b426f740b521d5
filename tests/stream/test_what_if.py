"""What if: everybody's arrivals before and after, on a copy of the fleet; the fleet itself stays as it is."""

import importlib.util
from pathlib import Path

import pytest

from geofences.cells import area_cell, cell_name
from stream.codec import encode
from stream.moments import instant
from stream.proposal_messages import ProposalAccepted
from stream.question_messages import Supposition, WhatIfAsked
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.what_if import what_if
from stream.traffic_messages import TrafficPut

SPEC = importlib.util.spec_from_file_location("borrowed_reassign", Path(__file__).with_name("test_reassign.py"))
SCENES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCENES)


@pytest.fixture
def drive_out(road, fleet):
    """Two vehicles on one road, both on their way to stops without planned times."""
    return lambda: fleet().play(
        road.log(
            SCENES.plan(road, "v1", "r1", [road.stop(n, visit_id=f"a{n}") for n in (2, 8)]),
            SCENES.plan(road, "v2", "r2", [road.stop(n, visit_id=f"b{n}") for n in (3, 4)]),
            road.drive(2, 102, 0, 700, "v1"),
            road.drive(2, 102, 0, 700, "v2"),
        )
    )


@pytest.fixture
def on_the_road(drive_out):
    return drive_out()


def ask(played, **fields):
    at = instant(played.state.now_us)
    asked = WhatIfAsked(fleet_id="depot", at=at, question_id="q1", changes=[Supposition(**fields)])
    return what_if(fork(played.state), ReassignPolicy(), asked)


def jam(road):
    """Around the far stop."""
    return {"change": "traffic", "lat": road.lat(8000), "lon": -78.9, "radius_m": 300.0, "factor": 3.0}


def test_traffic_delays_who_drives_into_it_and_nobody_else(road, on_the_road):
    found = ask(on_the_road, **jam(road))
    later = {visit.visit_id: (visit.eta_after - visit.eta_before).total_seconds() for visit in found.visits}
    assert set(later) == {"a2", "a8"}
    assert later["a2"] == 0
    assert later["a8"] > 600
    assert found.drive_added_s > 600
    assert not len(on_the_road.state.model.legs.slow)


def test_supposed_traffic_is_what_told_traffic_would_be(road, drive_out):
    supposed = {visit.visit_id: (visit.eta_after - visit.eta_before).total_seconds() for visit in ask(drive_out(), **jam(road)).visits}
    told = road.say(TrafficPut, 103, cell=cell_name(area_cell(road.lat(8000), -78.9, 7)), factor=3.0)
    later = [road.ping(110, 760, "v1"), *road.ticks(110, 330)]
    usual, slowed = (drive_out().play(lines).visit("a8")["p50_s"] for lines in (later, [told, *later]))
    assert slowed - usual == pytest.approx(supposed["a8"], abs=60)


def test_a_move_names_the_messages_that_would_make_it(road, on_the_road):
    found = ask(on_the_road, change="move", visit_id="a8", to_vehicle_id="v2", before_visit_id="b4")
    assert [type(said).__name__ for said in found.publish] == ["StopReassigned", "RoutePublished"]
    on_the_road.play([(103, encode(said)) for said in found.publish])
    assert on_the_road.reasons == []
    route = on_the_road.state.routes["r2"]
    assert [on_the_road.state.names[row].visit_id for row in range(route.first, route.end)] == ["b3", "a8", "b4"]


def test_what_changes_no_plan_has_nothing_to_publish(on_the_road):
    assert ask(on_the_road, change="delay", vehicle_id="v1", delay_s=1_800.0).publish == []


def test_an_order_with_goods_to_fetch_is_published_anew_with_them(road, fleet):
    """A hand-over that was accepted stays known when dispatch publishes the route again."""
    played = fleet(SCENES.HERE).play([*SCENES.opening(road, kind="delivery"), *road.ticks(220, 240)])
    played.play([road.say(ProposalAccepted, 245, exception_id="depot:vehicle_down:v1", number=1, by="ann")])
    fetched = {name.visit_id: name.fetched_at for name in played.state.names if name.fetched_at}
    assert fetched
    found = ask(played, change="window", visit_id="a3", window_start=road.at(300), window_end=road.at(9_000))
    played.play([(246, encode(said)) for said in found.publish])
    assert played.reasons == []
    state = played.state
    assert {name: state.names[state.visit_rows[name]].fetched_at for name in fetched} == fetched
