"""A vehicle has broken down: one exception opens at once, and those that it explains are superseded."""

from stream.exceptions.life import Moment, close_exception, exception_id, update
from stream.exceptions.policies import ExceptionPolicies, in_force
from stream.exceptions.vehicle_down import CHILDREN, found_down
from stream.exceptions.watch import begin, details_of
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.risk import leave


def break_down(
    policies: ExceptionPolicies,
    state: FleetState,
    row: int,
    cause: str | None,
    moment: Moment,
    out: Outputs,
    more: dict[str, object] | None = None,
) -> None:
    """Told by a message about one vehicle, or presumed: it touches only what is known of that one. Word about a presumed one is news."""
    name = exception_id(state, "vehicle_down", state.vehicle_ids[row])
    policy, known = in_force(policies.vehicle_down, "vehicle_down", state.exceptions), state.exceptions.open(name)
    found = found_down(state, row, cause)
    found.details["presumed"] = more is not None
    found.details.update(more or {})
    if known is not None and known.details.get("presumed") and more is None:
        update(state, known, details_of(state, found, moment[1]), found.level, moment, out)
    if not policy.on or known is not None:
        return
    begin(state, "vehicle_down", found, moment, out)
    for kind in CHILDREN:
        for child in state.exceptions.open_of(kind):
            if child.vehicle_id != state.vehicle_ids[row]:
                continue
            close_exception(state, child, "superseded", "vehicle_down", moment, out, {"superseded_by": name})
            visit = state.visit_rows.get(child.subject.removeprefix("visit/"), -1)
            if kind == "late_risk" and visit >= 0:
                leave(state, visit)
