"""Entries on which the engine fails, and an engine that is behind, in the live system."""

import msgspec
import pytest

from eta_models.model import EtaModel
from stream import messages as m
from stream import rounds
from stream.apply import apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import read_entries
from stream.live.append import Message
from stream.live.keys import DEAD, EVENTS, fleet_key, log_key
from stream.live.lag import seconds_behind
from stream.live.views import Totals
from stream.log import shard_of
from stream.settings import FleetSettings


def totals(client, fleet_id="depot"):
    return msgspec.json.decode(client.hget(fleet_key("fleet", fleet_id), "totals"), type=Totals)


def test_an_entry_at_fault_is_a_dead_letter_and_the_engine_goes_on_also_after_a_restart(run, logs, drive, road, client, monkeypatch):
    apply_notice = rounds.apply_notice

    def fails(settings, state, notice, now_us, out):
        reason = apply_notice(settings, state, notice, now_us, out)
        if isinstance(notice.message, m.WindowChanged):
            raise KeyError(notice.message.visit_id)
        return reason

    monkeypatch.setattr(rounds, "apply_notice", fails)
    bad = [road.say(m.WindowChanged, second, visit_id="a5") for second in (100, 290)]
    lines = sorted([*drive, *bad], key=lambda line: line[0])
    logs.append("depot", lines[:60])
    run().to_end()
    logs.append("depot", lines[60:])
    run().to_end()
    letters = [fields for _, fields in client.xrange(DEAD) if fields[b"r"] == b"internal"]
    assert [(one[b"f"], one[b"k"], one[b"v"]) for one in letters] == [(b"depot", b"window_changed", b"v1")] * 2
    assert b" KeyError test_faults.py:" in letters[0][b"h"]
    assert b'"type":"window_changed"' in letters[0][b"h"]
    seen = totals(client)
    assert seen.received == len(lines) - 1  # of one nobody knows the fleet
    assert seen.refused["internal"] == 2
    state, events = FleetState("depot", EtaModel(FleetSettings().model)), []
    rest = [entry for entry in logs.entries("depot") if b"window_changed" not in entry.payload]
    for batch in read_entries(FleetSettings().judge, rest):
        if batch.fleet_id == "depot":
            events += [event.payload for event in apply(FleetSettings(), state, batch).events]
    assert [event for _, event in logs.events("depot")] == events
    assert len(events) > 10


@pytest.fixture
def crowd(road):
    """A minute of two vehicles with a fix a second; at each tick the engine is far behind."""

    def lines(begin, behind):
        drives = [*road.drive(begin, begin + 59, 10 * begin, 10 * begin + 590, step=1), *road.drive(begin, begin + 59, 0, 0, "v2", step=1)]
        ticks = [(at, msgspec.structs.replace(tick, behind_s=behind)) for at, tick in road.ticks(begin, begin + 59)]
        return sorted([*drives, *ticks, road.say(m.VehicleUp, begin + 33)], key=lambda line: line[0])

    return lines


def test_what_is_thinned_is_counted_and_told_without_a_dead_letter_for_each(run, logs, crowd, client, settings):
    lines = [*crowd(0, 0.0), *crowd(60, 30.0), *crowd(120, 0.0)]
    for first in range(0, len(lines), 25):
        logs.append("depot", lines[first : first + 25])
    run(settings=settings.model_copy(update={"batch": 20})).to_end()
    seen = totals(client)
    assert seen.received == len(lines)
    assert seen.refused.keys() == {"thinned"}
    assert 60 < seen.refused["thinned"] < 120
    assert client.xlen(DEAD) == 0
    said = [msgspec.json.decode(fields[b"d"]) for _, fields in client.xrange(EVENTS) if fields[b"k"] == b"pings_thinned"]
    assert sum(one["data"]["count"] for one in said) == seen.refused["thinned"]


def test_an_engine_that_ends_while_pings_wait_for_their_tick_has_them_again(run, logs, crowd, client):
    lines = [*crowd(0, 0.0), *crowd(60, 30.0), *crowd(120, 0.0)]
    logs.append("depot", lines[:210])
    run().to_end()
    assert totals(client).received < 210
    logs.append("depot", lines[210:])
    run().to_end()
    assert totals(client).received == len(lines)


def test_how_far_behind_a_reader_is_is_how_long_the_first_unread_entry_waits(logs, client):
    shard = shard_of("depot")
    assert seconds_behind(client, {shard: "0-0", 3: "0-0"}) == {shard: 0.0, 3: 0.0}
    raw = encode(m.Tick(fleet_id="depot", at=1_760_000_000_000))
    logs.send([Message("depot", raw)])
    seconds, micros = client.time()
    (old,) = client.xrange(log_key(shard))
    entry = old[1]
    client.delete(log_key(shard))
    first = seconds * 1000 + micros // 1000 - 25_000
    for offset in (0, 10_000):
        client.xadd(log_key(shard), entry, id=f"{first + offset}-0")
    behind = seconds_behind(client, {shard: "0-0"})[shard]
    assert 25.0 <= behind < 30.0
    assert 15.0 <= seconds_behind(client, {shard: f"{first}-0"})[shard] < 20.0
    assert seconds_behind(client, {shard: f"{first + 10_000}-0"})[shard] == 0.0
    client.delete(log_key(shard))
    client.xadd(log_key(shard), entry, id="1-0")
    assert seconds_behind(client, {shard: "0-0"})[shard] == 86_400.0
