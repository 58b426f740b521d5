"""What is possible: every rule on ranges and times, in one place and pure. Nothing is clamped, nothing asks the clock."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from eta_models.columns import Flags, Floats, Ints, Small
from stream import messages as m
from stream.moments import micros
from stream.reasons import CODES, REASONS, Reason
from stream.texts import judge_text, leaves

PLAN_FACTS = (m.PlanMessage, m.VehiclePut, m.FencePut, m.FenceRemoved)  # facts about what shall be: may be old when they come

_YEAR_2000_US = 946_684_800_000_000
_GPS_ROLLOVER_US = 1024 * 604_800_000_000
_METRES_A_DEGREE = 111_195.0  # of a great circle on a sphere with a radius of 6,371 km

Rules = list[tuple[Reason, Flags]]  # broken where True; the first counts


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """The limits of what is believed, each with its unit and the reason of its default."""

    future_s: int = 120
    """Seconds that `at` may lie after reception: clocks of phones are off by seconds, by minutes only when they never had a network."""
    too_old_s: int = 86_400
    """Seconds of age of a ping or status: after a day without network it no longer helps anybody."""
    plan_too_old_s: int = 30 * 86_400
    """Seconds of age of a fact about the plan: some plans are made a month ahead."""
    rollover_slack_s: int = 86_400
    """Seconds around 1,024 weeks of age (GPS counts weeks in 10 bits) that are taken for a rollover: as old as a good ping may be."""
    planned_before_year: int = 2100
    """Year before which every planned time lies: later ones (9999-12-31) are "never" in disguise."""
    max_accuracy_m: float = 500.0
    """Metres; worse fixes come from cell towers and put the vehicle into another street."""
    null_island_m: float = 110.0
    """Metres from (0, 0) to each side, where receivers without a fix report from: 0.001 degrees."""
    max_speed_mps: float = 100.0
    """Metres a second (360 km/h): faster than any vehicle that delivers."""
    min_radius_m: float = 5.0
    """Metres; GPS is no better than this, and no ping would ever be inside."""
    max_radius_m: float = 5_000.0
    """Metres; a larger circle is a zone, not a stop."""
    max_duration_s: float = 86_400.0
    """Seconds of service at a stop, or of a break: a day."""
    max_metadata: int = 16
    """Entries of `metadata`: they travel with every event of the visit."""
    max_list: int = 2_000
    """Entries of `skills` and of `loaded_visit_ids`: four times the longest route."""


class CleanOptional(NamedTuple):
    """Speed and heading with the impossible values set to NaN, and which rows lost one."""

    speed_mps: Floats
    heading_deg: Floats
    speed_dropped: Flags
    heading_dropped: Flags


def normal_lon(lon: Floats) -> Floats:
    """Longitudes in degrees with 180 written as -180, so that one meridian has one name; all others as they are."""
    return np.where(lon == 180.0, -180.0, lon)


def judge_pings(
    policy: JudgePolicy,
    received_us: Ints,
    at_us: Ints,
    lat: Floats,
    lon: Floats,
    speed_mps: Floats,
    heading_deg: Floats,
    accuracy_m: Floats,
) -> Small:
    """Judge n pings at once: for each an index into `REASONS`, 0 where it is fine.

    All columns have n rows: microseconds since 1970 UTC, degrees, m/s, metres. NaN in speed, heading or accuracy means absent. Of
    several broken rules the first counts: finite, latitude, longitude, null island, accuracy, time (rollover before too old).
    An impossible speed or heading does not cost the position: see `clean_optional`.
    """
    return _first_broken(
        [
            (Reason.NOT_FINITE, np.isinf(speed_mps) | np.isinf(heading_deg) | np.isinf(accuracy_m)),
            *_place_rules(policy, lat, lon),
            (Reason.ACCURACY, (accuracy_m < 0.0) | (accuracy_m > policy.max_accuracy_m)),
            *_time_rules(policy, received_us, at_us, policy.too_old_s),
        ]
    )


def clean_optional(policy: JudgePolicy, speed_mps: Floats, heading_deg: Floats) -> CleanOptional:
    """Set speeds outside 0..`max_speed_mps` and headings outside 0..360 degrees to NaN, which means absent.

    The ping is kept and counts as accepted: a device that says -1 for "no heading", or km/h for m/s, still knows where it is. The
    rows that lost a field are to be counted as `speed_range` and `heading_range`.
    """
    no_speed = (speed_mps < 0.0) | (speed_mps > policy.max_speed_mps)
    no_heading = (heading_deg < 0.0) | (heading_deg > 360.0)
    return CleanOptional(np.where(no_speed, np.nan, speed_mps), np.where(no_heading, np.nan, heading_deg), no_speed, no_heading)


def judge(policy: JudgePolicy, message: m.AnyMessage, received_us: int) -> Reason | None:
    """The first rule that a message breaks, None where it is fine. `received_us`: microseconds since 1970 UTC.

    Checked in this order: every text, number and time wherever it stands, in the order of the fields; `at`; what its type asks
    for. A ping whose ids, numbers and offset are good has the verdict of `judge_pings`.
    """
    if reason := next(filter(None, (_judge_leaf(policy, field, value) for field, value in leaves(message))), None):
        return reason
    if isinstance(message, m.Ping):
        return _judge_ping(policy, message, received_us)
    age_s = policy.plan_too_old_s if isinstance(message, PLAN_FACTS) else policy.too_old_s
    return _judge_at(policy, message.at, received_us, age_s) or _judge_type(policy, message, received_us)


def _place_rules(policy: JudgePolicy, lat: Floats, lon: Floats) -> Rules:
    near_deg = policy.null_island_m / _METRES_A_DEGREE
    return [
        (Reason.NOT_FINITE, ~(np.isfinite(lat) & np.isfinite(lon))),
        (Reason.LAT_RANGE, np.abs(lat) > 90.0),
        (Reason.LON_RANGE, np.abs(lon) > 180.0),
        (Reason.NULL_ISLAND, (np.abs(lat) <= near_deg) & (np.abs(lon) <= near_deg)),
    ]


def _time_rules(policy: JudgePolicy, received_us: Ints, at_us: Ints, age_s: int) -> Rules:
    # Sums are made of reception times only: `at` may be any 64-bit number and must not overflow.
    rolled_us, slack_us = received_us - _GPS_ROLLOVER_US, policy.rollover_slack_s * 1_000_000
    return [
        (Reason.TS_GPS_ROLLOVER, (at_us >= rolled_us - slack_us) & (at_us <= rolled_us + slack_us)),
        (Reason.TS_RANGE, at_us < _YEAR_2000_US),
        (Reason.TS_FUTURE, at_us > received_us + policy.future_s * 1_000_000),
        (Reason.TS_TOO_OLD, at_us < received_us - age_s * 1_000_000),
    ]


def _first_broken(rules: Rules) -> Small:
    codes = np.zeros(len(rules[0][1]), np.int8)
    for reason, broken in reversed(rules):
        codes[broken] = CODES[reason]
    return codes


def _broken_by_any(rules: Rules) -> Reason | None:
    return next((reason for reason, broken in rules if broken.any()), None)


def _judge_ping(policy: JudgePolicy, ping: m.Ping, received_us: int) -> Reason | None:
    # One row through the columnar rules: there is no second wording of them that could drift away.
    absent = [np.nan if value is None else value for value in (ping.speed_mps, ping.heading_deg, ping.accuracy_m)]
    lat, lon, speed, heading, accuracy = np.array([[ping.lat], [ping.lon], *([value] for value in absent)], np.float64)
    codes = judge_pings(policy, np.array([received_us]), np.array([micros(ping.at)]), lat, lon, speed, heading, accuracy)
    return REASONS[int(codes[0])]


def _judge_at(policy: JudgePolicy, at: m.Moment, received_us: int, age_s: int) -> Reason | None:
    return _broken_by_any(_time_rules(policy, np.array([received_us]), np.array([micros(at)]), age_s))


def _judge_leaf(policy: JudgePolicy, field: str, value: object) -> Reason | None:
    match value:
        case str():
            return judge_text(field, value)
        case float():
            return None if math.isfinite(value) else Reason.NOT_FINITE
        case datetime() if value.tzinfo is None:
            return Reason.NAIVE_TIME
        case datetime() if field != "at":
            return None if 2000 <= value.year < policy.planned_before_year else Reason.TS_RANGE
        case int() if field == "at":  # milliseconds, which must fit 64 bits as microseconds too
            return None if abs(value) < 2**53 else Reason.TS_RANGE
        case int():
            return None if -(2**63) <= value < 2**63 else Reason.VALUE_RANGE
    return None


def _judge_type(policy: JudgePolicy, message: m.AnyMessage, received_us: int) -> Reason | None:
    match message:
        case m.RoutePublished():
            return _judge_stops(policy, message.stops)
        case m.StopAdded():
            return _judge_stops(policy, [message.stop])
        case m.VehiclePut():
            return _judge_vehicle(policy, message)
        case m.DriverBreak():
            return None if 0 <= message.duration_s <= policy.max_duration_s else Reason.VALUE_RANGE
        case m.VisitFact(visit_id=None, stop_id=None):
            return Reason.MISSING_FIELD
        case m.WindowChanged():
            return _judge_window(message.window_start, message.window_end)
        case m.StopCompleted(proof=m.ProofOfDelivery() as proof):
            return _judge_proof(policy, proof, received_us)
    return None


def _judge_vehicle(policy: JudgePolicy, vehicle: m.VehiclePut) -> Reason | None:
    if vehicle.capacity is not None and vehicle.capacity < 0:
        return Reason.VALUE_RANGE
    if max(len(vehicle.skills), len(vehicle.loaded_visit_ids or ())) > policy.max_list:
        return Reason.TOO_LARGE
    return _judge_window(vehicle.shift_start, vehicle.shift_end)


def _judge_window(start: m.Moment | None, end: m.Moment | None) -> Reason | None:
    return Reason.BAD_WINDOW if start is not None and end is not None and micros(start) > micros(end) else None


def _judge_stops(policy: JudgePolicy, stops: list[m.PlannedStop]) -> Reason | None:
    lat, lon = np.array([[stop.lat for stop in stops], [stop.lon for stop in stops]], np.float64)
    if reason := _broken_by_any(_place_rules(policy, lat, lon)):
        return reason
    visit_ids = [stop.visit_id for stop in stops if stop.visit_id is not None]
    if len(set(visit_ids)) < len(visit_ids):
        return Reason.BAD_ID
    return next(filter(None, (_judge_stop(policy, stop) for stop in stops)), None)


def _judge_stop(policy: JudgePolicy, stop: m.PlannedStop) -> Reason | None:
    if not policy.min_radius_m <= stop.radius_m <= policy.max_radius_m:
        return Reason.BAD_RADIUS
    if stop.service_s is not None and not 0 <= stop.service_s <= policy.max_duration_s:
        return Reason.VALUE_RANGE
    if len(stop.metadata) > policy.max_metadata:
        return Reason.TOO_LARGE
    return _judge_window(stop.window_start, stop.window_end)


def _judge_proof(policy: JudgePolicy, proof: m.ProofOfDelivery, received_us: int) -> Reason | None:
    """A proof may come from a phone without a fix: (0, 0) is no reason to lose the completion."""
    if (proof.lat is None) != (proof.lon is None):
        return Reason.MISSING_FIELD
    if proof.lat is not None and proof.lon is not None:
        lat, lon = np.array([[proof.lat], [proof.lon]], np.float64)
        if (reason := _broken_by_any(_place_rules(policy, lat, lon))) not in {None, Reason.NULL_ISLAND}:
            return reason
    return None if proof.at is None else _judge_at(policy, proof.at, received_us, policy.plan_too_old_s)
