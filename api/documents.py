"""What the API answers: every document is built, encoded and described in OpenAPI from the same class.

Times are RFC 3339: UTC, and under `local` the same moments in the fleet's time zone, to the second, for people.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stream.live.views import Totals
from stream.texts import ID_PATTERN

Word = Literal["open", "arrived", "departed", "completed", "failed", "skipped", "cancelled", "moved"]
"""Where a visit is in its life."""

Why = Word | Literal["route_ended", "route_not_started", "not_estimated_yet"]
"""Why a visit has no estimate: it is not open any more, or nobody is on the way, or nobody has been for long enough."""


class FleetDocument(Struct):
    """A fleet. `now` is how far its log has come; `lag_s` the wall clock minus that, for live fleets; `totals` of its log so far."""

    fleet_id: str
    time_zone: str
    driven: bool
    now: datetime | None
    now_local: datetime | None
    lag_s: float | None
    totals: Totals | None
    open_exceptions: int


class FleetPage(Struct):
    """All fleets, by id."""

    items: list[FleetDocument]


class Estimate(Struct):
    """When a visit will be reached: one in ten is earlier than `p10`, one in two than `p50`, nine in ten than `p90`."""

    p10: datetime
    p50: datetime
    p90: datetime


class Window(Struct):
    """The time window of a visit; null = that side is open."""

    start: datetime | None
    end: datetime | None


class LocalTimes(Struct):
    """The moments of a visit in the fleet's time zone, to the second."""

    time_zone: str
    p10: datetime | None
    p50: datetime | None
    p90: datetime | None
    planned: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    arrived_at: datetime | None
    as_of: datetime | None


class Terms(Struct):
    """What the time from `made_at` to P50 is made of, in seconds that sum up to it."""

    made_at: datetime
    drive_s: int
    service_s: int
    wait_s: int
    break_s: int


class Moved(Struct):
    """By how much each term has moved P50 since the last `eta_updated` about the visit; `most`: which one most, null = nothing moved."""

    drive_s: int
    service_s: int
    wait_s: int
    break_s: int
    most: Literal["drive", "service", "wait", "break"] | None


class EtaDocument(Struct):
    """When a visit will be reached. Without an estimate `eta` is null and `why` says why.

    `p_late`: probability of arriving after the window. `stops_before`: open visits of the route before this one. `as_of`: the fleet's
    now. `basis`: whether the vehicle's newest fix is at most two minutes old.
    """

    fleet_id: str
    visit_id: str
    route_id: str
    vehicle_id: str
    stop_id: str
    order_ref: str | None
    customer_ref: str | None
    state: Word
    eta: Estimate | None
    terms: Terms | None
    moved: Moved | None
    why: Why | None
    p_late: float | None
    at_risk: bool
    window: Window
    planned: datetime | None
    stops_before: int | None
    arrived_at: datetime | None
    done_at: datetime | None
    as_of: datetime | None
    basis: Literal["live", "no_recent_fix"] | None
    local: LocalTimes


class OrderEta(Struct):
    """All visits of an order, in the order of their ids."""

    fleet_id: str
    order_ref: str
    visits: list[EtaDocument]


class OrderRefs(Struct, forbid_unknown_fields=True):
    """Up to 500 orders to ask about at once; without `fleet_id` they are looked for in every fleet."""

    refs: Annotated[list[str], Meta(max_length=500)]
    fleet_id: Annotated[str, Meta(pattern=f"^{ID_PATTERN}$")] | None = None


class OrderResult(Struct):
    """What became of one of the orders: `status` is the HTTP status that it would have had alone (200, 404, 409)."""

    order_ref: str
    status: Literal[200, 404, 409]
    detail: str | None
    order: OrderEta | None


class OrderResults(Struct):
    """A result for each order asked about, in the order of asking."""

    results: list[OrderResult]


class VehicleDocument(Struct):
    """A vehicle: its newest fix, and what it is doing. Everything about the fix is null before the first one.

    Speeds in m/s, `heading_deg` from north, `deviation_s` seconds that the last arrival was behind plan.
    """

    fleet_id: str
    vehicle_id: str
    at: datetime | None
    lat: float | None
    lon: float | None
    cell: str | None
    speed_mps: float | None
    heading_deg: float | None
    accuracy_m: float | None
    deviation_s: float | None
    route_id: str | None
    next_visit_id: str | None
    here_visit_id: str | None
    down: bool
    off_plan: bool
    paused_until: datetime | None
    fence_ids: list[str]
    driver_id: str | None
    capacity: float | None
    skills: list[str]


class VehicleDetail(VehicleDocument):
    """A vehicle with what changes without a fix: `age_s` of the fix by the fleet's now, and the ETA of its next visit."""

    as_of: datetime | None
    age_s: float | None
    time_zone: str
    at_local: datetime | None
    next_visit: EtaDocument | None


class StayDocument(Struct):
    """A stay in a fence, from where the path crossed its edge; `left_at` is null while it goes on."""

    fence_id: str
    entered_at: datetime
    left_at: datetime | None


class VehicleFences(Struct):
    """The fences that a vehicle is in, or was in `at` a time; null = now.

    `as_of`: the fleet's now. What happened behind `last_fix_at`, and in the minute before it, may still be told. `known_from`: ends of
    stays before it are not kept (the last 100 of each vehicle are), or it was not heard of yet, so a time before it is a 410.
    `late_fixes`: fixes of that time came when newer ones were known already. They change nothing of what was told, so this may be wrong.
    """

    fleet_id: str
    vehicle_id: str
    at: datetime | None
    as_of: datetime | None
    last_fix_at: datetime | None
    known_from: datetime | None
    late_fixes: bool
    geofences: list[StayDocument]


class VehiclePage(Struct):
    """Vehicles by fleet and id; `next_cursor` is null on the last page."""

    items: list[VehicleDocument]
    next_cursor: str | None


class RouteVisit(Struct):
    """A visit as it is planned, and as it stands."""

    seq: int
    kind: str
    lat: float
    lon: float
    radius_m: float
    service_s: float | None
    priority: int
    metadata: dict[str, str]
    eta: EtaDocument


class RouteDocument(Struct):
    """A route as it was published last, with all of its visits in planned order."""

    fleet_id: str
    route_id: str
    vehicle_id: str
    plan_version: int
    published_at: datetime | None
    started: bool
    ended_at: datetime | None
    load_ready: bool
    dock_id: str | None
    as_of: datetime | None
    time_zone: str
    visits: list[RouteVisit]
