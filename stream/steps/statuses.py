"""What drivers and their apps say: routes begun and ended, stops reached, left, done, failed. It wins over what positions suggest."""

from msgspec import Struct

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.messages import RouteEnded, RouteStarted, StopArrived, StopCancelled, StopCompleted, StopDeparted, StopFailed, StopSkipped, VisitFact
from stream.outputs import Outputs
from stream.reasons import Reason
from stream.steps.arrivals import Segment, arrive, close, depart, set_next
from stream.visit_events import visit_event
from stream.visits import ARRIVED, CANCELLED, COMPLETED, FAILED, MOVED, OPEN, SKIPPED

SETTLED = (COMPLETED, FAILED, CANCELLED, MOVED)
"""States that nothing reopens."""

CORRECTION_US = 30_000_000
"""An arrival that the driver reports so far from the one that was found replaces it."""


class Facts(Struct, frozen=True):
    """Where in the log a message stands, when it happened, and the fleet's now."""

    position: int
    at_us: int
    now_us: int


def start_route(state: FleetState, facts: Facts, message: RouteStarted, out: Outputs) -> Reason | None:
    """The vehicle sets out; a route that it was still on is over."""
    route = state.route(message.route_id, message.vehicle_id, facts.position)
    if route is None:
        return Reason.UNKNOWN_ROUTE
    if route.started:
        return Reason.DUPLICATE
    vehicles, row = state.vehicles, route.vehicle
    if (before := state.route_of(row)) is not None:
        _end(state, facts, before.route_id, "next_route_started", out)
    route.started = True
    vehicles.route[row] = route.number
    vehicles.here[row] = vehicles.left_visit[row] = -1
    vehicles.left_us[row], vehicles.estimated_us[row] = facts.at_us, MISSING
    vehicles.deviation_s[row] = float("nan")
    known = vehicles.at_us[row] != MISSING
    vehicles.left_lat[row] = vehicles.lat[row] if known else state.visits.lat[route.first]
    vehicles.left_lon[row] = vehicles.lon[row] if known else state.visits.lon[route.first]
    set_next(state, row)
    return None


def end_route(state: FleetState, facts: Facts, message: RouteEnded, out: Outputs) -> Reason | None:
    """The vehicle is done; what is still open stays unvisited."""
    route = state.route(message.route_id, message.vehicle_id, facts.position)
    if route is None:
        return Reason.UNKNOWN_ROUTE
    if route.ended_us != MISSING:
        return Reason.DUPLICATE
    _end(state, facts, message.route_id, "route_ended", out)
    return None


def _end(state: FleetState, facts: Facts, route_id: str, reason: str, out: Outputs) -> None:
    route = state.routes[route_id]
    segment = Segment.of(state, route.vehicle, facts.position, facts.now_us)
    for visit in range(route.first, route.end):
        if state.visits.state[visit] == OPEN:
            close(state, segment, visit, SKIPPED, facts.at_us, reason, out)
    route.ended_us = facts.now_us
    if state.vehicles.route[route.vehicle] == route.number:
        state.vehicles.route[route.vehicle] = state.vehicles.here[route.vehicle] = -1
        set_next(state, route.vehicle)


def find_visit(state: FleetState, position: int, message: VisitFact) -> int | None:
    """The visit a message means: by its id, else the first open one with this stop on the route, else the last one there."""
    if message.visit_id is not None:
        row = state.visit_rows.get(message.visit_id, -1)
        return row if row >= 0 and state.route(state.names[row].route_id, message.vehicle_id, position) else None
    route = state.route(message.route_id, message.vehicle_id, position)
    rows = [] if route is None else [row for row in range(route.first, route.end) if state.names[row].stop_id == message.stop_id]
    return next((row for row in rows if state.visits.state[row] in (OPEN, ARRIVED)), rows[-1] if rows else None)


def report(state: FleetState, facts: Facts, message: VisitFact, out: Outputs) -> Reason | None:
    """One status of one visit. A settled visit is not reopened; the same status twice is a duplicate."""
    visit = find_visit(state, facts.position, message)
    if visit is None:
        return Reason.UNKNOWN_VISIT
    if state.visits.state[visit] in SETTLED:
        return Reason.DUPLICATE
    route = state.routes[state.names[visit].route_id]
    segment = Segment.of(state, route.vehicle, facts.position, facts.now_us)
    state.vehicles.estimated_us[route.vehicle] = MISSING
    match message:
        case StopArrived():
            return _arrived(state, segment, visit, facts.at_us, out)
        case StopDeparted():
            _departed(state, segment, visit, facts.at_us, out)
        case StopCompleted() | StopFailed():
            _done(state, segment, visit, facts.at_us, message, out)
        case StopSkipped() | StopCancelled():
            outcome = SKIPPED if isinstance(message, StopSkipped) else CANCELLED
            close(state, segment, visit, outcome, facts.at_us, message.reason, out)
    return None


def _reach(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs) -> None:
    """An arrival by status; wherever else the vehicle stood, it has left."""
    here = int(state.vehicles.here[segment.row])
    if here >= 0 and here != visit:
        depart(state, segment, here, at_us, out, "status")
    arrive(0.0, state, segment, visit, at_us, "status", out)


def _arrived(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs) -> Reason | None:
    found_us = int(state.visits.arrived_us[visit])
    if found_us == MISSING:
        _reach(state, segment, visit, at_us, out)
        return None
    if abs(found_us - at_us) <= CORRECTION_US:
        return None
    state.visits.arrived_us[visit] = at_us
    event = visit_event(state, "stop_arrived", segment.row, visit, at_us, segment.now_us, {"source": "status", "replaces_position": True})
    out.emit(segment.position, type(event)(event.kind, f"{event.key}:status", event.subject, at_us, segment.now_us, event.data))
    return None


def _departed(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs) -> None:
    if state.visits.arrived_us[visit] == MISSING:
        _reach(state, segment, visit, at_us, out)
    if state.vehicles.here[segment.row] == visit:
        depart(state, segment, visit, at_us, out, "status")


def _done(state: FleetState, segment: Segment, visit: int, at_us: int, message: StopCompleted | StopFailed, out: Outputs) -> None:
    if state.visits.arrived_us[visit] == MISSING:
        _reach(state, segment, visit, at_us, out)
    state.visits.done_us[visit] = at_us
    failed = isinstance(message, StopFailed)
    close(state, segment, visit, FAILED if failed else COMPLETED, at_us, message.reason if isinstance(message, StopFailed) else None, out)
