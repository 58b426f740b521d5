"""The log waits for those who keep it for good, but not without an end."""

import msgspec
import pytest

from stream.live.chores import Chores
from stream.live.keys import RECORDERS, log_key
from stream.live.log_entry import position_of
from stream.live.marks import Marks, Resume
from stream.live.recorders import RecorderMark
from stream.live.resume_file import ResumeFile
from stream.live.views import Heartbeat

NOON_US = 1_772_452_800_000_000


@pytest.fixture
def long_log(client, settings, tmp_path):
    """Chores of shard 3, whose log is an hour long and durable to its end: an entry a minute. Which minutes are left is returned."""

    def made(**more):
        beat, resume = Heartbeat(7, 0, 0, shards="3"), ResumeFile(tmp_path / "resume-03-03.json")
        marks, own = {3: Marks(Resume("0-0", 0))}, settings.model_copy(update=more)
        one, minutes = Chores(client, own, "stream-3", beat, marks, resume, lambda: NOON_US), range(60)
        for minute in minutes:
            moment_ms = (NOON_US - 3_600_000_000) // 1000 + minute * 60_000
            client.xadd(log_key(3), {"c": minute, "n": 1, "t": moment_ms * 1000, "m": "x" * 8_000}, id=f"{moment_ms}-0")
            one.marks[3].read(position_of(f"{moment_ms}-0"), minute, position_of(f"{moment_ms}-0"), minute + 1)
        return one, lambda: [int(fields[b"c"]) for _, fields in client.xrange(log_key(3))]

    return made


def mark(client, minute, at_us=NOON_US, **more):
    """A recorder that has shard 3 up to a minute."""
    ids = {"3": f"{(NOON_US - 3_600_000_000) // 1000 + minute * 60_000}-0"}
    client.hset(RECORDERS, "record-1", msgspec.json.encode(RecorderMark(at_us, ids, **more)))


def test_old_log_is_let_go_of_where_nobody_records(long_log):
    one, left = long_log()
    one.run()
    assert left()[0] > 20


def test_the_log_waits_for_a_recorder(long_log, client):
    one, left = long_log()
    mark(client, 7)
    one.run()
    assert left()[0] <= 7
    mark(client, 45)
    one.keep(NOON_US)
    assert 20 < left()[0] <= 31  # it is not in a hurry because of a recorder


def test_it_does_not_wait_for_one_that_is_away_too_long(long_log, client):
    one, left = long_log(record_patience_min=10)
    mark(client, 7, NOON_US - 601_000_000)
    one.run()
    assert left()[0] > 20
    assert not client.hgetall(RECORDERS)


def test_nor_when_the_log_becomes_twice_as_large_as_it_may_be(long_log, client):
    one, left = long_log()
    one.settings = one.settings.model_copy(update={"retention_mb": 0.3})
    mark(client, 7)
    one.run()
    assert left()[0] <= 7  # 480 kB of 300
    one.settings = one.settings.model_copy(update={"retention_mb": 0.2})
    one.keep(NOON_US)
    assert left()[0] > 20
    assert client.hgetall(RECORDERS)


def test_a_back_up_says_itself_how_long_it_may_be_silent(long_log, client):
    one, left = long_log()
    mark(client, 7, NOON_US - 61_000_000, silent_s=60)
    one.run()
    assert left()[0] > 20


def test_what_is_no_mark_holds_nothing(long_log, client):
    one, left = long_log()
    client.hset(RECORDERS, "record-1", b"{")
    one.run()
    assert left()[0] > 20


def test_large_plans_at_the_begin_of_a_log_do_not_make_it_seem_large(long_log, client):
    one, left = long_log(retention_mb=1, retention_min=120)
    client.delete(log_key(3))
    for minute in range(500):
        size = 40_000 if minute < 5 else 200
        client.xadd(log_key(3), {"c": minute, "m": "x" * size}, id=f"{NOON_US // 1000 - 3_600_000 + minute}-0")
    one.run()
    assert left() == list(range(500))
