"""A checkpoint is the whole state or nothing: what goes on from one cannot be told from what never stopped."""

import os
import zlib
from hashlib import blake2b
from itertools import islice

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eta_models.model import EtaModel, ModelPolicy
from eta_models.network import NetworkPolicy
from eta_models.second_look import SecondLookPolicy
from eta_models.trips import TripPolicy
from replay.day_folder import read_folder
from replay.make_day.day import make_day
from replay.timeline import timeline
from stream import checkpoint
from stream import messages as m
from stream.apply import apply
from stream.checkpoint import UnusableCheckpoint, capture, dump, load, seal
from stream.checkpoints import Checkpoints
from stream.exceptions.table import Exceptions
from stream.fleet import FleetState
from stream.settings import FleetSettings

SETTINGS = FleetSettings(time_zone="America/Chicago")
VEHICLES = 12
BYTES_A_VEHICLE = 8_000
MAGIC, SUM_BYTES = b"FLEETCAST-CHECKPOINT\n", 16


@pytest.fixture(scope="module")
def forenoon(tmp_path_factory):
    """A fleet of a made day two and a half hours after its first fix, its bytes there, and the stretches of ten minutes more."""
    folder = tmp_path_factory.mktemp("checkpoint") / "day"
    make_day(folder, seed=6, fleets=1, vehicles=VEHICLES)
    line = timeline(read_folder(folder))
    first_us = int(line.day.pings["received_at"].dt.epoch("us").min())
    middle_us = first_us + 9_000_000_000
    state = FleetState("f01", EtaModel(SETTINGS.model))
    batches = (batch for stretch in line.stretches(SETTINGS.judge, 1_000) for batch in stretch)
    for batch in batches:
        apply(SETTINGS, state, batch)
        if state.now_us > middle_us:
            break
    return state, dump(state), list(islice(batches, 2))


@pytest.fixture(scope="module")
def saved(forenoon):
    """The state in the middle of the morning, as bytes."""
    return forenoon[1]


def gone_on(state, stretches):
    """Everything that further stretches give."""
    given_ = [apply(SETTINGS, state, batch) for batch in stretches]
    return [(a.events, a.first_estimate, a.estimates.tobytes(), a.visits, a.refusals, a.position) for a in given_]


def test_a_state_that_was_saved_in_the_morning_gives_the_same_bytes_from_there_on(forenoon, saved):
    state, resumed = forenoon[0], load(saved, SETTINGS.model)
    expected, found = gone_on(state, forenoon[2]), gone_on(resumed, forenoon[2])
    assert sum(len(part[0]) for part in expected) > 20
    assert found == expected
    assert (resumed.received, resumed.refused, resumed.now_us) == (state.received, state.refused, state.now_us)


def bytes_a_vehicle(saved) -> float:
    """Compressed, as in the file; visits, learned places and waiting questions among them.

    Left out is what a fleet has once, however many its vehicles: events and exceptions that it keeps, weights of its models
    (110 kB) and the examples that its networks repeat (57 bytes each, at most 4.3 MB).
    """
    state = load(saved, SETTINGS.model)
    state.recent, state.exceptions = [], Exceptions()
    tiny = NetworkPolicy(members=1, units=(1, 1))
    fresh = EtaModel(ModelPolicy(second_look=SecondLookPolicy(tiny), trips=TripPolicy(network=tiny)))
    for part in ("correction", "lateness", "trackers", "trips", "second_look", "restraint", "skill"):
        setattr(state.model, part, getattr(fresh, part))
    saved = dump(state)
    plain = len(zlib.decompress(saved[len(MAGIC) + SUM_BYTES :]))
    assert len(state.vehicle_ids) == VEHICLES
    print(
        f"a vehicle takes {len(saved) / VEHICLES:,.0f} bytes ({plain / VEHICLES:,.0f} plain) with {len(state.names) / VEHICLES:.0f} visits"
    )
    return len(saved) / VEHICLES


def test_a_vehicle_takes_less_than_eight_kilobytes(saved):
    assert bytes_a_vehicle(saved) < BYTES_A_VEHICLE


def test_what_was_loaded_and_saved_again_is_the_same_state(road, fleet):
    lines = road.log(road.plan(), road.go(), road.square("yard", 0, 150, 350), road.drive(0, 300, 0, 3000))
    rest = road.log(road.drive(310, 500, 3100, 5000))
    played = fleet().play(lines)
    other = fleet().play(lines)
    other.state = load(dump(other.state), other.settings.model)
    again = fleet().play(lines)
    again.state = load(dump(load(dump(again.state), again.settings.model)), again.settings.model)
    assert other.play(rest).bytes() == again.play(rest).bytes() == played.play(rest).bytes()
    assert played.told("geofence_exited")


@settings(max_examples=12)
@given(cut=st.integers(0, 20))
@example(cut=0)
def test_a_fleet_can_be_saved_behind_any_message(road, fleet, cut):
    said = [
        road.say(m.StopCompleted, 120, visit_id="a1"),
        road.plan([road.stop(3), road.stop(4)], 130, plan_version=2),
        road.say(m.StopCancelled, 140, visit_id="a4"),
        road.say(m.VehicleDown, 150),
        road.say(m.VehicleUp, 160),
        road.plan(road.stops((6, 7), "b"), 165, route_id="r2", vehicle_id="v2"),
    ]
    windows = road.stops(window_end=road.at(100))
    lines = road.log(road.plan(windows), road.go(), road.square("yard", 0, 150, 350), road.drive(0, 400, 0, 4000), said)
    place = cut * len(lines) // 20
    whole = fleet().play(lines[:place]).play(lines[place:])
    broken = fleet().play(lines[:place])
    broken.state = load(dump(broken.state), broken.settings.model)
    assert broken.play(lines[place:]).bytes() == whole.bytes()


@settings(max_examples=6)
@given(cut=st.integers(1, 19))
def test_what_was_captured_does_not_change_while_the_fleet_goes_on(road, fleet, cut):
    """The flow goes on while a thread writes it."""
    late = [road.plan(road.stops((6, 7), "b"), 165, route_id="r2", vehicle_id="v2"), road.say(m.VehicleDown, 290)]
    lines = road.log(road.plan(road.stops(window_end=road.at(100))), road.go(), road.drive(0, 400, 0, 4000), late)
    place = cut * len(lines) // 20
    played = fleet().play(lines[:place])
    captured, saved = capture(played.state), dump(played.state)
    played.play(lines[place:])
    assert seal(captured) == saved


@pytest.fixture
def kept(tmp_path, saved):
    """A folder with the checkpoint of a fleet, and the file."""
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.write(load(saved, SETTINGS.model))
    return checkpoints, tmp_path / "checkpoints" / "f01.checkpoint"


def test_a_checkpoint_is_found_by_the_name_of_its_fleet(kept, saved):
    state = kept[0].read("f01", SETTINGS.model)
    assert (state.fleet_id, state.position) == ("f01", load(saved, SETTINGS.model).position)
    assert kept[0].read("f02", SETTINGS.model) is None


@pytest.mark.parametrize("share", [0, 0.0001, 0.5, 0.999999])
def test_a_checkpoint_that_was_cut_off_is_named(kept, share):
    checkpoints, path = kept
    os.truncate(path, int(share * path.stat().st_size))
    with pytest.raises(UnusableCheckpoint, match=r"f01\.checkpoint.*remove the file"):
        checkpoints.read("f01", SETTINGS.model)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_wherever_it_is(saved, place, bit):
    spoilt = bytearray(saved)
    spoilt[int(place * len(saved))] ^= 1 << bit
    with pytest.raises(UnusableCheckpoint):
        load(bytes(spoilt), SETTINGS.model)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: MAGIC + rest))
def test_bytes_that_are_none_are_no_checkpoint(raw):
    with pytest.raises(UnusableCheckpoint):
        load(raw, ModelPolicy())


def packed(body: object) -> bytes:
    """Anything as a checkpoint with a good checksum."""
    raw = zlib.compress(msgspec.msgpack.encode(body))
    return MAGIC + blake2b(raw, digest_size=SUM_BYTES).digest() + raw


def test_a_checkpoint_of_another_version_is_named_and_not_guessed_at(kept, saved, monkeypatch):
    checkpoints, path = kept
    body = msgspec.msgpack.decode(zlib.decompress(saved[len(MAGIC) + SUM_BYTES :]))
    for changed in ({**body, "version": checkpoint.VERSION + 1}, {"version": 0}, {**body, "numbers": []}, {**body, "model": b"\x90"}):
        path.write_bytes(packed(changed))
        with pytest.raises(UnusableCheckpoint, match=r"f01\.checkpoint"):
            checkpoints.read("f01", SETTINGS.model)
    path.write_bytes(saved)
    monkeypatch.setattr(checkpoint, "VERSION", checkpoint.VERSION + 1)
    with pytest.raises(UnusableCheckpoint, match="version"):
        checkpoints.read("f01", SETTINGS.model)


def test_the_checkpoint_of_another_fleet_is_not_taken_for_this_ones(kept):
    checkpoints, path = kept
    path.rename(path.with_name("f02.checkpoint"))
    with pytest.raises(UnusableCheckpoint, match=r"f02\.checkpoint is of fleet 'f01'"):
        checkpoints.read("f02", SETTINGS.model)


def test_a_crash_while_a_checkpoint_is_written_leaves_the_old_one(kept, monkeypatch):
    checkpoints, path = kept
    old, newer = path.read_bytes(), checkpoints.read("f01", SETTINGS.model)
    newer.position += 1_000
    for crash in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os if crash == "fsync" else type(path), crash, crashed)
            with pytest.raises(KeyboardInterrupt):
                checkpoints.write(newer)
        assert path.read_bytes() == old
        assert checkpoints.read("f01", SETTINGS.model).position == newer.position - 1_000
    checkpoints.write(newer)
    assert checkpoints.read("f01", SETTINGS.model).position == newer.position
    assert [file.name for file in path.parent.iterdir()] == ["f01.checkpoint"]


def crashed(*_):
    raise KeyboardInterrupt


def test_only_the_owner_may_look_into_the_folder(kept):
    assert kept[1].parent.stat().st_mode & 0o077 == 0


@settings(max_examples=12)
@given(cut=st.integers(0, 30))
@example(cut=0)
def test_visits_to_fences_go_on_where_a_fleet_was_saved(road, fleet, cut):
    drive = [road.drive(0, 100, 0, 0), road.drive(110, 190, 0, 900), road.drive(200, 300, 900, 2400), road.drive(0, 300, 0, 4500, "v2")]
    fences = [road.square("yard", 0, -50, 50), road.square("gate", 120, 300, 330), road.square("zone", 130, 800, 1100)]
    gone = road.say(m.FenceRemoved, 150, fence_id="gate")
    lines = road.log(fences, *drive, gone)
    place = cut * len(lines) // 30
    whole = fleet().play(lines[:place]).play(lines[place:])
    broken = fleet().play(lines[:place])
    broken.state = load(dump(broken.state), broken.settings.model)
    assert broken.play(lines[place:]).bytes() == whole.bytes()
    assert {event["data"]["fence_id"] for event in whole.told("geofence_exited")} >= {"yard", "zone"}
