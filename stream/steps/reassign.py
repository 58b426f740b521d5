"""Proposals in the state: known, accepted or refused, and compared with what came of them."""

from collections.abc import Iterator

import msgspec

from eta_models.columns import MISSING
from stream.exceptions.life import acted_on, propose
from stream.exceptions.table import Note
from stream.fleet import FleetState
from stream.moments import instant_or_none, micros
from stream.open_proposals import OpenProposals, Settling
from stream.outputs import Event, Outputs
from stream.proposal_messages import ProposalAccepted, ProposalsMade
from stream.proposals import Proposal, in_short
from stream.reasons import Reason
from stream.reassign.outlook import promised
from stream.reassign.policy import ReassignPolicy
from stream.steps.changes import change_plan, fits
from stream.steps.statuses import Facts
from stream.visits import OPEN, SKIPPED

RULE = "rule"
"""Who accepts where the fleet's policy does."""
MOST_SETTLING = 2_048
"""Visits of accepted proposals that are waited for; the oldest go first."""

_message = msgspec.json.Decoder(ProposalsMade)


def take_answers(policy: ReassignPolicy, state: FleetState, facts: Facts, out: Outputs) -> None:
    """What a replay has solved at its last working tick becomes known."""
    waiting, state.answers = state.answers, []
    for raw in waiting:
        note_proposals(policy, state, facts, _message.decode(raw), out)


def note_proposals(policy: ReassignPolicy, state: FleetState, facts: Facts, message: ProposalsMade, out: Outputs) -> None:
    """Proposals are there to be accepted; those that no longer fit are left out."""
    holding = [proposal for proposal in message.proposals if _refusal(state, facts, proposal) is None]
    before = state.proposals.pop(message.exception_id, None)
    if not holding:
        return
    until_us = micros(message.actionable_until)
    known = (facts.now_us, message.made_for, until_us, holding, message.road_times)
    state.proposals[message.exception_id] = OpenProposals(message.exception_id, *known)
    while len(state.proposals) > policy.most_open:
        del state.proposals[next(iter(state.proposals))]
    if before is None or _is_news(facts, before.proposals[0], holding[0]):
        said = _summary(message, holding)
        out.emit(facts.position, _event(state, facts, "reassignment_proposed", message.exception_id, str(message.made_for), said))
        propose(state, message.exception_id, (facts.position, facts.now_us), out)
    _accept_by_rule(policy, state, facts, message.exception_id, holding[0], out)


def _is_news(facts: Facts, before: Proposal, now: Proposal) -> bool:
    """The same proposal with newer figures is none, while the one before still holds."""
    return (before.changes, before.windows) != (now.changes, now.windows) or facts.now_us > micros(before.holds_until)


def _accept_by_rule(policy: ReassignPolicy, state: FleetState, facts: Facts, exception_id: str, first: Proposal, out: Outputs) -> None:
    """What the fleet's policy accepts without being asked: a clear gain that makes nobody else late, and asks no customer."""
    gains_s = first.late_before_s - first.late_after_s
    if policy.auto_accept and len(first.late_visit_ids) <= policy.auto_others_late and gains_s >= policy.auto_gain_s and not first.windows:
        _accept(state, facts, exception_id, first, RULE, out)


def _summary(message: ProposalsMade, holding: list[Proposal]) -> dict[str, object]:
    """What an event says of proposals; all of it is at `GET /v1/exceptions/{id}/proposals`."""
    return {"actionable_until": message.actionable_until, "proposals": [in_short(proposal) for proposal in holding]}


def accept_proposal(state: FleetState, facts: Facts, message: ProposalAccepted, out: Outputs) -> Reason | None:
    """A proposal is put into the plan, if all that it is about is as it was."""
    known = state.proposals.get(message.exception_id)
    chosen = next((each for each in known.proposals if each.number == message.number), None) if known is not None else None
    if chosen is None:
        return Reason.UNKNOWN_PROPOSAL
    if (reason := _refusal(state, facts, chosen)) is not None:
        state.asked.pop(message.exception_id, None)
        return reason
    _accept(state, facts, message.exception_id, chosen, message.by, out)
    return None


def _refusal(state: FleetState, facts: Facts, proposal: Proposal) -> Reason | None:
    return Reason.STALE_PROPOSAL if facts.now_us > micros(proposal.holds_until) else fits(state, proposal)


def _accept(state: FleetState, facts: Facts, exception_id: str, proposal: Proposal, by: str, out: Outputs) -> None:
    state.replanned = [*state.replanned, *change_plan(state, facts, proposal, out)][-MOST_SETTLING:]
    state.proposals.pop(exception_id, None)
    state.failed = [visit_id for visit_id in state.failed if not exception_id.endswith(f":stop_failed:{visit_id}")]
    moved = {visit_id for change in proposal.changes for visit_id in change.visit_ids if visit_id not in change.before_visit_ids}
    put_off = {offer.visit_id for offer in proposal.windows} if proposal.kind == "another_day" else set[str]()
    for visit in [each for each in proposal.visits if each.visit_id not in put_off]:
        state.settling.pop(visit.visit_id, None)
        expected = (micros(visit.eta_after), visit.late_after_s, visit.late_before_s)
        state.settling[visit.visit_id] = Settling(exception_id, proposal.number, facts.now_us, *expected, visit.visit_id in moved)
    for name in list(state.settling)[: max(len(state.settling) - MOST_SETTLING, 0)]:
        del state.settling[name]
    still = [visit.visit_id for visit in proposal.visits if (visit.p_late_after or 0.0) >= 0.5 and promised(state, visit.visit_id)]
    said = {"number": proposal.number, "kind": proposal.kind, "by": by, "at_risk_visit_ids": still, "late_after_s": proposal.late_after_s}
    out.emit(facts.position, _event(state, facts, "reassignment_accepted", exception_id, str(facts.position), dict(said)))
    note = Note(facts.at_us, by, f"accepted proposal {proposal.number} ({proposal.kind}): {_left_over(still)}")
    acted_on(state, exception_id, note, (facts.position, facts.now_us), out)


def _left_over(at_risk: list[str]) -> str:
    if not at_risk:
        return "no visit of the routes that it changes is expected late"
    more = f" and {len(at_risk) - 3} others" if len(at_risk) > 3 else ""
    return f"still expected late or not served: {', '.join(at_risk[:3])}{more}"


def forget_proposals(state: FleetState, now_us: int) -> None:
    """Proposals of which none holds any more are none; if the trouble still stands, it is asked about anew."""
    over = [name for name, known in state.proposals.items() if all(micros(one.holds_until) < now_us for one in known.proposals)]
    for name in over:
        del state.proposals[name]
        state.asked.pop(name, None)


def settle_proposals(state: FleetState, facts: Facts, out: Outputs) -> None:
    """Visits of accepted proposals that were reached, or never will be: what was expected, beside what came."""
    over = [(visit_id, row, known) for visit_id, row, known in _settling(state) if row < 0 or _is_over(state, row)]
    for visit_id, row, known in over:
        del state.settling[visit_id]
        arrived_us = int(state.visits.arrived_us[row]) if row >= 0 else MISSING
        closes_us = int(state.visits.closes_us[row]) if row >= 0 else MISSING
        late_s = None if arrived_us == MISSING else max((arrived_us - closes_us) / 1e6, 0.0) if closes_us != MISSING else 0.0
        said: dict[str, object] = {
            "visit_id": visit_id,
            "number": known.number,
            "moved": known.moved,
            "eta_expected": instant_or_none(known.eta_us),
            "arrived_at": instant_or_none(arrived_us),
            "late_expected_s": known.late_s,
            "late_s": late_s,
            "late_without_s": known.before_s,
            "outcome": "reached" if arrived_us != MISSING else "not_reached",
        }
        key = f"{known.accepted_us}:{visit_id}"
        out.emit(facts.position, _event(state, facts, "reassignment_settled", known.exception_id, key, said))


def _is_over(state: FleetState, row: int) -> bool:
    """A visit that was passed by may still be reached, until its route ends."""
    return state.visits.state[row] not in {OPEN, SKIPPED} or state.routes[state.names[row].route_id].ended_us != MISSING


def _settling(state: FleetState) -> Iterator[tuple[str, int, Settling]]:
    return ((visit_id, state.visit_rows.get(visit_id, -1), known) for visit_id, known in state.settling.items())


def _event(state: FleetState, facts: Facts, kind: str, exception_id: str, key: str, said: dict[str, object]) -> Event:
    subject = f"exception/{exception_id}"
    return Event(
        kind,
        f"{exception_id.removeprefix(state.fleet_id + ':')}:{key}",
        subject,
        facts.now_us,
        facts.now_us,
        {"exception_id": exception_id, **said},
    )
