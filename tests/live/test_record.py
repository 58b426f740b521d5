"""The recorder: whatever happens to it, its archive is the log, each message once, and replays to what the engine said."""

import random
from collections import Counter

import polars as pl
import pytest

from replay import archive as archives
from replay.archive import Archive, BadArchive
from replay.day_errors import BadDay
from replay.read_day import read_day
from replay.record import Recorder, run
from replay.record_rows import DEAD as DEAD_TABLE
from replay.record_rows import LOG
from replay.run_day import DayRun, run_loop
from replay.score import fleet_settings
from replay.spool import Spool
from stream.live.keys import DEAD, RECORDERS, log_key
from stream.live.log_entry import unpack
from stream.live.views import Heartbeat
from stream.log import shard_of

NOON_MS = 1_772_452_800_000


class Steady:
    """A steady clock that is far ahead at every look, so that everything is due."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        self.now_s += 20.0
        return self.now_s


@pytest.fixture
def recorder(client, settings, tmp_path):
    """A recorder that goes on where the archive of the test ends; everything is due at every turn."""

    def made(folder=tmp_path / "archive", **more):
        own = settings.model_copy(update=more)
        return Recorder.begin(client, own, Archive(folder), Heartbeat(7, 0, 0), lambda: NOON_MS * 1000, Steady())

    return made


@pytest.fixture
def kept(tmp_path):
    """The rows of the archive that count."""

    def rows(table="log", folder=tmp_path / "archive"):
        archive = Archive(folder)
        pieces = archive.pieces(table, archive.reached().flushes) if archive.reached() else []
        return pl.concat([pl.DataFrame(schema=LOG if table == "log" else DEAD_TABLE), *(pl.read_parquet(piece.path) for piece in pieces)])

    return rows


def in_log(client):
    """All messages in the log: shard, position, bytes."""
    return Counter(
        (shard, entry.position, entry.payload)
        for shard in range(16)
        for stream_id, fields in client.xrange(log_key(shard))
        for entry in unpack(stream_id, fields)
    )


def in_archive(rows):
    return Counter(rows.select("shard", "position", "payload").iter_rows())


def replayed(folder, out):
    """Events of each fleet in a replay of the archive, with their numbers."""
    day = read_day(folder)
    one = DayRun(day.log, fleet_settings(day.fleets, None), Spool(out), batch=37)
    run_loop(one)
    return {fleet: [(number, payload) for _, number, payload in one.spool.events(fleet)] for fleet in one.spool.fleets()}


def test_the_archive_holds_the_log_and_replays_to_what_the_engine_said(recorder, kept, logs, drive, client, run, tmp_path):
    logs.append("depot", drive)
    logs.append("port", drive)
    client.xadd(log_key(3), {"c": "x"})
    engine = run
    one = recorder()
    one.turn()
    one.close()
    rows = kept()
    assert in_archive(rows.filter(pl.col("number") >= 0)) == Counter(
        {(shard_of(fleet), entry.position, entry.payload): 1 for fleet in ("depot", "port") for entry in logs.entries(fleet)}
    )
    refused = dict(
        rows.filter(pl.col("reason").is_not_null()).group_by("fleet_id", "reason").len().select("fleet_id", "reason").iter_rows()
    )
    assert refused["~03"] == "bad_json"
    assert set(rows["reason"].drop_nulls()) == {"missing_field", "unknown_type", "bad_json"}
    assert not kept().filter(pl.col("reason").is_not_null(), pl.col("payload") == b"").height
    client.delete(log_key(3))
    engine().to_end()
    again = replayed(tmp_path / "archive", tmp_path / "out")
    for fleet in ("depot", "port"):
        assert len(again[fleet]) > 10
        assert again[fleet] == logs.events(fleet)


def test_dead_letters_are_recorded_whoever_refused(recorder, kept, logs, drive, client, run):
    logs.append("depot", drive)
    run().to_end()
    client.xadd(DEAD, {"f": "", "r": "empty", "k": "", "v": "", "t": "5", "h": b"\xff", "b": "api"})
    one = recorder()
    one.turn()
    one.close()
    letters = kept("dead")
    assert letters["id"].to_list() == [stream_id.decode() for stream_id, _ in client.xrange(DEAD)]
    assert letters.filter(pl.col("by") == "api").select("position", "head").row(0) == (-1, b"\xff")
    places = {(entry.position, entry.payload) for entry in logs.entries("depot")}
    assert {(p, h) for p, h in letters.filter(pl.col("reason") == "unknown_type").select("position", "head").iter_rows()} <= places


class Crash(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("seed", range(3))
def test_wherever_it_is_killed_nothing_is_lost_or_doubled(recorder, kept, logs, drive, run, monkeypatch, tmp_path, seed):
    draw, rest, crashes = random.Random(seed), {"depot": list(drive), "port": list(drive)}, 0
    write = archives.write_durably

    def dying(path, content):
        """A write before, in the midst of, or behind which the process may die."""
        nonlocal crashes
        fate = draw.random()
        if fate < 0.08:
            crashes += 1
            path.with_suffix(".part").write_bytes(content[: draw.randrange(len(content) + 1)])
            raise Crash
        write(path, content)
        if fate < 0.16:
            crashes += 1
            raise Crash

    monkeypatch.setattr(archives, "write_durably", dying)
    while any(rest.values()) or in_archive(kept()) != in_log(logs.redis):
        for fleet, lines in rest.items():
            count = draw.randrange(12)
            logs.append(fleet, lines[:count])
            del lines[:count]
        try:
            one = recorder()
            for _ in range(draw.randrange(4)):
                one.turn()
            one.close()
        except Crash:
            pass
        assert in_archive(kept()) <= in_log(logs.redis)
    assert crashes > 3
    monkeypatch.undo()
    run().to_end()
    again = replayed(tmp_path / "archive", tmp_path / "out")
    assert {fleet: again[fleet] for fleet in rest} == {fleet: logs.events(fleet) for fleet in rest}


def ping(number):
    return b'{"type":"ping","fleet_id":"depot","at":%d,"vehicle_id":"v1","lat":1.5,"lon":1.5}' % (NOON_MS + number)


def put(client, hour, number, first=0):
    """An entry with one message that came in an hour of that day."""
    fields = {"c": first, "n": 1, "t": (NOON_MS + hour * 3_600_000) * 1000, "m": ping(first)}
    client.xadd(log_key(shard_of("depot")), fields, id=f"{NOON_MS + hour * 3_600_000}-{number}")


def test_an_hour_that_is_over_becomes_one_file_and_no_message_is_there_twice_meanwhile(recorder, kept, client, tmp_path):
    def hours():
        return Counter(path.name[:2] for path in (tmp_path / "archive/log/2026-03-02").iterdir())

    one = recorder()
    for number in range(9):
        put(client, hour=number // 4, number=number, first=number)
        one.turn()
        one.aside.thread.submit(lambda: None).result()
        assert kept()["number"].to_list() == list(range(number + 1))
        assert read_day(tmp_path / "archive").log.span_us()[1] == (NOON_MS + number // 4 * 3_600_000) * 1000
    one.close()
    assert hours() == {"12": 4 + 1, "13": 4, "14": 1}  # the parts of noon stay for those who read them now
    recorder().close()
    assert hours() == {"12": 1, "13": 4, "14": 1}
    assert kept()["number"].to_list() == list(range(9))


def test_what_left_the_log_before_it_was_recorded_is_noted_with_its_number(recorder, client, tmp_path):
    for number in range(6):
        put(client, 0, number, number)
    client.xtrim(log_key(shard_of("depot")), maxlen=4, approximate=False)
    one = recorder()
    one.turn()
    for number in range(6, 12):
        put(client, 0, number, number)
    client.xtrim(log_key(shard_of("depot")), maxlen=2, approximate=False)
    one.turn()
    one.close()
    assert [(gap.shard, gap.first, gap.lost) for gap in one.reached.gaps] == [(shard_of("depot"), 6, 4)]
    notes = " / ".join(read_day(tmp_path / "archive").notes)
    assert "2 messages came before the archive was begun" in notes
    assert "4 messages from number 6 on left the log" in notes


def test_what_an_archive_cannot_go_on_with_is_said(recorder, tmp_path):
    recorder().close()
    with pytest.raises(BadArchive, match="16 shards, and this one has 4"):
        recorder(shards=4)
    (tmp_path / "archive/reached.json").write_text("{")
    with pytest.raises(BadArchive, match=r"reached\.json cannot be read"):
        recorder()
    with pytest.raises(BadDay, match=r"reached\.json cannot be read"):
        read_day(tmp_path / "archive")


def test_it_says_that_it_lives_and_what_it_has(recorder, client):
    one = recorder()
    put(client, 0, 1)
    one.turn()
    one.turn()
    (name, mark), *others = client.hgetall(RECORDERS).items()
    assert not others
    assert name.decode() == one.name == f"record-{NOON_MS // 1000}"
    assert f'"{shard_of("depot")}":"{NOON_MS}-1"'.encode() in mark


def test_it_waits_while_redis_is_away_and_goes_on(recorder, kept, client, loses_replies):
    put(client, 0, 1)
    one, waits = recorder(), []
    one.redis = loses_replies(times=3)
    run(one, lambda: len(waits) > 5, waits.append)
    assert len(waits) > 5
    assert waits[:3] == [0.1, 0.2, 0.4]
    assert kept().height == 1
