"""The rules on what is possible: plans, statuses, vehicles and fences, each with its reason, and the rules on ids and texts."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import messages as m
from stream.exception_messages import ExceptionAcknowledged
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.moments import micros
from stream.planned_stop import PlannedStop
from stream.reasons import CODES, REASONS, Reason
from stream.texts import is_id, judge_text

NOW = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
RECEIVED_US = micros(NOW)
NAN, INF = float("nan"), float("inf")

STOP = PlannedStop(stop_id="s", lat=42.9, lon=-78.9, seq=1)
PLAN = m.RoutePublished(fleet_id="nfta", at=NOW, route_id="r", vehicle_id="v", stops=[STOP])
DONE = m.StopCompleted(fleet_id="nfta", at=NOW, route_id="r", vehicle_id="v", visit_id="x")
WINDOW = m.WindowChanged(fleet_id="nfta", at=NOW, route_id="r", vehicle_id="v", visit_id="x")
VEHICLE = m.VehiclePut(fleet_id="nfta", at=NOW, vehicle_id="v")
BREAK = m.DriverBreak(fleet_id="nfta", at=NOW, vehicle_id="v", duration_s=1800)
FENCE = m.FencePut(fleet_id="nfta", at=NOW, fence_id="f", geometry={"type": "Polygon", "coordinates": [[[0.5, 1], [1.0, 1.0]]]})


def but(message, **changes):
    """The message with some fields changed."""
    return msgspec.structs.replace(message, **changes)


def plan(**changes):
    """A plan of one stop, with some fields of the stop changed."""
    return but(PLAN, stops=[but(STOP, **changes)])


def verdict(message):
    return judge(JudgePolicy(), message, RECEIVED_US)


def ago(**parts):
    return NOW - timedelta(**parts)


@pytest.mark.parametrize("message", [PLAN, DONE, WINDOW, VEHICLE, BREAK, FENCE], ids=lambda message: type(message).__name__)
def test_what_is_possible_has_no_reason(message):
    assert verdict(message) is None


BAD_MESSAGES = [
    (plan(stop_id="a b"), Reason.BAD_ID),
    (plan(order_ref="ä"), Reason.BAD_ID),
    (plan(lat=NAN), Reason.NOT_FINITE),
    (plan(service_s=INF), Reason.NOT_FINITE),
    (plan(lat=91.0), Reason.LAT_RANGE),
    (plan(lon=190.0), Reason.LON_RANGE),
    (plan(lat=0.0, lon=0.0), Reason.NULL_ISLAND),
    (plan(radius_m=4.9), Reason.BAD_RADIUS),
    (plan(radius_m=5000.1), Reason.BAD_RADIUS),
    (plan(service_s=-1.0), Reason.VALUE_RANGE),
    (plan(service_s=86_401.0), Reason.VALUE_RANGE),
    (plan(window_start=NOW, window_end=ago(seconds=1)), Reason.BAD_WINDOW),
    (plan(planned_arrival=datetime(9999, 12, 31, tzinfo=UTC)), Reason.TS_RANGE),
    (plan(planned_arrival=datetime(1999, 1, 1, tzinfo=UTC)), Reason.TS_RANGE),
    (plan(window_end=NOW.replace(tzinfo=None)), Reason.NAIVE_TIME),
    (plan(metadata={str(n): "" for n in range(17)}), Reason.TOO_LARGE),
    (plan(metadata={"note": "x" * 257}), Reason.BAD_TEXT),
    (plan(metadata={"x" * 257: ""}), Reason.BAD_TEXT),
    (plan(metadata={"note": "\ud800"}), Reason.BAD_TEXT),
    (plan(metadata={"note": "\0"}), Reason.BAD_TEXT),
    (but(PLAN, stops=[but(STOP, visit_id="x"), but(STOP, visit_id="x")]), Reason.BAD_ID),
    (but(PLAN, stops=[STOP, but(STOP, radius_m=1.0)]), Reason.BAD_RADIUS),
    (but(PLAN, at=ago(days=30, seconds=1)), Reason.TS_TOO_OLD),
    (but(PLAN, at=ago(seconds=-121)), Reason.TS_FUTURE),
    (but(DONE, at=ago(hours=25)), Reason.TS_TOO_OLD),
    (but(DONE, at=ago(weeks=1024)), Reason.TS_GPS_ROLLOVER),
    (but(DONE, visit_id=None), Reason.MISSING_FIELD),
    (but(DONE, proof=m.ProofOfDelivery(recipient="x" * 257)), Reason.BAD_TEXT),
    (but(DONE, proof=m.ProofOfDelivery(photo_sha256="abc")), Reason.BAD_TEXT),
    (but(DONE, proof=m.ProofOfDelivery(photo_uri="x" * 2049)), Reason.BAD_TEXT),
    (but(DONE, proof=m.ProofOfDelivery(lat=1.0)), Reason.MISSING_FIELD),
    (but(DONE, proof=m.ProofOfDelivery(lat=91.0, lon=1.0)), Reason.LAT_RANGE),
    (but(DONE, proof=m.ProofOfDelivery(at=ago(hours=-1))), Reason.TS_FUTURE),
    (but(WINDOW, visit_id=None), Reason.MISSING_FIELD),
    (but(WINDOW, window_start=NOW, window_end=ago(days=1)), Reason.BAD_WINDOW),
    (but(VEHICLE, shift_start=NOW, shift_end=ago(days=1)), Reason.BAD_WINDOW),
    (but(VEHICLE, capacity=-1.0), Reason.VALUE_RANGE),
    (but(VEHICLE, skills=["x"] * 2001), Reason.TOO_LARGE),
    (but(VEHICLE, loaded_visit_ids=["no id"]), Reason.BAD_ID),
    (but(BREAK, duration_s=-1.0), Reason.VALUE_RANGE),
    (but(BREAK, duration_s=NAN), Reason.NOT_FINITE),
    (but(FENCE, geometry={"coordinates": [[[NAN]]]}), Reason.NOT_FINITE),
    (but(FENCE, geometry={"coordinates": [[[10**400]]]}), Reason.VALUE_RANGE),
    (but(FENCE, name="\ud800"), Reason.BAD_TEXT),
]


@pytest.mark.parametrize(("message", "reason"), BAD_MESSAGES)
def test_a_message_that_cannot_be_is_told_why(message, reason):
    assert verdict(message) is reason


def test_a_visit_may_be_named_by_its_stop():
    assert verdict(but(WINDOW, visit_id=None, stop_id="s", window_end=NOW)) is None


def test_a_plan_may_be_a_month_old_and_speak_of_next_year():
    assert verdict(but(plan(planned_arrival=NOW + timedelta(days=365)), at=ago(days=30))) is None


def test_a_completion_is_kept_when_its_phone_had_no_fix():
    proof = m.ProofOfDelivery(recipient="Müller", lat=0.0, lon=0.0, at=NOW, photo_sha256="aF" * 32)
    assert verdict(but(DONE, proof=proof)) is None


@given(st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000), st.timezones())
def test_microseconds_are_exact_in_every_zone(at_us, zone):
    assert micros((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).astimezone(zone)) == at_us


def test_milliseconds_become_microseconds():
    assert micros(1_760_000_000_123) == micros(datetime(2025, 10, 9, 8, 53, 20, 123_000, tzinfo=UTC))


@given(st.text() | st.text(st.characters()) | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", fullmatch=True))
def test_an_id_is_what_a_key_an_address_and_a_file_name_can_hold(text):
    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    expected = 0 < len(text) <= 64 and text[0] in letters and set(text) <= letters | set("_.:-")
    assert is_id(text) == expected
    assert (judge_text("order_ref", text) is None) == expected


def test_every_reason_has_its_own_code_and_says_what_to_do():
    assert REASONS[0] is None
    assert [REASONS[CODES[reason]] for reason in Reason] == list(Reason)
    assert len(REASONS) <= 127  # a column of verdicts is 8 bits wide
    assert all(reason.meaning.endswith(".") and reason.remedy.endswith(".") for reason in Reason)
    assert Reason("too_deep") is Reason.TOO_DEEP


def test_an_exception_is_named_by_ids_that_are_as_long_as_they_may_be():
    named = ExceptionAcknowledged(fleet_id="nfta", at=NOW, exception_id=f"{'f' * 64}:late_risk:{'v' * 64}", by="anna")
    assert verdict(named) is None
    assert verdict(but(named, exception_id="x" * 257)) == Reason.BAD_ID
