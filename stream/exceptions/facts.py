"""What happens at one moment and is told at the next tick: failed, missed and doubtful stops. It stands until it is mended or expires."""

from eta_models.columns import MISSING
from stream.exceptions.found import Fact, Found
from stream.exceptions.kind_policy import FactPolicy
from stream.exceptions.life import Moment, close_exception, exception_id, update
from stream.exceptions.pod_mismatch import is_mismatch
from stream.exceptions.policies import ExceptionPolicies, in_force
from stream.exceptions.stop_failed import try_again_us
from stream.exceptions.table import MOST_ATTEMPTS
from stream.exceptions.watch import begin, details_of
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Outputs
from stream.visit_events import visit_event
from stream.visits import OPEN, SKIPPED

FACTS = ("pod_mismatch", "stop_failed", "missed_stop", "out_of_sequence")
MENDED = ("missed_stop", "out_of_sequence")
"""Kinds that are over when their visit is reached."""


def tell_facts(policies: ExceptionPolicies, state: FleetState, moment: Moment, out: Outputs) -> None:
    """Open what was noted since the last tick, in log order, and close what is mended or too old."""
    facts = sorted(state.exceptions.facts, key=lambda fact: (fact.position, fact.kind, fact.visit_id))
    state.exceptions.facts.clear()
    for fact in facts:
        policy = in_force(getattr(policies, fact.kind), fact.kind, state.exceptions)
        if policy.on and (found := _found(policies, state, fact)) is not None:
            _tell(state, fact.kind, found, moment, out)
    for kind in FACTS:
        _let_go(in_force(getattr(policies, kind), kind, state.exceptions), state, kind, moment, out)


def _found(policies: ExceptionPolicies, state: FleetState, fact: Fact) -> Found | None:
    visit, row = state.visit_rows.get(fact.visit_id, -1), state.vehicle_rows.get(fact.vehicle_id, -1)
    if visit < 0 or row < 0 or _is_minor(policies, state, fact):
        return None
    visits = _unmended(state, fact.kind, visit, fact.details)
    if fact.kind in MENDED and not visits:
        return None
    told: dict[str, object] = {**visit_event(state, fact.kind, row, visit, 0, 0, {}).data, **fact.details}
    told |= {"happened_at": instant_or_none(fact.at_us)}
    level = 1.0
    if fact.kind == "pod_mismatch":
        cause = is_mismatch(in_force(policies.pod_mismatch, fact.kind, state.exceptions), fact.details)
        if cause is None:
            return None
        told["cause"] = cause
    if fact.kind == "stop_failed":
        attempts = _count_attempt(state, visit)
        policy = in_force(policies.stop_failed, fact.kind, state.exceptions)
        again_us = try_again_us(policy, state, row, visit, fact.at_us, attempts)
        told, level = {**told, "attempts": attempts, "try_again_at": instant_or_none(again_us)}, float(attempts)
    return Found(fact.visit_id, f"visit/{fact.visit_id}", row, visits, level, told)


def _unmended(state: FleetState, kind: str, visit: int, details: dict[str, object]) -> list[int]:
    """The visits that suffer: the one that was missed and is not reached yet, those that should have come before; else the visit itself."""
    if kind not in MENDED:
        return [visit]
    named = details.get("open_before")
    rows = [state.visit_rows.get(str(name), -1) for name in named] if isinstance(named, list) else [visit]
    return [row for row in rows if row >= 0 and state.visits.arrived_us[row] == MISSING and state.visits.state[row] in (OPEN, SKIPPED)]


def _is_minor(policies: ExceptionPolicies, state: FleetState, fact: Fact) -> bool:
    """A stop at which nothing takes time is passed by because nobody waits there."""
    least_s = getattr(in_force(getattr(policies, fact.kind), fact.kind, state.exceptions), "least_service_s", None)
    return least_s is not None and float(str(fact.details.get("planned_service_s", 0.0))) < least_s


def _count_attempt(state: FleetState, visit: int) -> int:
    """How many attempts of an order have failed, this one among them: orders come back under other visits."""
    table, names = state.exceptions.attempts, state.names[visit]
    order = names.order_ref or names.visit_id
    table[order] = attempts = table.pop(order, 0) + 1
    while len(table) > MOST_ATTEMPTS:
        del table[next(iter(table))]
    return attempts


def _tell(state: FleetState, kind: str, found: Found, moment: Moment, out: Outputs) -> None:
    known = state.exceptions.open(exception_id(state, kind, found.name))
    if known is None:
        begin(state, kind, found, moment, out)
    else:
        update(state, known, details_of(state, found, moment[1]), found.level, moment, out)


def _let_go(policy: FactPolicy, state: FleetState, kind: str, moment: Moment, out: Outputs) -> None:
    stands_us = round(policy.stands_s * 1e6)
    for known in state.exceptions.open_of(kind):
        visit = state.visit_rows.get(known.subject.partition("/")[2], -1)
        if not policy.on:
            close_exception(state, known, "resolved", "turned_off", moment, out)
        elif kind in MENDED and visit >= 0 and not _unmended(state, kind, visit, known.details):
            close_exception(state, known, "resolved", "reached", moment, out)
        elif moment[1] - known.opened_us >= stands_us:
            close_exception(state, known, "expired", "too_old", moment, out)
