"""`plan_infeasible`: a route that cannot be driven as planned, found before it starts."""

from dataclasses import dataclass

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState, Route, VehicleFacts
from stream.visits import OPEN


@dataclass(frozen=True, slots=True)
class PlanInfeasiblePolicy(ConditionPolicy):
    """What is impossible, not what is tight: nothing is said of a plan that could just work."""

    fast_mps: float = 25.0
    """Crow metres a second that no delivery vehicle keeps up: 90 km/h as the crow flies."""
    slack_s: float = 60.0
    """What times in plans are rounded to."""
    clear_s: float = 0.0


def detect(policy: PlanInfeasiblePolicy, state: FleetState) -> list[Found]:
    """Routes whose plan or vehicle was changed since the last tick, and those that were found infeasible before."""
    known = {one.subject.partition("/")[2] for one in state.exceptions.open_of("plan_infeasible")}
    found = []
    for route_id in sorted(state.exceptions.unchecked | known):
        route = state.routes.get(route_id)
        if route is None or route.started or route.ended_us != MISSING:
            continue
        visits = [row for row in range(route.first, route.end) if state.visits.state[row] == OPEN]
        if problems := _problems(policy, state, route, visits):
            details: dict[str, object] = {"route_id": route_id, "problems": problems, "cause": str(problems[0]["problem"])}
            found.append(Found(route_id, f"route/{route_id}", route.vehicle, visits, float(len(problems)), details))
    state.exceptions.unchecked.clear()
    return found


def _problems(policy: PlanInfeasiblePolicy, state: FleetState, route: Route, visits: list[int]) -> list[dict[str, object]]:
    facts = state.facts.get(state.vehicle_ids[route.vehicle])
    found, ends_us = _unreachable(policy, state, route, visits)
    return found if facts is None else [*found, *_vehicle_problems(policy, state, visits, facts, ends_us)]


def _unreachable(policy: PlanInfeasiblePolicy, state: FleetState, route: Route, visits: list[int]) -> tuple[list[dict[str, object]], int]:
    """Windows that close before anybody could be there, and when the route could end at the earliest (`MISSING` = not known)."""
    v, found, at_us = state.visits, list[dict[str, object]](), route.departs_us
    for visit in visits:
        if at_us != MISSING and visit > route.first:
            at_us += round(float(v.leg_m[visit]) / policy.fast_mps * 1e6)
        at_us = max(at_us, int(v.opens_us[visit])) if at_us != MISSING else max(int(v.opens_us[visit]), int(v.planned_us[visit]))
        closes_us = int(v.closes_us[visit])
        if MISSING not in (closes_us, at_us) and at_us > closes_us + policy.slack_s * 1e6:
            late_s = round((at_us - closes_us) / 1e6)
            found.append({"problem": "window_unreachable", "visit_id": state.names[visit].visit_id, "late_s": late_s})
        service_s = float(v.service_s[visit])
        at_us += round(service_s * 1e6) if at_us != MISSING and service_s > 0 else 0
    return found, at_us


def _vehicle_problems(
    policy: PlanInfeasiblePolicy, state: FleetState, visits: list[int], facts: VehicleFacts, ends_us: int
) -> list[dict[str, object]]:
    """What the vehicle lacks, as far as dispatch has said what it has."""
    found = list[dict[str, object]]()
    load = _most_load(state, visits)
    if facts.capacity is not None and load > facts.capacity:
        found.append({"problem": "overload", "load": load, "capacity": facts.capacity})
    if facts.driver_id is None:
        found.append({"problem": "no_driver"})
    planned_us = max((int(state.visits.planned_us[visit]) for visit in visits), default=MISSING)
    last_us = max(ends_us, planned_us)
    if MISSING not in (facts.shift_end_us, last_us) and last_us > facts.shift_end_us + policy.slack_s * 1e6:
        found.append({"problem": "shift_too_short", "late_s": round((last_us - facts.shift_end_us) / 1e6)})
    for visit in visits:
        if lacking := [skill for skill in state.names[visit].skills if skill not in facts.skills]:
            found.append({"problem": "missing_skills", "visit_id": state.names[visit].visit_id, "skills": lacking})
    return found


def _most_load(state: FleetState, visits: list[int]) -> float:
    """The most that is on board at one time: deliveries from the start, pickups from where they are."""
    names = [state.names[visit] for visit in visits]
    load = most = sum((name.load or 0.0) for name in names if name.kind != "pickup")
    for name in names:
        load += (name.load or 0.0) if name.kind == "pickup" else -(name.load or 0.0)
        most = max(most, load)
    return most
