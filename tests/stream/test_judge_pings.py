"""The rules on pings: in columns and one by one, each row of the table of bad inputs, and every limit from both sides."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import messages as m
from stream.judge import judge
from stream.judge_pings import clean_optional, judge_pings, normal_lon
from stream.judge_policy import JudgePolicy
from stream.moments import micros
from stream.reasons import REASONS, Reason

NOW = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
RECEIVED_US = micros(NOW)
POLICY = JudgePolicy()
NAN, INF = float("nan"), float("inf")
PING = m.Ping(fleet_id="nfta", at=NOW, vehicle_id="bus-1", lat=42.9, lon=-78.9)


def but(message, **changes):
    """The message with some fields changed."""
    return msgspec.structs.replace(message, **changes)


def verdict(message, policy=POLICY):
    return judge(policy, message, RECEIVED_US)


def ago(**parts):
    return NOW - timedelta(**parts)


BAD_PINGS = [
    ({"vehicle_id": "büs"}, Reason.BAD_ID),
    ({"vehicle_id": "x" * 65}, Reason.BAD_ID),
    ({"vehicle_id": "{tag}"}, Reason.BAD_ID),
    ({"vehicle_id": "../etc"}, Reason.BAD_ID),
    ({"vehicle_id": "a\0"}, Reason.BAD_ID),
    ({"vehicle_id": "a\n"}, Reason.BAD_ID),
    ({"vehicle_id": "a\ud800"}, Reason.BAD_ID),
    ({"vehicle_id": ""}, Reason.BAD_ID),
    ({"lat": NAN}, Reason.NOT_FINITE),
    ({"lon": -INF}, Reason.NOT_FINITE),
    ({"speed_mps": INF}, Reason.NOT_FINITE),
    ({"heading_deg": INF}, Reason.NOT_FINITE),
    ({"accuracy_m": INF}, Reason.NOT_FINITE),
    ({"lat": 90.001}, Reason.LAT_RANGE),
    ({"lat": -1e308}, Reason.LAT_RANGE),
    ({"lon": 281.1}, Reason.LON_RANGE),
    ({"lon": -180.001}, Reason.LON_RANGE),
    ({"lat": 0.0, "lon": 0.0}, Reason.NULL_ISLAND),
    ({"lat": -0.0009, "lon": 0.0009}, Reason.NULL_ISLAND),
    ({"accuracy_m": -1.0}, Reason.ACCURACY),
    ({"accuracy_m": 500.1}, Reason.ACCURACY),
    ({"at": ago(seconds=-120, microseconds=-1)}, Reason.TS_FUTURE),
    ({"at": ago(hours=24, microseconds=1)}, Reason.TS_TOO_OLD),
    ({"at": datetime(1970, 1, 1, tzinfo=UTC)}, Reason.TS_RANGE),
    ({"at": datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)}, Reason.TS_RANGE),
    ({"at": datetime.min.replace(tzinfo=UTC)}, Reason.TS_RANGE),
    ({"at": ago(weeks=1024)}, Reason.TS_GPS_ROLLOVER),
    ({"at": ago(weeks=1024, days=1)}, Reason.TS_GPS_ROLLOVER),
    ({"at": ago(weeks=1024, days=-1)}, Reason.TS_GPS_ROLLOVER),
    ({"at": ago(weeks=1024, days=1, seconds=1)}, Reason.TS_TOO_OLD),
    ({"at": NOW.replace(tzinfo=None)}, Reason.NAIVE_TIME),
    ({"seq": 2**63}, Reason.VALUE_RANGE),
    ({"at": 10**30}, Reason.TS_RANGE),
]


@pytest.mark.parametrize(("changes", "reason"), BAD_PINGS)
def test_a_ping_that_cannot_be_is_told_why(changes, reason):
    assert verdict(but(PING, **changes)) is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"lat": 90.0, "lon": 180.0},
        {"lat": -90.0, "lon": -180.0},
        {"lat": 0.0011, "lon": 0.0},
        {"lat": 0.0, "lon": -0.0011},
        {"accuracy_m": 0.0},
        {"accuracy_m": 500.0},
        {"speed_mps": -1.0, "heading_deg": 999.0},
        {"at": ago(seconds=-120)},
        {"at": ago(hours=24)},
        {"at": NOW.astimezone()},
        {"seq": -(2**63)},
        {"vehicle_id": "A.b_c:d-" * 8},
    ],
)
def test_a_ping_at_a_limit_is_still_possible(changes):
    assert verdict(but(PING, **changes)) is None


def test_a_policy_moves_the_limit():
    assert verdict(but(PING, accuracy_m=50.0), JudgePolicy(max_accuracy_m=49.0)) is Reason.ACCURACY


def columns(*pings):
    """The columns of judge_pings, NaN where a ping says nothing."""
    real = [[NAN if value is None else value for value in (p.lat, p.lon, p.speed_mps, p.heading_deg, p.accuracy_m)] for p in pings]
    times = np.array([[RECEIVED_US, micros(p.at)] for p in pings], np.int64).reshape(-1, 2)
    return *times.T, *np.array(real, np.float64).reshape(-1, 5).T


def oracle(ping):
    """The rules on a ping once more, in the plainest words: what both forms of the judge must say."""
    at_us, numbers = micros(ping.at), [ping.lat, ping.lon, ping.speed_mps, ping.heading_deg, ping.accuracy_m]
    if any(value is not None and value - value != 0 for value in numbers):
        return Reason.NOT_FINITE
    if ping.lat < -90 or ping.lat > 90:
        return Reason.LAT_RANGE
    if ping.lon < -180 or ping.lon > 180:
        return Reason.LON_RANGE
    if max(abs(ping.lat), abs(ping.lon)) * 111_195 <= 110:
        return Reason.NULL_ISLAND
    if ping.accuracy_m is not None and not 0 <= ping.accuracy_m <= 500:
        return Reason.ACCURACY
    age_s = (RECEIVED_US - at_us) / 1e6
    if abs(age_s - 1024 * 7 * 86_400) <= 86_400:
        return Reason.TS_GPS_ROLLOVER
    if at_us < micros(datetime(2000, 1, 1, tzinfo=UTC)):
        return Reason.TS_RANGE
    return Reason.TS_FUTURE if age_s < -120 else Reason.TS_TOO_OLD if age_s > 86_400 else None


REAL = st.sampled_from([0.0, 0.0005, 42.9, -78.9, 90.0, 90.1, 180.0, -180.0, 181.0, INF, -INF, 1e308]) | st.floats(-200, 600)
MOMENTS = st.sampled_from([but(PING, **changes).at for changes, _ in BAD_PINGS if isinstance(changes.get("at"), datetime)])
PINGS = st.builds(
    m.Ping,
    fleet_id=st.just("nfta"),
    vehicle_id=st.just("v"),
    at=st.just(NOW) | MOMENTS.filter(lambda at: at.tzinfo) | st.datetimes(timezones=st.just(UTC)),
    lat=REAL | st.just(NAN),
    lon=REAL | st.just(NAN),
    speed_mps=st.none() | REAL,
    heading_deg=st.none() | REAL,
    accuracy_m=st.none() | REAL,
)


@given(st.lists(PINGS, max_size=20))
def test_columns_one_by_one_and_the_plainest_words_agree(pings):
    in_columns = [REASONS[code] for code in judge_pings(POLICY, *columns(*pings))]
    assert in_columns == [verdict(ping) for ping in pings] == [oracle(ping) for ping in pings]


def test_any_64_bit_time_is_judged_without_overflow():
    edges = np.array([-(2**63), 2**63 - 1], np.int64)
    place = np.full(2, 42.0)
    absent = np.full(2, NAN)
    codes = judge_pings(POLICY, np.full(2, RECEIVED_US), edges, place, place, absent, absent, absent)
    assert [REASONS[code] for code in codes] == [Reason.TS_RANGE, Reason.TS_FUTURE]


def test_a_corrupt_speed_or_heading_costs_the_field_and_not_the_position():
    speed = np.array([NAN, 0.0, 100.0, 100.1, -1.0, INF])
    heading = np.array([360.0, NAN, -1.0, 360.1, 0.0, -INF])
    clean = clean_optional(POLICY, speed, heading)
    np.testing.assert_array_equal(clean.speed_mps, [NAN, 0.0, 100.0, NAN, NAN, NAN])
    np.testing.assert_array_equal(clean.heading_deg, [360.0, NAN, NAN, NAN, 0.0, NAN])
    assert clean.speed_dropped.tolist() == [False, False, False, True, True, True]
    assert clean.heading_dropped.tolist() == [False, False, True, True, False, True]
    assert speed[3] == 100.1  # what was given is left alone


def test_the_antimeridian_has_one_name():
    assert normal_lon(np.array([180.0, -180.0, 179.999, 181.0])).tolist() == [-180.0, -180.0, 179.999, 181.0]
