"""What an engine does beside reading: it ticks for live fleets, says that it lives, and lets go of old log."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.codec import decode
from stream.live.append import Message
from stream.live.chores import Chores, _trim_bound
from stream.live.inbox import Inbox
from stream.live.keys import HEARTBEATS, INBOX, RESUME, log_key
from stream.live.log_entry import MOST, position_of
from stream.live.marks import Marks, Resume
from stream.live.resume_file import ResumeFile, Unusable, resume_points
from stream.live.views import Heartbeat
from stream.log import SHARDS, shard_of
from stream.messages import Tick

NOON_US = 1_772_452_800_000_000


class Clock:
    def __init__(self, now_us=NOON_US):
        self.now_us = now_us

    def __call__(self):
        return self.now_us

    def pass_s(self, seconds):
        self.now_us += round(seconds * 1e6)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def chores(client, settings, tmp_path, clock):
    """Chores of some shards, all of them unless told otherwise."""

    def made(shards=range(SHARDS), redis=client, inbox=None, **more):
        marks = {shard: Marks(Resume("0-0", 0)) for shard in shards}
        beat = Heartbeat(pid=7, at_us=0, started_us=NOON_US, restarts=2, shards="0-15")
        own = settings.model_copy(update=more)
        return Chores(redis, own, "stream-0", beat, marks, ResumeFile(tmp_path / "resume-00-15.json"), clock, inbox)

    return made


def ticks(logs, fleet_id):
    """The times of the ticks in a fleet's log, in seconds from noon."""
    said = [decode(entry.payload) for entry in logs.entries(fleet_id)]
    moments = [tick.at.timestamp() for tick in said if isinstance(tick, Tick) and tick.fleet_id == fleet_id]
    return [moment - NOON_US / 1e6 for moment in moments]


def test_live_fleets_get_a_tick_whenever_ten_seconds_begin(chores, logs, clock):
    logs.send([Message("live", b"{}")])
    mine = chores()
    for _ in range(100):
        mine.run()
        clock.pass_s(0.35)
    assert ticks(logs, "live") == pytest.approx([0, 10.15, 20.3, 30.1])


def test_who_has_just_begun_does_not_say_that_he_is_behind_and_who_has_been_at_it_does(chores, logs, clock, client):
    logs.send([Message("live", b"{}")])
    shard = log_key(shard_of("live"))
    ((_, entry),) = client.xrange(shard)
    client.delete(shard)
    client.xadd(shard, entry, id=f"{client.time()[0] * 1000 - 40_000}-0")  # unread for 40 s
    mine = chores()
    for _ in range(3):
        mine.run()
        clock.pass_s(10)
    said = [decode(entry.payload) for entry in logs.entries("live")]
    behind_s = [tick.behind_s for tick in said if isinstance(tick, Tick)]
    assert behind_s[:2] == [0.0, 0.0]
    assert behind_s[2] >= 40.0


def test_a_driven_fleet_and_one_of_a_foreign_shard_get_none(chores, logs, clock):
    logs.send([Message("live", b"{}"), Message("other", b"{}")])
    logs.send([Message("driven", b"{}", 5)], driven=True)
    assert shard_of("live") != shard_of("other")
    mine = chores(shards=[shard_of("live"), shard_of("driven")])
    for _ in range(3):
        mine.run()
        clock.pass_s(10)
    assert [len(ticks(logs, fleet_id)) for fleet_id in ("live", "other", "driven")] == [3, 0, 0]


def test_a_clock_that_was_put_back_stops_neither_ticks_nor_heartbeats(chores, logs, clock, client):
    logs.send([Message("live", b"{}")])
    mine = chores()
    mine.run()
    clock.pass_s(-3_600)
    mine.run()
    assert ticks(logs, "live") == [0, -3_600]
    assert msgspec.json.decode(client.hget(HEARTBEATS, "stream-0"), type=Heartbeat).at_us == clock.now_us


def test_a_heartbeat_a_second_says_who_lives(chores, clock, client):
    mine, said = chores(), []
    for _ in range(40):
        mine.run()
        said.append(msgspec.json.decode(client.hget(HEARTBEATS, "stream-0"), type=Heartbeat))
        clock.pass_s(0.1)
    assert sorted({(beat.at_us - NOON_US) / 1e6 for beat in said}) == pytest.approx([0, 1, 2, 3])
    assert {(beat.pid, beat.started_us, beat.restarts, beat.shards) for beat in said} == {(7, NOON_US, 2, "0-15")}


class Away:
    """A client whose pipelines fail so many times."""

    def __init__(self, redis, times):
        self.redis, self.times = redis, times

    def __getattr__(self, name):
        return getattr(self.redis, name)

    def pipeline(self, **more):
        if self.times:
            self.times -= 1
            raise RedisConnectionError("the line is dead")
        return self.redis.pipeline(**more)


def test_a_tick_that_failed_is_due_again(chores, logs, client):
    logs.send([Message("live", b"{}")])
    mine = chores(redis=Away(client, times=1))
    with pytest.raises(RedisConnectionError):
        mine.run()
    mine.run()
    assert ticks(logs, "live") == [0]


def test_the_inbox_is_emptied_by_the_one_who_has_it(chores, logs, client, settings):
    client.xadd(INBOX, {"m": '{"type":"tick","fleet_id":"f1","at":1}'})
    chores().run()
    assert logs.entries("f1") == []
    chores(inbox=Inbox(client, settings)).run()
    assert len(logs.entries("f1")) == 1


def read_all(mine, client, shard):
    """As if everything in a shard had been read, an entry at a time, and handed to one fleet."""
    number = 0
    for stream_id, fields in client.xrange(log_key(shard)):
        first = position_of(stream_id)
        mine.marks[shard].read(first, number, first + MOST - 1, number + int(fields[b"n"]))
        mine.marks[shard].hand("f", first, first + int(fields[b"n"]) - 1)
        number += int(fields[b"n"])


def many_entries(client, shard=3, entries=1_000):
    """Old entries of one message each, a millisecond apart."""
    with client.pipeline(transaction=False) as pipe:
        for i in range(entries):
            pipe.xadd(log_key(shard), {"c": i, "n": 1, "t": 1, "m": "x" * 1_000}, id=f"{1_000 + i}-0")
        pipe.execute()


def test_nothing_behind_the_resume_point_is_ever_trimmed_and_all_before_it_is(chores, client):
    many_entries(client)
    mine = chores()
    read_all(mine, client, 3)
    mine.keep(NOON_US)
    assert client.xlen(log_key(3)) == 1_000
    mine.marks[3].keep("f", position_of("1700-0"))
    mine.keep(NOON_US)
    left = [int(stream_id.split(b"-")[0]) for stream_id, _ in client.xrange(log_key(3))]
    assert 1_550 < left[0] <= 1_700
    assert left[-1] == 1_999
    assert client.hget(RESUME, "3").startswith(b"1699-")
    assert resume_points(mine.resume_file.path.parent)[3] == Resume("1699-18446744073709551615", 700)


def test_what_is_young_stays_until_there_is_too_much_of_it(chores, client):
    many_entries(client, entries=3_000)
    mine = chores(retention_mb=1, retention_min=1.0)
    read_all(mine, client, 3)
    mine.marks[3].keep("f", position_of("3999-0"))
    young_us = 60_000_000 + 1_500_000
    plenty = chores(retention_mb=100, retention_min=1.0)
    plenty.marks = mine.marks
    plenty.keep(young_us)
    assert 2_300 < client.xlen(log_key(3)) < 2_650
    mine.keep(young_us)
    assert 1 <= client.xlen(log_key(3)) < 200


def test_the_resume_file_is_written_before_anything_is_trimmed(chores, client):
    many_entries(client)
    mine = chores(redis=Away(client, times=1))
    read_all(mine, client, 3)
    mine.marks[3].keep("f", position_of("1999-0"))
    with pytest.raises(RedisConnectionError):
        mine.keep(NOON_US)
    assert client.xlen(log_key(3)) == 1_000
    assert mine.resume_file.read()[3].count == 1_000
    mine.keep(NOON_US)
    assert client.xlen(log_key(3)) < 150


@given(st.tuples(st.integers(0, 10_000), st.integers(0, 5)), st.integers(-100, 10_000), st.booleans())
def test_no_bound_lies_behind_the_resume_point(resume, oldest_ms, too_much):
    bound = _trim_bound(Resume(f"{resume[0]}-{resume[1]}", 0), oldest_ms, too_much=too_much)
    if bound is not None:
        millis, seq = map(int, bound.split("-"))
        assert (millis, seq) <= resume
        assert too_much or (millis, seq) == min(resume, (oldest_ms, 0))
    else:
        assert resume[0] == 0 or oldest_ms <= 0


def test_resume_points_are_found_whoever_kept_them_and_the_furthest_counts(tmp_path):
    ResumeFile(tmp_path / "resume-00-15.json").write({0: Resume("9-5", 50), 1: Resume("7-0", 7), 2: Resume("1-0", 1)})
    ResumeFile(tmp_path / "resume-00-01.json").write({0: Resume("10-0", 60), 1: Resume("6-9", 6)})
    assert resume_points(tmp_path) == {0: Resume("10-0", 60), 1: Resume("7-0", 7), 2: Resume("1-0", 1)}
    assert resume_points(tmp_path / "nowhere") == {}


def test_a_resume_file_keeps_the_shards_it_is_not_told_of(tmp_path):
    file = ResumeFile(tmp_path / "resume.json")
    file.write({0: Resume("1-0", 1), 1: Resume("2-0", 2)})
    file.write({1: Resume("3-0", 3)})
    assert file.read() == {0: Resume("1-0", 1), 1: Resume("3-0", 3)}


@pytest.mark.parametrize("text", ["", "[]", '{"x":{}}', '{"1":{"stream_id":3}}', "\0"])
def test_a_resume_file_that_cannot_be_read_says_what_to_do(tmp_path, text):
    file = ResumeFile(tmp_path / "resume-00-15.json")
    file.path.write_text(text)
    with pytest.raises(Unusable, match=r"resume-00-15\.json: .*remove it to read the log from its beginning"):
        resume_points(tmp_path)
