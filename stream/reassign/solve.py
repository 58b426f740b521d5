"""Proposals for a trouble: what could be tried is tried, priced, and ranked."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.moments import instant, micros
from stream.proposal_messages import ProposalsMade
from stream.proposals import Proposal
from stream.reassign.moves import trials
from stream.reassign.other_times import LAST
from stream.reassign.policy import ReassignPolicy
from stream.reassign.price import price
from stream.reassign.roads import know_roads
from stream.troubles import Trouble


def solve(tried: FleetState, policy: ReassignPolicy, trouble: Trouble) -> ProposalsMade:
    """What could be done about a trouble, as the message that goes back into the log; with no proposals where nothing helps."""
    priced, too_late = list[Proposal](), set[int]()
    for trial in trials(tried, policy, trouble, priced, too_late):
        know_roads(tried, list(trial.orders.values()))
        if (proposal := price(tried, policy, trouble, trial, too_late)) is not None:
            priced.append(proposal)
    ranked = sorted(priced, key=lambda proposal: (proposal.kind in LAST, _cost(policy, proposal)))
    distinct = list({msgspec.msgpack.encode((p.changes, p.windows)): p for p in reversed(ranked)}.values())[::-1]
    numbered = [replace(proposal, number=number) for number, proposal in enumerate(distinct[: policy.most_proposals], start=1)]
    message = ProposalsMade(
        fleet_id=tried.fleet_id,
        at=instant(tried.now_us),
        exception_id=trouble.exception_id,
        made_for=tried.position,
        actionable_until=_actionable_until(tried, trouble, numbered),
        proposals=numbered,
        road_times="models" if tried.roads is None else tried.roads.source or "models",
    )
    while len(message.proposals) > 1 and len(msgspec.json.encode(message)) > policy.most_bytes:
        message = replace(message, proposals=message.proposals[:-1])
    return message


def _cost(policy: ReassignPolicy, proposal: Proposal) -> float:
    return proposal.late_after_s + policy.drive_weight * proposal.drive_added_s


def _actionable_until(tried: FleetState, trouble: Trouble, proposals: list[Proposal]) -> datetime | None:
    """The last moment at which one of the proposals still saves a visit in trouble; None where none does.

    Until the first change is reached nothing is lost by waiting; what has to begin at once may begin later by the slack that is left.
    """
    wanted = {tried.names[row].visit_id: int(tried.visits.closes_us[row]) for row in trouble.visits}
    ends = []
    for proposal in proposals:
        saved = [outlook for outlook in proposal.visits if outlook.visit_id in wanted and outlook.visit_id in proposal.saved_visit_ids]
        slacks = [
            wanted[outlook.visit_id] - micros(outlook.eta_after)
            for outlook in saved
            if outlook.eta_after is not None and wanted[outlook.visit_id] != MISSING
        ]
        if saved and proposal.kind not in LAST:
            ends.append(max(micros(proposal.holds_until), tried.now_us + max(slacks, default=0)))
    return instant(max(ends)) if ends else None
