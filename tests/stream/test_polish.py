"""Polish by pyvroom, where it is installed: it makes rows shorter, moves only what may move, and is never chosen where it is worse."""

import importlib.util
from pathlib import Path

import msgspec
import pytest

from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.polish import polished
from stream.reassign.solve import solve
from stream.reassign.takers import open_visits
from stream.reassign.trouble import troubles
from stream.reassign.view import take

pytest.importorskip("vroom", reason="pip install fleetcast[vroom]")

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
