"""Every message that enters: facts in the past tense, immutable, each for one fleet.

Times are aware UTC datetimes, distances metres, durations seconds, angles degrees. When it was received says the log entry.
"""

from typing import Annotated

from msgspec import Meta, Struct

from stream.exception_messages import ExceptionMessage
from stream.fence_messages import FencePolicyPut
from stream.model_messages import ModelMessage
from stream.moments import Moment
from stream.planned_stop import PlannedStop, Whole
from stream.proof_of_delivery import ProofOfDelivery
from stream.proposal_messages import ProposalAccepted, ProposalsMade
from stream.question_messages import CandidatesAsked, WhatIfAsked
from stream.road_messages import RoadTimesPut
from stream.traffic_messages import TrafficPut, TrafficSpeedsPut


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What all messages have. `fleet_id` names the fleet whose log this belongs to; `at` is when the fact happened."""

    fleet_id: str
    at: Moment


class Ping(Message, frozen=True, kw_only=True, tag="ping"):
    """One GPS fix. `seq` is the device's own counter, where it has one."""

    vehicle_id: str
    lat: float
    lon: float
    speed_mps: float | None = None
    heading_deg: float | None = None
    accuracy_m: float | None = None
    seq: Whole | None = None


class RoutePublished(Message, frozen=True, kw_only=True, tag="route_published"):
    """A whole plan of one vehicle, or a new version of it: the stops in the order in which they shall be visited."""

    route_id: str
    vehicle_id: str
    stops: Annotated[list[PlannedStop], Meta(min_length=1, max_length=500)]
    plan_version: Whole = 1
    planned_departure: Moment | None = None
    load_by: Moment | None = None
    wave_cutoff: Moment | None = None


class RouteStarted(Message, frozen=True, kw_only=True, tag="route_started"):
    """The vehicle has set out on the route."""

    route_id: str
    vehicle_id: str


class RouteEnded(Message, frozen=True, kw_only=True, tag="route_ended"):
    """The vehicle is done with the route; what was not visited stays unvisited."""

    route_id: str
    vehicle_id: str


class VisitFact(Message, frozen=True, kw_only=True):
    """A fact about one visit, named by `visit_id`, else by the first open visit of the route with this `stop_id`."""

    route_id: str
    vehicle_id: str
    visit_id: str | None = None
    stop_id: str | None = None


class StopArrived(VisitFact, frozen=True, kw_only=True, tag="stop_arrived"):
    """The driver's app says: arrived."""


class StopDeparted(VisitFact, frozen=True, kw_only=True, tag="stop_departed"):
    """The driver's app says: left."""


class StopCompleted(VisitFact, frozen=True, kw_only=True, tag="stop_completed"):
    """The work at the stop is done."""

    proof: ProofOfDelivery | None = None


class StopFailed(VisitFact, frozen=True, kw_only=True, tag="stop_failed"):
    """The attempt failed, and why."""

    reason: str | None = None


class StopSkipped(VisitFact, frozen=True, kw_only=True, tag="stop_skipped"):
    """The driver passes the stop by; it may be visited later."""

    reason: str | None = None


class StopCancelled(VisitFact, frozen=True, kw_only=True, tag="stop_cancelled"):
    """Nobody waits there any more."""

    reason: str | None = None


class StopAdded(Message, frozen=True, kw_only=True, tag="stop_added"):
    """A visit joins a published route, before the visit `before_visit_id` or at the end."""

    route_id: str
    vehicle_id: str
    stop: PlannedStop
    before_visit_id: str | None = None


class WindowChanged(VisitFact, frozen=True, kw_only=True, tag="window_changed"):
    """The customer wants another time; None takes that side of the window away."""

    window_start: Moment | None = None
    window_end: Moment | None = None


class StopReassigned(VisitFact, frozen=True, kw_only=True, tag="stop_reassigned"):
    """A visit moves to another route (of `to_vehicle_id`), before the visit `before_visit_id` or at the end."""

    to_route_id: str
    to_vehicle_id: str
    before_visit_id: str | None = None


class VehiclePut(Message, frozen=True, kw_only=True, tag="vehicle_put"):
    """What is known of a vehicle: driver, capacity (units of the plan), skills, shift, what is loaded, and tags that fences ask for."""

    vehicle_id: str
    driver_id: str | None = None
    capacity: float | None = None
    skills: list[str] = []
    shift_start: Moment | None = None
    shift_end: Moment | None = None
    loaded_visit_ids: list[str] | None = None
    tags: list[str] = []


class VehicleFact(Message, frozen=True, kw_only=True):
    """A fact about one vehicle."""

    vehicle_id: str
    reason: str | None = None


class VehicleDown(VehicleFact, frozen=True, kw_only=True, tag="vehicle_down"):
    """The vehicle cannot go on."""


class VehicleUp(VehicleFact, frozen=True, kw_only=True, tag="vehicle_up"):
    """The vehicle can go on again."""


class DriverBreak(Message, frozen=True, kw_only=True, tag="driver_break"):
    """The driver pauses now for `duration_s` seconds."""

    vehicle_id: str
    duration_s: float


class LoadReady(Message, frozen=True, kw_only=True, tag="load_ready"):
    """The goods of a route stand ready to load."""

    route_id: str


class DockAssigned(Message, frozen=True, kw_only=True, tag="dock_assigned"):
    """The route loads at this dock."""

    route_id: str
    dock_id: str


class HandedOver(Message, frozen=True, kw_only=True, tag="handed_over"):
    """Goods of a visit went from one vehicle to another."""

    visit_id: str
    from_vehicle_id: str
    to_vehicle_id: str


class AvailabilityConfirmed(Message, frozen=True, kw_only=True, tag="availability_confirmed"):
    """The customer said that somebody will be there."""

    visit_id: str


class FencePut(Message, frozen=True, kw_only=True, tag="fence_put"):
    """A fence as a GeoJSON geometry (lon, lat); it replaces the one with the same id.

    An area, a Point with `radius_m`, or a line with `width_m`. For the vehicles named or with one of the tags named, else for all.
    """

    fence_id: str
    geometry: dict[str, object]
    kind: str = "zone"
    name: str | None = None
    radius_m: float | None = None
    width_m: float | None = None
    tags: list[str] = []
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    vehicle_ids: list[str] = []
    vehicle_tags: list[str] = []


class FenceRemoved(Message, frozen=True, kw_only=True, tag="fence_removed"):
    """The fence is gone."""

    fence_id: str


class Tick(Message, frozen=True, kw_only=True, tag="tick"):
    """Time has come this far, whether or not anybody said anything. `behind_s` is how far behind the engine was with the log."""

    behind_s: float = 0.0


StatusMessage = RouteStarted | RouteEnded | StopArrived | StopDeparted | StopCompleted | StopFailed | StopSkipped | StopCancelled
PlanMessage = RoutePublished | StopAdded | WindowChanged | StopReassigned | AvailabilityConfirmed | LoadReady | DockAssigned
OtherMessage = VehiclePut | VehicleDown | VehicleUp | DriverBreak | HandedOver | FencePut | FenceRemoved | FencePolicyPut | Tick
ProposalMessage = ProposalsMade | ProposalAccepted | WhatIfAsked | CandidatesAsked
TrafficMessage = TrafficPut | TrafficSpeedsPut | RoadTimesPut
AnyMessage = Ping | PlanMessage | StatusMessage | OtherMessage | ExceptionMessage | ProposalMessage | TrafficMessage | ModelMessage
