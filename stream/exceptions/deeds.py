"""What dispatchers do with exceptions: acknowledge, assign, snooze, note. Each is a message in the log, so a replay knows it."""

from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.exception_messages import DeedMessage, ExceptionAcknowledged, ExceptionAssigned, ExceptionNoted, ExceptionSnoozed, PolicyPut
from stream.exceptions.life import Moment, tell
from stream.exceptions.policies import wrong_fields
from stream.exceptions.table import MOST_NOTES, DispatchException, Note
from stream.fleet import FleetState
from stream.moments import micros
from stream.outputs import Outputs
from stream.reasons import Reason


def do(state: FleetState, message: DeedMessage, at_us: int, moment: Moment, out: Outputs) -> Reason | None:
    """Apply what a dispatcher did; a reason where it cannot be: the exception is not open, or that was done before."""
    known = state.exceptions.open(message.exception_id)
    if known is None:
        return Reason.UNKNOWN_EXCEPTION
    match message:
        case ExceptionAcknowledged():
            phase, new = "acknowledged", _acknowledged(known, message.by, at_us)
        case ExceptionAssigned():
            phase, new = "assigned", _assigned(known, message, at_us)
        case ExceptionSnoozed():
            phase, new = "snoozed", _snoozed(known, message, at_us, moment[1])
        case ExceptionNoted():
            note = Note(at_us, message.by, message.text)
            phase, new = "noted", None if note in known.notes else replace(known, notes=(*known.notes, note)[-MOST_NOTES:])
    if new is None:
        return Reason.DUPLICATE
    tell(state, replace(new, details={**new.details, "by": message.by}), phase, moment, out, at_us)
    return None


def _acknowledged(known: DispatchException, by: str, at_us: int) -> DispatchException | None:
    return None if known.acknowledged_us != MISSING else replace(known, acknowledged_us=at_us, acknowledged_by=by)


def _assigned(known: DispatchException, message: ExceptionAssigned, at_us: int) -> DispatchException | None:
    """Who has it; the first time is when somebody began to act. To assign is to have seen."""
    if known.assigned_to == message.to:
        return None
    acted_us = at_us if known.acted_us == MISSING else known.acted_us
    seen = _acknowledged(known, message.by, at_us) or known
    return replace(seen, assigned_to=message.to, acted_us=acted_us)


def _snoozed(known: DispatchException, message: ExceptionSnoozed, at_us: int, now_us: int) -> DispatchException | None:
    """Quiet until then; a moment that has passed ends the quiet at the next tick."""
    until_us = max(micros(message.until), now_us)
    return (
        None if until_us == known.snoozed_until_us else replace(_acknowledged(known, message.by, at_us) or known, snoozed_until_us=until_us)
    )


def wake(state: FleetState, moment: Moment, out: Outputs) -> None:
    """At a tick: what was snoozed until now is told as it is now."""
    for known in state.exceptions.all_open():
        if MISSING != known.snoozed_until_us <= moment[1]:
            details = {**known.details, "change": "woken"}
            tell(state, replace(known, snoozed_until_us=MISSING, told_us=moment[1], details=details), "updated", moment, out)


def put_policy(state: FleetState, message: PolicyPut) -> Reason | None:
    """Dispatch sets fields of a kind's policy, from now on; the others stay as the fleet's settings have them."""
    if wrong_fields(message.kind, message.fields):
        return Reason.BAD_POLICY
    state.exceptions.told[message.kind] = dict(sorted(message.fields.items()))
    return None
