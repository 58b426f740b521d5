"""The one way into the log: numbers without gaps, order kept, times and fleets as they should be."""

import msgspec
import pytest

from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import COUNTS, FLEETS, log_key
from stream.live.log_entry import MOST, position_of, unpack
from stream.live.views import FleetEntry
from stream.log import SHARDS, shard_of


def message(fleet_id: str, number: int, received_us: int | None = None) -> Message:
    return Message(fleet_id, b"%s %d" % (fleet_id.encode(), number), received_us)


def held(redis, shard):
    """The entries of a shard: id, number of the first message, messages."""
    return [(stream_id, int(fields[b"c"]), list(unpack(stream_id, fields))) for stream_id, fields in redis.xrange(log_key(shard))]


def numbers_rise_without_gaps(redis, shard):
    expected = 0
    for _, first, entries in held(redis, shard):
        assert first == expected
        expected += len(entries)
    return expected == int(redis.hget(COUNTS, str(shard)) or 0)


def test_messages_of_many_fleets_keep_their_order_and_are_numbered_by_shard(redis, logs):
    said = [message(f"f{i % 7}", i) for i in range(1_000)]
    logs.send(said[:333])
    logs.send(said[333:])
    for fleet_id in {one.fleet_id for one in said}:
        own = [entry.payload for entry in logs.entries(fleet_id) if entry.payload.startswith(fleet_id.encode())]
        assert own == [one.payload for one in said if one.fleet_id == fleet_id]
    assert all(numbers_rise_without_gaps(redis, shard) for shard in range(SHARDS))
    assert sum(map(int, redis.hvals(COUNTS))) == 1_000


def test_more_than_a_hundred_messages_are_several_entries_of_one_call(redis, logs):
    (call,) = calls([message("f1", i) for i in range(250)])
    redis.eval(SCRIPT, len(call.keys), *call.keys, *call.args)
    assert [len(entries) for _, _, entries in held(redis, shard_of("f1"))] == [MOST, MOST, 50]


def test_more_than_a_hundred_thousand_messages_are_several_calls(redis, logs):
    said = [message("f1", i) for i in range(100_250)]
    assert [call.args[1] for call in calls(said)] == [1, 1]
    logs.send(said)
    assert numbers_rise_without_gaps(redis, shard_of("f1"))
    assert [entry.payload for entry in logs.entries("f1")] == [one.payload for one in said]


def test_a_message_says_when_it_was_received_or_the_server_does(redis, logs):
    seconds, micros = redis.time()
    logs.send([message("f1", 0, 5), message("f1", 1, 6), message("f1", 2), message("f1", 3), message("f1", 4, 7)])
    entries = logs.entries("f1")
    assert [entry.payload[-1:] for entry in entries] == [b"0", b"1", b"2", b"3", b"4"]
    assert [entry.received_us for entry in entries if entry.received_us < 10] == [5, 6, 7]
    assert 0 <= entries[2].received_us - (seconds * 1_000_000 + micros) < 5_000_000
    assert entries[2].received_us == entries[3].received_us


def test_the_answer_is_the_id_of_the_last_entry(redis):
    (call,) = calls([message("f1", i) for i in range(150)])
    answer = redis.eval(SCRIPT, len(call.keys), *call.keys, *call.args)
    assert answer == held(redis, shard_of("f1"))[-1][0]


def test_a_fleet_becomes_known_once_and_stays_as_it_was_made_known(redis, logs):
    logs.send([message("f1", 0), message("f2", 0)], time_zone="Europe/Berlin", driven=True)
    logs.send([message("f1", 1), message("f3", 1)], time_zone="UTC")
    known = {name.decode(): msgspec.json.decode(entry, type=FleetEntry) for name, entry in redis.hgetall(FLEETS).items()}
    assert known == {
        "f1": FleetEntry("Europe/Berlin", True, shard_of("f1")),
        "f2": FleetEntry("Europe/Berlin", True, shard_of("f2")),
        "f3": FleetEntry("UTC", False, shard_of("f3")),
    }


def test_a_log_of_three_shards_has_three(redis, logs):
    logs.send([message(f"f{i}", i) for i in range(40)], shards=3)
    assert sorted(map(int, redis.hkeys(COUNTS))) == [0, 1, 2]
    assert {msgspec.json.decode(entry, type=FleetEntry).shard for entry in redis.hvals(FLEETS)} == {0, 1, 2}


def test_nothing_to_say_is_no_call():
    assert list(calls([])) == []


def test_positions_rise_even_while_the_servers_clock_stands_behind_the_last_id(redis, logs):
    """As after a clock was put back: Redis counts the second number of the id up for as long as that takes."""
    ahead = redis.time()[0] * 1000 + 3_600_000
    redis.xadd(log_key(shard_of("f1")), {"x": "1"}, id=f"{ahead}-0")
    redis.xdel(log_key(shard_of("f1")), f"{ahead}-0")
    call = next(calls([message("f1", 0)]))
    with redis.pipeline(transaction=False) as pipe:
        for _ in range(17_000):
            pipe.eval(SCRIPT, len(call.keys), *call.keys, *call.args)
        ids = pipe.execute()
    positions = [position_of(stream_id) for stream_id in ids]
    assert positions == sorted(set(positions))
    assert int(ids[-1].split(b"-")[0]) - ahead == pytest.approx(2, abs=1)
