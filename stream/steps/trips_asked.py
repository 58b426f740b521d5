"""What a model may know of a trip without a plan: the vehicle's place and way, and where it goes."""

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Floats32, Ints
from eta_models.tiles import ASKED
from geofences.positions import distance_m
from stream.fleet import FleetState
from stream.vehicles import Vehicles
from stream.visits import Visits

LONGEST_STEP_S = 300.0
"""Fixes that far apart say nothing about speed."""


def trips_asked(state: FleetState, rows: Ints, now_us: Ints, distances_m: Floats) -> Floats32:
    """Where the vehicles `rows` are and go, with the columns `tiles.ASKED`; NaN for those whose next stop has a planned time.

    `distances_m`: of the whole leg, to its end, from its start, one row each.
    """
    asked = np.full((len(rows), len(ASKED)), np.nan, dtype=np.float32)
    on = _on_a_trip(state, rows)
    if len(on):
        asked[on] = np.stack(_columns(state, rows[on], now_us[on], distances_m[:, on]), axis=1)
    return asked


def _on_a_trip(state: FleetState, rows: Ints) -> Ints:
    """Places in `rows` of the vehicles that are on their way to a stop without a planned time, and not at work at the one before."""
    v, visits = state.vehicles, state.visits
    here, following = v.here[rows], v.next[rows]
    at_work = (here >= 0) & ((visits.service_s[here] > 0) | (visits.opens_us[here] != MISSING))
    return np.flatnonzero(~at_work & (v.at_us[rows] != MISSING) & (visits.planned_us[following] == MISSING))


def _columns(state: FleetState, rows: Ints, now_us: Ints, distances_m: Floats) -> list[Floats | Ints | Flags]:
    v, visits = state.vehicles, state.visits
    here, following, seconds = v.here[rows], v.next[rows], now_us // 1_000_000 + state.utc_offset_s
    since_us = np.where(here >= 0, visits.arrived_us[here], v.left_us[rows])
    leg_m, to_m, behind_m = distances_m
    return [
        v.lat[rows], v.lon[rows], visits.lat[following], visits.lon[following], to_m, behind_m, leg_m,
        np.maximum((now_us - since_us) / 1e6, 0.0), seconds % 86_400 / 3_600.0, _weekend(seconds), rows, *_last_step(state, rows, to_m),
        np.maximum((v.at_us[rows] - v.still_us[rows]) / 1e6, 0.0),
    ]  # fmt: skip


def _weekend(seconds: Ints) -> Flags:
    """Saturdays and Sundays; day 0 was a Thursday."""
    return np.asarray((seconds // 86_400 + 3) % 7 >= 5, dtype=np.bool_)


def _last_step(state: FleetState, rows: Ints, to_next_m: Floats) -> tuple[Floats, Floats]:
    """Metres a second between the last two fixes, and how much of that went towards the next stop; NaN = not known."""
    v = state.vehicles
    moved_m = distance_m(v.was_lat[rows], v.was_lon[rows], v.lat[rows], v.lon[rows])
    return moved_m / step_s(v, rows, LONGEST_STEP_S), closing_mps(v, state.visits, rows, to_next_m, LONGEST_STEP_S)


def step_s(v: Vehicles, rows: Ints, longest_s: float) -> Floats:
    """Seconds between the last two fixes; NaN where there are no two, or they are too near or too far apart to tell a speed."""
    took_s = (v.at_us[rows] - v.was_at_us[rows]) / 1e6
    return np.where((v.was_at_us[rows] != MISSING) & (took_s >= 1.0) & (took_s <= longest_s), took_s, np.nan)


def closing_mps(v: Vehicles, visits: Visits, rows: Ints, to_next_m: Floats, longest_s: float) -> Floats:
    """How fast the distance to the next stop shrank between the last two fixes; NaN = not known."""
    following = v.next[rows]
    was_m = distance_m(v.was_lat[rows], v.was_lon[rows], visits.lat[following], visits.lon[following])
    return (was_m - to_next_m) / step_s(v, rows, longest_s)
