"""At a working tick: every kind is asked what it finds, and what holds long enough opens, moves or closes an exception."""

from collections.abc import Callable, Sequence

from eta_models.columns import MISSING
from stream.exceptions.departure_late import detect as departure_late
from stream.exceptions.early_risk import detect as early_risk
from stream.exceptions.eta_quality import detect as eta_quality
from stream.exceptions.fence_violation import detect as fence_violation
from stream.exceptions.found import Found
from stream.exceptions.harm import evidence_of, first_deadline_us, harm_of
from stream.exceptions.kind_policy import ConditionPolicy
from stream.exceptions.life import About, Moment, close_exception, exception_id, open_exception, update
from stream.exceptions.long_dwell import detect as long_dwell
from stream.exceptions.missed_connection import detect as missed_connection
from stream.exceptions.off_route import detect as off_route
from stream.exceptions.plan_infeasible import detect as plan_infeasible
from stream.exceptions.policies import ExceptionPolicies, in_force
from stream.exceptions.signal_lost import detect as signal_lost
from stream.exceptions.stalled import detect as stalled
from stream.exceptions.vehicle_down import CHILDREN
from stream.exceptions.vehicle_down import detect as vehicle_down
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Outputs

_DETECTORS: dict[str, Callable[..., list[Found]]] = {
    "vehicle_down": vehicle_down,
    "signal_lost": signal_lost,
    "stalled": stalled,
    "off_route": off_route,
    "long_dwell": long_dwell,
    "early_risk": early_risk,
    "departure_late": departure_late,
    "fence_violation": fence_violation,
    "missed_connection": missed_connection,
    "plan_infeasible": plan_infeasible,
    "eta_quality": eta_quality,
}
"""What is found at ticks, in the order in which it is asked: causes before what they explain."""


def watch(policies: ExceptionPolicies, state: FleetState, moment: Moment, out: Outputs) -> None:
    """Ask every kind."""
    for kind, detect in _DETECTORS.items():
        policy = in_force(getattr(policies, kind), kind, state.exceptions)
        follow(policy, state, kind, detect(policy, state) if policy.on else [], moment, out)


def follow(policy: ConditionPolicy, state: FleetState, kind: str, found: Sequence[Found], moment: Moment, out: Outputs) -> None:
    """Take what a kind has found: hold, open, update; and let go of what it finds no longer."""
    table, names = state.exceptions, set[str]()
    for one in found:
        if kind in CHILDREN and one.row >= 0 and state.vehicles.down[one.row]:
            continue
        name = exception_id(state, kind, one.name)
        names.add(name)
        table.gone_us.pop(name, None)
        if (known := table.open(name)) is None:
            _hold(policy, state, kind, one, moment, out)
        elif _moved(policy, known.level, one.level):
            update(state, known, details_of(state, one, moment[1]), one.level, moment, out)
    for known in table.open_of(kind):
        if known.exception_id not in names and _is_gone(policy, state, known.exception_id, moment[1]):
            close_exception(state, known, "resolved", "over" if policy.on else "turned_off", moment, out)
    for name in [name for name in table.since_us if name not in names and name.startswith(exception_id(state, kind, ""))]:
        del table.since_us[name]


def _hold(policy: ConditionPolicy, state: FleetState, kind: str, one: Found, moment: Moment, out: Outputs) -> None:
    """A condition that is no exception yet: it opens when it has held for long enough, and was not told lately."""
    table, name = state.exceptions, exception_id(state, kind, one.name)
    since_us = table.since_us.setdefault(name, moment[1])
    before = table.known.get(name)
    if moment[1] - since_us < policy.hold_s * 1e6:
        return
    if before is not None and moment[1] - before.opened_us < policy.reopen_after_s * 1e6:
        return
    del table.since_us[name]
    begin(state, kind, one, moment, out)


def begin(state: FleetState, kind: str, one: Found, moment: Moment, out: Outputs) -> None:
    """Open an exception about what was found."""
    vehicle_id = state.vehicle_ids[one.row] if one.row >= 0 else None
    open_exception(state, About(kind, one.name, one.subject, vehicle_id), details_of(state, one, moment[1]), one.level, moment, out)


def _moved(policy: ConditionPolicy, told: float, level: float) -> bool:
    if told <= 0:
        return level > 0
    return level >= policy.worse_by * told or level * policy.worse_by <= told


def _is_gone(policy: ConditionPolicy, state: FleetState, name: str, now_us: int) -> bool:
    since_us = state.exceptions.gone_us.setdefault(name, now_us)
    return not policy.on or now_us - since_us >= policy.clear_s * 1e6


def details_of(state: FleetState, one: Found, now_us: int) -> dict[str, object]:
    """What is said of what was found: itself, whom it harms, what it rests on, how long there is to act."""
    deadline_us = first_deadline_us(state, one.row, one.visits, now_us) if one.visits else MISSING
    evidence = evidence_of(state, one.row) if one.row >= 0 else {"pings": []}
    route = state.route_of(one.row) if one.row >= 0 else None
    return {
        **({} if route is None else {"route_id": route.route_id}),
        **one.details,
        **harm_of(state, one.visits),
        "evidence": evidence,
        "actionable_until": instant_or_none(deadline_us),
    }
