"""What is possible: the rules on texts, ranges and times for single messages, pure. Nothing is clamped, nothing asks the clock."""

import math
from datetime import datetime

import msgspec
import numpy as np

from stream import messages as m
from stream.fence_messages import FencePolicyPut
from stream.fence_rules import FencePolicy
from stream.judge_pings import judge_pings
from stream.judge_policy import GPS_ROLLOVER_US, METRES_A_DEGREE, YEAR_2000_US, JudgePolicy
from stream.moments import Moment, micros
from stream.planned_stop import PlannedStop
from stream.proof_of_delivery import ProofOfDelivery
from stream.proposal_messages import ProposalsMade
from stream.proposals import Proposal
from stream.question_messages import CandidatesAsked, WhatIfAsked
from stream.reasons import REASONS, Reason
from stream.road_messages import RoadTimesPut
from stream.texts import judge_text
from stream.traffic_messages import TrafficPut, TrafficSpeedsPut

PLAN_FACTS = (m.PlanMessage, m.VehiclePut, m.FencePut, m.FenceRemoved)  # facts about what shall be: may be old when they come


def judge(policy: JudgePolicy, message: m.AnyMessage, received_us: int) -> Reason | None:
    """The first rule that a message breaks, None where it is fine. `received_us`: microseconds since 1970 UTC.

    Checked in this order: every text, number and time wherever it stands, in the order of the fields; `at`; what its type asks
    for. A ping whose ids, numbers and offset are good has the verdict of `judge_pings`.
    """
    if reason := _judge_parts(policy, message):
        return reason
    if isinstance(message, m.Ping):
        return _judge_ping(policy, message, received_us)
    age_s = policy.plan_too_old_s if isinstance(message, PLAN_FACTS) else policy.too_old_s
    return _judge_at(policy, message.at, received_us, age_s) or _judge_type(policy, message, received_us)


def _judge_parts(policy: JudgePolicy, part: msgspec.Struct) -> Reason | None:
    for field in part.__struct_fields__:
        value = getattr(part, field)
        if value is not None and (reason := _judge_value(policy, field, value)):
            return reason
    return None


def _judge_ping(policy: JudgePolicy, ping: m.Ping, received_us: int) -> Reason | None:
    # One row through the columnar rules: there is no second wording of them that could drift away.
    absent = [np.nan if value is None else value for value in (ping.speed_mps, ping.heading_deg, ping.accuracy_m)]
    lat, lon, speed, heading, accuracy = np.array([[ping.lat], [ping.lon], *([value] for value in absent)], np.float64)
    codes = judge_pings(policy, np.array([received_us]), np.array([micros(ping.at)]), lat, lon, speed, heading, accuracy)
    return REASONS[int(codes[0])]


def _judge_at(policy: JudgePolicy, at: Moment, received_us: int, age_s: int) -> Reason | None:
    """The plain twin of `_time_rules`; a test holds the two together."""
    at_us = micros(at)
    if abs(at_us - (received_us - GPS_ROLLOVER_US)) <= policy.rollover_slack_s * 1_000_000:
        return Reason.TS_GPS_ROLLOVER
    if at_us < YEAR_2000_US:
        return Reason.TS_RANGE
    if at_us > received_us + policy.future_s * 1_000_000:
        return Reason.TS_FUTURE
    return Reason.TS_TOO_OLD if at_us < received_us - age_s * 1_000_000 else None


def _judge_place(policy: JudgePolicy, lat: float, lon: float) -> Reason | None:
    """The plain twin of `_place_rules`."""
    near_deg = policy.null_island_m / METRES_A_DEGREE
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return Reason.NOT_FINITE
    if abs(lat) > 90.0:
        return Reason.LAT_RANGE
    if abs(lon) > 180.0:
        return Reason.LON_RANGE
    return Reason.NULL_ISLAND if abs(lat) <= near_deg and abs(lon) <= near_deg else None


def _judge_value(policy: JudgePolicy, field: str, value: object) -> Reason | None:
    """Any value, by its type; keys and values of a dict and parts of a list stand in its field."""
    if isinstance(value, str):
        return judge_text(field, value)
    if isinstance(value, float):
        return None if math.isfinite(value) else Reason.NOT_FINITE
    if isinstance(value, datetime):
        return _judge_instant(policy, field, value)
    if isinstance(value, int):  # milliseconds must fit 64 bits as microseconds too
        bound = 2**53 if field == "at" else 2**63
        return None if -bound <= value < bound else Reason.TS_RANGE if field == "at" else Reason.VALUE_RANGE
    if isinstance(value, msgspec.Struct):
        return _judge_parts(policy, value)
    parts = [part for pair in value.items() for part in pair] if isinstance(value, dict) else value
    return next(filter(None, (_judge_value(policy, field, part) for part in parts if part is not None)), None)  # type: ignore[attr-defined]


def _judge_instant(policy: JudgePolicy, field: str, value: datetime) -> Reason | None:
    if value.tzinfo is None:
        return Reason.NAIVE_TIME
    return None if field == "at" or 2000 <= value.year < policy.planned_before_year else Reason.TS_RANGE


def _judge_type(policy: JudgePolicy, message: m.AnyMessage, received_us: int) -> Reason | None:
    match message:
        case m.RoutePublished() | m.StopAdded() | ProposalsMade() | WhatIfAsked() | CandidatesAsked():
            return _judge_plan(policy, message)
        case m.VehiclePut():
            return _judge_vehicle(policy, message)
        case m.FencePut() | FencePolicyPut() | TrafficPut() | TrafficSpeedsPut() | RoadTimesPut():
            return _judge_area(policy, message)
        case m.DriverBreak(duration_s=lasts_s) | m.Tick(behind_s=lasts_s):
            return None if 0 <= lasts_s <= policy.max_duration_s else Reason.VALUE_RANGE
        case m.VisitFact(visit_id=None, stop_id=None):
            return Reason.MISSING_FIELD
        case m.WindowChanged():
            return _judge_window(message.window_start, message.window_end)
        case m.StopCompleted(proof=ProofOfDelivery() as proof):
            return _judge_proof(policy, proof, received_us)
    return None


def _judge_plan(
    policy: JudgePolicy, message: m.RoutePublished | m.StopAdded | ProposalsMade | WhatIfAsked | CandidatesAsked
) -> Reason | None:
    """Whatever brings visits into a plan, or supposes so."""
    if isinstance(message, WhatIfAsked | CandidatesAsked):
        return _judge_question(policy, message)
    if isinstance(message, ProposalsMade):
        return next(filter(None, (_judge_proposal(policy, proposal) for proposal in message.proposals)), None)
    return _judge_stops(policy, message.stops if isinstance(message, m.RoutePublished) else [message.stop])


def _judge_vehicle(policy: JudgePolicy, vehicle: m.VehiclePut) -> Reason | None:
    if vehicle.capacity is not None and vehicle.capacity < 0:
        return Reason.VALUE_RANGE
    if max(len(vehicle.skills), len(vehicle.loaded_visit_ids or ()), len(vehicle.tags)) > policy.max_list:
        return Reason.TOO_LARGE
    return _judge_window(vehicle.shift_start, vehicle.shift_end)


def _judge_area(policy: JudgePolicy, fence: m.FencePut | FencePolicyPut | m.TrafficMessage) -> Reason | None:
    """A fence's geometry is for those who draw it: `fence_from`; the cell of traffic for the step that takes it."""
    if isinstance(fence, RoadTimesPut):
        return None if all(0 <= leg.duration_s <= policy.max_duration_s for leg in fence.legs) else Reason.VALUE_RANGE
    if isinstance(fence, FencePolicyPut):
        return _judge_fence_policy(fence)
    if isinstance(fence, TrafficSpeedsPut):
        return None if all(mps is None or 0.1 <= mps <= 100.0 for mps in fence.speeds_mps) else Reason.VALUE_RANGE
    if isinstance(fence, TrafficPut):
        slowed = None if 0.1 <= fence.factor <= 10.0 else Reason.VALUE_RANGE
        return slowed or _judge_window(fence.valid_from, fence.valid_until)
    if max(len(fence.tags), len(fence.vehicle_ids), len(fence.vehicle_tags)) > policy.max_list:
        return Reason.TOO_LARGE
    return _judge_window(fence.valid_from, fence.valid_until)


def _judge_fence_policy(message: FencePolicyPut) -> Reason | None:
    try:
        FencePolicy().changed(message.fields)
    except ValueError:
        return Reason.BAD_POLICY
    return None


def _judge_window(start: Moment | None, end: Moment | None) -> Reason | None:
    return Reason.BAD_WINDOW if start is not None and end is not None and micros(start) > micros(end) else None


def _judge_stops(policy: JudgePolicy, stops: list[PlannedStop]) -> Reason | None:
    if reason := next(filter(None, (_judge_place(policy, stop.lat, stop.lon) for stop in stops)), None):
        return reason
    visit_ids = [stop.visit_id for stop in stops if stop.visit_id is not None]
    if len(set(visit_ids)) < len(visit_ids):
        return Reason.BAD_ID
    return next(filter(None, (_judge_stop(policy, stop) for stop in stops)), None)


def _judge_stop(policy: JudgePolicy, stop: PlannedStop) -> Reason | None:
    if not policy.min_radius_m <= stop.radius_m <= policy.max_radius_m:
        return Reason.BAD_RADIUS
    if stop.service_s is not None and not 0 <= stop.service_s <= policy.max_duration_s:
        return Reason.VALUE_RANGE
    if stop.load is not None and stop.load < 0:
        return Reason.VALUE_RANGE
    if len(stop.metadata) > policy.max_metadata or len(stop.skills) > policy.max_list:
        return Reason.TOO_LARGE
    return _judge_window(stop.window_start, stop.window_end)


def _judge_proposal(policy: JudgePolicy, proposal: Proposal) -> Reason | None:
    """What would be put into the plan has to be possible there."""
    if any(abs(visit.shift_s or 0.0) > policy.max_duration_s for visit in proposal.visits):
        return Reason.VALUE_RANGE
    if reason := next(filter(None, (_judge_stops(policy, change.added) for change in proposal.changes)), None):
        return reason
    return next(filter(None, (_judge_window(offer.window_start, offer.window_end) for offer in proposal.windows)), None)


def _judge_question(policy: JudgePolicy, message: WhatIfAsked | CandidatesAsked) -> Reason | None:
    """Places and amounts that can be."""
    if isinstance(message, CandidatesAsked):
        places = [(message.load_lat, message.load_lon)]
        parts = [_judge_stop(policy, message.stop), _judge_place(policy, message.stop.lat, message.stop.lon)]
        possible = 1 <= message.most <= 20
    else:
        places = [(one.lat, one.lon) for one in message.changes]
        parts = [_judge_window(one.window_start, one.window_end) for one in message.changes]
        lasting = all(0 <= (one.delay_s or 0.0) <= policy.max_duration_s for one in message.changes)
        possible = lasting and all(0.1 <= (1.0 if one.factor is None else one.factor) <= 10.0 for one in message.changes)
    known = [_judge_place(policy, lat, lon) for lat, lon in places if lat is not None and lon is not None]
    return next(filter(None, [*parts, *known, None if possible else Reason.VALUE_RANGE]), None)


def _judge_proof(policy: JudgePolicy, proof: ProofOfDelivery, received_us: int) -> Reason | None:
    """A proof may come from a phone without a fix: (0, 0) is no reason to lose the completion."""
    if (proof.lat is None) != (proof.lon is None):
        return Reason.MISSING_FIELD
    reason = None if proof.lat is None or proof.lon is None else _judge_place(policy, proof.lat, proof.lon)
    if reason not in {None, Reason.NULL_ISLAND}:
        return reason
    return None if proof.at is None else _judge_at(policy, proof.at, received_us, policy.plan_too_old_s)
