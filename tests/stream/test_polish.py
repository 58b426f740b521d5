"""Polish by pyvroom, where it is installed: it makes rows shorter, moves only what may move, and is never chosen where it is worse."""

import importlib.util
from pathlib import Path

import msgspec
import pytest

from stream.question_messages import Supposition, WhatIfAsked
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.polish import polished
from stream.reassign.solve import solve
from stream.reassign.takers import open_visits
from stream.reassign.trouble import troubles
from stream.reassign.view import take
from stream.reassign.what_if import what_if

pytest.importorskip("vroom", reason="in the lock for Linux only")

SPEC = importlib.util.spec_from_file_location("borrowed_reassign", Path(__file__).with_name("test_reassign.py"))
SCENES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCENES)
PLAIN, POLISHED = ReassignPolicy(), ReassignPolicy(polish=True)


def test_a_row_in_a_poor_order_becomes_a_better_one_and_what_is_pinned_stays(road, fleet):
    state = fork(fleet().play(SCENES.opening(road)).state)
    second = state.vehicle_rows["v2"]
    scene = take(state, PLAIN, [second], open_visits(state, second))
    row = scene.tours.rows[0]
    assert polished(state, scene, {0: row[::-1]}, []) == {0: row}
    assert polished(state, scene, {0: row}, []) is None


@pytest.mark.parametrize("priority", [0, 3])
def test_polished_proposals_are_never_worse_and_always_the_same(road, fleet, priority):
    played = fleet().play(SCENES.opening(road, priority=priority))
    (trouble,) = [each for each in troubles(played.state, PLAIN) if each.kind == "vehicle_down"]

    def best(policy):
        return solve(fork(played.state), policy, trouble)

    def cost(made):
        return made.proposals[0].late_after_s + PLAIN.drive_weight * made.proposals[0].drive_added_s

    assert cost(best(POLISHED)) <= cost(best(PLAIN))
    assert msgspec.json.encode(best(POLISHED)) == msgspec.json.encode(best(POLISHED))


def test_a_plan_made_anew_is_polished_and_keeps_what_is_on_board_where_it_is(road, fleet):
    stops = {
        v: [road.stop(n, visit_id=f"a{n}", service_s=60.0) for n in numbers] for v, numbers in (("v1", (5, 1, 6, 2)), ("v2", (7, 3, 8, 4)))
    }
    plans = [SCENES.plan(road, v, f"r{v}", each) for v, each in stops.items()]
    played = fleet().play(road.log(*plans, road.drive(2, 102, 0, 700, "v1"), road.drive(2, 102, 0, 700, "v2")))
    asked = WhatIfAsked(fleet_id="depot", at=road.at(102), question_id="q1", changes=[Supposition(change="reoptimise")])

    def best(policy):
        return what_if(fork(played.state), policy, asked)

    assert best(POLISHED).drive_added_s <= best(PLAIN).drive_added_s < -600
    assert {visit.visit_id: visit.vehicle_id for visit in best(POLISHED).visits} == {
        s.visit_id: v for v, each in stops.items() for s in each
    }
    assert msgspec.json.encode(best(POLISHED)) == msgspec.json.encode(best(POLISHED))
