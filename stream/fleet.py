"""The state of one fleet: a pure function of its log."""

from dataclasses import dataclass, field

from eta_models.columns import MISSING
from eta_models.model import EtaModel
from geofences.fence_index import FenceIndex
from geofences.fences import Fence
from msgspec import Struct
from stream.vehicles import Vehicles
from stream.visits import Visits


class Route(Struct):
    """One vehicle's ordered visits: rows `first .. end - 1` of the visit table."""

    route_id: str
    number: int
    vehicle: int
    first: int
    end: int
    plan_version: int
    position: int
    published_us: int
    started: bool = False
    ended_us: int = MISSING
    load_ready: bool = False
    dock_id: str | None = None


class VisitNames(Struct, frozen=True):
    """What a visit is called, and what is passed through unread."""

    visit_id: str
    route_id: str
    stop_id: str
    seq: int
    kind: str
    priority: int
    order_ref: str | None
    customer_ref: str | None
    metadata: dict[str, str]


class VehicleFacts(Struct, frozen=True):
    """What dispatch says of a vehicle, unread by the hot path."""

    driver_id: str | None = None
    capacity: float | None = None
    skills: tuple[str, ...] = ()
    shift_start_us: int = MISSING
    shift_end_us: int = MISSING
    loaded_visit_ids: tuple[str, ...] = ()


class Truth(Struct, frozen=True, array_like=True):
    """Something that happened and will be learned at the next tick, in log order.

    `kind` is "leg" or "stay" (`took_s` is how long), "arrival" (`at_us` answers the chain `question`) or "no_arrival".
    """

    position: int
    kind: str
    visit: int
    took_s: float = 0.0
    at_us: int = MISSING
    question: int = -1


@dataclass(slots=True)
class FleetState:
    """All that one fleet knows. `now_us` never goes back; `position` is the last applied log entry; `scalar_rows` counts looks at single rows."""

    fleet_id: str
    model: EtaModel
    now_us: int = MISSING
    position: int = -1
    sequence: int = 0
    estimates_made: int = 0
    visit_numbers: int = 0
    route_numbers: int = 0
    received: int = 0
    pings: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    kept_late: int = 0
    scalar_rows: int = 0
    utc_offset_s: int = 0
    vehicles: Vehicles = field(default_factory=Vehicles)
    vehicle_ids: list[str] = field(default_factory=list)
    vehicle_rows: dict[str, int] = field(default_factory=dict)
    facts: dict[str, VehicleFacts] = field(default_factory=dict)
    visits: Visits = field(default_factory=Visits)
    names: list[VisitNames] = field(default_factory=list)
    visit_rows: dict[str, int] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    route_ids: dict[int, str] = field(default_factory=dict)
    fences: dict[str, Fence] = field(default_factory=dict)
    fence_index: FenceIndex = field(default_factory=lambda: FenceIndex(()))
    fences_of: dict[int, frozenset[str]] = field(default_factory=dict)
    truths: list[Truth] = field(default_factory=list)

    def vehicle(self, vehicle_id: str) -> int:
        """The row of a vehicle, made at its first appearance."""
        row = self.vehicle_rows.get(vehicle_id)
        if row is None:
            row = self.vehicles.add(1)
            self.vehicle_rows[vehicle_id] = row
            self.vehicle_ids.append(vehicle_id)
        return row

    def route(self, route_id: str, vehicle_id: str, position: int) -> Route | None:
        """The route of this id, if it was this vehicle's when the log had come to `position`."""
        route = self.routes.get(route_id)
        return None if route is None or route.position > position or self.vehicle_ids[route.vehicle] != vehicle_id else route

    def route_of(self, vehicle: int) -> Route | None:
        """The started route of a vehicle."""
        number = int(self.vehicles.route[vehicle])
        return self.routes[self.route_ids[number]] if number >= 0 else None
