"""A fleet planned anew: only a suggestion, which breaks nothing, and by its own messages becomes the plan whose ETAs were promised."""

import importlib.util
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stream import messages as m
from stream.checkpoint import dump
from stream.codec import encode
from stream.moments import instant, micros
from stream.question_messages import Supposition, WhatIfAsked
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.publishing import as_planned
from stream.reassign.what_if import what_if

SPEC = importlib.util.spec_from_file_location("borrowed_reassign", Path(__file__).with_name("test_reassign.py"))
SCENES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCENES)
POLICY = ReassignPolicy()


def muddled(road, fleet, kind="pickup", first=None, second=None, end=700.0, **more):
    """Two vehicles that set out side by side; each has some of the near stops and some of the far ones, the far ones first."""
    mine, theirs = (5, 1, 6, 2), (7, 3, 8, 4)
    puts = [SCENES.put(road, vehicle, **{"capacity": 20.0, **(told or {})}) for vehicle, told in (("v1", first), ("v2", second))]
    plans = [
        SCENES.plan(road, vehicle, route, [road.stop(n, visit_id=f"a{n}", kind=kind, load=2.0, service_s=60.0, **more) for n in numbers])
        for vehicle, route, numbers in (("v1", "r1", mine), ("v2", "r2", theirs))
    ]
    return fleet().play(road.log(puts, *plans, road.drive(2, 102, 0, end, "v1"), road.drive(2, 102, 0, end, "v2")))


def ask(played, *changes, policy=POLICY, **more):
    changes = changes or (Supposition(change="reoptimise", **more),)
    asked = WhatIfAsked(fleet_id="depot", at=instant(played.state.now_us), question_id="q1", changes=list(changes))
    return what_if(fork(played.state), policy, asked)


def orders(found):
    return {said.vehicle_id: [stop.visit_id for stop in said.stops] for said in found.publish if isinstance(said, m.RoutePublished)}


def test_less_is_driven_and_every_visit_is_made_once(road, fleet):
    found = ask(muddled(road, fleet))
    assert found.not_possible == []
    assert found.drive_added_s < -600
    assert sorted(name for order in orders(found).values() for name in order) == [f"a{n}" for n in range(1, 9)]
    assert {visit.visit_id for visit in found.visits} == {f"a{n}" for n in range(1, 9)}


def test_it_changes_nothing_and_is_no_proposal(road, fleet):
    played = muddled(road, fleet)
    before = dump(played.state)
    ask(played)
    assert dump(played.state) == before
    assert not played.state.proposals


def test_the_same_fleet_gets_the_same_answer(road, fleet):
    played = muddled(road, fleet)
    assert msgspec.json.encode(ask(played)) == msgspec.json.encode(ask(played))
    assert msgspec.json.encode(ask(muddled(road, fleet))) == msgspec.json.encode(ask(played))


def test_published_as_it_says_it_becomes_the_plan_with_the_etas_that_were_promised(road, fleet):
    played = muddled(road, fleet, planned_arrival=road.at(2_000), customer_ref="c1", metadata={"bell": "twice"})
    state = played.state
    plans = {name: as_planned(state, row) for name, row in state.visit_rows.items()}
    found = ask(played)
    assert found.publish
    played.play([(105, encode(said)) for said in found.publish])
    assert played.reasons == []
    assert {state.vehicle_ids[state.routes[name.route_id].vehicle] for name in state.names} == {"v1", "v2"}
    for vehicle_id, order in orders(found).items():
        route = state.route_of(state.vehicle_rows[vehicle_id])
        assert [state.names[row].visit_id for row in range(route.first, route.end)] == order
    for name, row in state.visit_rows.items():
        assert msgspec.structs.replace(as_planned(state, row), planned_arrival=None) == msgspec.structs.replace(
            plans[name], planned_arrival=None
        )
    played.play([road.ping(106, 720, "v1"), road.ping(106, 720, "v2")])
    for visit in found.visits:
        assert int(state.visits.p50_us[state.visit_rows[visit.visit_id]]) == pytest.approx(micros(visit.eta_after), abs=30e6)


def test_what_is_on_board_stays_on_board(road, fleet):
    found = ask(muddled(road, fleet, kind="delivery"))
    assert {name: sorted(order) for name, order in orders(found).items()} == {
        "v1": ["a1", "a2", "a5", "a6"],
        "v2": ["a3", "a4", "a7", "a8"],
    }
    assert found.drive_added_s < -600


def test_what_is_not_loaded_yet_may_change_vehicles(road, fleet):
    loads = {"first": {"loaded_visit_ids": ["a5", "a6"]}, "second": {"loaded_visit_ids": ["a7", "a8"]}}
    found = ask(muddled(road, fleet, kind="delivery", **loads))
    taken = {said.visit_id for said in found.publish if isinstance(said, m.StopReassigned)}
    assert taken
    assert taken <= {"a1", "a2", "a3", "a4"}


def test_what_a_vehicle_that_is_down_was_to_fetch_goes_to_others(road, fleet):
    played = muddled(road, fleet)
    found = ask(played, Supposition(change="vehicle_out", vehicle_id="v1"), Supposition(change="reoptimise"))
    assert sorted(orders(found)["v2"]) == [f"a{n}" for n in range(1, 9)]
    assert all(visit.vehicle_id == "v2" for visit in found.visits)


def test_only_the_vehicles_that_are_named_are_touched(road, fleet):
    found = ask(muddled(road, fleet), vehicle_ids=["v1"])
    assert set(orders(found)) == {"v1"}
    assert ask(muddled(road, fleet), vehicle_ids=["v1", "v9"]).not_possible == ["reoptimise: no vehicle v9"]


def test_more_than_can_be_thought_of_at_once_is_refused_with_the_reason(road, fleet):
    (why,) = ask(muddled(road, fleet), policy=ReassignPolicy(most_takers=1)).not_possible
    assert "8 visits of 2 vehicles" in why


def test_what_cannot_be_bettered_stays(road, fleet):
    played = fleet().play(road.log(SCENES.plan(road, "v1", "r1", SCENES.stops(road, (1, 2, 3), "a")), road.drive(2, 52, 0, 400)))
    found = ask(played)
    assert found.not_possible == ["reoptimise: nothing better was found than the plan as it is"]
    assert found.publish == []


def test_a_hub_stays_last_and_who_loads_anew_on_the_way_is_left_alone(road, fleet):
    hub = road.stop(9, visit_id="hub", kind="hub")
    muddle = [road.stop(n, visit_id=f"b{n}", kind="pickup", service_s=60.0) for n in (6, 2, 5, 3)]
    ends = fleet().play(road.log(SCENES.plan(road, "v1", "r1", [*muddle, hub]), road.drive(2, 102, 0, 700)))
    assert orders(ask(ends))["v1"][-1] == "hub"
    between = fleet().play(road.log(SCENES.plan(road, "v1", "r1", [*muddle[:2], hub, *muddle[2:]]), road.drive(2, 102, 0, 700)))
    assert orders(ask(between)) == {}


@given(
    numbers=st.permutations(range(1, 9)),
    capacity=st.sampled_from((4.0, 8.0, 12.0)),
    shift_s=st.sampled_from((900.0, 1_800.0, 9_000.0)),
    kinds=st.lists(st.sampled_from(("pickup", "delivery")), min_size=8, max_size=8),
    skilled=st.sets(st.integers(1, 8)),
    down=st.booleans(),
)
@settings(max_examples=25, deadline=None, phases=[Phase.reuse, Phase.generate])
def test_nothing_hard_is_ever_broken(road, fleet, numbers, capacity, shift_s, kinds, skilled, down):
    """Room, skills, shifts and what is loaded, by the test's own books."""

    def stop(n):
        more = {"skills": ["cooling"] if n in skilled else [], "window_end": road.at(400 * n)}
        return road.stop(n, visit_id=f"a{n}", kind=kinds[n - 1], load=2.0, service_s=60.0, **more)

    routes = {"v1": numbers[:4], "v2": numbers[4:]}
    puts = [
        SCENES.put(road, "v1", capacity=capacity, skills=["cooling"]),
        SCENES.put(road, "v2", capacity=capacity, shift_end=road.at(shift_s)),
    ]
    plans = [SCENES.plan(road, v, f"r{v[1]}", [stop(n) for n in order]) for v, order in routes.items()]
    drives = [road.drive(2, 102, 0, 700, v) for v in routes]
    broken = [road.say(m.VehicleDown, 104, vehicle_id="v1")] if down else []
    played = fleet().play(road.log(puts, *plans, *drives, broken))
    found = ask(played)
    now = {v: [f"a{n}" for n in order] for v, order in routes.items()}
    for said in found.publish:
        if isinstance(said, m.StopReassigned):
            now[said.vehicle_id].remove(said.visit_id)
            now[said.to_vehicle_id].append(said.visit_id)
    now |= orders(found)
    assert sorted(now["v1"] + now["v2"]) == sorted(f"a{n}" for n in numbers)
    before = {f"a{n}": v for v, order in routes.items() for n in order}
    for vehicle, order in now.items():
        taken = [name for name in order if before[name] != vehicle]
        assert all(kinds[int(name[1]) - 1] == "pickup" for name in taken)
        assert vehicle == "v1" or not any(int(name[1]) in skilled for name in taken)
        if vehicle in orders(found):
            load = 2.0 * sum(kinds[int(name[1]) - 1] == "delivery" for name in order)
            for name in order:
                load += 2.0 if kinds[int(name[1]) - 1] == "pickup" else -2.0
                assert load <= capacity
    ends = [visit.eta_after for visit in found.visits if visit.vehicle_id == "v2" and visit.eta_after]
    today = [visit.eta_before for visit in found.visits if before[visit.visit_id] == "v2" and visit.eta_before]
    if ends:
        assert max(ends) <= max([road.at(shift_s), *today])
    assert found.late_after_s + POLICY.drive_weight * found.drive_added_s <= found.late_before_s + 1e-6
    assert np.isfinite(found.late_after_s)
