"""What stretches gave is in Redis once, whatever happens to Redis, to its answers and to other writers meanwhile."""

import pytest

from stream.live.embedded import EmbeddedServer
from stream.live.keys import DEAD, EVENTS, fleet_key
from stream.live.server import connect
from stream.live.writer import OUTBOX_S, SMALL_BYTES, LostTooMuch, TakenOver, Writer
from stream.outputs import Numbered


def plain(number):
    return Numbered(5, number, "eta_updated", b"event %d" % number)


def numbers(redis, fleet_id="f1"):
    return [int(fields[b"s"]) for _, fields in redis.xrange(EVENTS) if fields[b"f"] == fleet_id.encode()]


def dead(redis):
    return [fields[b"t"] for _, fields in redis.xrange(DEAD)]


def test_a_stretch_that_is_written_twice_counts_once(client, writer, order):
    writer().write([order(10, [0, 1], [3], puts={"fixes": ["v1", b"new"]})])
    client.hset(fleet_key("fixes", "f1"), "v1", b"newer")
    writer("we again").write([order(10, [0, 1], [3], by="we again", puts={"fixes": ["v1", b"new"]})])
    assert numbers(client) == [0, 1]
    assert len(dead(client)) == 1
    assert client.hget(fleet_key("fixes", "f1"), "v1") == b"newer"


def test_of_a_stretch_that_overlaps_only_what_is_new_is_written(client, writer, order):
    writer().write([order(10, [0, 1], [3, 10])])
    again = writer("we again")
    again.write([order(5, [0], [3], by="we again")])
    again.write([order(20, [1, 2], [10, 11, 20], by="we again")])
    assert numbers(client) == [0, 1, 2]
    assert len(dead(client)) == 4
    assert client.hget(fleet_key("fleet", "f1"), "totals") == b"t20"


def test_events_that_redis_may_have_lost_are_said_again_where_it_did(client, writer, order):
    writer().write([order(10, [0, 1, 2])])
    writer("again").write([order(11, [5], by="again", again=[plain(n) for n in range(1, 5)])])
    assert numbers(client) == [0, 1, 2, 3, 4, 5]


def test_a_lost_answer_is_no_other_writer_and_nothing_is_twice(client, writer, order, loses_replies, clock):
    one = writer(redis=loses_replies(times=2), fleets=("f1", "f2"))
    one.write([order(1, [0], [1]), order(2, [1]), order(1, [0], fleet_id="f2")])
    one.write([order(3, [2])])
    assert clock.waits == 2
    assert [numbers(client), numbers(client, "f2"), len(dead(client))] == [[0, 1, 2], [0], 1]


@pytest.mark.parametrize("sends", [0, 1, 2])
def test_a_line_that_dies_in_the_midst_of_a_call_loses_nothing(client, writer, order, loses_replies, sends):
    one = writer(redis=loses_replies(sends=sends))
    one.write([order(position, [position - 1], [position]) for position in (1, 2, 3)])
    assert numbers(client) == [0, 1, 2]
    assert len(dead(client)) == 3


def test_a_second_writer_of_a_fleet_ends_the_first(client, writer, order):
    first = writer("first")
    first.write([order(1, [0], by="first")])
    second = writer("second")
    second.write([order(2, [1], by="second")])
    with pytest.raises(TakenOver, match="'f1'"):
        first.write([order(2, [1], by="first")])
    second.write([order(3, [2], by="second")])
    assert numbers(client) == [0, 1, 2]
    assert client.hget(fleet_key("fleet", "f1"), "by") == b"second"


def test_what_redis_lost_is_written_again(client, writer, order, moment):
    one = writer(fleets=("f1", "f2"))
    one.write([order(1, [0], [1], puts={"fixes": ["v1", b"1"]}), order(1, [0], fleet_id="f2")])
    before = moment()
    one.write([order(2, [1, 2], [2], puts={"fixes": ["v2", b"2"]}), order(2, [1], fleet_id="f2")])
    one.write([order(3, [3], puts={"fixes": ["v1", b"3"]})])
    before.come_back()
    one.write([order(4, [4], [4]), order(5, [5])])
    assert numbers(client) == [0, 1, 2, 3, 4, 5]
    assert len(dead(client)) == 3
    assert client.hgetall(fleet_key("fixes", "f1")) == {b"v1": b"3", b"v2": b"2"}
    assert client.hmget(fleet_key("fleet", "f1"), "writes", "totals") == [b"5", b"t5"]
    one.write([order(3, [2], fleet_id="f2")])
    assert numbers(client, "f2") == [0, 1, 2]


@pytest.mark.parametrize(("put", "kind"), [(bytes(range(256)), bytes), (b"x" * SMALL_BYTES, list)])
def test_what_was_sent_is_kept_and_says_the_same_and_small_calls_are_one_piece(writer, order, put, kind):
    one, sent = writer(), order(1, [0], [1], puts={"fixes": ["v1", put, "ä", b""]})
    said = sent.args(0)
    one.write([sent])
    (kept,) = one.outbox
    assert isinstance(kept.args, kind)
    assert kept.call() == said
    assert (kept.size, one.outbox_bytes) == (sent.size, sent.size)


def test_what_redis_lost_of_a_fleet_that_is_silent_since_is_written_again_too(client, writer, order, moment):
    one = writer(fleets=("f1", "f2"))
    before = moment()
    one.write([order(1, [0]), order(1, [0], fleet_id="f2")])
    before.come_back()
    one.mend()
    assert [numbers(client), numbers(client, "f2")] == [[0], [0]]
    one.mend()
    assert len(client.xrange(EVENTS)) == 2


def test_a_silent_fleet_is_mended_however_long_redis_was_away(client, writer, order, moment, loses_replies, clock):
    flaky = loses_replies(times=0)
    one = writer(redis=flaky, fleets=("f1", "f2"))
    before = moment()
    one.write([order(1, [0]), order(1, [0], fleet_id="f2")])

    def later():
        clock.now_s += 20
        before.come_back()

    flaky.times, flaky.sends, clock.then = 1, 0, later
    one.write([order(2, [1])])
    assert [numbers(client), numbers(client, "f2")] == [[0, 1], [0]]


def test_redis_may_go_back_while_it_is_being_mended(client, writer, order, moment, loses_replies, clock):
    flaky = loses_replies(times=0)
    one, before = writer(redis=flaky), moment()
    one.write([order(1, [0])])
    halfway = moment()
    one.write([order(2, [1])])
    halfway.come_back()
    flaky.times, clock.then = 1, before.come_back
    one.write([order(3, [2])])
    assert numbers(client) == [0, 1, 2]


def test_a_loss_of_more_than_is_kept_is_told(client, writer, order, moment, clock):
    one, before = writer(), moment()
    one.write([order(1, [0])])
    clock.now_s += OUTBOX_S + 1
    one.write([order(2, [1])])
    before.come_back()
    with pytest.raises(LostTooMuch, match="'f1'"):
        one.write([order(3, [2])])


def test_a_server_that_comes_back_with_nothing_at_all_is_told_when_more_is_gone_than_is_kept(client, writer, order, clock):
    one = writer()
    one.write([order(1, [0])])
    client.flushall()
    one.write([order(2, [1])])
    assert numbers(client) == [0, 1]
    clock.now_s += OUTBOX_S + 1
    one.write([order(3, [2])])
    client.flushall()
    with pytest.raises(LostTooMuch):
        one.mend()


def test_scripts_that_were_flushed_are_loaded_again(client, writer, order):
    one = writer()
    one.write([order(1, [0])])
    client.script_flush()
    one.write([order(2, [1]), order(3, [2])])
    assert numbers(client) == [0, 1, 2]


def test_a_server_that_is_full_takes_what_the_engine_writes_because_only_that_can_make_room(client, writer, order, clock):
    one = writer()
    one.write([order(1, [0])])
    client.config_set("maxmemory", 1)
    try:
        one.write([order(2, [1], [2]), order(3, [2])])
    finally:
        client.config_set("maxmemory", 0)
    assert clock.waits == 0
    assert numbers(client) == [0, 1, 2]


def test_a_server_that_takes_no_writes_for_now_is_waited_for(client, writer, order, clock):
    one = writer()
    one.write([order(1, [0])])
    clock.then = lambda: client.replicaof("NO", "ONE")
    client.replicaof("127.0.0.1", 1)
    try:
        one.write([order(2, [1], [2])])
    finally:
        client.replicaof("NO", "ONE")
    assert clock.waits == 1
    assert numbers(client) == [0, 1]


def test_a_server_that_is_ended_and_started_again_is_waited_for(tmp_path_factory, order, clock):
    server = EmbeddedServer(tmp_path_factory.mktemp("s"))
    server.start()
    with connect(server.url) as client:
        one = Writer(client, "us", lambda: clock.now_s, clock.wait)
        one.open("f1")
        one.write([order(1, [0])])
        server.stop()
        clock.then = lambda: clock.waits == 3 and server.start()
        one.write([order(2, [1])])
        assert numbers(client) == [0, 1]
        assert clock.waits >= 3
    server.stop()
