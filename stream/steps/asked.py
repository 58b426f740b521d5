"""What the model is asked: vehicles as journeys and their remaining visits, in seconds and metres from now and here."""

from typing import TypedDict

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints
from eta_models.journeys import SERVED_S, Ahead, Journeys
from geofences.positions import METRES_PER_DEGREE, distance_m
from stream.fleet import FleetState
from stream.moments import minute_of_day
from stream.steps.trips_asked import closing_mps, trips_asked
from stream.vehicles import Vehicles
from stream.visits import Visits

UNKNOWN_LEG_M = 1_000.0
"""Without a fix all of the current leg is ahead, however long it is: only its ratio to what lies behind (none) counts."""

STILL_THERE_M = 150.0
STILL_THERE_SHARE = 0.05
"""So near, in metres or as a share of the leg, a vehicle is still at the stop where its leg began: it waits down the street."""

APPROACH_STEP_S = 180.0
"""Fixes further apart do not tell an approach."""

LONGEST_LEAD_S = 3_600.0
"""Who is further ahead of the plan does not follow it."""


def distances(v: Vehicles, visits: Visits, rows: Ints) -> Floats:
    """Metres of the current leg, to its end, and from its start; crow distances, one row each, in one sweep."""
    end_lat, end_lon = visits.lat[v.next[rows]], visits.lon[v.next[rows]]
    lat, lon, left_lat, left_lon = v.lat[rows], v.lon[rows], v.left_lat[rows], v.left_lon[rows]
    return distance_m(
        np.concatenate([left_lat, lat, lat]), np.concatenate([left_lon, lon, lon]),
        np.concatenate([end_lat, end_lat, left_lat]), np.concatenate([end_lon, end_lon, left_lon]),
    ).reshape(3, len(rows))  # fmt: skip


def _seconds(times_us: Ints, now_us: Ints) -> Floats:
    """Seconds from now; NaN for `MISSING`."""
    return np.where(times_us == MISSING, np.nan, (times_us - now_us) / 1e6)


def _known_leg(v: Vehicles, rows: Ints) -> Flags:
    """Whether vehicles are on the leg that the plan has before their next stop."""
    before = v.next[rows] - 1
    return np.asarray((before >= 0) & ((v.left_visit[rows] == before) | (v.here[rows] == before)), dtype=np.bool_)


class _OnTheLeg(TypedDict):
    """Fields of `Journeys` that only a vehicle on a leg of its plan has."""

    east_m: Floats
    north_m: Floats
    lead_s: Floats
    left_place: Ints


def _on_the_leg(v: Vehicles, visits: Visits, rows: Ints, now_us: Ints, behind_m: Floats) -> _OnTheLeg:
    """Where on its leg a vehicle is, seen from the next stop; nowhere while what it does at a stop says when it will go on."""
    following, known = v.next[rows], _known_leg(v, rows)
    left = np.where(known, following - 1, 0)
    free = known & (v.at_us[rows] != MISSING) & ~(visits.service_s[left] > 0) & (visits.opens_us[left] == MISSING)
    east_deg = (v.lon[rows] - visits.lon[following] + 180.0) % 360.0 - 180.0
    east_m = east_deg * METRES_PER_DEGREE * np.cos(np.radians(visits.lat[following]))
    north_m = (v.lat[rows] - visits.lat[following]) * METRES_PER_DEGREE
    there = free & (visits.planned_us[left] != MISSING)
    there &= behind_m <= np.fmax(STILL_THERE_M, STILL_THERE_SHARE * visits.leg_m[following].astype(np.float64))
    lead_s = np.minimum(np.maximum((visits.planned_us[left] - now_us) / 1e6, 0.0), LONGEST_LEAD_S)
    return {
        "east_m": np.where(free, east_m, np.nan),
        "north_m": np.where(free, north_m, np.nan),
        "lead_s": np.where(there, lead_s, 0.0),
        "left_place": np.where(known, visits.place[left], -1).astype(np.int64),
    }


def _approach_mps(v: Vehicles, visits: Visits, rows: Ints, to_next_m: Floats) -> Floats:
    """How fast the distance to the next stop shrank between the last two fixes; 0 where they are too far apart to tell."""
    mps = closing_mps(v, visits, rows, to_next_m, APPROACH_STEP_S)
    return np.where(mps == mps, np.minimum(np.maximum(mps, -40.0), 40.0), 0.0)


def journeys_of(state: FleetState, rows: Ints, now_us: Ints, distances_m: Floats) -> Journeys:
    """The vehicles `rows`, each with the fleet's now at its turn."""
    v, visits, (_, to_next_m, behind_m) = state.vehicles, state.visits, distances_m
    here, following = v.here[rows], v.next[rows]
    standing = here >= 0
    since_us = np.where(standing, visits.arrived_us[here], v.left_us[rows])
    ready_us = visits.opens_us[here]
    served = standing & (visits.done_us[here] != MISSING)
    located = v.at_us[rows] != MISSING
    fix_age_s = np.where(located, np.maximum((now_us - v.at_us[rows]) / 1e6, 0.0), 0.0)
    return Journeys(
        hour=((now_us // 1_000_000 + state.utc_offset_s) % 86_400) / 3_600.0,
        fix_age_s=fix_age_s,
        to_next_m=np.where(located, np.maximum(to_next_m - visits.radius_m[following], 0.0), UNKNOWN_LEG_M),
        behind_m=np.where(located, behind_m, 0.0),
        elapsed_s=np.where(served, SERVED_S, np.maximum((now_us - since_us) / 1e6, 0.0)),
        still_s=np.where(located, np.maximum((v.at_us[rows] - v.still_us[rows]) / 1e6, 0.0), 0.0),
        speed_mps=v.speed_mps[rows].astype(np.float64),
        approach_mps=_approach_mps(v, visits, rows, to_next_m),
        **_on_the_leg(v, visits, rows, now_us, behind_m),
        deviation_s=v.deviation_s[rows].astype(np.float64),
        paused_s=np.maximum((v.paused_until_us[rows] - now_us) / 1e6, 0.0),
        standing=standing,
        place=np.where(standing, visits.place[here], -1).astype(np.int64),
        service_s=np.where(standing, visits.service_s[here], np.nan).astype(np.float64),
        ready_in_s=np.where(standing & ~served, _seconds(ready_us, now_us), np.nan),
        opens=standing & (visits.opens_us[here] != MISSING),
        vehicle=rows,
        route=v.route[rows],
        now_s=now_us / 1e6,
        trip=trips_asked(state, rows, now_us, distances_m),
    )


def visits_ahead(state: FleetState, rows: Ints, now_us: Ints, journey: Ints, hop: Ints, visit: Ints, whole_leg_m: Floats) -> Ahead:
    """The remaining visits of those vehicles; `whole_leg_m` is the length of the current leg where the plan knows none."""
    v, visits = state.vehicles, state.visits
    now = now_us[journey]
    known_leg = (hop > 0) | _known_leg(v, rows)[journey]
    leg_m = visits.leg_m[visit].astype(np.float64)
    planned_in_s = _seconds(visits.planned_us[visit], now)
    # Without a fix the first leg lasts until the planned arrival, or as long as the model thinks of a leg of which nothing is known.
    located, leg_planned_s = v.at_us[rows] != MISSING, np.where(known_leg, visits.leg_planned_s[visit], np.nan)
    return Ahead(
        journey=journey,
        hop=hop,
        leg=np.where(known_leg, visits.leg[visit], -1).astype(np.int64),
        place=visits.place[visit].astype(np.int64),
        area=visits.area[visit].astype(np.int64),
        leg_m=np.where(known_leg & (leg_m == leg_m), leg_m, whole_leg_m[journey]),
        leg_planned_s=np.where((hop == 0) & ~located[journey], planned_in_s, leg_planned_s).astype(np.float64),
        planned_in_s=planned_in_s,
        opens_in_s=_seconds(visits.opens_us[visit], now),
        closes_in_s=_seconds(visits.closes_us[visit], now),
        service_s=visits.service_s[visit].astype(np.float64),
        minute=minute_of_day(visits.planned_us[visit], state.utc_offset_s),
        again=known_leg & visits.again(visit),
    )
