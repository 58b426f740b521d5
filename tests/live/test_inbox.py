"""The door for those who write to Redis themselves: whatever they write is moved into the log once, or refused once."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.codec import HEAD_BYTES
from stream.live.inbox import AT_ONCE, Inbox
from stream.live.keys import COUNTS, DEAD, INBOX, INBOX_READ, REFUSED


def tick(fleet_id, number):
    return b'{"type":"tick","fleet_id":"%s","at":%d}' % (fleet_id.encode(), number)


def sent(logs, fleet_id):
    return [entry.payload for entry in logs.entries(fleet_id) if b'"%s"' % fleet_id.encode() in entry.payload]


@pytest.fixture
def inbox(client, settings):
    return lambda redis=client: Inbox(redis, settings)


def test_messages_in_any_field_and_on_any_line_go_to_their_fleets(client, inbox, logs):
    client.xadd(INBOX, {"a": tick("f1", 1), "b": tick("f2", 2)})
    client.xadd(INBOX, {"m": b"\n".join([tick("f1", 3), b"", b"  ", tick("f2", 4), tick("f1", 5)]) + b"\n"})
    assert inbox().empty() == 5
    assert sent(logs, "f1") == [tick("f1", number) for number in (1, 3, 5)]
    assert sent(logs, "f2") == [tick("f2", number) for number in (2, 4)]
    assert inbox().empty() == 0


def test_more_than_fits_at_once_comes_in_its_turn(client, inbox, logs):
    for number in range(AT_ONCE + 3):
        client.xadd(INBOX, {"m": tick("f1", number)})
    mine = inbox()
    assert [mine.empty() for _ in range(3)] == [AT_ONCE, 3, 0]
    assert sent(logs, "f1") == [tick("f1", number) for number in range(AT_ONCE + 3)]
    assert client.xlen(INBOX) <= 100


def test_an_entry_without_anything_in_it_does_not_hold_the_others(client, inbox, logs):
    client.xadd(INBOX, {"m": ""})
    mine = inbox()
    assert mine.empty() == 0
    client.xadd(INBOX, {"m": tick("f1", 1)})
    assert mine.empty() == 1


def test_one_that_is_opened_again_goes_on_where_the_last_one_ended(client, inbox, logs):
    client.xadd(INBOX, {"m": tick("f1", 1)})
    inbox().empty()
    client.xadd(INBOX, {"m": tick("f1", 2)})
    inbox().empty()
    assert sent(logs, "f1") == [tick("f1", 1), tick("f1", 2)]


@pytest.mark.parametrize(("sends", "moved"), [(None, True), (1, True), (0, False)], ids=["behind", "amid", "before"])
def test_one_whose_line_dies_moves_each_message_once(client, inbox, logs, loses_replies, sends, moved):
    for number in range(3):
        client.xadd(INBOX, {"m": tick("f1", number), "x": b"junk"})
    mine = inbox(loses_replies(sends=sends))
    with pytest.raises(RedisConnectionError):
        mine.empty()
    assert bool(sent(logs, "f1")) is moved
    mine.empty()
    assert mine.empty() == 0
    assert sent(logs, "f1") == [tick("f1", number) for number in range(3)]
    assert client.xlen(DEAD) == 3
    assert client.hget(REFUSED, "bad_json") == b"3"


def test_one_that_died_right_behind_the_move_moves_nothing_twice(client, inbox, logs, loses_replies):
    client.xadd(INBOX, {"m": tick("f1", 1)})
    with pytest.raises(RedisConnectionError):
        inbox(loses_replies()).empty()
    inbox().empty()
    assert sent(logs, "f1") == [tick("f1", 1)]


def test_what_cannot_be_read_is_a_dead_letter_and_counted(client, inbox, logs):
    at = client.xadd(INBOX, {"a": b"no json", "b": b'{"type":"ping","fleet_id":"f1","vehicle_id":"v1"}', "c": tick("f1", 1)})
    client.xadd(INBOX, {"a": b"x" * (2 << 20)})
    inbox().empty()
    letters = [letter for _, letter in client.xrange(DEAD)]
    assert [letter[b"r"] for letter in letters] == [b"bad_json", b"missing_field", b"too_large"]
    assert [letter[b"b"] for letter in letters] == [b"inbox"] * 3
    assert [letter[b"f"] for letter in letters] == [b"", b"f1", b""]
    assert letters[1][b"v"] == b"v1"
    assert max(len(letter[b"h"]) for letter in letters) == HEAD_BYTES
    assert int(letters[0][b"t"]) // 1_000_000 == pytest.approx(int(at.split(b"-")[0]) // 1000, abs=2)
    assert client.hgetall(REFUSED) == {b"bad_json": b"1", b"missing_field": b"1", b"too_large": b"1"}
    assert sent(logs, "f1") == [tick("f1", 1)]


def test_while_redis_is_full_nothing_of_the_inbox_is_lost(client, inbox, logs):
    client.xadd(INBOX, {"m": tick("f1", 1)})
    mine = inbox()
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(Exception, match=r"maxmemory|discarded"):
            mine.empty()
    finally:
        client.config_set("maxmemory", 0)
    assert not client.exists(INBOX_READ, COUNTS)
    assert mine.empty() == 1
    assert sent(logs, "f1") == [tick("f1", 1)]
