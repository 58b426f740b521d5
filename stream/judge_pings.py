"""What is possible of pings: the rules on ranges and times over columns. Nothing is clamped, nothing asks the clock."""

from typing import NamedTuple

import numpy as np

from eta_models.columns import Flags, Floats, Ints, Small
from stream.judge_policy import GPS_ROLLOVER_US, METRES_A_DEGREE, YEAR_2000_US, JudgePolicy
from stream.reasons import CODES, Reason

Rules = list[tuple[Reason, Flags]]  # broken where True; the first counts


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


def _place_rules(policy: JudgePolicy, lat: Floats, lon: Floats) -> Rules:
    near_deg = policy.null_island_m / METRES_A_DEGREE
    return [
        (Reason.NOT_FINITE, ~(np.isfinite(lat) & np.isfinite(lon))),
        (Reason.LAT_RANGE, np.abs(lat) > 90.0),
        (Reason.LON_RANGE, np.abs(lon) > 180.0),
        (Reason.NULL_ISLAND, (np.abs(lat) <= near_deg) & (np.abs(lon) <= near_deg)),
    ]


def _time_rules(policy: JudgePolicy, received_us: Ints, at_us: Ints, age_s: int) -> Rules:
    # Sums are made of reception times only: `at` may be any 64-bit number and must not overflow.
    rolled_us, slack_us = received_us - GPS_ROLLOVER_US, policy.rollover_slack_s * 1_000_000
    return [
        (Reason.TS_GPS_ROLLOVER, (at_us >= rolled_us - slack_us) & (at_us <= rolled_us + slack_us)),
        (Reason.TS_RANGE, at_us < YEAR_2000_US),
        (Reason.TS_FUTURE, at_us > received_us + policy.future_s * 1_000_000),
        (Reason.TS_TOO_OLD, at_us < received_us - age_s * 1_000_000),
    ]


def _first_broken(rules: Rules) -> Small:
    codes = np.zeros(len(rules[0][1]), np.int8)
    for reason, broken in reversed(rules):
        codes[broken] = CODES[reason]
    return codes
