"""Dead letters can be counted, read, and put in again by reason, each once."""

import pytest
from typer.testing import CliRunner

from replay.__main__ import app
from replay.archive import Archive
from replay.record import Recorder
from stream import messages as m
from stream.codec import encode
from stream.live.append import Message
from stream.live.inbox import Inbox
from stream.live.keys import DEAD, INBOX, log_key
from stream.live.views import Heartbeat
from stream.log import shard_of


@pytest.fixture
def letters(redis_url, settings, monkeypatch, tmp_path):
    """The command; its output."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("FLEETCAST_STATE_DIR", str(settings.state_dir))

    def run(*args, code=0):
        done = CliRunner().invoke(app, ["dead-letters", *map(str, args)])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return run


def dead(client):
    return [letter for _, letter in client.xrange(DEAD)]


def too_early(road):
    """A route is started before it is published; between them nothing else is wrong."""
    return road.log([road.go(5)], road.drive(10, 60, 0, 300), ticks=False)


def test_pings_refused_by_value_have_their_bytes(run, logs, road, client):
    good, bad = road.ping(10, 100), road.ping(11, 100)[1]
    lines = [encode(good[1]), encode(bad).replace(b'"lat":42', b'"lat":142'), encode(road.ping(12, 120)[1])]
    logs.send([Message("depot", line, road.us(20)) for line in lines], driven=True)
    run().to_end()
    assert [(letter[b"r"], letter[b"h"]) for letter in dead(client)] == [(b"lat_range", lines[1])]


def test_they_are_counted_with_what_to_do_and_shown(run, logs, road, client, letters):
    logs.append("depot", [*too_early(road), (61, b'{"type":"ping"}'), (61, b"\xff\xfe")])
    run().to_end()
    told = letters()
    assert [line.split()[:2] for line in told.splitlines()] == [["1", "unknown_route"], ["1", "missing_field"], ["1", "bad_json"]]
    assert "Send `route_published` first" in told
    assert "depot route_started v1  by engine" in letters("show", "--fleet", "depot")
    assert "\\xff\\xfe" in letters("show", "--reason", "bad_json")
    assert len(letters("show", "--limit", 2).splitlines()) == 2
    assert "there is no reason 'nonsense'" in letters("--reason", "nonsense", code=2)
    assert "say which with --reason" in letters("reinject", code=2)


def test_what_has_been_put_right_is_taken_once_and_what_has_not_stays(run, logs, road, client, letters):
    logs.append("depot", too_early(road))
    run().to_end()
    logs.append("depot", [road.plan(second=70)])
    run().to_end()
    assert logs.plainly("depot")[1].routes["r1"].started is False
    assert "1 put in again" in letters("reinject", "--reason", "unknown_route")
    assert "none match" in letters("reinject", "--reason", "unknown_route")
    run().to_end()
    assert logs.plainly("depot")[1].routes["r1"].started is True
    assert not dead(client)


def test_what_would_be_refused_again_stays(run, logs, road, client, letters):
    logs.append("depot", [(5, b'{"type":"ping"}'), road.ping(6, 10, lat=142.0)])
    run().to_end()
    assert "1 still refused: missing_field" in letters("reinject", "--reason", "missing_field")
    assert "1 still refused: lat_range" in letters("reinject", "--reason", "lat_range")
    assert len(dead(client)) == 2


@pytest.fixture
def long_route(road):
    """A started route of which the text is longer than what a dead letter keeps: an addition to a route that nobody published."""
    stop = road.stop(3, metadata={f"k{number}": "x" * 200 for number in range(8)})
    return [road.say(m.StopAdded, 5, stop=stop)]


def test_long_ones_are_looked_up_in_the_log_then_in_the_archive(run, logs, road, client, letters, settings, tmp_path, long_route):
    logs.append("depot", long_route)
    run().to_end()
    (letter,) = dead(client)
    assert len(letter[b"h"]) == 1_024
    one = Recorder.begin(client, settings, Archive(tmp_path / "kept"), Heartbeat(7, 0, 0), lambda: 1, lambda: 1.0)
    one.read()
    one.close()
    client.xtrim(log_key(shard_of("depot")), maxlen=0, approximate=False)
    assert "1 only their first bytes are known" in letters("reinject", "--reason", "unknown_route")
    assert "1 put in again" in letters("reinject", "--reason", "unknown_route", "--archive", tmp_path / "kept")
    (entry,) = logs.entries("depot")
    assert entry.payload == encode(long_route[0][1])


def test_what_never_came_to_the_log_is_put_in_from_its_own_bytes(run, client, letters, settings, logs):
    early = b'{"type":"tick","fleet_id":"f1","at":1,"x":1}'
    client.xadd(INBOX, {"m": early})
    Inbox(client, settings).empty()
    assert "1 still refused: unknown_field" in letters("reinject", "--reason", "unknown_field")
    client.xadd(
        DEAD, {"f": "f1", "r": "internal", "k": "tick", "v": "", "t": "1", "h": b'{"type":"tick","fleet_id":"f1","at":1}', "b": "api"}
    )
    assert "still refused: ts_range" in letters("reinject", "--reason", "internal")
    line = encode(m.FenceRemoved(fleet_id="f1", at=road_now(), fence_id="x"))
    client.xadd(DEAD, {"f": "f1", "r": "internal", "k": "tick", "v": "", "t": "1", "h": line, "b": "api"})
    assert "1 put in again" in letters("reinject", "--reason", "internal")
    assert [entry.payload for entry in logs.entries("f1")] == [line]


def road_now():
    from datetime import UTC, datetime

    return datetime.now(UTC)
