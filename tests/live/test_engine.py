"""The engine as a whole, in this process: what a plain loop over the log gives is what stands in Redis, however often it ends."""

import shutil

from structlog.testing import capture_logs

from stream import messages as m
from stream.checkpoints import Checkpoints
from stream.live.keys import DEAD, EVENTS, RESUME, log_key
from stream.live.marks import Resume
from stream.log import shard_of
from stream.nobody import nobody
from stream.settings import FleetSettings

FLEETS = ("depot", "port", "north", "south", "yard")
"""Two share a shard; two more live below shard 8, and one in shard 8."""


def test_engines_of_different_shards_give_what_a_plain_loop_gives(run, logs, drive, client):
    for fleet_id in FLEETS:
        logs.append(fleet_id, drive)
    run(shards=range(8)).to_end()
    assert [len(logs.events(fleet_id)) > 0 for fleet_id in FLEETS] == [shard_of(fleet_id) < 8 for fleet_id in FLEETS]
    run(shards=range(8, 16)).to_end()
    assert all(logs.are_whole(fleet_id) for fleet_id in FLEETS)
    kinds = {fields[b"k"] for _, fields in client.xrange(EVENTS)}
    assert kinds >= {b"stop_arrived", b"stop_completed", b"eta_updated", b"exception_opened", b"geofence_entered", b"ping_rejected"}


def test_messages_without_a_fleet_are_dead_letters_of_nobody_once(run, logs, drive, client):
    logs.append("depot", drive)
    run().to_end()
    run().to_end()
    letters = [(fields[b"f"].decode(), fields[b"r"]) for _, fields in client.xrange(DEAD)]
    assert letters.count((nobody(shard_of("depot")), b"missing_field")) == 1
    assert letters.count(("depot", b"unknown_type")) == 1
    assert logs.plainly("depot")[1].refused == {"unknown_type": 1, "teleport": 1}
    assert len(letters) == 3


def test_a_second_start_reads_only_what_no_checkpoint_knows(run, logs, drive, settings):
    first_half = [line for line in drive if line[0] < 600]
    for i in range(0, len(first_half), 10):
        logs.append("depot", first_half[i : i + 10])
    shard = shard_of("depot")
    once = run(settings=settings.model_copy(update={"batch": 20}))
    once.to_end()
    entries = logs.redis.xlen(log_key(shard))
    logs.append("depot", [line for line in drive if line[0] >= 600])
    with capture_logs() as said:
        again = run().to_end()
    assert [event["event"] for event in said if event.get("fleet") == "depot"] == ["fleet_caught_up"]
    behind = logs.redis.xrange(log_key(shard), min=f"({again.began[shard]}")
    assert 1 < len(behind) < entries / 2
    assert logs.are_whole("depot")


def test_a_checkpoint_is_taken_at_the_end_and_it_has_everything(run, logs, drive, settings):
    logs.append("depot", drive)
    run().to_end()
    kept = Checkpoints(settings.state_dir / "checkpoints").read("depot", FleetSettings().model)
    assert kept.position == max(entry.position for entry in logs.entries("depot"))
    assert kept.sequence == len(logs.events("depot"))


def test_what_a_checkpoint_knows_is_not_read_again_and_does_not_hold_the_log(run, logs, drive, client):
    logs.append("depot", drive)
    ended = run().to_end()
    own = ended.reader.marks[shard_of("depot")]
    last_id = client.xinfo_stream(log_key(shard_of("depot")))["last-generated-id"].decode()
    assert own.waiting() == []
    assert own.resume() == Resume(last_id, len(logs.entries("depot")))
    assert run().began[shard_of("depot")] == last_id


def test_what_went_while_nobody_ran_is_gone(run, logs, drive, road):
    logs.append("depot", drive)
    run().to_end()
    before = logs.present("depot")
    assert before["fences"].keys() == {b"f1"}
    gone = road.say(m.FenceRemoved, 1_400, fence_id="f1")
    other = road.plan(road.stops((6,), "c", order_ref="o2"), second=1_401, route_id="r2", vehicle_id="v2", plan_version=2)
    late = road.log(road.say(m.FenceRemoved, 8_000, fence_id="f9"), road.say(m.Tick, 8_001))
    logs.append("depot", [gone, other, *late])
    run().to_end()
    assert logs.are_whole("depot")
    assert logs.present("depot")["fences"] is None
    assert before["routes"].keys() == {b"r1", b"r2"}
    assert logs.present("depot")["routes"].keys() == {b"r2"}


def test_lost_checkpoints_are_told_of_and_made_again_from_the_log(run, logs, drive, settings):
    logs.append("depot", drive)
    run().to_end()
    before = logs.present("depot")
    shutil.rmtree(settings.state_dir / "checkpoints")
    with capture_logs() as said:
        run().to_end()
    rebuilding = [event for event in said if event["event"] == "rebuilding"]
    assert [event.get("shards") or event["fleet"] for event in rebuilding][:2] == [[shard_of("depot")], "depot"]
    assert logs.present("depot") == before
    logs.append("depot", [(2_000, m.RouteStarted(fleet_id="depot", at=logs.road.at(2_000), route_id="r1", vehicle_id="v1"))])
    run().to_end()
    assert logs.are_whole("depot")


def test_an_engine_that_finds_neither_checkpoints_nor_resume_points_says_which_fleets_it_rebuilds(run, logs, drive, settings, client):
    logs.append("depot", drive[:60])
    with capture_logs() as said:
        run().to_end()
    assert "rebuilding" not in {event["event"] for event in said}
    shutil.rmtree(settings.state_dir / "checkpoints")
    client.delete(RESUME)
    logs.append("depot", drive[60:])
    with capture_logs() as said:
        run().to_end()
    assert "depot" in [event["fleet"] for event in said if event["event"] == "rebuilding"]
    assert logs.are_whole("depot")


def test_a_fleet_that_was_rebuilt_from_half_its_log_goes_on_telling(run, logs, drive, settings, client):
    for i in range(0, len(drive), 10):
        logs.append("depot", drive[i : i + 10])
    run().to_end()
    told = logs.events("depot")
    shutil.rmtree(settings.state_dir / "checkpoints")
    ids = [stream_id for stream_id, _ in client.xrange(log_key(shard_of("depot")))]
    client.xtrim(log_key(shard_of("depot")), minid=ids[len(ids) // 2], approximate=False)
    road = logs.road
    more = [road.plan(road.stops((1, 2), "z"), second=3_000, route_id="r9"), road.go(3_001, route_id="r9"), road.say(m.Tick, 3_010)]
    logs.append("depot", [*more, road.say(m.StopArrived, 3_020, route_id="r9", visit_id="z1")])
    with capture_logs() as said:
        run().to_end()
    assert {"rebuilding", "events_lost"} <= {event["event"] for event in said}
    new = logs.events("depot")[len(told) :]
    assert logs.events("depot")[: len(told)] == told
    assert [number for number, _ in new] == list(range(len(told), len(told) + len(new)))
    assert sum(b"stop_arrived" in payload and b'"z1"' in payload for _, payload in new) == 1
    assert sum(fields[b"k"] == b"input_gap" for _, fields in client.xrange(EVENTS)) == 1


def test_shards_that_go_to_other_processes_are_neither_rebuilt_nor_told_to_have_gaps(run, logs, drive, client):
    for fleet_id in FLEETS:
        logs.append(fleet_id, drive[:100])
    run().to_end()
    for fleet_id in FLEETS:
        point = client.hget(RESUME, str(shard_of(fleet_id)))
        client.xtrim(log_key(shard_of(fleet_id)), minid=point, approximate=False)
        logs.append(fleet_id, drive[100:])
    with capture_logs() as said:
        parts = [run(shards=shards).to_end() for shards in (range(8), range(8, 16))]
    assert "rebuilding" not in {event["event"] for event in said}
    assert parts[0].began[shard_of("north")] != "0-0"
    assert b"input_gap" not in {fields[b"k"] for _, fields in client.xrange(EVENTS)}


def test_a_gap_in_the_log_is_an_event(run, logs, drive, client):
    logs.append("depot", drive[:50])
    logs.append("depot", drive[50:])
    first, second = (stream_id for stream_id, _ in client.xrange(log_key(shard_of("depot")))[:2])
    assert first < second
    client.xdel(log_key(shard_of("depot")), first)
    run().to_end()
    run().to_end()
    gaps = [fields[b"d"] for _, fields in client.xrange(EVENTS) if fields[b"k"] == b"input_gap"]
    assert len(gaps) == 1
    assert b'"first":0,"lost":50,' in gaps[0]


def test_a_fleet_that_fell_silent_does_not_hold_the_log_of_one_that_talks(run, logs, road, hurry):
    logs.append("depot", [road.plan()])
    waiting = []

    def talk():
        waiting.append("depot" in mine.reader.marks[shard_of("depot")].waiting())
        if len(waiting) < 40:
            logs.append("port", [road.ping(len(waiting), 0)])

    mine = run(polled=talk)
    mine.to_end()
    assert any(waiting)
    assert not waiting[-1]
