"""What a log no longer holds although nobody had read it is told of, once and with its exact number."""

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.live.gaps import tell_gap
from stream.live.keys import EVENTS, log_key
from stream.log import shard_of

SHARD = shard_of("depot")


def pings(road, count, first=0):
    return [road.ping(second, 0) for second in range(first, first + count)]


def size(batches):
    return sum(map(len, batches))


def everything(reader):
    found = []
    while batches := reader.read(0):
        found += batches
    return found


def trim(client, entries):
    """Let the first entries of the log go."""
    ids = [stream_id for stream_id, _ in client.xrange(log_key(SHARD))]
    client.xtrim(log_key(SHARD), minid=ids[entries], approximate=False)


def test_what_was_trimmed_before_it_was_read_is_a_gap_of_exactly_so_many(reader, logs, road, client):
    for first in range(0, 50, 10):
        logs.append("depot", pings(road, 10, first=first))
    trim(client, 3)
    one, gaps = reader()
    assert size(everything(one)) == 20
    assert gaps == [(SHARD, 0, 30)]


def test_a_gap_is_noticed_between_two_reads_and_after_a_restart(reader, logs, road, client):
    one, gaps = reader()
    logs.append("depot", pings(road, 10))
    everything(one)
    resume = {SHARD: one.marks[SHARD].resume()}
    logs.append("depot", pings(road, 7, first=10))
    logs.append("depot", pings(road, 5, first=20))
    trim(client, 2)
    assert size(everything(one)) == 5
    assert gaps == [(SHARD, 10, 7)]
    again, told = reader(resume)
    assert size(everything(again)) == 5
    assert told == [(SHARD, 0, 17)]


def test_a_gap_is_told_as_soon_as_redis_can_be_told_and_what_came_behind_it_is_not_lost(reader, logs, road, client):
    logs.append("depot", pings(road, 10))
    logs.append("depot", pings(road, 5, first=10))
    trim(client, 1)
    told, away = [], [True]

    def gap(*lost):
        if away[0]:
            raise RedisConnectionError("the line is dead")
        told.append(lost)

    one, _ = reader(gap=gap)
    assert size(one.read(0)) == 5
    with pytest.raises(RedisConnectionError):
        one.read(0)
    away[0] = False
    logs.append("depot", pings(road, 1, first=15))
    assert size(one.read(0)) == 1
    assert told == [(SHARD, 0, 10)]


def test_a_gap_is_one_event_however_often_it_is_told(client, settings, road):
    for _ in range(2):
        tell_gap(client, settings, 3, 100, 42, road.us(5))
    tell_gap(client, settings, 3, 500, 1, road.us(6))
    events = [fields for _, fields in client.xrange(EVENTS)]
    assert [(event[b"f"], event[b"k"], event[b"s"]) for event in events] == [(b"", b"input_gap", b"0")] * 2
    said = msgspec.json.decode(events[0][b"d"])
    assert said["id"] == "shard-03:input_gap:100"
    assert said["data"] == {
        "shard": 3, "first": 100, "lost": 42, "occurred_at": "2026-03-02T09:00:05Z", "detected_at": "2026-03-02T09:00:05Z",
    }  # fmt: skip


def test_a_log_that_went_back_is_no_gap(reader, logs, road, client):
    one, gaps = reader()
    logs.append("depot", pings(road, 10))
    everything(one)
    client.hincrby("fc1:counts", str(SHARD), -4)
    logs.append("depot", pings(road, 5, first=10))
    logs.append("depot", pings(road, 5, first=20))
    assert size(everything(one)) == 10
    assert gaps == []
