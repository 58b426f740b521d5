"""The state of one fleet: a pure function of its log."""

from dataclasses import dataclass, field, fields

from msgspec import Struct

from eta_models.columns import MISSING
from eta_models.contest import Contest, Named
from eta_models.model import EtaModel
from eta_models.speeds import Speeds
from geofences.fence_index import FenceIndex
from geofences.fences import Fence
from stream.clearings import Clearings
from stream.contacts import Contacts
from stream.corridors import Corridors
from stream.exceptions.table import Exceptions
from stream.fence_rules import FenceRules
from stream.model_parts import Parts
from stream.open_proposals import OpenProposals, Settling
from stream.outputs import Numbered
from stream.question_messages import CandidatesAsked, WhatIfAsked
from stream.road_times import RoadTimes
from stream.slowed import Slowed, ToldSpeeds
from stream.troubles import Trouble
from stream.vehicles import Vehicles
from stream.visits import Visits


class Route(Struct, gc=False):
    """One vehicle's ordered visits: rows `first .. end - 1` of the visit table. In no cycle, so the collector need not look at it."""

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
    visits_named: int = 0
    """Visits ever published for it: the next default name."""
    added: list[tuple[str, int]] = []
    """Stop and time of every `stop_added` without a `visit_id`, to know it when it is repeated."""
    load_ready: bool = False
    dock_id: str | None = None
    departs_us: int = MISSING
    """Planned departure; when its goods shall stand ready (`load_by_us`); after when it must not leave any more (`cutoff_us`)."""
    load_by_us: int = MISSING
    cutoff_us: int = MISSING


class VisitNames(Struct, frozen=True, gc=False):
    """What a visit is called, and what is passed through unread. There are many, in no cycle: the collector need not look at them."""

    visit_id: str
    route_id: str
    stop_id: str
    seq: int
    kind: str
    priority: int
    order_ref: str | None
    customer_ref: str | None
    metadata: dict[str, str]
    load: float | None = None
    skills: tuple[str, ...] = ()
    connects_to_visit_id: str | None = None
    fetched_at: str | None = None
    """The visit at which its vehicle fetches its goods from another one, as an accepted proposal says."""


class Dropped(Struct, frozen=True, array_like=True):
    """A visit that a new plan left out: what must count on should it come back, so that no event id is given twice."""

    at_us: int
    shows: int
    revisions: int


class VehicleFacts(Struct, frozen=True):
    """What dispatch says of a vehicle, unread by the hot path."""

    driver_id: str | None = None
    capacity: float | None = None
    skills: tuple[str, ...] = ()
    shift_start_us: int = MISSING
    shift_end_us: int = MISSING
    loaded_visit_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Truth(Struct, frozen=True, array_like=True):
    """Something that happened and will be learned at the next tick, in log order.

    `kind` is "leg" or "stay" (`took_s` is how long), "arrival" (`at_us` answers the chain `question`) or "no_arrival";
    "told" or "stood" says how a visit ended (`steps/word.py`), "began_there" or "began_elsewhere" how a route began (`first_stop.py`).
    """

    position: int
    kind: str
    visit: int
    took_s: float = 0.0
    at_us: int = MISSING
    question: int = -1
    run: bytes = b""
    """Of a leg: where the vehicle was on it."""


@dataclass(slots=True)
class FleetState:
    """All that one fleet knows.

    `now_us` never goes back; `position` is the last applied log entry; `scalar_rows` counts looks at single rows, `counted` what was
    taken although a field of it was dropped.
    """

    fleet_id: str
    model: EtaModel
    now_us: int = MISSING
    ticked_us: int = MISSING
    position: int = -1
    sequence: int = 0
    estimates_made: int = 0
    visit_numbers: int = 0
    route_numbers: int = 0
    received: int = 0
    pings: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    kept_late: int = 0
    scalar_rows: int = 0
    utc_offset_s: int = 0
    behind_us: int = 0
    """How far behind its log the engine was, as the last tick said."""
    thins: int = 0
    """Whether fixes are thinned since that tick (1)."""
    thinned_told: int = 0
    """Thinned fixes of which an event has told."""
    most_vehicles: int = 20_000
    vehicles: Vehicles = field(default_factory=Vehicles)
    vehicle_ids: list[str] = field(default_factory=list)
    vehicle_rows: dict[str, int] = field(default_factory=dict)
    facts: dict[str, VehicleFacts] = field(default_factory=dict)
    visits: Visits = field(default_factory=Visits)
    names: list[VisitNames] = field(default_factory=list)
    visit_rows: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    route_ids: dict[int, str] = field(default_factory=dict)
    fences: dict[str, Fence] = field(default_factory=dict)
    fence_index: FenceIndex = field(default_factory=lambda: FenceIndex(()))
    fence_told: dict[str, dict[str, float | bool]] = field(default_factory=dict)
    """What dispatch has said of the policies of kinds of fences, and when."""
    fence_told_us: dict[str, int] = field(default_factory=dict)
    fence_corners: int = 0
    """Of all fences together; made again with them."""
    fence_rules: FenceRules | None = None
    """Made from the fences and the settings when they are first needed; no part of a checkpoint."""
    contacts: Contacts = field(default_factory=Contacts)
    clearings: Clearings = field(default_factory=Clearings)
    """Where fixes need no look at fences; no part of a checkpoint."""
    speeds: Speeds = field(default_factory=Speeds)
    truths: list[Truth] = field(default_factory=list)
    recent: list[Numbered] = field(default_factory=list)
    """The last events: should their reader have lost them, they are said again after a restart."""
    told: int = 0
    """Visits of which a driver told the end and had not stood there before, and the others; see `steps/word.py`."""
    untold: int = 0
    began_there: int = 0
    """Routes that were seen to begin at their first stop, and the others; see `steps/first_stop.py`."""
    began_elsewhere: int = 0
    corridors: Corridors = field(default_factory=Corridors)
    exceptions: Exceptions = field(default_factory=Exceptions)
    faults: dict[str, int] = field(default_factory=dict)
    """Pings of a vehicle on which the engine failed, since the last tidying up: after some, its pings are set aside."""

    traffic: dict[int, Slowed] = field(default_factory=dict)
    """What was told of traffic, by H3 cell of the model's areas, the oldest first."""
    told_speeds: dict[int, ToldSpeeds] = field(default_factory=dict)
    """What was told of speeds by hour, by H3 cell of the same kind, the oldest first."""
    told_roads: dict[tuple[str, str], float] = field(default_factory=dict)
    """Seconds between stops that a routing server told since the last working tick."""
    roads: "RoadTimes | None" = None
    """Of a copy of the fleet: whom to ask for road times; no part of a checkpoint."""
    failed: list[str] = field(default_factory=list)
    """Visits that failed of late and may be tried again: the newest 256."""
    asked: dict[str, int] = field(default_factory=dict)
    """Exceptions for which proposals were asked for, and when (us)."""
    proposals: dict[str, OpenProposals] = field(default_factory=dict)
    """What could be done about exceptions, the oldest first."""
    answers: list[bytes] = field(default_factory=list)
    """Proposals that a replay has made and that become known at its next working tick, as messages."""
    settling: dict[str, Settling] = field(default_factory=dict)
    """Visits of which an accepted proposal said when they would be reached."""
    named: Named = Named()
    """What the model is called, and where it comes from; and how often a model of the fleet was changed."""
    model_changes: int = 0
    contest: Contest | None = None
    """A second model, if there is one; and how many estimates such ones have made."""
    beside_made: int = 0
    parts: Parts = field(default_factory=Parts)
    """Pieces of a model file that came."""
    questions: list["Question"] = field(default_factory=list)
    """What is to be solved aside, for whoever carries the flow to take; no part of a checkpoint."""
    replanned: list[str] = field(default_factory=list)
    """Routes that proposals changed, for whoever shows them to take; no part of a checkpoint."""

    def become(self, other: "FleetState") -> None:
        """Take over everything of another state, which must not be used any more."""
        for part in fields(self):
            setattr(self, part.name, getattr(other, part.name))

    def vehicle(self, vehicle_id: str) -> int:
        """The row of a vehicle, made at its first appearance; -1 = the fleet has no room for it."""
        row = self.vehicle_rows.get(vehicle_id, -1)
        if row < 0 and len(self.vehicle_ids) < self.most_vehicles:
            row = self.vehicles.add(1)
            self.vehicle_rows[vehicle_id] = row
            self.vehicle_ids.append(vehicle_id)
        return row

    def route(self, route_id: str, vehicle_id: str, position: int) -> Route | None:
        """The route of this id, if it was this vehicle's when the log had come to `position`."""
        route = self.routes.get(route_id)
        return None if route is None or route.position > position or self.vehicle_ids[route.vehicle] != vehicle_id else route

    def is_driven(self, route: Route) -> bool:
        """Whether it is the route that its vehicle drives now."""
        return bool(self.vehicles.route[route.vehicle] == route.number)

    def route_of(self, vehicle: int) -> Route | None:
        """The started route of a vehicle."""
        number = int(self.vehicles.route[vehicle])
        return self.routes[self.route_ids[number]] if number >= 0 else None


@dataclass(frozen=True, slots=True)
class Question:
    """What could be done about these troubles, or what somebody `asked`: of a copy of the fleet as it was then."""

    tried: FleetState
    troubles: list[Trouble]
    asked: WhatIfAsked | CandidatesAsked | None = None
