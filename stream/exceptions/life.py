"""The life of an exception: opened, updated, closed. Every step is one event that says all that is known of it."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.exceptions.kinds import KINDS
from stream.exceptions.table import MOST_NOTES, DispatchException, Note
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Event, Outputs
from stream.proposals import in_short

Moment = tuple[int, int]
"""The log position that causes a step, and the fleet's now there in microseconds."""


def exception_id(state: FleetState, kind: str, subject_id: str) -> str:
    """The id of an exception: what it is about has at most one of each kind."""
    return f"{state.fleet_id}:{kind}:{subject_id}"


class About(NamedTuple):
    """What an exception is about. `name` makes its id unique within fleet and kind."""

    kind: str
    name: str
    subject: str
    vehicle_id: str | None


def open_exception(
    state: FleetState, about: About, details: dict[str, object], level: float, moment: Moment, out: Outputs
) -> DispatchException:
    """A condition becomes an exception, or one that was closed opens again."""
    table, found_id = state.exceptions, exception_id(state, about.kind, about.name)
    before = table.known.get(found_id)
    episode = 1 + (before.episode if before is not None else table.episodes.pop(found_id, 0))
    opened = DispatchException(found_id, about.kind, about.subject, about.vehicle_id, episode, moment[1], details, level, moment[1])
    return tell(state, opened, "opened", moment, out)


def update(
    state: FleetState, exception: DispatchException, details: dict[str, object], level: float, moment: Moment, out: Outputs
) -> DispatchException:
    """It is worse or better than what was told last. Who has snoozed it hears nothing."""
    more = {**details, "change": "worse" if level >= exception.level else "better"}
    new = replace(exception, details=more, level=level, told_us=moment[1])
    if exception.snoozed_until_us != MISSING:
        state.exceptions.put(new)
        return new
    return tell(state, new, "updated", moment, out)


def close_exception(
    state: FleetState,
    exception: DispatchException,
    how: str,
    reason: str,
    moment: Moment,
    out: Outputs,
    details: Mapping[str, object] | None = None,
) -> DispatchException:
    """It has an end: `resolved`, `expired` (nobody knows any more) or `superseded` (another exception speaks for it)."""
    state.exceptions.gone_us.pop(exception.exception_id, None)
    known = {**exception.details, **(details or {})}
    return tell(state, replace(exception, closed=how, closed_us=moment[1], reason=reason, details=known), how, moment, out)


def tell(
    state: FleetState, exception: DispatchException, phase: str, moment: Moment, out: Outputs, at_us: int = MISSING
) -> DispatchException:
    """Keep it as it is now, and say so."""
    number = "" if phase in {"opened", "resolved", "expired", "superseded"} else f":{exception.updates + 1}"
    if number:
        exception = replace(exception, updates=exception.updates + 1)
    state.exceptions.put(exception)
    key = f"{exception.exception_id.removeprefix(state.fleet_id + ':')}:{exception.episode}{number}"
    occurred_us = moment[1] if at_us == MISSING else at_us
    said = document(exception) | (_proposed(state, exception.exception_id) if exception.is_open else {})
    out.emit(moment[0], Event(f"exception_{phase}", key, exception.subject, occurred_us, moment[1], said))
    return exception


def propose(state: FleetState, exception_id: str, moment: Moment, out: Outputs) -> None:
    """There is something new that could be done about it. Who has snoozed it hears nothing."""
    exception = state.exceptions.open(exception_id)
    if exception is not None and exception.snoozed_until_us == MISSING:
        tell(state, replace(exception, details={**exception.details, "change": "proposed"}), "updated", moment, out)


def acted_on(state: FleetState, exception_id: str, note: Note, moment: Moment, out: Outputs) -> None:
    """A proposal was accepted: somebody acts from now on, and `note` says who, and what stays at risk. It closes when its cause is gone."""
    exception = state.exceptions.open(exception_id)
    if exception is None:
        return
    acted_us = note.at_us if exception.acted_us == MISSING else exception.acted_us
    notes, details = (*exception.notes, note)[-MOST_NOTES:], {**exception.details, "change": "accepted"}
    new = replace(exception, acted_us=acted_us, notes=notes, details=details)
    if exception.snoozed_until_us == MISSING:
        tell(state, new, "updated", moment, out)
    else:
        state.exceptions.put(new)


def _proposed(state: FleetState, exception_id: str) -> dict[str, object]:
    """What could be done about it, the best first, in short. Proposals know better than a crow until when something helps."""
    known = state.proposals.get(exception_id)
    if known is None:
        return {}
    said: dict[str, object] = {"proposals": [in_short(proposal) for proposal in known.proposals]}
    until = instant_or_none(known.actionable_until_us)
    return said if until is None else {**said, "actionable_until": until}


def document(exception: DispatchException) -> dict[str, object]:
    """An exception as its events say it."""
    life: dict[str, object] = {
        "exception_id": exception.exception_id,
        "exception_kind": exception.kind,
        "episode": exception.episode,
        "status": exception.status,
        "severity": KINDS[exception.kind].severity,
        "tell_first": list(KINDS[exception.kind].tell_first),
        "clock": {
            "opened_at": instant_or_none(exception.opened_us),
            "acknowledged_at": instant_or_none(exception.acknowledged_us),
            "acted_at": instant_or_none(exception.acted_us),
            "closed_at": instant_or_none(exception.closed_us),
        },
        "acknowledged_by": exception.acknowledged_by,
        "assigned_to": exception.assigned_to,
        "snoozed_until": instant_or_none(exception.snoozed_until_us),
        "notes": [{"at": instant_or_none(note.at_us), "by": note.by, "text": note.text} for note in exception.notes[-MOST_NOTES:]],
    }
    told = {"vehicle_id": exception.vehicle_id, **exception.details, **life}
    return told if exception.reason is None else {**told, "reason": exception.reason}
