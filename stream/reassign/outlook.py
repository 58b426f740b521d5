"""What a fleet expects of some vehicles' visits: arrivals, lateness and P(late), by its own ETA models."""

from collections.abc import Sequence
from math import erf, pi, sqrt
from typing import NamedTuple

import numpy as np

from eta_models.columns import MISSING, Floats
from eta_models.journeys import Estimates
from eta_models.lateness import Z_90
from stream.fleet import FleetState, VehicleFacts
from stream.moments import instant_or_none
from stream.proposals import VehicleOutlook
from stream.reassign.policy import ReassignPolicy
from stream.reassign.takers import open_visits
from stream.reassign.view import change, weight_of
from stream.steps.estimate import estimate


class Expected(NamedTuple):
    """Of one visit: who comes when (microseconds, `MISSING` = nobody), how late that is on average in seconds, and P(late)."""

    vehicle: int
    p50_us: int
    late_s: float
    p_late: float | None
    drive_s: float = 0.0
    """Of the time until then, what is driven."""


def expect(tried: FleetState, policy: ReassignPolicy, vehicles: Sequence[int]) -> dict[str, Expected]:
    """All open visits of these vehicles by id. A vehicle that is down comes nowhere."""
    found = {tried.names[row].visit_id: unserved(policy) for vehicle in vehicles for row in open_visits(tried, vehicle)}
    rows = np.array([row for row in vehicles if tried.vehicles.next[row] >= 0 and not tried.vehicles.down[row]], dtype=np.int64)
    asked = estimate(tried, rows, np.full(len(rows), tried.position), np.full(len(rows), tried.now_us)) if len(rows) else None
    if asked is None:
        return found
    closes_us = tried.visits.closes_us[asked.visit]
    p50_us = tried.now_us + np.rint(asked.answer.p50_s * 1e6).astype(np.int64)
    late_s = np.where(closes_us == MISSING, 0.0, mean_late_s((p50_us - closes_us) / 1e6, asked.answer))
    served_s = np.cumsum(asked.answer.service_s) - asked.answer.service_s
    first = np.searchsorted(asked.ahead.journey, asked.ahead.journey)
    paused_s = np.maximum((tried.vehicles.paused_until_us[rows] - tried.now_us) / 1e6, 0.0)[asked.ahead.journey]
    drive_s = asked.answer.p50_s - asked.answer.wait_s - (served_s - served_s[first]) - paused_s
    columns = (asked.visit, rows[asked.ahead.journey], p50_us, late_s, asked.answer.p_late, drive_s)
    for visit, vehicle, p50, late, p_late, drive in zip(*(column.tolist() for column in columns), strict=True):
        known = p_late if p_late == p_late else None
        found[tried.names[visit].visit_id] = Expected(vehicle, p50, min(late, policy.missed_s), known, max(drive, 0.0))
    return found


def mean_late_s(late_s: Floats, answer: Estimates) -> Floats:
    """How late on average, of arrivals whose P50 is so late (negative = early): what is only just in time is late half of the time.

    The mean of what lies beyond the window's end of a normal distribution with the spread of P10 to P90: a tenth lies beyond each.
    """
    spread_s = np.maximum((answer.p90_s - answer.p10_s) / (2.0 * Z_90), 1.0)
    z = np.maximum(late_s / spread_s, -8.0)
    below = np.array([0.5 * (1.0 + erf(value / sqrt(2.0))) for value in z.tolist()])
    return np.asarray(spread_s * (np.exp(-0.5 * z * z) / sqrt(2.0 * pi) + z * below))


def unserved(policy: ReassignPolicy) -> Expected:
    """Of a visit to which nobody comes."""
    return Expected(-1, MISSING, policy.missed_s, 1.0)


def weighted_s(tried: FleetState, expected: dict[str, Expected]) -> float:
    """Lateness times 1 + priority, summed in the order of the visits."""
    known = ((tried.visit_rows.get(visit_id, -1), each) for visit_id, each in expected.items())
    return sum(
        each.late_s * weight_of(tried.names[row].priority) for row, each in known if row >= 0 and tried.names[row].kind not in NO_PROMISE
    )


NO_PROMISE = ("hub", "break", "handover")
"""Nobody is promised anything there."""


def promised(state: FleetState, visit_id: str) -> bool:
    """Whether somebody waits for a visit: nobody does at the hub of a vehicle, nor at its break."""
    row = state.visit_rows.get(visit_id, -1)
    return row < 0 or state.names[row].kind not in NO_PROMISE


Loads = tuple[float, dict[str, float]]
"""What a vehicle has on board, where what it was to fetch anyway counts from now on; what it would fetch besides, by call."""


def vehicle_outlook(tried: FleetState, vehicle: int, expected: dict[str, Expected], loads: Loads) -> VehicleOutlook:
    """What a vehicle would carry at most and when it would be done."""
    facts, (load, fetched) = tried.facts.get(tried.vehicle_ids[vehicle], VehicleFacts()), loads
    ahead, most = open_visits(tried, vehicle), load
    for row in ahead:
        names = tried.names[row]
        load += fetched.get(names.visit_id, change(names.kind, names.load))
        most = max(most, load)
    return VehicleOutlook(
        vehicle_id=tried.vehicle_ids[vehicle],
        most_load=round(most, 3),
        capacity=facts.capacity,
        ends_at=instant_or_none(ends_us(tried, ahead, expected)) if ahead else None,
        shift_end=instant_or_none(facts.shift_end_us),
    )


def ends_us(tried: FleetState, ahead: Sequence[int], expected: dict[str, Expected]) -> int:
    """When the last of a vehicle's visits is done; `MISSING` where nobody comes."""
    last = ahead[-1]
    p50_us = expected[tried.names[last].visit_id].p50_us
    if p50_us == MISSING:
        return MISSING
    place, planned = np.array([int(tried.visits.place[last])]), np.array([float(tried.visits.service_s[last])])
    return p50_us + round(float(tried.model.stays.service_s(place, planned)[0]) * 1e6)
