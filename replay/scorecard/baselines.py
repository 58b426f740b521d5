"""Two causal rules of thumb that any engine has to beat, asked the same questions in the same pass."""

import numpy as np

from replay.scorecard.day import Floats, Visits
from replay.scorecard.questions import Fixes, Questions

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""


def plan_and_deviation(questions: Questions, fixes: Fixes, visits: Visits) -> Floats:
    """Planned arrival plus how late the vehicle was at the last stop it had reached, never before it is asked; epoch seconds.

    The deviation is of the last true arrival up to the fix that was delivered, 0 before the first; NaN where there is no plan.
    """
    late_s = np.nan_to_num(visits.arrived_s - visits.planned_s)
    deviation_s = np.where(fixes.last < 0, 0.0, late_s[fixes.last])
    return np.maximum(visits.planned_s[questions.visit] + deviation_s[questions.fix], questions.asked_s)


def crow_and_mean_speed(questions: Questions, fixes: Fixes, visits: Visits) -> Floats:
    """Crow distance over the stops ahead, divided by the fleet's mean crow speed so far, never before it is asked; epoch seconds.

    The speed is learned from legs finished up to the fix, dwell included, so a detour factor would cancel out and there is none.
    NaN before the fleet's first finished leg or without positions.
    """
    along_m = measure_along(visits)
    next_m = haversine_m(fixes.lat, fixes.lon, visits.lat[fixes.ahead], visits.lon[fixes.ahead])
    speed_mps = learn_speed(fixes, visits, along_m)
    onward_m = np.abs(along_m[questions.visit] - along_m[fixes.ahead[questions.fix]])
    expected_s = questions.ts_s + (next_m[questions.fix] + onward_m) / speed_mps[questions.fix]
    return np.maximum(expected_s, questions.asked_s)


def learn_speed(fixes: Fixes, visits: Visits, along_m: Floats) -> Floats:
    """The fleet's mean crow speed over all legs between true arrivals finished at or before each fix, m/s; NaN before the first."""
    reached = np.flatnonzero(~np.isnan(visits.arrived_s))
    start, end = reached[:-1], reached[1:]
    same = visits.route[start] == visits.route[end]
    start, end = start[same], end[same]
    finished_s = visits.arrived_s[end]
    leg_m, leg_s = np.abs(along_m[end] - along_m[start]), finished_s - visits.arrived_s[start]
    fleet_of_fix = visits.fleet[fixes.ahead]
    out = np.full(fixes.ts_s.size, np.nan)
    for fleet in np.unique(fleet_of_fix):
        legs, asked = np.flatnonzero(visits.fleet[end] == fleet), np.flatnonzero(fleet_of_fix == fleet)
        legs = legs[np.argsort(finished_s[legs], kind="stable")]
        driven_m, spent_s = np.cumsum(leg_m[legs]), np.cumsum(leg_s[legs])
        # A leg of no length or no time teaches no speed yet.
        known = np.where((driven_m > 0) & (spent_s > 0), driven_m / np.where(spent_s > 0, spent_s, 1.0), np.nan)
        out[asked] = np.concatenate([[np.nan], known])[np.searchsorted(finished_s[legs], fixes.ts_s[asked], side="right")]
    return out


def measure_along(visits: Visits) -> Floats:
    """Crow distance in metres along the planned stops of each route; only differences within a route mean anything."""
    order = np.lexsort((visits.seq, visits.route))
    lat, lon, route = visits.lat[order], visits.lon[order], visits.route[order]
    legs_m = np.nan_to_num(haversine_m(lat[:-1], lon[:-1], lat[1:], lon[1:])) * (route[:-1] == route[1:])
    along_m = np.empty(order.size)
    along_m[order] = np.concatenate([np.zeros(min(order.size, 1)), np.cumsum(legs_m)])
    return along_m


def haversine_m(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Great-circle distance in metres between positions in degrees (haversine formula on the mean sphere)."""
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half = np.sin((phi_b - phi_a) / 2) ** 2 + np.cos(phi_a) * np.cos(phi_b) * np.sin(np.radians(lon_b - lon_a) / 2) ** 2
    distance_m: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distance_m
