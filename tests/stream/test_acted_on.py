"""An exception about which a proposal was accepted says so, and what is left of it."""

import importlib.util
from pathlib import Path

from stream import messages as m

SPEC = importlib.util.spec_from_file_location("borrowed_accepted", Path(__file__).with_name("test_reassign_accepted.py"))
SCENES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCENES)
opening, accept, HERE = SCENES.opening, SCENES.accept, SCENES.HERE


def test_the_exception_says_who_accepted_what_and_what_is_left(road, fleet):
    rest = road.stop(8, visit_id="rest", kind="break", service_s=600.0)
    begun = sorted([*opening(road, kind="delivery"), road.say(m.StopAdded, 206, stop=rest)], key=lambda line: line[0])
    lines = [*begun, *road.ticks(220, 240), accept(road, 245)]
    played = fleet(HERE).play([*lines, *road.ticks(250, 340)])
    (told,) = [event["data"] for event in played.told("exception_updated") if event["data"].get("change") == "accepted"]
    (note,) = told["notes"]
    assert note["by"] == "ann"
    assert note["text"].startswith("accepted proposal 1 (move): ")
    assert told["clock"]["acted_at"] == road.at(245).isoformat().replace("+00:00", "Z")
    assert "rest" not in note["text"]
    assert "rest" not in played.told("reassignment_proposed")[0]["data"]["proposals"][0]["unserved_visit_ids"]
    assert played.state.exceptions.open("depot:vehicle_down:v1").notes


def test_whom_a_proposal_cannot_save_the_exception_names(road, fleet):
    played = fleet(HERE).play([*opening(road, second={"capacity": 9.0}), *road.ticks(220, 240), accept(road, 245)])
    (note,) = played.state.exceptions.open("depot:vehicle_down:v1").notes
    assert "a3" in note.text.removeprefix("accepted proposal 1 (move): still expected late or not served: ").split(", ")
