"""The troubles of a fleet about which something could be done."""

from collections.abc import Iterator

import numpy as np

from stream.fleet import FleetState
from stream.reassign.policy import ReassignPolicy
from stream.reassign.takers import open_visits
from stream.troubles import Trouble
from stream.visits import OPEN


def troubles(state: FleetState, policy: ReassignPolicy) -> list[Trouble]:
    """Troubles for which there are no fresh proposals, the worst first, no more than a tick may ask about."""
    found = [trouble for trouble in (*_down(state), *_failed(state), *_late(state)) if _is_due(state, policy, trouble)]
    return sorted(found, key=lambda trouble: (-trouble.worst, trouble.exception_id))[: policy.most_asked]


def _is_due(state: FleetState, policy: ReassignPolicy, trouble: Trouble) -> bool:
    asked_us = state.asked.get(trouble.exception_id)
    return asked_us is None or state.now_us - asked_us >= policy.ask_again_s * 1e6


def _down(state: FleetState) -> Iterator[Trouble]:
    v = state.vehicles
    for row in np.flatnonzero(v.down[: v.count] > 0).tolist():
        if ahead := tuple(visit for visit in open_visits(state, row) if state.names[visit].kind not in {"hub", "break", "handover"}):
            vehicle_id = state.vehicle_ids[row]
            yield Trouble(f"{state.fleet_id}:vehicle_down:{vehicle_id}", "vehicle_down", row, ahead, 1e6 + len(ahead))


def _failed(state: FleetState) -> Iterator[Trouble]:
    for failed in state.failed:
        visit = state.visit_rows.get(failed, -1)
        route = state.routes.get(state.names[visit].route_id) if visit >= 0 else None
        if route is not None and state.is_driven(route) and not state.vehicles.down[route.vehicle]:
            yield Trouble(f"{state.fleet_id}:stop_failed:{failed}", "stop_failed", route.vehicle, (visit,), 1.0)


def _late(state: FleetState) -> Iterator[Trouble]:
    visits = state.visits
    for visit in np.flatnonzero((visits.at_risk[: visits.count] > 0) & (visits.state[: visits.count] == OPEN)).tolist():
        route = state.routes[state.names[visit].route_id]
        if state.is_driven(route) and not state.vehicles.down[route.vehicle]:
            worst = float(visits.p_late[visit]) * (1.0 + max(state.names[visit].priority, 0)) + 2.0
            yield Trouble(f"{state.fleet_id}:late_risk:{state.names[visit].visit_id}", "late_risk", route.vehicle, (visit,), worst)
