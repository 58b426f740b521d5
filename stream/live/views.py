"""What stands in Redis about the present: packed rows for what every fix moves, JSON for what seldom changes.

All are written by the engine (`shown`) and read by the API. Times are microseconds since 1970 UTC, `MISSING` where there is none.
"""

import numpy as np
from msgspec import Struct

from eta_models.columns import MISSING
from stream.proposals import Proposal

FIX = np.dtype(
    [
        ("at_us", "<i8"), ("received_us", "<i8"), ("lat", "<f8"), ("lon", "<f8"), ("cell", "<u8"), ("estimated_us", "<i8"),
        ("speed_mps", "<f4"), ("heading_deg", "<f4"), ("accuracy_m", "<f4"), ("deviation_s", "<f4"),
    ]
)  # fmt: skip
"""The newest fix of a vehicle; NaN where a value is not known, and `at_us` MISSING before the first fix."""

VISIT = np.dtype(
    [
        ("state", "i1"), ("planned_us", "<i8"), ("opens_us", "<i8"), ("closes_us", "<i8"), ("arrived_us", "<i8"), ("done_us", "<i8"),
        ("p10_us", "<i8"), ("p50_us", "<i8"), ("p90_us", "<i8"), ("p_late", "<f4"), ("at_risk", "i1"),
        ("by_drive_s", "<i4"), ("by_service_s", "<i2"), ("by_wait_s", "<i4"), ("by_break_s", "<i2"),
        ("moved_drive_s", "<i2"), ("moved_service_s", "<i2"), ("moved_wait_s", "<i2"), ("moved_break_s", "<i2"),
    ]
)  # fmt: skip
"""A visit as it stands, 90 bytes: they are most of what is written. `state` is a `VisitState`; the terms of its P50 are those of
`steps/terms.py` (`by_drive_s` below 0 = none), `moved_..` what each has moved it by since the last `eta_updated`, within nine hours."""


STAY = np.dtype([("entered_us", "<i8"), ("left_us", "<i8"), ("detected_us", "<i8"), ("fence_id", "S64")])
"""A stay in a fence that is over: from when to when, and when the end was known. Ids are at most 64 ASCII characters."""

STAYS_KEPT = 100
"""Stays that are kept of each vehicle, the newest."""


class FleetEntry(Struct, frozen=True):
    """A fleet that has ever sent anything. A driven fleet gets its ticks from whoever plays it."""

    time_zone: str
    driven: bool
    shard: int


class Heartbeat(Struct, frozen=True):
    """A process that is alive: when it last said so (wall clock), since when it runs, how often it was restarted."""

    pid: int
    at_us: int
    started_us: int
    restarts: int = 0
    shards: str = ""


class Totals(Struct, frozen=True):
    """Of a fleet's log so far: entries received, pings among them, late fixes kept, refused by reason; and what the fleet has."""

    received: int
    pings: int
    kept_late: int
    refused: dict[str, int]
    counted: dict[str, int]
    vehicles: int
    routes: int
    fences: int


class FenceStay(Struct, frozen=True, array_like=True):
    """A fence that a vehicle is in, and since when."""

    fence_id: str
    entered_us: int


class VehicleView(Struct, frozen=True):
    """What is known of a vehicle besides its fix."""

    vehicle_id: str
    route_id: str | None
    next_visit_id: str | None
    here_visit_id: str | None
    down: bool
    off_plan: bool
    paused_until_us: int
    fences: list[FenceStay]
    driver_id: str | None
    capacity: float | None
    skills: list[str]
    heard_min: tuple[int, int, int] = (0, 0, 0)
    """As `Vehicles.heard_min`: of its first fix; and of the newest that came late, from when to when."""


class PlannedVisit(Struct, frozen=True):
    """What of a visit seldom changes; its `VISIT` row stands at the same place of the route's packed rows."""

    visit_id: str
    stop_id: str
    seq: int
    kind: str
    lat: float
    lon: float
    radius_m: float
    service_s: float | None
    priority: int
    order_ref: str | None
    customer_ref: str | None
    metadata: dict[str, str]


class RouteView(Struct, frozen=True):
    """A route as it was published last."""

    route_id: str
    vehicle_id: str
    plan_version: int
    published_us: int
    started: bool
    ended_us: int
    load_ready: bool
    dock_id: str | None
    visits: list[PlannedVisit]


class DrawnView(Struct, frozen=True):
    """What a fence was made of, where that is not its area: a circle, a corridor, or something that was repaired."""

    geometry: dict[str, object]
    radius_m: float | None = None
    width_m: float | None = None


class FencePolicyView(Struct, frozen=True):
    """What dispatch has said of the policy of a kind of fences, and since when it holds; the other fields are the fleet's settings."""

    fields: dict[str, float | bool]
    since_us: int


class FenceView(Struct, frozen=True, omit_defaults=True):
    """A fence that the fleet has; names as in `Fence`."""

    fence_id: str
    kind: str
    name: str | None
    geometry: dict[str, object]
    drawn: DrawnView | None = None
    repairs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    valid_from_us: int = MISSING
    valid_until_us: int = MISSING
    vehicle_ids: tuple[str, ...] = ()
    vehicle_tags: tuple[str, ...] = ()


class ProposalsView(Struct, frozen=True):
    """What could be done about an exception: the proposals as they came into the log, and since when they are known."""

    exception_id: str
    made_us: int
    actionable_until_us: int
    proposals: list[Proposal]
    road_times: str = "models"


class ModelView(Struct, frozen=True):
    """A model of a fleet: its name, file and unusual settings, since when, from how many questions, and how it did lately."""

    name: str
    sha256: str | None
    settings: dict[str, float]
    since_us: int
    questions: int
    resets: int
    mae_s: float | None = None
    coverage: float | None = None
    p50_mae_s: float | None = None
    plain_mae_s: float | None = None
    late_skill: float | None = None


class ModelsView(Struct, frozen=True):
    """The model that publishes, and the one beside it."""

    now_us: int
    champion: ModelView
    challenger: ModelView | None = None


class CellsView(Struct, frozen=True):
    """Speeds learned from fixes: H3 cell (hex) -> metres a second, and how many moves they rest on."""

    now_us: int
    cells: dict[str, tuple[float, int]]
