"""What dispatch would say to put what is supposed into force: messages of its own, ready to be sent. Nothing sends them by itself."""

from collections.abc import Iterator, Sequence

from stream.fleet import FleetState, Route
from stream.messages import RoutePublished, RouteStarted, StopAdded, StopReassigned
from stream.moments import instant, instant_or_none
from stream.planned_stop import PlannedStop
from stream.proposals import RouteChange
from stream.reassign.answers import Publishing
from stream.reassign.takers import open_visits
from stream.steps.changes import to_reassign


def to_publish(today: FleetState, changed: FleetState, vehicles: Sequence[int]) -> list[Publishing]:
    """Every visit that changes its vehicle, then a new version of every route whose order or times are not yet what they shall be."""
    routes = [route for row in vehicles if (route := changed.route_of(row)) is not None]
    said: list[Publishing] = []
    for route in routes:
        moves = list(_moves(today, changed, route))
        said += moves
        if moves and route.route_id not in today.routes:
            vehicle_id = changed.vehicle_ids[route.vehicle]
            said.append(RouteStarted(fleet_id=today.fleet_id, at=instant(today.now_us), route_id=route.route_id, vehicle_id=vehicle_id))
    return said + [version for route in routes if (version := _version(today, changed, route)) is not None]


def _moves(today: FleetState, changed: FleetState, route: Route) -> Iterator[StopReassigned]:
    """The visits that come from other routes, each to the end: the new version says in which order."""
    for row in open_visits(changed, route.vehicle):
        visit_id = changed.names[row].visit_id
        if today.names[today.visit_rows[visit_id]].route_id != route.route_id:
            yield to_reassign(today, today.now_us, visit_id, route.route_id, changed.vehicle_ids[route.vehicle])


def _version(today: FleetState, changed: FleetState, route: Route) -> RoutePublished | None:
    stops = {changed.names[row].visit_id: as_planned(changed, row) for row in open_visits(changed, route.vehicle)}
    before = [today.names[row].visit_id for row in open_visits(today, route.vehicle)]
    moved = [name for name in dict.fromkeys([*before, *stops]) if name in stops]
    if list(stops.values()) == [as_planned(today, today.visit_rows[name]) for name in moved]:
        return None
    return RoutePublished(
        fleet_id=today.fleet_id,
        at=instant(today.now_us),
        route_id=route.route_id,
        vehicle_id=changed.vehicle_ids[route.vehicle],
        stops=list(stops.values()),
        plan_version=route.plan_version + 1,
        planned_departure=instant_or_none(route.departs_us),
        load_by=instant_or_none(route.load_by_us),
        wave_cutoff=instant_or_none(route.cutoff_us),
    )


def to_add(today: FleetState, change: RouteChange) -> list[Publishing]:
    """The stops that a route gets which no plan has yet, the last first: each before one that is there. A route that starts comes whole."""
    now, added = instant(today.now_us), {stop.visit_id: stop for stop in change.added}
    of = {"fleet_id": today.fleet_id, "at": now, "route_id": change.route_id, "vehicle_id": change.vehicle_id}
    if change.starts:
        return [RoutePublished(**of, stops=[added[name] for name in change.visit_ids]), RouteStarted(**of)]  # type: ignore[arg-type]
    before: str | None = None
    said: list[Publishing] = []
    for name in reversed(change.visit_ids):
        if name in added:
            said.append(StopAdded(**of, stop=added[name], before_visit_id=before))  # type: ignore[arg-type]
        before = name
    return said


def as_planned(state: FleetState, row: int) -> PlannedStop:
    """A visit as a plan would tell of it, whole."""
    names, visits = state.names[row], state.visits
    service_s = float(visits.service_s[row])
    return PlannedStop(
        stop_id=names.stop_id,
        visit_id=names.visit_id,
        lat=float(visits.lat[row]),
        lon=float(visits.lon[row]),
        seq=names.seq,
        kind=names.kind,  # type: ignore[arg-type]
        radius_m=float(visits.radius_m[row]),
        planned_arrival=instant_or_none(int(visits.planned_us[row])),
        window_start=instant_or_none(int(visits.opens_us[row])),
        window_end=instant_or_none(int(visits.closes_us[row])),
        service_s=service_s if service_s == service_s else None,
        priority=names.priority,
        load=names.load,
        skills=list(names.skills),
        connects_to_visit_id=names.connects_to_visit_id,
        order_ref=names.order_ref,
        customer_ref=names.customer_ref,
        metadata=names.metadata,
    )
