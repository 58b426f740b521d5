"""`off_route`: a vehicle has left the corridor of its leg, as past runs of the same leg have drawn it (`stream/corridors.py`)."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState
from stream.moments import instant_or_none


@dataclass(frozen=True, slots=True)
class OffRoutePolicy(ConditionPolicy):
    """How far out for how long."""

    off_s: float = 60.0
    """Time between the first fix outside and the newest: a street beside the usual one is left again sooner."""
    off_fixes: float = 3
    """Fixes outside in a row: one alone is an outlier."""
    clear_s: float = 60.0
    reopen_after_s: float = 1_800.0


def detect(policy: OffRoutePolicy, state: FleetState) -> list[Found]:
    """Vehicles whose last fixes all lie outside the corridor of the leg that they drive."""
    v = state.vehicles
    off = (v.off_since_us[: v.count] != MISSING) & (v.off_fixes[: v.count] >= policy.off_fixes) & (v.next[: v.count] >= 0)
    off &= (v.at_us[: v.count] - v.off_since_us[: v.count] >= policy.off_s * 1e6) & (v.down[: v.count] == 0)
    return [_one(state, row) for row in np.flatnonzero(off).tolist()]


def _one(state: FleetState, row: int) -> Found:
    v, vehicle_id = state.vehicles, state.vehicle_ids[row]
    off_s = (int(v.at_us[row]) - int(v.off_since_us[row])) / 1e6
    leg = state.corridors.legs.get(int(state.visits.leg[v.next[row]]))
    details: dict[str, object] = {"off_s": round(off_s), "off_since": instant_or_none(int(v.off_since_us[row]))}
    details["runs_known"] = 0 if leg is None else leg.runs
    details["to_stop_id"] = state.names[int(v.next[row])].stop_id
    return Found(vehicle_id, f"vehicle/{vehicle_id}", row, open_visits(state, row), off_s, details)
