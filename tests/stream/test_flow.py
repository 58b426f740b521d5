"""Bytewax carries the steps and nothing more: frozen names, a name for a snapshot, nothing taken twice, errors as they are."""

import json

import pytest
from bytewax.operators import StatefulBatchLogic
from bytewax.visualize import to_json

from stream.apply import Applied
from stream.batches import FleetBatch, Refusal, no_pings
from stream.checkpoints import Checkpoints
from stream.codec import encode
from stream.doors import CallSink, LaneSource, run_here
from stream.flow import STEP_IDS, FleetLogic, Fleets, build_flow
from stream.intake import Entry, read_entries
from stream.settings import FleetSettings

SETTINGS = FleetSettings()


@pytest.fixture
def stretches(road):
    """A short drive, cut into stretches of ten entries."""
    lines = road.log(road.plan(), road.go(), road.drive(0, 300, 0, 3000))
    entries = [Entry(i, road.us(second), encode(message)) for i, (second, message) in enumerate(lines)]
    return [read_entries(SETTINGS.judge, entries[first : first + 10]) for first in range(0, len(entries), 10)]


def fleets(**more: object) -> Fleets:
    return Fleets(lambda _: SETTINGS, **more)


def flow(lanes, take, made=None):
    source = LaneSource({f"lane-{i}": (lambda lane=lane: iter(lane)) for i, lane in enumerate(lanes)})
    return build_flow("replay", source, CallSink(take), made or fleets())


def gave(parts: list[Applied]) -> list[object]:
    return [(part.position, part.events, part.estimates.tobytes(), part.refusals) for part in parts]


def test_step_ids_are_frozen_because_recovery_stores_are_keyed_by_them():
    built = flow([[]], lambda _: None)
    assert STEP_IDS == ("log", "by_fleet", "fleet", "out")
    assert [step.step_id for step in built.substeps] == [f"replay.{name}" for name in STEP_IDS]
    drawn = json.loads(to_json(built))
    assert [step["step_id"] for step in drawn["substeps"]] == [f"replay.{name}" for name in STEP_IDS]


def test_the_flow_gives_what_a_plain_loop_gives(stretches):
    given = []
    run_here(flow([stretches], given.extend))
    logic = fleets()
    state = logic.open("depot")
    plain = [logic.step(state, batch) for stretch in stretches for batch in stretch]
    assert gave(given) == gave(plain)
    assert sum(len(part.events) for part in given) > 3


def test_the_snapshot_of_a_fleet_is_its_name(stretches):
    logic = FleetLogic(fleets(), None)
    assert logic.snapshot() == ""
    for stretch in stretches[:5]:
        _, discard = logic.on_batch(stretch)
        assert discard is StatefulBatchLogic.RETAIN
        assert logic.snapshot() == "depot"
    assert FleetLogic(fleets(), "depot").state.fleet_id == "depot"


def test_what_a_fleet_has_had_it_skips(stretches):
    logic = FleetLogic(fleets(), None)
    first, _ = logic.on_batch(stretches[0])
    assert list(logic.on_batch(stretches[0])[0]) == []
    whole = FleetBatch("depot", no_pings(), [], [Refusal(9, 0, "empty"), Refusal(10, 0, "empty")])
    (rest,) = logic.on_batch([whole])[0]
    assert [len(list(first)), rest.entries, rest.position] == [1, 1, 10]


def test_a_fleet_goes_on_from_its_checkpoint_and_gives_only_what_is_new(stretches, tmp_path):
    kept = Checkpoints(tmp_path)
    undisturbed, before, behind = [], [], []
    run_here(flow([stretches], undisturbed.extend))
    every = {"checkpoints": kept, "checkpoint_every_us": 60_000_000}
    run_here(flow([stretches[:4]], before.extend, fleets(**every)))
    saved = kept.read("depot", SETTINGS.model).position
    run_here(flow([stretches], behind.extend, fleets(**every)))
    assert 0 < saved < before[-1].position
    assert gave(behind) == gave([part for part in undisturbed if part.position > saved])


def test_a_checkpoint_is_never_newer_than_what_has_left(stretches, tmp_path):
    given = []

    def has_left(state):
        return bool(given) and given[-1].position >= state.position

    for is_given in (lambda _: False, has_left):
        kept = Checkpoints(tmp_path / is_given.__name__)
        made = fleets(checkpoints=kept, checkpoint_every_us=1, is_given=is_given)
        run_here(flow([stretches], given.extend, made))
        saved = kept.read("depot", SETTINGS.model)
        assert (saved is not None) == (is_given is has_left)
        given.clear()
    assert saved.position < max(batch.position for batch in (n for s in stretches for b in s for n in b.notices))


def test_every_fleet_that_is_opened_is_told_of(stretches):
    opened = []
    run_here(flow([stretches], lambda _: None, fleets(opened=opened.append)))
    assert [state.fleet_id for state in opened] == ["depot"]
    assert opened[0].received == sum(map(len, (batch for stretch in stretches for batch in stretch)))


class Broken(RuntimeError):
    """Something of ours, so that nobody else can have raised it."""


def broken(*_):
    raise Broken("here")


@pytest.mark.parametrize("where", ["sink", "settings", "opened", "source"])
def test_an_error_in_a_step_comes_out_as_itself(stretches, where, capfd):
    def lane():
        yield stretches[0]
        if where == "source":
            broken()

    made = Fleets(broken if where == "settings" else lambda _: SETTINGS, opened=broken if where == "opened" else lambda _: None)
    built = build_flow("replay", LaneSource({"lane": lane}), CallSink(broken if where == "sink" else lambda _: None), made)
    with pytest.raises(Broken, match="here") as caught:
        run_here(built)
    assert caught.value.__suppress_context__
    capfd.readouterr()  # Rust's own words about it


def test_lanes_are_read_side_by_side_and_each_from_its_start():
    def lane(fleet_id):
        return [[FleetBatch(fleet_id, no_pings(), [], [Refusal(i, 0, "empty")])] for i in range(30)]

    given = []
    source = LaneSource({"b": lambda: iter(lane("b")), "a": lambda: iter(lane("a"))})
    assert source.list_parts() == ["a", "b"]
    run_here(build_flow("replay", source, CallSink(given.extend), fleets()))
    for fleet_id in "ab":
        assert [part.position for part in given if part.fleet_id == fleet_id] == list(range(30))
