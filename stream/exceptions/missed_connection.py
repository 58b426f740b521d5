"""`missed_connection`: goods change vehicles at a stop, and the one that brings them comes too late for the one that carries them on."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.visits import ARRIVED, OPEN


@dataclass(frozen=True, slots=True)
class MissedConnectionPolicy(ConditionPolicy):
    """When a hand-over fails."""

    transfer_s: float = 300.0
    """Unloading, carrying over and loading."""
    hold_s: float = 60.0
    clear_s: float = 120.0


def detect(policy: MissedConnectionPolicy, state: FleetState) -> list[Found]:
    """Open visits with a `connects_to_visit_id` whose ETA and transfer end behind the departure from there; `level` is by how much, in s.

    The departure is expected when the onward vehicle is there (its own ETA), due, and served.
    """
    visits, found = state.visits, []
    for visit in np.flatnonzero((visits.connects[: visits.count] == 1) & (visits.state[: visits.count] == OPEN)).tolist():
        onward = state.visit_rows.get(state.names[visit].connects_to_visit_id or "", -1)
        if onward < 0 or int(visits.p50_us[visit]) == MISSING or state.visit_rows.get(state.names[visit].visit_id) != visit:
            continue
        leaves_us = _leaves_us(state, onward)
        short_s = (int(visits.p50_us[visit]) - leaves_us) / 1e6 + policy.transfer_s
        if leaves_us != MISSING and short_s > 0:
            found.append(_one(state, visit, onward, leaves_us, short_s))
    return found


def _leaves_us(state: FleetState, onward: int) -> int:
    """When the onward vehicle is expected to leave."""
    visits, service_s = state.visits, float(state.visits.service_s[onward])
    there_us = int(visits.p50_us[onward]) if visits.state[onward] == OPEN else int(visits.arrived_us[onward])
    due_us = int(visits.planned_us[onward])
    if visits.state[onward] not in (OPEN, ARRIVED):
        return there_us
    return max(there_us, due_us) + round(service_s * 1e6 if service_s > 0 else 0) if max(there_us, due_us) != MISSING else MISSING


def _one(state: FleetState, visit: int, onward: int, leaves_us: int, short_s: float) -> Found:
    names, route = state.names[visit], state.routes[state.names[visit].route_id]
    details: dict[str, object] = {
        "short_s": round(short_s),
        "inbound_eta_p50": instant_or_none(int(state.visits.p50_us[visit])),
        "onward_visit_id": state.names[onward].visit_id,
        "onward_vehicle_id": state.vehicle_ids[state.routes[state.names[onward].route_id].vehicle],
        "onward_leaves_at": instant_or_none(leaves_us),
    }
    return Found(names.visit_id, f"visit/{names.visit_id}", route.vehicle, [visit, onward], short_s, details)
