"""Whatever is received is a ping, a notice or a refusal, each in its order, and columns hold what the messages said."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import intake
from stream import messages as m
from stream.batches import FleetBatch
from stream.codec import Rejected, decode, encode
from stream.intake import Entry, Fixes, judge_fixes, read_entries
from stream.judge import JudgePolicy, judge
from stream.moments import instant, micros

POLICY = JudgePolicy()
START_US = 1_772_442_000_000_000
SECOND_US = 1_000_000

ids = st.sampled_from(("a", "b", "v-1", "bad id", ""))
numbers = st.one_of(st.none(), st.floats(-400, 400), st.sampled_from((0.0, 90.0, -180.0, 180.0, 100.0, 360.0, 600.0)))
moments = st.integers(-3, 3).map(lambda ahead: instant(START_US + ahead * 100 * SECOND_US)) | st.just(instant(0))
pings = st.builds(
    m.Ping,
    fleet_id=ids,
    at=moments,
    vehicle_id=ids,
    lat=numbers.map(lambda value: value or 42.0),
    lon=numbers.map(lambda value: value or -78.0),
    speed_mps=numbers,
    heading_deg=numbers,
    accuracy_m=numbers,
)
notices = st.one_of(
    st.builds(m.Tick, fleet_id=ids, at=moments),
    st.builds(m.RouteStarted, fleet_id=ids, at=moments, route_id=ids, vehicle_id=ids),
    st.builds(m.StopFailed, fleet_id=ids, at=moments, route_id=ids, vehicle_id=ids, stop_id=st.none() | ids, reason=st.text(max_size=3)),
    st.builds(m.DriverBreak, fleet_id=ids, at=moments, vehicle_id=ids, duration_s=st.sampled_from((-1.0, 60.0, 1e9))),
)
payloads = st.one_of(pings.map(encode), pings.map(encode), notices.map(encode), st.binary(max_size=60), pings.map(lambda p: encode(p)[:-9]))


def entries_of(raw: list[bytes]) -> list[Entry]:
    return [Entry(10 + 3 * i, START_US + i * SECOND_US, payload) for i, payload in enumerate(raw)]


def positions(batch: FleetBatch) -> list[list[int]]:
    return [batch.pings.position.tolist(), [n.position for n in batch.notices], [r.position for r in batch.refusals]]


@given(st.lists(payloads, max_size=30))
def test_accepted_and_refused_are_all_that_was_received_and_each_in_its_order(raw):
    entries = entries_of(raw)
    batches = read_entries(POLICY, entries)
    found = [position for batch in batches for part in positions(batch) for position in part]
    assert sorted(found) == [entry.position for entry in entries]
    assert sum(map(len, batches)) == len(entries)
    assert [batch.fleet_id for batch in batches] == sorted({batch.fleet_id for batch in batches})
    for batch in batches:
        accepted, told, _ = positions(batch)
        assert accepted == sorted(accepted)
        assert told == sorted(told)


@given(st.lists(payloads, max_size=30))
def test_each_entry_has_the_verdict_that_it_has_alone(raw):
    refused = {r.position: (r.reason, batch.fleet_id) for batch in read_entries(POLICY, entries_of(raw)) for r in batch.refusals}
    for entry in entries_of(raw):
        message = decode(entry.payload)
        reason = message.reason if isinstance(message, Rejected) else judge(POLICY, message, entry.received_us)
        assert refused.get(entry.position) == (None if reason is None else (reason, message.fleet_id))


@given(st.lists(pings, max_size=20))
def test_columns_hold_what_the_messages_said(said):
    batches = read_entries(POLICY, entries_of([encode(ping) for ping in said]))
    for batch in batches:
        p = batch.pings
        for i, position in enumerate(p.position.tolist()):
            ping = said[(position - 10) // 3]
            assert (batch.fleet_id, p.names[p.vehicle[i]]) == (ping.fleet_id, ping.vehicle_id)
            assert (p.at_us[i], p.received_us[i]) == (micros(ping.at), START_US + (position - 10) // 3 * SECOND_US)
            assert (p.lat[i], p.lon[i]) == (ping.lat, -180.0 if ping.lon == 180.0 else ping.lon)
            assert p.cell[i] > 0
            same(p.accuracy_m[i], ping.accuracy_m)
            same(p.speed_mps[i], ping.speed_mps if ping.speed_mps is not None and 0 <= ping.speed_mps <= 100 else None)
            same(p.heading_deg[i], ping.heading_deg if ping.heading_deg is not None and 0 <= ping.heading_deg <= 360 else None)


def same(column: np.float64, said: float | None) -> None:
    assert np.isnan(column) if said is None else column == said


@given(st.lists(pings, min_size=1, max_size=20))
def test_pings_in_columns_have_the_verdicts_of_pings_as_messages(said):
    named = [ping.vehicle_id if ping.vehicle_id in {"a", "b"} else "v" for ping in said]
    good = [msgspec.structs.replace(ping, fleet_id="a", vehicle_id=name) for ping, name in zip(said, named, strict=True)]
    (wire,) = read_entries(POLICY, entries_of([encode(ping) for ping in good]))
    real = np.array([[np.nan if v is None else v for v in (p.lat, p.lon, p.speed_mps, p.heading_deg, p.accuracy_m)] for p in good])
    names = ["a", "b", "v"]
    whole = np.array([(10 + 3 * i, START_US + i * SECOND_US, micros(p.at), names.index(p.vehicle_id)) for i, p in enumerate(good)])
    table, refusals = judge_fixes(POLICY, Fixes(*whole.T.astype(np.int64), *np.ascontiguousarray(real.T), names))
    for name in ("position", "received_us", "at_us", "lat", "lon", "speed_mps", "heading_deg", "accuracy_m", "cell"):
        np.testing.assert_array_equal(getattr(table, name), getattr(wire.pings, name))
    assert [table.names[v] for v in table.vehicle] == [wire.pings.names[v] for v in wire.pings.vehicle]
    assert [(r.position, r.reason, r.vehicle_id) for r in refusals] == [(r.position, r.reason, r.vehicle_id) for r in wire.refusals]


def test_a_dead_letter_says_what_came_and_where_it_stood():
    raw = [b"junk" * 400, encode(m.Tick(fleet_id="a", at=instant(0))), b'{"type":"ping","fleet_id":"a","vehicle_id":"v"}']
    nobody, mine = read_entries(POLICY, entries_of(raw))
    (junk,) = nobody.refusals
    assert (nobody.fleet_id, junk.reason, len(junk.head), junk.position) == ("", "bad_json", 1_024, 10)
    assert [(r.reason, r.kind, r.vehicle_id, r.head) for r in sorted(mine.refusals, key=lambda r: r.position)] == [
        ("ts_too_old", "tick", "", raw[1]) if micros(instant(0)) >= 946_684_800_000_000 else ("ts_range", "tick", "", raw[1]),
        ("missing_field", "ping", "v", raw[2]),
    ]


@pytest.mark.parametrize("raw", [[], [b""]])
def test_next_to_nothing_is_no_error(raw):
    assert [len(batch) for batch in read_entries(POLICY, entries_of(raw))] == [1] * len(raw)


def test_what_lies_behind_a_position_is_what_is_left_of_a_batch():
    raw = [encode(m.Ping(fleet_id="a", at=instant(START_US), vehicle_id="v", lat=42.0 + i / 10, lon=-78.0)) for i in range(4)]
    raw += [encode(m.Tick(fleet_id="a", at=instant(START_US))), b'{"type":"tick","fleet_id":"a"}']
    (batch,) = read_entries(POLICY, entries_of(raw))
    for position, left in ((0, 6), (10, 5), (18, 3), (22, 1), (25, None), (99, None)):
        rest = batch.after(position)
        assert (None if rest is None else len(rest)) == left
        assert rest is None or min(min(part, default=99) for part in positions(rest)) > position


@pytest.mark.parametrize("cut", [1, 3, 40])
def test_a_message_on_which_judging_itself_fails_is_refused_alone_however_many_come_with_it(cut, monkeypatch):
    whole, at_once, alone = intake.judge_fixes, intake.decode, b'{"type":"tick","fleet_id":"a","at":7}'
    good = [
        encode(m.Ping(fleet_id="a", at=instant(START_US + n * SECOND_US), vehicle_id=f"v{n % 3}", lat=42.0, lon=-78.0)) for n in range(12)
    ]
    bad = encode(m.Ping(fleet_id="a", at=instant(START_US), vehicle_id="v1", lat=13.0, lon=-78.0))

    def judged(policy, fixes):
        if (fixes.lat == 13.0).any():
            raise FloatingPointError
        return whole(policy, fixes)

    def decoded(payload):
        if payload == alone:
            raise KeyError
        return at_once(payload)

    monkeypatch.setattr(intake, "judge_fixes", judged)
    monkeypatch.setattr(intake, "decode", decoded)
    entries = entries_of([*good[:5], bad, alone, *good[5:8], bad, *good[8:]])
    batches = [batch for first in range(0, len(entries), cut) for batch in read_entries(POLICY, entries[first : first + cut])]
    mine = [batch for batch in batches if batch.fleet_id == "a"]
    assert [row for batch in mine for row in batch.pings.position.tolist()] == [e.position for e in entries if e.payload in good]
    said = [batch.pings.names[code] for batch in mine for code in batch.pings.vehicle.tolist()]
    assert said == [f"v{n % 3}" for n in range(12)]
    assert {r.position for batch in mine for r in batch.refusals if r.reason == "internal"} == {
        e.position for e in entries if e.payload == bad
    }
    (lost,) = [refusal for batch in batches if not batch.fleet_id for refusal in batch.refusals]
    assert (lost.position, lost.reason, lost.head[-20:]) == (entries[6].position, "internal", alone[-20:])
