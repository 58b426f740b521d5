"""`stalled`: fixes keep coming from a vehicle that should move and does not. A dead phone is no stall: that is `signal_lost`."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Ints
from geofences.positions import distance_m
from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.exceptions.work import has_work
from stream.fleet import FleetState
from stream.moments import instant_or_none

RESTING_KINDS = frozenset({"depot", "hub", "yard", "parking", "break", "terminal", "dock"})
"""Kinds of fences in which nobody has to move."""


@dataclass(frozen=True, slots=True)
class StalledPolicy(ConditionPolicy):
    """When standing still is a stall."""

    limit_s: float = 480.0
    """Time without moving 25 m: longer than lights, level crossings and most jams."""
    fresh_s: float = 120.0
    """The newest fix is not older than this: it is the vehicle that stands, not the phone that is silent."""
    near_m: float = 150.0
    """So near to the stop before or the next one it stands for the stop: drivers park around the corner."""
    early_s: float = 300.0
    """Who is due at the next stop only so much later than driving there takes stands because there is time."""
    clear_s: float = 0.0
    reopen_after_s: float = 900.0


def detect(policy: StalledPolicy, state: FleetState) -> list[Found]:
    """Vehicles under way between two stops that have not moved for `limit_s` while their fixes came."""
    v = state.vehicles
    rows = standing(policy, state, np.flatnonzero(v.down[: v.count] == 0))
    fresh = state.now_us - v.at_us[rows] <= policy.fresh_s * 1e6
    return [_one(state, row) for row in rows[fresh].tolist()]


def standing(policy: StalledPolicy, state: FleetState, rows: Ints) -> Ints:
    """Those of the vehicles that by their newest fix had stood for `limit_s` where they should move, fresh or not."""
    v = state.vehicles
    under_way = (v.next[rows] >= 0) & (v.here[rows] < 0) & (v.left_visit[rows] >= 0) & (v.at_us[rows] != MISSING)
    under_way &= ((v.at_us[rows] - v.still_us[rows]) / 1e6 >= policy.limit_s) & (v.left_us[rows] <= v.at_us[rows])
    rows = rows[under_way & (v.paused_until_us[rows] <= state.now_us)]
    rows = rows[~_near_stops(policy, state, rows) & ~_has_time(policy, state, rows)]
    rows = rows[has_work(state, rows)]
    resting = _resting(state)
    return np.array([row for row in rows.tolist() if row not in resting], dtype=np.int64)


def _near_stops(policy: StalledPolicy, state: FleetState, rows: Ints) -> Flags:
    v, visits = state.vehicles, state.visits
    near = np.zeros(len(rows), dtype=np.bool_)
    for stop in (v.next[rows], v.left_visit[rows]):
        away_m = distance_m(v.lat[rows], v.lon[rows], visits.lat[stop], visits.lon[stop])
        near |= away_m <= np.maximum(visits.radius_m[stop], policy.near_m)
    return near


def _has_time(policy: StalledPolicy, state: FleetState, rows: Ints) -> Flags:
    """Whether the next stop is only due when there is time left after driving there."""
    v, visits = state.vehicles, state.visits
    following = v.next[rows]
    due_us, p50_us = np.maximum(visits.planned_us[following], visits.opens_us[following]), visits.p50_us[following]
    return np.asarray((due_us != MISSING) & (p50_us != MISSING) & (due_us - p50_us > policy.early_s * 1e6), dtype=np.bool_)


def _resting(state: FleetState) -> set[int]:
    """Vehicles in a fence in which nobody has to move."""
    c, found = state.contacts, set[int]()
    used = c.used()
    for contact in used[c.visiting[used] == 1].tolist():
        if state.fences[state.fence_index.fence_ids[int(c.fence[contact])]].kind in RESTING_KINDS:
            found.add(int(c.vehicle[contact]))
    return found


def _one(state: FleetState, row: int) -> Found:
    v, vehicle_id = state.vehicles, state.vehicle_ids[row]
    still_s = (int(v.at_us[row]) - int(v.still_us[row])) / 1e6
    details: dict[str, object] = {"still_s": round(still_s), "still_at": {"lat": float(v.still_lat[row]), "lon": float(v.still_lon[row])}}
    details["still_since"] = instant_or_none(int(v.still_us[row]))
    return Found(vehicle_id, f"vehicle/{vehicle_id}", row, open_visits(state, row), still_s, details)
