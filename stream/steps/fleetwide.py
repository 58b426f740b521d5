"""Messages that concern the whole fleet: ticks, fences, visits that change vehicles, and facts about routes and exceptions."""

import numpy as np

from eta_models.columns import MISSING
from stream.batches import Notice
from stream.exception_messages import ExceptionDeed, ExceptionMessage, PolicyPut
from stream.exceptions.deeds import do, put_policy, wake
from stream.exceptions.eta_quality import look_back
from stream.exceptions.facts import tell_facts
from stream.exceptions.policies import in_force
from stream.exceptions.presumed import presume
from stream.exceptions.tidy import forget_exceptions
from stream.exceptions.watch import watch
from stream.fence_messages import FencePolicyPut
from stream.fence_policies import put_fence_policy
from stream.fleet import FleetState
from stream.messages import (
    AvailabilityConfirmed,
    DockAssigned,
    FencePut,
    FenceRemoved,
    HandedOver,
    LoadReady,
    ProposalMessage,
    RoutePublished,
    StopAdded,
    StopReassigned,
    Tick,
    TrafficMessage,
)
from stream.model_messages import ChallengerDropped, ChallengerPut, ModelPart, ModelPromoted, ModelPut
from stream.outputs import Event, Outputs
from stream.proposal_messages import ProposalAccepted, ProposalsMade
from stream.question_messages import CandidatesAsked, WhatIfAsked
from stream.reasons import Reason
from stream.reassign.ask import ask as ask_solver
from stream.reassign.ask import wonder
from stream.road_messages import RoadTimesPut
from stream.rounds import ask
from stream.settings import FleetSettings
from stream.steps.goods import hand_over
from stream.steps.learn import learn
from stream.steps.models import change_models
from stream.steps.notices import refuse
from stream.steps.plans import add_stop, publish_route, reassign_stop
from stream.steps.reassign import accept_proposal, forget_proposals, note_proposals, settle_proposals, take_answers
from stream.steps.refence import change_fence, expire_fences
from stream.steps.risk import tell_late
from stream.steps.statuses import Facts
from stream.steps.traffic import know_roads, put_roads, put_speeds, put_traffic, slow_down
from stream.tidy import tidy, trim
from stream.traffic_messages import TrafficPut, TrafficSpeedsPut

TIDY_EVERY_US = 600_000_000
"""How often rows of routes that are over are dropped, in log time."""


def apply_fleetwide(settings: FleetSettings, state: FleetState, notice: Notice, now_us: int, out: Outputs) -> None:
    """Apply one message that concerns the whole fleet."""
    facts, message = Facts(notice.position, notice.at_us, now_us), notice.message
    reason = None
    match message:
        case Tick():
            _tell_thinned(state, facts, message, out)
            tick(settings, state, facts, out)
        case RoutePublished():
            reason = publish_route(state, facts, message, out)
        case StopAdded():
            reason = add_stop(state, facts, message, out)
        case StopReassigned():
            reason = reassign_stop(state, facts, message, out)
        case FencePut() | FenceRemoved():
            reason = change_fence(settings.fences, state, facts.position, facts.now_us, message, out)
        case LoadReady() | DockAssigned():
            reason = _route_fact(state, message)
        case PolicyPut() | FencePolicyPut() | ExceptionDeed():
            reason = _told_by_dispatch(state, facts, message, out)
        case ProposalsMade() | ProposalAccepted() | WhatIfAsked() | CandidatesAsked():
            reason = _proposal(settings, state, facts, message, out)
        case ModelPart() | ModelPut() | ChallengerPut() | ChallengerDropped() | ModelPromoted():
            reason = change_models(settings.model, state, facts, message, out)
        case HandedOver() | AvailabilityConfirmed() | TrafficPut() | TrafficSpeedsPut() | RoadTimesPut():
            reason = _fact(state, facts, message)
        case _:
            reason = Reason.UNKNOWN_TYPE
    state.now_us = max(state.now_us, now_us)
    if reason is not None:
        refuse(notice, reason, out)


def _fact(state: FleetState, facts: Facts, message: HandedOver | AvailabilityConfirmed | TrafficMessage) -> Reason | None:
    """What somebody outside says of a visit, or of the roads."""
    if isinstance(message, TrafficPut):
        return put_traffic(state, facts, message)
    if isinstance(message, RoadTimesPut):
        put_roads(state, message)
        return None
    if isinstance(message, TrafficSpeedsPut):
        return put_speeds(state, facts, message)
    if message.visit_id not in state.visit_rows:
        return Reason.UNKNOWN_VISIT
    if isinstance(message, HandedOver):
        hand_over(state, message.visit_id, message.from_vehicle_id, message.to_vehicle_id)
    return None


def _told_by_dispatch(state: FleetState, facts: Facts, message: ExceptionMessage | FencePolicyPut, out: Outputs) -> Reason | None:
    """By which policies exceptions open and fences count, and what dispatchers do with exceptions."""
    if isinstance(message, FencePolicyPut):
        return put_fence_policy(state, facts.now_us, message)
    if isinstance(message, PolicyPut):
        return put_policy(state, message)
    return do(state, message, facts.at_us, (facts.position, facts.now_us), out)


def _proposal(settings: FleetSettings, state: FleetState, facts: Facts, message: ProposalMessage, out: Outputs) -> Reason | None:
    """What could be done about an exception, what is to be done, and what somebody would like to know."""
    if isinstance(message, ProposalAccepted):
        return accept_proposal(state, facts, message, out)
    if isinstance(message, ProposalsMade):
        note_proposals(settings.reassign, state, facts, message, out)
    else:
        wonder(settings.reassign, state, facts.position, message)
    return None


def tick(settings: FleetSettings, state: FleetState, facts: Facts, out: Outputs) -> None:
    """Time has come this far: what was true is learned, silent vehicles are estimated anew, what is over is dropped."""
    state.now_us = max(state.now_us, facts.now_us)
    before_us, state.ticked_us = state.ticked_us, state.now_us
    state.utc_offset_s = settings.utc_offset_s(state.now_us)
    expire_fences(settings.fences, state, facts.position, state.now_us, out)
    look_back(state)
    learn(state, facts.position, out)
    state.corridors.learn()
    know_roads(state)
    slow_down(state, state.now_us)
    trim(state)
    state.speeds.trim()
    vehicles = state.vehicles
    rows = np.flatnonzero(vehicles.next[: vehicles.count] >= 0)
    silent = state.now_us - vehicles.estimated_us[rows] >= settings.estimate.silent_step_s * 1e6
    rows = rows[silent]
    count = len(rows)
    if count:
        ask(settings, state, rows, np.full(count, facts.position), np.full(count, state.now_us), np.ones(count, dtype=bool), out)
    _look_after(settings, state, (facts.position, state.now_us), out)
    take_answers(settings.reassign, state, facts, out)
    settle_proposals(state, facts, out)
    forget_proposals(state, state.now_us)
    ask_solver(settings.reassign, state, facts.position)
    if before_us != MISSING and before_us // TIDY_EVERY_US != state.now_us // TIDY_EVERY_US:
        tidy(state)
        forget_exceptions(state, (facts.position, state.now_us), out)


def _look_after(settings: FleetSettings, state: FleetState, moment: tuple[int, int], out: Outputs) -> None:
    """Exceptions at a tick: what has become late, what happened since the last one, what holds now, what was snoozed until now."""
    policies = settings.exceptions
    tell_late(in_force(policies.late_risk, "late_risk", state.exceptions), state, moment, out)
    tell_facts(policies, state, moment, out)
    presume(policies, state, moment, out)
    watch(policies, state, moment, out)
    wake(state, moment, out)


def _tell_thinned(state: FleetState, facts: Facts, message: Tick, out: Outputs) -> None:
    """How many fixes were passed over since it was told last."""
    here = sum(refusal.reason == Reason.THINNED and refusal.position < facts.position for refusal in out.refusals)
    thinned = state.refused.get(Reason.THINNED, 0) + here
    if thinned > state.thinned_told:
        data: dict[str, object] = {"count": thinned - state.thinned_told, "total": thinned, "behind_s": message.behind_s}
        out.emit(facts.position, Event("pings_thinned", str(thinned), f"fleet/{state.fleet_id}", facts.now_us, facts.now_us, data))
        state.thinned_told = thinned


def _route_fact(state: FleetState, message: LoadReady | DockAssigned) -> Reason | None:
    route = state.routes.get(message.route_id)
    if route is None:
        return Reason.UNKNOWN_ROUTE
    if isinstance(message, LoadReady):
        route.load_ready = True
    else:
        route.dock_id = message.dock_id
    return None
