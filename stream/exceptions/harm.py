"""Whom an exception harms and by how much, and how long there is to act."""

from math import erf, exp, pi, sqrt

import numpy as np

from eta_models.columns import MISSING
from geofences.paths import metres_between
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.visits import OPEN

MOST_HARMED = 50
"""Visits that an exception names; `harmed_visits` counts all."""
P10_TO_P90_SIGMAS = 2.563
"""Between P10 and P90 of a normal distribution."""
DIRECT_MPS = 7.0
"""Crow metres a second of a vehicle that drives straight to a stop: 35 km/h on streets that are 1.4 times as long."""


def harm_of_visit(state: FleetState, visit: int) -> dict[str, object]:
    """What a customer has to expect. `late_min` is the expected lateness in minutes, 0 where it will be in time for sure."""
    visits, names = state.visits, state.names[visit]
    p50_us, closes_us, p_late = int(visits.p50_us[visit]), int(visits.closes_us[visit]), float(visits.p_late[visit])
    return {
        "visit_id": names.visit_id,
        "stop_id": names.stop_id,
        "order_ref": names.order_ref,
        "customer_ref": names.customer_ref,
        "priority": names.priority,
        "late_min": round(_late_s(state, visit) / 60, 1),
        "p_late": round(p_late, 3) if p_late == p_late else None,
        "slack_s": slack_s(p50_us, closes_us),
        "eta_p50": instant_or_none(p50_us),
        "window_end": instant_or_none(closes_us),
    }


def slack_s(p50_us: int, closes_us: int) -> int | None:
    """How long before the end of its window a visit is expected, in seconds; negative = after it."""
    return round((closes_us - p50_us) / 1e6) if MISSING not in (closes_us, p50_us) else None


def _late_s(state: FleetState, visit: int) -> float:
    """Expected lateness: the mean of what lies behind the window, if arrivals were normal around P50."""
    visits = state.visits
    p10_us, p50_us, p90_us, closes_us = (int(column[visit]) for column in (visits.p10_us, visits.p50_us, visits.p90_us, visits.closes_us))
    if MISSING in (p50_us, closes_us):
        return 0.0
    late_s, sigma_s = (p50_us - closes_us) / 1e6, max((p90_us - p10_us) / 1e6 / P10_TO_P90_SIGMAS, 1.0)
    z = late_s / sigma_s
    return max(0.0, late_s * 0.5 * (1.0 + erf(z / sqrt(2.0))) + sigma_s * exp(-0.5 * z * z) / sqrt(2.0 * pi))


def harm_of(state: FleetState, rows: list[int]) -> dict[str, object]:
    """All visits that an exception concerns, the worst first: by expected lateness, then by priority."""
    harmed = [harm_of_visit(state, visit) for visit in rows]
    minutes = [float(str(one["late_min"])) for one in harmed]
    order = sorted(range(len(rows)), key=lambda i: (-minutes[i], -state.names[rows[i]].priority, rows[i]))
    return {
        "harm": [harmed[i] for i in order[:MOST_HARMED]],
        "harm_min": round(sum(minutes), 1),
        "harmed_visits": len(rows),
        "priority": max((state.names[row].priority for row in rows), default=0),
    }


def open_visits(state: FleetState, row: int) -> list[int]:
    """The visits that a vehicle still has to make."""
    following, end = int(state.vehicles.next[row]), int(state.vehicles.end[row])
    if following < 0:
        return []
    return (following + np.flatnonzero(state.visits.state[following:end] == OPEN)).tolist()


def actionable_until_us(state: FleetState, row: int, visit: int) -> int:
    """Until when it helps to send the vehicle straight to the visit, from where it is: the window's end less the drive.

    `MISSING` where there is no window or no fix.
    """
    v, visits = state.vehicles, state.visits
    closes_us = int(visits.closes_us[visit])
    if row < 0 or MISSING in (closes_us, int(v.at_us[row])):
        return MISSING
    direct_m = metres_between(float(v.lat[row]), float(v.lon[row]), float(visits.lat[visit]), float(visits.lon[visit]))
    return closes_us - round(direct_m / DIRECT_MPS * 1e6)


def first_deadline_us(state: FleetState, row: int, rows: list[int], now_us: int) -> int:
    """The earliest moment from which one of the visits cannot be saved any more, of those that can be now; `MISSING` = none."""
    ends = [end for end in (actionable_until_us(state, row, visit) for visit in rows) if end != MISSING and end >= now_us]
    return min(ends, default=MISSING)


def evidence_of(state: FleetState, row: int) -> dict[str, object]:
    """What it rests on: the last two live fixes, since when the vehicle has not moved, and how it kept its plan so far."""
    v = state.vehicles
    if int(v.at_us[row]) == MISSING:
        return {"pings": []}
    speed_mps, deviation_s = float(v.speed_mps[row]), float(v.deviation_s[row])
    before = {"at": instant_or_none(int(v.was_at_us[row])), "lat": float(v.was_lat[row]), "lon": float(v.was_lon[row])}
    newest = {"at": instant_or_none(int(v.at_us[row])), "lat": float(v.lat[row]), "lon": float(v.lon[row])}
    return {
        "pings": [newest, before] if int(v.was_at_us[row]) not in (MISSING, int(v.at_us[row])) else [newest],
        "speed_mps": round(speed_mps, 1) if speed_mps == speed_mps else None,
        "still_since": instant_or_none(int(v.still_us[row])),
        "behind_plan_s": round(deviation_s) if deviation_s == deviation_s else None,
    }
