"""One visit of a plan, as messages that publish or add visits carry it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from stream.moments import Moment

Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # fits a 64-bit column
StopKind = Literal["pickup", "delivery", "hub", "break", "handover"]


class PlannedStop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One visit of a route. `visit_id` defaults to the route and the position at which the visit was first published.

    `load` is what it takes of the vehicle's capacity, in the same units; `skills` are what the vehicle must have.
    `connects_to_visit_id` is the visit of another vehicle that carries on what is brought here.
    A `handover` is where goods come over from the vehicle that its metadata names (`from_vehicle_id`).
    """

    stop_id: str
    lat: float
    lon: float
    seq: Whole
    visit_id: str | None = None
    kind: StopKind = "delivery"
    radius_m: float = 60.0
    planned_arrival: Moment | None = None
    window_start: Moment | None = None
    window_end: Moment | None = None
    service_s: float | None = None
    priority: Whole = 0
    load: float | None = None
    skills: list[str] = []
    connects_to_visit_id: str | None = None
    order_ref: str | None = None
    customer_ref: str | None = None
    metadata: dict[str, str] = {}
