"""`departure_late`: a route has not set out when it should have, or will not: its load is not ready, it has no dock, its wave has gone."""

from dataclasses import dataclass

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState, Route
from stream.moments import instant_or_none


@dataclass(frozen=True, slots=True)
class DepartureLatePolicy(ConditionPolicy):
    """How late is late."""

    grace_s: float = 300.0
    """After the planned departure: loading the last crate."""
    load_grace_s: float = 0.0
    """After the moment by which the load should stand ready (`load_by`)."""
    give_up_s: float = 14_400.0
    """A route that has not set out so long after its departure will not; it is not told any more."""
    clear_s: float = 0.0


def detect(policy: DepartureLatePolicy, state: FleetState) -> list[Found]:
    """Routes with a planned departure that are not on their way; only these are looked at."""
    routes = [state.routes[route_id] for route_id in sorted(state.exceptions.departures) if route_id in state.routes]
    waiting = [route for route in routes if not route.started and route.ended_us == MISSING]
    return [found for route in waiting if (found := _one(policy, state, route)) is not None]


def _one(policy: DepartureLatePolicy, state: FleetState, route: Route) -> Found | None:
    late_s = (state.now_us - route.departs_us) / 1e6
    load_late = route.load_by_us != MISSING and not route.load_ready and state.now_us - route.load_by_us > policy.load_grace_s * 1e6
    cut_off = MISSING != route.cutoff_us < state.now_us
    departed_late = route.departs_us != MISSING and late_s > policy.grace_s
    if not (load_late or cut_off or departed_late) or late_s > policy.give_up_s:
        return None
    cause = "wave_cutoff_passed" if cut_off else "load_not_ready" if not route.load_ready and route.load_by_us != MISSING else "not_started"
    details: dict[str, object] = {
        "cause": "no_dock" if cause == "not_started" and route.dock_id is None and route.load_by_us != MISSING else cause,
        "route_id": route.route_id,
        "late_s": max(round(late_s), 0) if route.departs_us != MISSING else None,
        "planned_departure": instant_or_none(route.departs_us),
        "load_by": instant_or_none(route.load_by_us),
        "load_ready": route.load_ready,
        "dock_id": route.dock_id,
        "wave_cutoff": instant_or_none(route.cutoff_us),
    }
    visits = list(range(route.first, route.end))
    return Found(route.route_id, f"route/{route.route_id}", route.vehicle, visits, max(late_s, 60.0), details)
