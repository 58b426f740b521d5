"""Bodies into items, and items into what may be appended."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ingest_bodies import MOST_ITEMS, MOST_TOKENS, TooManyItems, UnreadableBody, items_of
from api.ingest_verdicts import Wanted, judge_reading, read_items
from stream.codec import TYPES, Rejected, decode
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.reasons import Reason

NOW_US = 1_760_000_000_000_000
PING = {"type": "ping", "fleet_id": "nfta", "at": NOW_US // 1000, "vehicle_id": "bus-1", "lat": 42.9, "lon": -78.9}
PINGS = Wanted(frozenset({"ping"}), "ping", "nfta")
ANYTHING = Wanted(frozenset(TYPES))


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in PING.items() if name not in names}


def verdicts(items: list[bytes], wanted: Wanted = PINGS) -> list[str | None]:
    reading = read_items(items, wanted)
    fleets = {message.fleet_id: NOW_US for message in reading.messages}
    return [None if why is None else str(why.reason) for why in judge_reading(JudgePolicy(), reading, fleets)]


def test_an_array_lines_and_a_single_object_have_the_same_items() -> None:
    one = json.dumps(PING).encode()
    assert items_of(b"\xef\xbb\xbf [" + one + b" ,\n" + one + b"]") == [one, one]
    assert [line.strip() for line in items_of(one + b"\r\n\n" + one + b"\n", "application/x-ndjson; charset=utf-8")] == [one, one]
    assert items_of(one) == [one]
    assert items_of(b"[]") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \n", Reason.EMPTY),
        (b"7", Reason.BAD_TYPE),
        (b'"text"', Reason.BAD_TYPE),
        (b"lat=1&lon=2", Reason.BAD_JSON),
        (b'{"lat": 1', Reason.BAD_JSON),
        (b'[{"lat": 1}', Reason.BAD_JSON),
        (b"[" * 5_000, Reason.BAD_JSON),
        (b"[1][2]", Reason.BAD_JSON),
    ],
)
def test_a_body_that_cannot_be_read_says_why(body: bytes, reason: Reason) -> None:
    with pytest.raises(UnreadableBody) as caught:
        items_of(body)
    assert caught.value.reason is reason


def test_one_broken_item_does_not_cost_the_others() -> None:
    one = json.dumps(PING).encode()
    body = b"[" + b", ".join([one, b'{"lat": NaN, "text": "] , [ \\" {"}', b"[" * 40 + b"]" * 40, one]) + b"]\n"
    items = items_of(body)
    assert [items[0], items[3]] == [one, one]
    assert verdicts(items) == [None, "not_finite", "too_deep", None]


def test_what_is_looked_at_in_a_broken_body_has_an_end() -> None:
    with pytest.raises(UnreadableBody):
        items_of(b"[NaN," + b"0," * MOST_TOKENS + b"0]")


def test_more_items_than_a_request_may_have_are_none() -> None:
    assert len(items_of(b"[" + b"0," * (MOST_ITEMS - 1) + b"0]")) == MOST_ITEMS
    with pytest.raises(TooManyItems):
        items_of(b"[" + b"0," * MOST_ITEMS + b"0]")


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(b'{"a":"[,]"}'), st.just(b"NaN")), max_size=5), st.booleans())
def test_any_bytes_are_items_or_unreadable(parts: list[bytes], lines: bool) -> None:
    try:
        items = items_of(b"[" + b",".join(parts) + b"]", "application/x-ndjson" if lines else "")
    except UnreadableBody:
        return
    assert len(verdicts(items)) == len(items)


def test_what_is_sent_complete_goes_into_the_log_byte_by_byte() -> None:
    sent = b'{"lon":-78.90, "lat": 42.9e0,"vehicle_id":"bus-1","fleet_id":"nfta","at":1760000000000,"type":"ping"}'
    assert read_items([sent], PINGS).lines == [sent]


def test_a_line_end_between_fields_does_not_end_the_line() -> None:
    reading = read_items([json.dumps(PING, indent=2).encode()], PINGS)
    assert b"\n" not in reading.lines[0]
    assert decode(reading.lines[0]) == decode(json.dumps(PING).encode())


def test_a_line_end_inside_a_text_is_refused_and_not_mended() -> None:
    assert verdicts([json.dumps(PING).replace("bus-1", "bus\n1").encode()]) == ["bad_json"]


@pytest.mark.parametrize("names", [("type",), ("fleet_id",), ("type", "fleet_id")])
def test_type_and_fleet_may_be_left_out_where_the_address_says_them(names: tuple[str, ...]) -> None:
    reading = read_items([json.dumps(without(*names)).encode()], PINGS)
    assert decode(reading.lines[0]) == decode(json.dumps(PING).encode())


def test_what_is_left_out_is_noticed_even_where_the_words_stand_as_values() -> None:
    tricky = b'{"vehicle_id": "type", "at": 1760000000000, "lat": 42.9, "lon": -78.9, "vehicle_id": "fleet_id"}'
    assert verdicts([tricky]) == [None]


def test_what_the_sender_says_wins_over_the_address() -> None:
    assert read_items([json.dumps({**without("type"), "fleet_id": "other"}).encode()], PINGS).messages[0].fleet_id == "other"


def test_without_a_fleet_in_the_address_one_that_is_left_out_is_missing() -> None:
    assert verdicts([json.dumps(without("fleet_id")).encode(), b"{}"], Wanted(frozenset({"ping"}), "ping")) == ["missing_field"] * 2


def test_another_type_than_the_address_takes_is_refused() -> None:
    down = b'{"type":"vehicle_down","fleet_id":"nfta","at":1760000000000,"vehicle_id":"bus-1"}'
    assert verdicts([down]) == ["unknown_type"]
    assert verdicts([down], ANYTHING) == [None]
    tick = b'{"type":"tick","fleet_id":"nfta","at":1760000000000}'
    assert verdicts([tick], Wanted(frozenset(TYPES) - {"tick"})) == ["unknown_type"]


def test_a_fence_that_the_engine_could_not_use_is_refused_with_the_place() -> None:
    fence = {"type": "fence_put", "fleet_id": "nfta", "at": NOW_US // 1000, "fence_id": "yard"}
    bad = {**fence, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}}
    reading = read_items([json.dumps(bad).encode()], ANYTHING)
    (why,) = judge_reading(JudgePolicy(), reading, {"nfta": NOW_US})
    assert why is not None
    assert why.reason is Reason.BAD_FENCE
    assert "self-intersection at longitude 0.5, latitude 0.5" in why.detail


def test_a_refusal_shows_what_was_sent_and_not_what_was_put_in_front() -> None:
    sent = json.dumps({**without("type", "fleet_id"), "lat": 99}).encode()
    (why,) = judge_reading(JudgePolicy(), read_items([sent], PINGS), {"nfta": NOW_US})
    assert why is not None
    assert (why.head, why.fleet_id, why.vehicle_id, why.kind) == (sent, "nfta", "bus-1", "ping")


NUMBERS = st.one_of(st.floats(-200, 600), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, 90.0, 180.0, -1.0]))
SENT = st.fixed_dictionaries(
    {
        "at": st.integers(-(2**60), 2**60) | st.integers(NOW_US // 1000 - 10**8, NOW_US // 1000 + 10**6),
        "vehicle_id": st.sampled_from(["bus-1", "bus 1", ""]),
        "lat": NUMBERS,
        "lon": NUMBERS,
    },
    optional={"speed_mps": NUMBERS, "heading_deg": NUMBERS, "accuracy_m": NUMBERS, "seq": st.integers(-(2**70), 2**70)},
)


@given(st.lists(SENT, max_size=20))
def test_pings_judged_together_are_judged_as_each_by_itself(sent: list[dict[str, Any]]) -> None:
    items = [msgspec.json.encode({**PING, **fields}) if abs(fields.get("seq", 0)) < 2**64 else b"{}" for fields in sent]
    alone = []
    for item in items:
        message = decode(item)
        alone.append(str(message.reason) if isinstance(message, Rejected) else judge(JudgePolicy(), message, NOW_US))
    expected = ["missing_field" if item == b"{}" else why for item, why in zip(items, alone, strict=True)]
    assert verdicts(items) == expected
