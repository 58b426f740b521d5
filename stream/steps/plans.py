"""What dispatch says: plans published and changed, visits added, moved and re-timed. Each function answers a `Reason` when it refuses."""

from collections.abc import Callable, Sequence

from eta_models.columns import MISSING
from stream.fleet import FleetState, Route, VisitNames
from stream.messages import RoutePublished, StopAdded, StopReassigned, WindowChanged
from stream.moments import instant_or_none, micros
from stream.outputs import Outputs
from stream.planned_stop import PlannedStop
from stream.reasons import Reason
from stream.routes import OVER, Place, drop, lay
from stream.steps.arrivals import let_go, set_next
from stream.steps.risk import act, settle
from stream.steps.statuses import Facts, find_open, set_out
from stream.visit_events import visit_event
from stream.visits import OPEN


def publish_route(state: FleetState, facts: Facts, message: RoutePublished, out: Outputs) -> Reason | None:
    """A new route, or a new version of one: what is already behind the vehicle stays as it was."""
    route = state.routes.get(message.route_id)
    if route is not None and message.plan_version <= route.plan_version:
        return Reason.DUPLICATE if message.plan_version == route.plan_version else Reason.STALE_PLAN
    known = [state.visit_rows[stop.visit_id] for stop in message.stops if stop.visit_id and stop.visit_id in state.visit_rows]
    if any(state.names[row].route_id != message.route_id for row in known):
        return Reason.BAD_ID
    vehicle = state.vehicle(message.vehicle_id)
    if vehicle < 0:
        return Reason.FLEET_FULL
    if route is None:
        route = open_route(state, facts, message.route_id, vehicle, message.plan_version)
        lay(state, route, [Place(-1, stop) for stop in message.stops], out)
        _schedule(state, route, message)
        return None
    rows = _known(state, route, message.stops)
    _replan(state, facts, route, [Place(row, stop) for row, stop in zip(rows, message.stops, strict=True)], out)
    route.plan_version = message.plan_version
    _schedule(state, route, message)
    if route.vehicle != vehicle:
        _hand_route(state, facts, route, vehicle, out)
    return None


def _schedule(state: FleetState, route: Route, message: RoutePublished) -> None:
    """When the route shall set out, and that its plan is to be looked at."""
    times = micros(message.planned_departure), micros(message.load_by), micros(message.wave_cutoff)
    route.departs_us, route.load_by_us, route.cutoff_us = times
    if not route.started and any(at_us != MISSING for at_us in times):
        state.exceptions.departures.add(route.route_id)
    state.exceptions.unchecked.add(route.route_id)


def open_route(state: FleetState, facts: Facts, route_id: str, vehicle: int, plan_version: int) -> Route:
    """Register a route that has no visits yet."""
    route = Route(route_id, state.route_numbers, vehicle, 0, 0, plan_version, facts.position, facts.now_us)
    state.route_numbers += 1
    state.routes[route_id], state.route_ids[route.number] = route, route_id
    return route


def _known(state: FleetState, route: Route, stops: Sequence[PlannedStop]) -> list[int]:
    """The row of the visit that each stop of a new version means, -1 = a new one.

    By `visit_id`; without one by stop and `seq`, else the first at that stop that is not over: planners keep the numbers of stops, or
    count anew.
    """
    rows = [state.visit_rows.get(stop.visit_id or "", -1) for stop in stops]
    keys: list[Callable[[VisitNames | PlannedStop], object]] = [lambda at: (at.stop_id, at.seq), lambda at: at.stop_id]
    free = [row for row in range(route.end - 1, route.first - 1, -1) if row not in set(rows)]
    for key in keys:
        waiting: dict[object, list[int]] = {}
        for row in free:
            waiting.setdefault(key(state.names[row]), []).append(row)
        for i, stop in enumerate(stops):
            if rows[i] < 0 and stop.visit_id is None and (same := waiting.get(key(stop))):
                rows[i] = same.pop()
        free = [row for row in free if row not in set(rows) and state.visits.state[row] not in OVER]
    return rows


def _replan(state: FleetState, facts: Facts, route: Route, places: list[Place], out: Outputs) -> None:
    """Lay the route anew; open visits that are not in it any more are let go."""
    kept = {place.row for place in places}
    others = [row for row in range(route.first, route.end) if row not in kept]
    gone = [row for row in others if state.visits.state[row] == OPEN]
    for row in gone:
        let_go(state, facts.position, row, MISSING)
        settle(state, route.vehicle, row, facts.position, facts.now_us, out)
        drop(state, row, facts.now_us)
    lay(state, route, [*(Place(row) for row in others if row not in set(gone)), *places], out)
    refresh(state, route)


def refresh(state: FleetState, route: Route) -> None:
    """A changed route is estimated anew at once."""
    if state.is_driven(route):
        set_next(state, route.vehicle)
        state.vehicles.estimated_us[route.vehicle] = MISSING


def _hand_route(state: FleetState, facts: Facts, route: Route, vehicle: int, out: Outputs) -> None:
    """Another vehicle takes the route over; if it was on its way, the new one sets out from where it is now."""
    vehicles, before, driven = state.vehicles, route.vehicle, state.is_driven(route)
    take_questions(state, before, vehicle, range(route.first, route.end))
    route.vehicle = vehicle
    if driven:
        vehicles.route[before] = vehicles.here[before] = vehicles.left_visit[before] = -1
        set_next(state, before)
        set_out(state, facts, route, out)


def take_questions(state: FleetState, before: int, after: int, visits: Sequence[int]) -> None:
    """Kept questions count for the vehicle that will bring their answer."""
    kept = int(state.visits.kept[list(visits)].sum())
    state.vehicles.kept[before] -= kept
    state.vehicles.kept[after] += kept


def add_stop(state: FleetState, facts: Facts, message: StopAdded, out: Outputs) -> Reason | None:
    """A visit joins a route."""
    route, stop = state.routes.get(message.route_id), message.stop
    if route is None or route.ended_us != MISSING:
        return Reason.UNKNOWN_ROUTE
    said = stop.stop_id, facts.at_us
    if stop.visit_id in state.visit_rows or (stop.visit_id is None and said in route.added):
        return Reason.DUPLICATE
    places = [Place(row) for row in range(route.first, route.end)]
    place = _place(state, route, message.before_visit_id)
    if place is None:
        return Reason.UNKNOWN_VISIT
    if stop.visit_id is None:
        route.added.append(said)
    _replan(state, facts, route, [*places[:place], Place(-1, stop), *places[place:]], out)
    state.exceptions.unchecked.add(route.route_id)
    return None


def _place(state: FleetState, route: Route | None, before_visit_id: str | None) -> int | None:
    """How many visits of the route come before the one named, all where none is named; None when it is not on the route."""
    first, end = (route.first, route.end) if route is not None else (0, 0)
    if before_visit_id is None:
        return end - first
    row = state.visit_rows.get(before_visit_id, -1)
    return row - first if first <= row < end else None


def reassign_stop(state: FleetState, facts: Facts, message: StopReassigned, out: Outputs) -> Reason | None:
    """An open visit moves to another route, which is made where it does not exist, or within its own."""
    visit = find_open(state, facts.position, message)
    if visit is None:
        return Reason.UNKNOWN_VISIT
    after = state.routes.get(message.to_route_id)
    if after is not None and (after.ended_us != MISSING or state.vehicle_ids[after.vehicle] != message.to_vehicle_id):
        return Reason.UNKNOWN_ROUTE
    place = _place(state, after, message.before_visit_id)
    if place is None:
        return Reason.UNKNOWN_VISIT
    if (vehicle := state.vehicle(message.to_vehicle_id)) < 0:
        return Reason.FLEET_FULL
    before = state.routes[state.names[visit].route_id]
    after = after or open_route(state, facts, message.to_route_id, vehicle, 1)
    act(state, visit, facts.at_us)
    _move(state, visit, before, (after, place), out)
    return None


def _move(state: FleetState, visit: int, before: Route, to: tuple[Route, int], out: Outputs) -> None:
    """Take a visit out of one route and put it into one, before its visit number `place`."""
    after, place = to
    take_questions(state, before.vehicle, after.vehicle, [visit])
    rows = range(after.first, after.end)
    ahead, behind = ([Place(row) for row in part if row != visit] for part in (rows[:place], rows[place:]))
    lay(state, after, [*ahead, Place(visit), *behind], out)
    if before is not after:
        lay(state, before, [Place(row) for row in range(before.first, before.end) if row != visit], out)
    for route in (before, after):
        refresh(state, route)
        state.exceptions.unchecked.add(route.route_id)


def change_window(state: FleetState, facts: Facts, message: WindowChanged, out: Outputs) -> Reason | None:
    """The customer's window is another one now."""
    visit = find_open(state, facts.position, message)
    if visit is None:
        return Reason.UNKNOWN_VISIT
    visits, window = state.visits, (micros(message.window_start), micros(message.window_end))
    if facts.at_us <= visits.revised_us[visit]:
        same = facts.at_us == visits.revised_us[visit] and window == (visits.opens_us[visit], visits.closes_us[visit])
        if facts.at_us < visits.revised_us[visit] or same:
            return Reason.DUPLICATE if same else Reason.TOO_LATE
    visits.opens_us[visit], visits.closes_us[visit] = window
    act(state, visit, facts.at_us)
    visits.revised_us[visit] = facts.at_us
    visits.revisions[visit] += 1
    route = state.routes[state.names[visit].route_id]
    refresh(state, route)
    said = {"window_start": instant_or_none(window[0]), "window_end": instant_or_none(window[1])}
    event = visit_event(state, "window_changed", route.vehicle, visit, facts.at_us, facts.now_us, dict(said))
    out.emit(facts.position, event.again(int(visits.revisions[visit])))
    return None
