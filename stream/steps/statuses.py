"""What drivers and their apps say: routes begun and ended, stops reached, left, done, failed. It wins over what positions suggest."""

from msgspec import Struct

from eta_models.columns import MISSING
from stream.exceptions.noting import note_fact
from stream.exceptions.pod_mismatch import measured
from stream.fleet import FleetState, Route
from stream.messages import (
    RouteEnded,
    RouteStarted,
    StopArrived,
    StopCancelled,
    StopCompleted,
    StopDeparted,
    StopFailed,
    StopSkipped,
    VisitFact,
)
from stream.outputs import Outputs
from stream.reasons import Reason
from stream.steps.arrivals import CORRECTION_US, Segment, arrive, close, depart, moves, set_next
from stream.steps.first_stop import begin_at_first_stop, note_start
from stream.steps.word import count_untold, hear
from stream.visit_events import visit_event
from stream.visits import ARRIVED, CANCELLED, COMPLETED, DEPARTED, FAILED, MOVED, OPEN, SKIPPED

SETTLED = (COMPLETED, FAILED, CANCELLED, MOVED)
"""States that nothing reopens."""


MOST_FAILED = 256
"""Failed visits that are remembered for another attempt."""


class Facts(Struct, frozen=True):
    """Where in the log a message stands, when it happened, and the fleet's now."""

    position: int
    at_us: int
    now_us: int


def start_route(state: FleetState, facts: Facts, message: RouteStarted, out: Outputs) -> Reason | None:
    """The vehicle sets out; a route that it was still on is over. What is older than the start of that one comes too late."""
    route = state.route(message.route_id, message.vehicle_id, facts.position)
    if route is None:
        return Reason.UNKNOWN_ROUTE
    if route.started:
        return Reason.DUPLICATE
    if route.ended_us != MISSING or facts.at_us < state.vehicles.started_us[route.vehicle]:
        return Reason.TOO_LATE
    set_out(state, facts, route, out)
    return None


def set_out(state: FleetState, facts: Facts, route: Route, out: Outputs) -> None:
    """A vehicle begins to drive a route from where it is."""
    vehicles, row = state.vehicles, route.vehicle
    if (before := state.route_of(row)) is not None:
        _end(state, facts, before, "next_route_started", out)
    route.started = True
    vehicles.down[row] = 0  # who sets out can go on again, whether or not anybody said so
    vehicles.route[row], vehicles.started_us[row] = route.number, facts.at_us
    vehicles.here[row] = vehicles.left_visit[row] = -1
    vehicles.left_us[row], vehicles.estimated_us[row] = facts.at_us, MISSING
    vehicles.deviation_s[row] = float("nan")
    vehicles.left_lat[row], vehicles.left_lon[row] = _sets_out_from(state, route)
    set_next(state, row)
    begin_at_first_stop(state, Segment.of(state, row, facts.position, facts.now_us), facts.at_us, out)


def _sets_out_from(state: FleetState, route: Route) -> tuple[float, float]:
    """Where the vehicle of a route is, degrees; at its first stop, if it never had a fix; NaN where all visits have gone to others, too."""
    vehicles, visits, row = state.vehicles, state.visits, route.vehicle
    if vehicles.at_us[row] != MISSING:
        return float(vehicles.lat[row]), float(vehicles.lon[row])
    if route.first == route.end:
        return float("nan"), float("nan")
    return float(visits.lat[route.first]), float(visits.lon[route.first])


def end_route(state: FleetState, facts: Facts, message: RouteEnded, out: Outputs) -> Reason | None:
    """The vehicle is done; what is still open stays unvisited."""
    route = state.route(message.route_id, message.vehicle_id, facts.position)
    if route is None:
        return Reason.UNKNOWN_ROUTE
    if route.ended_us != MISSING:
        return Reason.DUPLICATE
    _end(state, facts, route, "route_ended", out)
    return None


def _end(state: FleetState, facts: Facts, route: Route, reason: str, out: Outputs) -> None:
    segment = Segment.of(state, route.vehicle, facts.position, facts.now_us)
    count_untold(state, route, facts.position)
    note_start(state, route, facts.position)
    for visit in range(route.first, route.end):
        if state.visits.state[visit] == OPEN:
            close(state, segment, visit, SKIPPED, facts.at_us, reason, out)
    route.ended_us = facts.now_us
    if state.is_driven(route):
        state.vehicles.route[route.vehicle] = state.vehicles.here[route.vehicle] = -1
        set_next(state, route.vehicle)


def _there(state: FleetState, position: int, message: VisitFact) -> list[int]:
    """The visits that a message can mean: the one with its id, else all of the route that have its stop."""
    if message.visit_id is not None:
        row = state.visit_rows.get(message.visit_id, -1)
        return [row] if row >= 0 and state.route(state.names[row].route_id, message.vehicle_id, position) else []
    route = state.route(message.route_id, message.vehicle_id, position)
    return [] if route is None else [row for row in range(route.first, route.end) if state.names[row].stop_id == message.stop_id]


def find_open(state: FleetState, position: int, message: VisitFact) -> int | None:
    """The first open visit that a message can mean."""
    return next((row for row in _there(state, position, message) if state.visits.state[row] == OPEN), None)


def _find_visit(state: FleetState, facts: Facts, message: VisitFact) -> int | None:
    """The visit that a status means. Where a stop is visited twice: the one of which something was said for that very moment (a repeat),
    else where the vehicle stands, else the first that is open or was left without anything reached since; else the last.
    """
    rows, visits = _there(state, facts.position, message), state.visits
    if len(rows) < 2:
        return rows[0] if rows else None
    said = [row for row in rows if facts.at_us in (visits.arrived_us[row], visits.done_us[row])]
    standing = [row for row in rows if visits.state[row] == ARRIVED]
    route = state.routes[message.route_id]
    reached_us = visits.arrived_us[: route.end]
    left = [
        row
        for row in rows
        if visits.state[row] in (DEPARTED, SKIPPED)
        and not ((reached_us[row + 1 :] != MISSING) & (reached_us[row + 1 :] <= facts.at_us)).any()
    ]
    ahead = [row for row in rows if visits.state[row] == OPEN or row in left]
    return [*said, *standing, *ahead, rows[-1]][0]


def report(state: FleetState, facts: Facts, message: VisitFact, out: Outputs) -> Reason | None:
    """One status of one visit. A settled visit is not reopened; the same status twice is a duplicate."""
    visit = _find_visit(state, facts, message)
    if visit is None:
        return Reason.UNKNOWN_VISIT
    known, route = int(state.visits.state[visit]), state.routes[state.names[visit].route_id]
    leaves = isinstance(message, StopDeparted) and state.vehicles.here[route.vehicle] == visit
    if (known in SETTLED and not leaves) or (known == SKIPPED and isinstance(message, StopSkipped)):
        return Reason.DUPLICATE
    segment = Segment.of(state, route.vehicle, facts.position, facts.now_us)
    if state.is_driven(route):
        state.vehicles.estimated_us[route.vehicle] = MISSING
    match message:
        case StopArrived():
            _arrived(state, segment, visit, facts.at_us, out)
        case StopDeparted():
            _departed(state, segment, visit, facts.at_us, out)
        case StopCompleted() | StopFailed():
            _done(state, segment, visit, facts.at_us, message, out)
        case StopSkipped() | StopCancelled():
            state.visits.done_us[visit] = facts.at_us
            outcome = SKIPPED if isinstance(message, StopSkipped) else CANCELLED
            close(state, segment, visit, outcome, facts.at_us, message.reason, out)
    return None


def _reach(state: FleetState, segment: Segment, visit: int, at_us: int, trusted: bool, out: Outputs) -> None:
    """An arrival by status; wherever else the vehicle stood, it has left."""
    here = int(state.vehicles.here[segment.row])
    if here >= 0 and moves(state, segment.row, visit, at_us):
        depart(state, segment, here, at_us, out, "status")
    arrive(state, segment, visit, at_us, "status", trusted, out)


def _reach_unseen(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs) -> None:
    """What is done or left was reached before; how long before is known only where nothing takes time there."""
    if state.visits.arrived_us[visit] == MISSING:
        _reach(state, segment, visit, at_us, not state.visits.service_s[visit] > 0, out)


def _arrived(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs) -> None:
    visits, found_us = state.visits, int(state.visits.arrived_us[visit])
    if found_us == MISSING:
        _reach(state, segment, visit, at_us, True, out)
    elif abs(found_us - at_us) > CORRECTION_US:
        visits.arrived_us[visit] = at_us
        visits.revisions[visit] += 1
        event = visit_event(
            state, "stop_arrived", segment.row, visit, at_us, segment.now_us, {"source": "status", "replaces_position": True}
        )
        out.emit(segment.position, event.again(f"status:{int(visits.revisions[visit])}"))


def _departed(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs) -> None:
    _reach_unseen(state, segment, visit, at_us, out)
    if state.visits.state[visit] == ARRIVED or state.vehicles.here[segment.row] == visit:
        depart(state, segment, visit, at_us, out, "status")


def _done(state: FleetState, segment: Segment, visit: int, at_us: int, message: StopCompleted | StopFailed, out: Outputs) -> None:
    hear(state, segment.row, visit, segment.position, at_us)
    failed = isinstance(message, StopFailed)
    row, position = segment.row, segment.position
    if isinstance(message, StopFailed):
        note_fact(state, position, "stop_failed", visit, row, at_us, {"cause": message.reason})
    elif doubts := measured(state, row, visit, message, at_us):
        note_fact(state, position, "pod_mismatch", visit, row, at_us, doubts)
    _reach_unseen(state, segment, visit, at_us, out)
    state.visits.done_us[visit] = at_us
    if failed:
        state.failed = [*state.failed, state.names[visit].visit_id][-MOST_FAILED:]
    close(state, segment, visit, FAILED if failed else COMPLETED, at_us, message.reason if isinstance(message, StopFailed) else None, out)
