"""`long_dwell`: a vehicle stays at a stop for much longer than planned, and is needed at the next one."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState


@dataclass(frozen=True, slots=True)
class LongDwellPolicy(ConditionPolicy):
    """How long is too long."""

    factor: float = 3.0
    """Times the planned service,"""
    least_s: float = 900.0
    """and at least so long."""
    clear_s: float = 0.0


def detect(policy: LongDwellPolicy, state: FleetState) -> list[Found]:
    """Vehicles at a stop with planned service, with stops to come, that should have left long ago."""
    v, visits = state.vehicles, state.visits
    rows = np.flatnonzero((v.here[: v.count] >= 0) & (v.next[: v.count] >= 0) & (v.down[: v.count] == 0))
    here, service_s = v.here[rows], visits.service_s[v.here[rows]].astype(np.float64)
    begun_us = np.maximum(visits.arrived_us[here], visits.opens_us[here])
    stay_s = (state.now_us - begun_us) / 1e6
    allowed_s = np.maximum(policy.least_s, policy.factor * service_s)
    late = (service_s > 0) & (stay_s > allowed_s) & (v.paused_until_us[rows] <= state.now_us)
    late &= (visits.planned_us[v.next[rows]] == MISSING) | (visits.planned_us[v.next[rows]] < state.now_us + service_s * 1e6)
    return [_one(state, int(rows[i]), float(stay_s[i]), float(service_s[i])) for i in np.flatnonzero(late).tolist()]


def _one(state: FleetState, row: int, stay_s: float, service_s: float) -> Found:
    visit_id = state.names[int(state.vehicles.here[row])].visit_id
    details: dict[str, object] = {"stay_s": round(stay_s), "planned_service_s": round(service_s), "visit_id": visit_id}
    return Found(visit_id, f"visit/{visit_id}", row, open_visits(state, row), stay_s, details)
