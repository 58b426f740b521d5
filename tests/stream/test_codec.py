"""Bytes in: each way of being no message has its reason, nothing is ever raised, and what is a message comes back unchanged."""

import builtins
import sys
import typing
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream import messages as m
from stream.codec import HEAD_BYTES, KNOWN_IDS, MAX_DEPTH, MESSAGE_BYTES, PING_BYTES, TYPES, Rejected, _known_ids, decode, encode
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.moments import micros
from stream.planned_stop import PlannedStop
from stream.reasons import Reason

PING = b'{"type":"ping","fleet_id":"nfta","at":1760000000123,"vehicle_id":"bus-1","lat":42.9,"lon":-78.9,"speed_mps":8.4,"seq":7}'
PLAN = b'{"type":"route_published","fleet_id":"nfta","at":1,"route_id":"r","vehicle_id":"v","stops":[%s]}'
STOP = b'{"stop_id":"s","lat":1,"lon":2,"seq":1}'
FENCE = b'{"type":"fence_put","fleet_id":"nfta","at":1,"fence_id":"f","geometry":{"a":%s}}'
AT = datetime(2025, 10, 9, 8, 53, 20, 123_000, tzinfo=UTC)


def ping(old, new):
    """The ping with one piece of its text changed."""
    assert old in PING
    return PING.replace(old, new)


def deep(levels):
    """A fence whose geometry makes the message `levels` deep."""
    return FENCE % (b"[" * (levels - 2) + b"1" + b"]" * (levels - 2))


BAD_BYTES = {
    "nothing": (b"", Reason.EMPTY),
    "only white space": (b" \r\n\t", Reason.EMPTY),
    "cut off": (PING[:-3], Reason.BAD_JSON),
    "something behind": (PING + b" x", Reason.BAD_JSON),
    "two in one": (PING + PING, Reason.BAD_JSON),
    "a byte order mark": (b"\xef\xbb\xbf" + PING, Reason.BAD_JSON),
    "single quotes": (PING.replace(b'"', b"'"), Reason.BAD_JSON),
    "a number with a leading zero": (ping(b"42.9", b"042.9"), Reason.BAD_JSON),
    "NUL in a text": (ping(b"nfta", b"a\0b"), Reason.BAD_JSON),
    "Latin-1 in a text": (ping(b"bus-1", b"b\xfcs"), Reason.BAD_UTF8),
    "Latin-1 in a key": (ping(b"seq", b"s\xe9q"), Reason.BAD_UTF8),
    "an encoded surrogate": (ping(b"bus-1", b"\xed\xa0\x80"), Reason.BAD_UTF8),
    "an escaped lone surrogate": (ping(b"bus-1", b"\\ud800"), Reason.BAD_UTF8),
    "an escaped broken pair": (ping(b"bus-1", b"\\ud800\\u0041"), Reason.BAD_UTF8),
    "a list": (b"[%s]" % PING, Reason.BAD_TYPE),
    "a bare text": (b'"ping"', Reason.BAD_TYPE),
    "a number as text": (ping(b"42.9", b'"42.9"'), Reason.BAD_TYPE),
    "a null where a number is needed": (ping(b"42.9", b"null"), Reason.BAD_TYPE),
    "a number as id": (ping(b'"bus-1"', b"1"), Reason.BAD_TYPE),
    "a type that is no text": (ping(b'"ping"', b"1"), Reason.BAD_TYPE),
    "a word that is no kind of stop": (PLAN % STOP.replace(b"}", b',"kind":"lunch"}'), Reason.BAD_TYPE),
    "a day without a time": (ping(b"1760000000123", b'"2025-10-09"'), Reason.BAD_TYPE),
    "half a millisecond": (ping(b"1760000000123", b"1760000000123.5"), Reason.BAD_TYPE),
    "no type": (ping(b'"type":"ping",', b""), Reason.MISSING_FIELD),
    "no position": (ping(b'"lat":42.9,', b""), Reason.MISSING_FIELD),
    "no stop": (PLAN % b"", Reason.MISSING_FIELD),
    "too many stops": (PLAN % b",".join([STOP] * 501), Reason.TOO_LARGE),
    "an unknown type": (ping(b'"ping"', b'"pong"'), Reason.UNKNOWN_TYPE),
    "an unknown field": (ping(b'"seq"', b'"sequence"'), Reason.UNKNOWN_FIELD),
    "an unknown field of a stop": (PLAN % STOP.replace(b"seq", b"sequence"), Reason.UNKNOWN_FIELD),
    "NaN": (ping(b"42.9", b"NaN"), Reason.NOT_FINITE),
    "Infinity": (ping(b"-78.9", b"Infinity"), Reason.NOT_FINITE),
    "-Infinity": (ping(b"-78.9", b"-Infinity"), Reason.NOT_FINITE),
    "more than a float holds": (ping(b"42.9", b"1e999"), Reason.NOT_FINITE),
    "NaN in a geometry": (FENCE % b"[NaN]", Reason.NOT_FINITE),
    "a count of 65 bits": (ping(b":7", b":9223372036854775808"), Reason.VALUE_RANGE),
    "a count of 5,000 digits": (ping(b":7", b":" + b"9" * 3900), Reason.VALUE_RANGE),
    "a local time": (ping(b"1760000000123", b'"2025-10-26T02:30:00"'), Reason.NAIVE_TIME),
    "a local window": (PLAN % STOP.replace(b"}", b',"window_end":"2025-10-26T02:30:00"}'), Reason.NAIVE_TIME),
    "a time after the last year": (ping(b"1760000000123", b"99999999999999999"), Reason.TS_RANGE),
    "a time of 3,900 digits": (ping(b"1760000000123", b"9" * 3900), Reason.TS_RANGE),
    "a time before the first year": (ping(b"1760000000123", b'"0001-01-01T00:00:00+05:00"'), Reason.TS_RANGE),
    "a planned time after the last year": (PLAN % STOP.replace(b"}", b',"window_end":99999999999999999}'), Reason.TS_RANGE),
    "a fleet that is no id": (ping(b"nfta", b"{nfta}"), Reason.BAD_ID),
    "a fleet of a plan that is no id": ((PLAN % STOP).replace(b"nfta", b"a/b"), Reason.BAD_ID),
    "a vehicle that is no id": (ping(b"bus-1", b"../bus"), Reason.BAD_ID),
    "a vehicle with an umlaut": (ping(b"bus-1", "büs".encode()), Reason.BAD_ID),
    "a vehicle with a long name": (ping(b"bus-1", b"x" * 65), Reason.BAD_ID),
    "a vehicle with an escaped NUL": (ping(b"bus-1", b"a\\u0000"), Reason.BAD_ID),
    "a large ping": (PING + b" " * PING_BYTES, Reason.TOO_LARGE),
    "a large ping with another fault": (ping(b"bus-1", b"x" * PING_BYTES), Reason.TOO_LARGE),
    "a large message": (PLAN % STOP + b" " * MESSAGE_BYTES, Reason.TOO_LARGE),
    "too deep": (deep(MAX_DEPTH + 1), Reason.TOO_DEEP),
    "far too deep": (deep(100_000), Reason.TOO_DEEP),
    "far too deep and never closed": (b"[" * 100_000, Reason.TOO_DEEP),
    "too deep in a field nobody knows": (ping(b":7", b':7,"x":' + b'{"a":' * 99 + b"1" + b"}" * 99), Reason.TOO_DEEP),
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_bytes_that_are_no_message_are_told_why(name):
    payload, reason = BAD_BYTES[name]
    refused = decode(payload)
    assert isinstance(refused, Rejected)
    assert refused.reason is reason, refused
    assert refused.head == payload[:HEAD_BYTES]
    assert len(refused.detail) <= HEAD_BYTES


def test_a_refused_message_still_says_who_sent_it():
    refused = decode(ping(b"42.9", b'"north"'))
    assert (refused.kind, refused.fleet_id, refused.vehicle_id) == ("ping", "nfta", "bus-1")


def test_what_a_refused_message_says_of_itself_is_believed_only_where_it_is_well_formed():
    refused = decode(b'{"type":"pong","fleet_id":"{nfta}","vehicle_id":["bus-1"]}')
    assert (refused.reason, refused.kind, refused.fleet_id, refused.vehicle_id) == (Reason.UNKNOWN_TYPE, "", "", "")


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1])
def test_how_deep_is_too_deep_does_not_depend_on_the_callers_stack(levels):
    def from_below(calls):
        return decode(deep(levels)) if calls == 0 else from_below(calls - 1)

    assert isinstance(from_below(0), Rejected) == isinstance(from_below(sys.getrecursionlimit() // 2), Rejected) == (levels > MAX_DEPTH)


def test_brackets_inside_a_text_are_not_depth():
    payload = PLAN % STOP.replace(b"}", b',"metadata":{"note":"%s"}}' % (b'[\\"{' * 60))
    assert isinstance(decode(payload), m.RoutePublished)


@pytest.mark.parametrize(
    "written", [b"1760000000123", b'"2025-10-09T08:53:20.123Z"', b'"2025-10-09T10:53:20.123+02:00"', b'"2025-10-08T20:53:20.123-12:00"']
)
def test_a_moment_is_the_same_however_it_is_written(written):
    read = decode(ping(b"1760000000123", written))
    assert read.at == AT
    assert read.at.tzinfo is UTC


def test_moments_deep_inside_a_message_are_utc_too():
    stop = STOP.replace(b"}", b',"planned_arrival":1760000000123,"window_start":"2025-10-09T10:53:20.123+02:00"}')
    read = decode(PLAN % stop)
    assert [read.stops[0].planned_arrival, read.stops[0].window_start, read.stops[0].window_end] == [AT, AT, None]
    proof = b'{"type":"stop_completed","fleet_id":"f","at":1,"route_id":"r","vehicle_id":"v","proof":{"at":1760000000123}}'
    assert decode(proof).proof.at == AT


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_every_millisecond_of_the_calendar_is_exact(at_ms):
    assert micros(decode(ping(b"1760000000123", b"%d" % at_ms)).at) == at_ms * 1000


def test_more_vehicles_than_are_remembered_are_still_judged_right():
    for number in range(KNOWN_IDS + 10):
        assert isinstance(decode(ping(b"bus-1", b"v%d" % number)), m.Ping)
    assert decode(ping(b"bus-1", b"no id")).reason is Reason.BAD_ID
    assert 0 < len(_known_ids) <= KNOWN_IDS


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(datetime.isoformat),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=9,
)
NAMES = st.sampled_from(sorted({name for kind in TYPES.values() for name in kind.__struct_fields__} | {"type"}))


@given(st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes_are_a_message_or_a_reason(payload):
    assert isinstance(decode(payload), (Rejected, *TYPES.values()))


@given(st.dictionaries(NAMES, VALUES), st.sampled_from(sorted(TYPES)))
def test_arbitrary_json_is_a_message_or_a_reason(fields, kind):
    read = decode(msgspec.json.encode({"type": kind} | fields))
    assert isinstance(read, (Rejected, *TYPES.values()))
    assert not isinstance(read, tuple(TYPES.values())) or isinstance(judge(JudgePolicy(), read, micros(AT)), (Reason, type(None)))


IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,9}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
MOMENTS = st.builds(
    lambda at_us, minutes: (AT + timedelta(microseconds=at_us)).astimezone(timezone(timedelta(minutes=minutes))),
    st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000),
    st.integers(-720, 720),
)
PLAIN = {str: TEXTS, float: FINITE, int: st.integers(-(2**63), 2**63 - 1), type(None): st.none(), object: TEXTS | st.lists(FINITE)}


def values(name, hint):
    """Everything a field of this name and type can hold."""
    parts = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Annotated if typing.get_origin(parts[0]) is list:
            least = parts[1].min_length or 0
            found = st.lists(values(name, *typing.get_args(parts[0])), min_size=least, max_size=min(parts[1].max_length, least + 3))
        case typing.Annotated:
            found = MOMENTS if parts[0] is datetime else values(name, parts[0])
        case typing.Literal:
            found = st.sampled_from(parts)
        case builtins.list:
            found = st.lists(values(name, parts[0]), min_size=name in {"stops", "changes"}, max_size=3)
        case builtins.dict:
            found = st.dictionaries(TEXTS, values(name, parts[1]), max_size=3)
        case None if hint is str and name.endswith(("_id", "_ids")):
            found = IDS
        case None:
            found = PLAIN[hint] if hint in PLAIN else built(hint)
        case _ if set(typing.get_args(m.Moment)) <= set(parts):  # no bare milliseconds: they come back as datetimes
            found = st.one_of(values(name, part) for part in parts if part is not int)
        case _:
            found = st.one_of(values(name, part) for part in parts)
    return found


def built(kind):
    """Messages of one class, any field of which may have any value."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: values(name, hint) for name, hint in hints.items() if name in kind.__struct_fields__})


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@settings(max_examples=40)
@given(data=st.data())
def test_every_message_comes_back_equal(kind, data):
    read = decode(encode(message := data.draw(built(kind))))
    assert read == message
    assert encode(decode(encode(read))) == encode(read)


@given(data=st.data(), kind=st.sampled_from(sorted(TYPES)))
def test_a_mutated_message_is_a_message_or_a_reason(data, kind):
    line = bytearray(encode(data.draw(built(TYPES[kind]))))
    for at, new in data.draw(st.lists(st.tuples(st.integers(0, len(line) - 1), st.binary(max_size=3)), min_size=1, max_size=4)):
        line[at : at + data.draw(st.integers(0, 3))] = new
    read = decode(bytes(line))
    assert isinstance(read, (Rejected, *TYPES.values()))
    assert not isinstance(read, tuple(TYPES.values())) or isinstance(judge(JudgePolicy(), read, micros(AT)), (Reason, type(None)))


def test_the_canonical_form_says_everything_type_first():
    message = m.FenceRemoved(fleet_id="nfta", at=AT, fence_id="f")
    assert encode(message) == b'{"type":"fence_removed","fleet_id":"nfta","at":"2025-10-09T08:53:20.123000Z","fence_id":"f"}'
    assert b'"seq":null' in encode(m.Ping(fleet_id="nfta", at=AT, vehicle_id="v", lat=1.0, lon=2.0))
    notes = ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    stops = [PlannedStop(stop_id="s", lat=1.0, lon=2.0, seq=1, metadata=note) for note in notes]
    first, second = (encode(m.StopAdded(fleet_id="nfta", at=AT, route_id="r", vehicle_id="v", stop=stop)) for stop in stops)
    assert first == second
