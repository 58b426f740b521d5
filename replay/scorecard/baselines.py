"""Causal rules of thumb that any engine has to beat, asked the same questions in the same pass."""

import numpy as np

from replay.scorecard.day import Floats, Ints, Visits
from replay.scorecard.questions import Fixes, Questions

WALK_MPS = 1.4
"""A vehicle that stands is taken to go on at the pace of a pedestrian."""

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
    return at_speed(questions, fixes, visits, along_m, learn_speed(fixes, visits, along_m))


def crow_and_last_speed(questions: Questions, fixes: Fixes, visits: Visits) -> Floats:
    """Crow distance over the stops ahead at the speed over the last two fixes (at least a walk), never before it is asked; epoch seconds.

    NaN at a route's first fix.
    """
    order = np.lexsort((fixes.ts_s, fixes.route))
    lat, lon, ts_s = fixes.lat[order], fixes.lon[order], fixes.ts_s[order]
    took_s = np.where(np.diff(fixes.route[order], prepend=-1) == 0, np.diff(ts_s, prepend=np.nan), np.nan)
    moved_m = np.concatenate([[0.0], haversine_m(lat[:-1], lon[:-1], lat[1:], lon[1:])])[: lat.size]
    speed_mps = np.empty(lat.size)
    speed_mps[order] = np.maximum(moved_m / np.where(took_s > 0, took_s, np.nan), WALK_MPS)
    return at_speed(questions, fixes, visits, measure_along(visits), speed_mps)


def at_speed(questions: Questions, fixes: Fixes, visits: Visits, along_m: Floats, speed_mps: Floats) -> Floats:
    """Crow distance from each fix over the stops ahead at that fix's speed, never before it is asked; epoch seconds."""
    next_m = haversine_m(fixes.lat, fixes.lon, visits.lat[fixes.ahead], visits.lon[fixes.ahead])
    onward_m = np.abs(along_m[questions.visit] - along_m[fixes.ahead[questions.fix]])
    return np.maximum(questions.ts_s + (next_m[questions.fix] + onward_m) / speed_mps[questions.fix], questions.asked_s)


def running_mean(questions: Questions, fixes: Fixes, visits: Visits) -> Floats:
    """Last true arrival plus the running mean times of the legs from there, never before it is asked; epoch seconds.

    A leg's mean is of its traversals finished up to the fix, over all vehicles; NaN while a leg ahead was never driven.
    """
    leg, finished_s, mean_s = learn_legs(visits)
    known, legs = in_time(leg, finished_s), name_legs(visits)
    reached = fixes.last[questions.fix]
    expected_s = np.where(reached >= 0, visits.arrived_s[np.maximum(reached, 0)], np.nan)
    if not leg.size:
        return np.full(expected_s.size, np.nan)
    for hop in range(1, int(questions.hop.max(initial=0)) + 1):
        on = questions.hop >= hop
        asked = legs[fixes.ahead[questions.fix[on]] + hop - 1]
        found = np.maximum(np.searchsorted(known, in_time(asked, questions.ts_s[on]), side="right") - 1, 0)
        expected_s[on] += np.where((leg[found] == asked) & (finished_s[found] <= questions.ts_s[on]), mean_s[found], np.nan)
    return np.maximum(expected_s, questions.asked_s)


def in_time(leg: Ints, at_s: Floats) -> Ints:
    """A number that puts legs in order, and each leg's moments (to the millisecond)."""
    return (leg << 42) + (at_s * 1e3).astype(np.int64)


def name_legs(visits: Visits) -> Ints:
    """A number for the way that ends at each visit, the same wherever the same two places follow each other; visits in their real order."""
    place = np.stack([visits.fleet.astype(np.float64), np.round(visits.lat, 5), np.round(visits.lon, 5)], axis=1)
    places = np.unique(place, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    before = np.concatenate([[-1], np.where(visits.route[1:] == visits.route[:-1], places[:-1], -1)])[: places.size]
    return np.unique((before + 1) * (places.max(initial=0) + 1) + places, return_inverse=True)[1].reshape(-1).astype(np.int64)


def learn_legs(visits: Visits) -> tuple[Ints, Floats, Floats]:
    """Every finished leg: its number, when it was finished, and the mean time of that leg up to then (arrival to arrival, seconds)."""
    reached = np.flatnonzero((visits.route[1:] == visits.route[:-1]) & ~np.isnan(visits.arrived_s[1:] - visits.arrived_s[:-1])) + 1
    leg, finished_s = name_legs(visits)[reached], visits.arrived_s[reached]
    took_s = finished_s - visits.arrived_s[reached - 1]
    order = np.lexsort((finished_s, leg))
    leg, finished_s, took_s = leg[order], finished_s[order], took_s[order]
    starts = np.flatnonzero(np.diff(leg, prepend=-1))
    group = np.cumsum(np.diff(leg, prepend=-1) != 0) - 1
    sums = np.cumsum(took_s)
    before = np.concatenate([[0.0], sums])[starts][group]
    return leg, finished_s, (sums - before) / (np.arange(leg.size) - starts[group] + 1)


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
