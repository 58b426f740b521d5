"""Checkpoints of every release load in this one, with all that was in them; and no name in them is taken back."""

import importlib.util
import json
import zlib
from pathlib import Path

import msgspec
import pytest

from eta_models import legs, model_bytes, questions, stays
from stream import checkpoint
from stream.checkpoint import UnusableCheckpoint, dump, load
from stream.checkpoints import Checkpoints
from stream.fleet import FleetState
from stream.flow import Fleets
from stream.intake import read_entries
from stream.settings import FleetSettings
from stream.vehicles import Vehicles
from stream.visits import Visits

HERE = Path(__file__).resolve().parent
SAVED = sorted((HERE / "snapshots").glob("*.checkpoint"))
SETTINGS = FleetSettings()

SPEC = importlib.util.spec_from_file_location("write_snapshot", HERE / "write_snapshot.py")
write_snapshot = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(write_snapshot)


def body(path):
    """What stands in a checkpoint, by name."""
    start = len(checkpoint._MAGIC) + checkpoint._SUM_BYTES
    return msgspec.msgpack.decode(zlib.decompress(path.read_bytes()[start:]))


def test_there_is_a_checkpoint_of_a_release():
    assert SAVED


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_the_checkpoint_of_a_release_loads_with_all_that_was_in_it(path):
    state = load(path.read_bytes(), SETTINGS.model)
    assert write_snapshot.facts(state) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_a_fleet_goes_on_from_the_checkpoint_of_a_release(path, road, entries_of, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.put("depot", path.read_bytes())
    made = Fleets(lambda _: SETTINGS, checkpoints)
    state = made.open("depot")
    received, sequence = state.received, state.sequence
    lines = road.log(road.drive(1_820, 2_600, 4_100, 6_000, step=20), road.drive(1_820, 2_600, 6_100, 8_100, "v2", step=20))
    entries = entries_of(lines, state.position + 1)
    given = [made.step(state, batch) for batch in read_entries(SETTINGS.judge, entries)]
    assert state.received == received + len(entries)
    events = [event for part in given if part for event in part.events]
    assert [event.sequence for event in events] == list(range(sequence, sequence + len(events)))
    assert {"stop_arrived", "eta_updated"} <= {event.kind for event in events}
    assert load(dump(state), SETTINGS.model).position == entries[-1].position


NAMES = {
    "fields": lambda: set(checkpoint._Saved.__struct_fields__),
    "numbers": lambda: set(checkpoint._NUMBERS),
    "vehicles": lambda: set(Vehicles.FIELDS),
    "visits": lambda: set(Visits.FIELDS),
    "model": lambda: set(model_bytes.SavedModel.__struct_fields__),
    "legs": lambda: set(legs.LegTable.FIELDS),
    "places": lambda: set(stays.PlaceTable.FIELDS),
    "questions": lambda: set(questions.Questions.FIELDS),
}
"""Names that stand in checkpoints: a column that is renamed loads as an empty one, in silence."""


def names_in(path):
    saved = body(path)
    model = msgspec.msgpack.decode(saved["model"])
    tables = {name: set(model[name][0]) for name in ("legs", "places", "questions")}
    columns = {name: set(saved[name]) for name in ("vehicles", "visits")}
    return {"fields": set(saved), "numbers": set(saved["numbers"]), "model": set(model), **columns, **tables}


@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_names_in_checkpoints_are_only_ever_added(path, what):
    assert names_in(path)[what] - NAMES[what]() == set(), "renamed or dropped: give it a new checkpoint version and read the old one"


def test_every_part_of_a_state_is_in_its_checkpoint_or_made_from_it():
    made_anew = {"model", "vehicle_rows", "visit_rows", "route_ids", "fence_index", "fence_rules", "fence_corners", "most_vehicles"}
    made_anew |= {"clearings", "roads"}  # drawn around the next fix; put together from what was told
    made_anew |= {"questions", "replanned"}  # what a carrier of the flow takes at once: asked again, shown anew
    kept = set(checkpoint._Saved.__struct_fields__) | set(checkpoint._NUMBERS)
    assert {field for field in FleetState.__dataclass_fields__ if field not in kept} <= made_anew


def test_what_another_version_wrote_is_refused_by_name_and_says_what_to_do(tmp_path):
    saved = body(SAVED[-1])
    for change in ({"version": checkpoint.VERSION + 1}, {"version": checkpoint.VERSION - 1}):
        raw = zlib.compress(msgspec.msgpack.encode({**saved, **change}))
        sealed = checkpoint._MAGIC + checkpoint.blake2b(raw, digest_size=checkpoint._SUM_BYTES).digest() + raw
        Checkpoints(tmp_path).put("depot", sealed)
        with pytest.raises(UnusableCheckpoint, match=rf"depot.checkpoint: the checkpoint has version {change['version']}.*remove the file"):
            Checkpoints(tmp_path).read("depot", SETTINGS.model)


def test_a_model_of_another_shape_is_refused_by_name(tmp_path):
    saved = body(SAVED[-1])
    model = msgspec.msgpack.decode(saved["model"])
    name, (shape, values) = next((name, array) for name, array in model["arrays"].items() if name == "correction.weights")
    model["arrays"][name] = ([shape[0], shape[1] - 1], values[: 8 * shape[0] * (shape[1] - 1)])
    raw = zlib.compress(msgspec.msgpack.encode({**saved, "model": msgspec.msgpack.encode(model)}))
    sealed = checkpoint._MAGIC + checkpoint.blake2b(raw, digest_size=checkpoint._SUM_BYTES).digest() + raw
    Checkpoints(tmp_path).put("depot", sealed)
    with pytest.raises(UnusableCheckpoint, match=r"depot.checkpoint: the model was written by another version: correction.weights"):
        Checkpoints(tmp_path).read("depot", SETTINGS.model)
