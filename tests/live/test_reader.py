"""Reading shards: what is there comes once, in order, and what is not there any more is told of with its exact number."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from stream import messages as m
from stream.codec import encode
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import log_key
from stream.log import SHARDS, shard_of
from stream.nobody import nobody

SHARD = shard_of("depot")
OTHER = next(f"f{i}" for i in range(100) if shard_of(f"f{i}") != SHARD)


class Counting:
    """A client that counts its calls, and is away when it is told to be."""

    def __init__(self, redis):
        self.redis, self.reads, self.away = redis, 0, []

    def xread(self, *args, **more):
        self.reads += 1
        if self.away and self.away.pop(0):
            raise RedisConnectionError("the line is dead")
        return self.redis.xread(*args, **more)


def pings(road, count, first=0):
    return [road.ping(second, 0) for second in range(first, first + count)]


def size(batches):
    return sum(map(len, batches))


def everything(reader):
    found = []
    while batches := reader.read(0):
        found += batches
    return found


def test_all_that_was_appended_is_read_once_by_fleet_and_in_order(reader, logs, road):
    logs.append("depot", [road.plan(), *pings(road, 250)])
    logs.append(OTHER, pings(road, 30))
    one, gaps = reader()
    found = everything(one)
    assert {batch.fleet_id: len(batch) for batch in found} == {"depot": 251, OTHER: 30}
    positions = [place for batch in found if batch.fleet_id == "depot" for place in batch.pings.position.tolist()]
    assert positions == sorted(set(positions))
    assert everything(one) == []
    logs.append("depot", pings(road, 3, first=300))
    assert size(one.read(0)) == 3
    assert gaps == []


def test_one_call_asks_for_all_shards(reader, logs, road, client):
    logs.append("depot", pings(road, 5))
    logs.append(OTHER, pings(road, 5))
    counting = Counting(client)
    one, _ = reader(redis=counting)
    assert len(one.read(0.05)) == 2
    assert counting.reads == 1


def test_a_read_ends_as_soon_as_something_comes_and_gives_nothing_where_nothing_does(reader, logs, road):
    one, _ = reader()
    assert one.read(0.01) == []
    logs.append("depot", pings(road, 1))
    assert size(one.read(5.0)) == 1


def test_batches_hold_no_more_than_they_may_whatever_entries_held_before(reader, logs, road):
    for second in range(30):
        logs.append("depot", pings(road, 1, first=second))
    logs.append("depot", pings(road, 1_000, first=30))
    one, gaps = reader(batch=250)
    sizes = []
    while batches := one.read(0):
        sizes.append(size(batches))
    assert sum(sizes) == 1_030
    assert max(sizes) <= 250
    assert len(sizes) < 10
    assert gaps == []


def test_an_entry_larger_than_a_batch_is_read_all_the_same(reader, logs, road):
    logs.append("depot", pings(road, 100))
    assert size(reader(batch=7)[0].read(0)) == 100


def test_a_line_that_dies_while_more_is_waited_for_loses_nothing_of_what_had_come(reader, logs, road, client):
    counting = Counting(client)
    one, gaps = reader(redis=counting, linger_ms=1.0)
    logs.append("depot", pings(road, 3))
    assert size(one.read(0)) == 3
    logs.append("depot", pings(road, 4, first=3))
    counting.away = [False, True]
    assert size(one.read(0)) == 4
    assert counting.away == []
    assert everything(one) == []
    assert gaps == []


@pytest.mark.parametrize(("linger_ms", "taken"), [(1.0, 6), (0.0, 4)])
def test_where_messages_waited_a_short_wait_more_makes_one_batch_of_two(reader, logs, road, linger_ms, taken):
    one, _ = reader(linger_ms=linger_ms)
    one.wait = lambda _: logs.append("depot", pings(road, 2, first=9))
    logs.append("depot", pings(road, 4, first=3))
    (batch,) = one.read(0)
    assert len(batch) == taken


def test_what_had_to_be_waited_for_is_taken_at_once(reader, logs, road):
    one, _ = reader(linger_ms=1.0)
    clock = iter([0.0, 1.0, 1.1, 1.1])
    one.now_s = lambda: next(clock)
    one.wait = lambda _: pytest.fail("it waited")
    logs.append("depot", pings(road, 4))
    assert size(one.read(0)) == 4


def refused(batches, shard=SHARD):
    """Refusals under nobody's name: reason, kind, vehicle."""
    assert {batch.fleet_id for batch in batches} == {nobody(shard)}
    return [(refusal.reason, refusal.kind, refusal.vehicle_id) for batch in batches for refusal in batch.refusals]


def test_what_stands_in_a_foreign_shard_is_refused_message_by_message(reader, road, client):
    lines = [road.ping(1, 0, "v7"), road.say(m.VehicleDown, 2), road.ping(3, 0, "v8")]
    (call,) = calls([Message("depot", b'{"type":"ping"}', road.us(0)), *(Message("depot", encode(said), road.us(s)) for s, said in lines)])
    foreign = (SHARD + 1) % SHARDS
    client.eval(SCRIPT, 3, log_key(foreign), *call.keys[1:], foreign, *call.args[1:])
    assert refused(reader()[0].read(0), foreign) == [
        ("missing_field", "ping", ""),
        ("wrong_partition", "ping", "v7"),
        ("wrong_partition", "vehicle_down", "v1"),
        ("wrong_partition", "ping", "v8"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"x": "1"},
        {"c": "0", "n": "two", "t": "1", "m": "{}"},
        {"c": "zero", "n": "1", "t": "1", "m": "{}"},
        {"n": "1", "t": "1", "m": "{}"},
        {"c": "0", "n": "1", "t": "9" * 40, "m": "{}"},
        {"c": "0", "n": "2", "t": "1", "m": "{}"},
    ],
)
def test_an_entry_that_is_garbled_is_a_dead_letter_and_the_others_are_read(reader, logs, road, client, fields):
    logs.append("depot", pings(road, 3))
    client.xadd(log_key(SHARD), fields)
    logs.append("depot", pings(road, 4, first=3))
    one, gaps = reader()
    found = everything(one)
    (bad,) = [batch for batch in found if batch.fleet_id != "depot"]
    assert refused([bad]) == [("bad_json", "", "")]
    assert size(found) == 8
    assert gaps == []
    assert set(one.marks[SHARD].waiting()) == {"depot", nobody(SHARD)}


def test_an_entry_whose_id_is_no_position_is_a_dead_letter_too(reader, logs, road, client):
    logs.append("depot", pings(road, 3))
    client.xadd(log_key(SHARD), {"c": "3", "n": "1", "t": "1", "m": "{}"}, id=f"{1 << 60}-{1 << 20}")
    assert sorted(map(len, everything(reader()[0]))) == [1, 3]


def test_a_garbled_message_is_refused_under_the_name_of_its_fleet_where_it_has_one(reader, logs, road):
    logs.append("depot", [road.ping(0, 0), (1, b'{"type":"ping","fleet_id":"depot"}'), (2, b"\xff"), (3, b"")])
    own, others = sorted(everything(reader()[0]), key=lambda batch: batch.fleet_id)
    assert [refusal.reason for refusal in own.refusals] == ["missing_field"]
    assert len(refused([others])) == 2


def test_the_marks_know_everything_that_was_handed_on(reader, logs, road):
    """A refused ping before and behind refused messages of other kinds: whichever is first or last counts."""
    lost = (0, b'{"type":"ping","fleet_id":"depot","vehicle_id":"v1","at":"2026-03-02T09:00:00Z","lat":95.0,"lon":1.0}')
    junk = (1, b'{"type":"no_such_thing","fleet_id":"depot"}')
    logs.append("depot", [lost, junk, lost, junk])
    one, _ = reader()
    one.read(0)
    positions = [entry.position for entry in logs.entries("depot")]
    assert one.marks[SHARD].handed == {"depot": positions[-1]}
    assert one.marks[SHARD].durable == {"depot": positions[0] - 1}
