"""What dispatch says: plans published and changed, visits added, moved and re-timed. Each function answers a `Reason` when it refuses."""

from eta_models.columns import MISSING
from stream.fleet import FleetState, Route
from stream.messages import RoutePublished, StopAdded, StopReassigned, WindowChanged
from stream.moments import instant_or_none, micros
from stream.outputs import Outputs
from stream.reasons import Reason
from stream.routes import lay
from stream.steps.arrivals import Segment, let_go, set_next
from stream.steps.statuses import Facts, find_visit
from stream.visit_events import visit_event
from stream.visits import OPEN


def publish_route(state: FleetState, facts: Facts, message: RoutePublished, out: Outputs) -> Reason | None:
    """A new route, or a new version of one: what is already behind the vehicle stays as it was."""
    vehicle = state.vehicle(message.vehicle_id)
    route = state.routes.get(message.route_id)
    if route is None:
        if any(stop.visit_id in state.visit_rows for stop in message.stops if stop.visit_id):
            return Reason.BAD_ID
        route = open_route(state, facts, message.route_id, vehicle, message.plan_version)
        lay(state, route, message.stops, out)
        return None
    if message.plan_version <= route.plan_version:
        return Reason.DUPLICATE if message.plan_version == route.plan_version else Reason.STALE_PLAN
    known = {state.names[row].visit_id: row for row in range(route.first, route.end)}
    stops = [known.get(stop.visit_id or f"{route.route_id}.{stop.seq}", stop) for stop in message.stops]
    _replan(state, facts, route, stops, out)
    route.plan_version = message.plan_version
    if route.vehicle != vehicle:
        _hand_route(state, route, vehicle)
    return None


def open_route(state: FleetState, facts: Facts, route_id: str, vehicle: int, plan_version: int) -> Route:
    """Register a route that has no visits yet."""
    route = Route(route_id, state.route_numbers, vehicle, 0, 0, plan_version, facts.position, facts.now_us)
    state.route_numbers += 1
    state.routes[route_id], state.route_ids[route.number] = route, route_id
    return route


def _replan(state: FleetState, facts: Facts, route: Route, stops: list[object], out: Outputs) -> None:
    """Lay the route anew; open visits that are not in it any more are let go."""
    kept = {stop for stop in stops if isinstance(stop, int)}
    behind = [row for row in range(route.first, route.end) if row not in kept and state.visits.state[row] != OPEN]
    for row in range(route.first, route.end):
        if row not in kept and state.visits.state[row] == OPEN:
            let_go(state, facts.position, row, MISSING)
            state.visit_rows.pop(state.names[row].visit_id, None)
    lay(state, route, [*behind, *stops], out)  # type: ignore[list-item]
    _refresh(state, route)


def _refresh(state: FleetState, route: Route) -> None:
    """A changed route is estimated anew at once."""
    if state.vehicles.route[route.vehicle] == route.number:
        set_next(state, route.vehicle)
        state.vehicles.estimated_us[route.vehicle] = MISSING


def _hand_route(state: FleetState, route: Route, vehicle: int) -> None:
    before = route.vehicle
    route.vehicle = vehicle
    if state.vehicles.route[before] == route.number:
        state.vehicles.route[before] = -1
        state.vehicles.here[before] = state.vehicles.left_visit[before] = -1
        set_next(state, before)
        state.vehicles.route[vehicle] = route.number
        set_next(state, vehicle)


def add_stop(state: FleetState, facts: Facts, message: StopAdded, out: Outputs) -> Reason | None:
    """A visit joins a route."""
    route = state.routes.get(message.route_id)
    if route is None:
        return Reason.UNKNOWN_ROUTE
    if message.stop.visit_id in state.visit_rows:
        return Reason.DUPLICATE
    _replan(state, facts, route, _inserted(state, route, message.stop, message.before_visit_id), out)
    return None


def _inserted(state: FleetState, route: Route, stop: object, before_visit_id: str | None) -> list[object]:
    stops: list[object] = list(range(route.first, route.end))
    place = state.visit_rows.get(before_visit_id or "", route.end)
    stops.insert(place - route.first if route.first <= place <= route.end else len(stops), stop)
    return stops


def reassign_stop(state: FleetState, facts: Facts, message: StopReassigned, out: Outputs) -> Reason | None:
    """An open visit moves to another route, which is made where it does not exist."""
    visit = find_visit(state, facts.position, message)
    if visit is None or state.visits.state[visit] != OPEN:
        return Reason.UNKNOWN_VISIT
    before = state.routes[state.names[visit].route_id]
    vehicle = state.vehicle(message.to_vehicle_id)
    after = state.routes.get(message.to_route_id) or open_route(state, facts, message.to_route_id, vehicle, 1)
    state.names[visit] = _renamed(state, visit, after.route_id)
    lay(state, after, _inserted(state, after, visit, message.before_visit_id), out)  # type: ignore[arg-type]
    lay(state, before, [row for row in range(before.first, before.end) if row != visit], out)
    for route in (before, after):
        _refresh(state, route)
    return None


def _renamed(state: FleetState, visit: int, route_id: str) -> object:
    names = state.names[visit]
    return type(names)(**{**{field: getattr(names, field) for field in names.__struct_fields__}, "route_id": route_id})


def change_window(state: FleetState, facts: Facts, message: WindowChanged, out: Outputs) -> Reason | None:
    """The customer's window is another one now."""
    visit = find_visit(state, facts.position, message)
    if visit is None:
        return Reason.UNKNOWN_VISIT
    state.visits.opens_us[visit], state.visits.closes_us[visit] = micros(message.window_start), micros(message.window_end)
    route = state.routes[state.names[visit].route_id]
    _refresh(state, route)
    window = {"window_start": instant_or_none(micros(message.window_start)), "window_end": instant_or_none(micros(message.window_end))}
    segment = Segment.of(state, route.vehicle, facts.position, facts.now_us)
    out.emit(facts.position, visit_event(state, "window_changed", route.vehicle, visit, facts.at_us, segment.now_us, dict(window)))
    return None
