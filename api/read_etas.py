"""Visits as documents: what their route, their row and their vehicle's newest fix say together."""

from typing import Literal

from api.documents import Estimate, EtaDocument, LocalTimes, Moved, RouteDocument, RouteVisit, Terms, Why, Window, Word
from api.readers import Scene, Visit, known, local_time, zone_of
from eta_models.columns import MISSING
from stream.moments import instant, instant_or_none
from stream.visits import MOVED, OPEN, VisitState

RECENT_FIX_US = 120_000_000
"""A fix is recent for two minutes, as in the `basis` of `eta_updated`."""

_WORDS: dict[int, Word] = {
    VisitState.OPEN: "open",
    VisitState.ARRIVED: "arrived",
    VisitState.DEPARTED: "departed",
    VisitState.COMPLETED: "completed",
    VisitState.FAILED: "failed",
    VisitState.SKIPPED: "skipped",
    VisitState.CANCELLED: "cancelled",
    VisitState.MOVED: "moved",
}


def place_in(scene: Scene, visit_id: str) -> int | None:
    """Where in its route a visit stands; where it was moved away and came back, the place that it has now."""
    places = [place for place, visit in enumerate(scene.route.visits) if visit.visit_id == visit_id]
    here = [place for place in places if scene.visits[place].state != MOVED]
    return next(iter(here or places), None)


def eta_document(scene: Scene, place: int) -> EtaDocument:
    """The visit at a place of a route."""
    plan, visit, route = scene.route.visits[place], scene.visits[place], scene.route
    why = _why_not(scene, visit)
    recent = scene.fix_at_us != MISSING and scene.now_us - scene.fix_at_us <= RECENT_FIX_US
    return EtaDocument(
        fleet_id=scene.fleet_id,
        visit_id=plan.visit_id,
        route_id=route.route_id,
        vehicle_id=route.vehicle_id,
        stop_id=plan.stop_id,
        order_ref=plan.order_ref,
        customer_ref=plan.customer_ref,
        state=_WORDS[visit.state],
        eta=None if why else Estimate(instant(visit.p10_us), instant(visit.p50_us), instant(visit.p90_us)),
        terms=None if why else _terms(visit),
        moved=None if why else _moved(visit),
        why=why,
        p_late=None if why else known(visit.p_late),
        at_risk=bool(visit.at_risk),
        window=Window(instant_or_none(visit.opens_us), instant_or_none(visit.closes_us)),
        planned=instant_or_none(visit.planned_us),
        stops_before=sum(other.state == OPEN for other in scene.visits[:place]) if visit.state == OPEN else None,
        arrived_at=instant_or_none(visit.arrived_us),
        done_at=instant_or_none(visit.done_us),
        as_of=instant_or_none(scene.now_us),
        basis=None if why else ("live" if recent else "no_recent_fix"),
        local=_local(scene, visit, bool(why)),
    )


def route_document(scene: Scene) -> RouteDocument:
    """A route with all of its visits."""
    route = scene.route
    return RouteDocument(
        fleet_id=scene.fleet_id,
        route_id=route.route_id,
        vehicle_id=route.vehicle_id,
        plan_version=route.plan_version,
        published_at=instant_or_none(route.published_us),
        started=route.started,
        ended_at=instant_or_none(route.ended_us),
        load_ready=route.load_ready,
        dock_id=route.dock_id,
        as_of=instant_or_none(scene.now_us),
        time_zone=scene.time_zone,
        visits=[_route_visit(scene, place) for place in range(len(route.visits))],
    )


def _route_visit(scene: Scene, place: int) -> RouteVisit:
    plan = scene.route.visits[place]
    return RouteVisit(
        seq=plan.seq,
        kind=plan.kind,
        lat=plan.lat,
        lon=plan.lon,
        radius_m=plan.radius_m,
        service_s=plan.service_s,
        priority=plan.priority,
        metadata=plan.metadata,
        eta=eta_document(scene, place),
    )


def _terms(visit: Visit) -> Terms | None:
    """What the estimate is made of; as of when it was made."""
    parts = visit.by_drive_s, visit.by_service_s, visit.by_wait_s, visit.by_break_s
    return None if visit.by_drive_s < 0 else Terms(instant(visit.p50_us - sum(parts) * 1_000_000), *parts)


def _moved(visit: Visit) -> Moved | None:
    names: tuple[Literal["drive", "service", "wait", "break"], ...] = ("drive", "service", "wait", "break")
    if visit.by_drive_s < 0:
        return None
    moved = visit.moved_drive_s, visit.moved_service_s, visit.moved_wait_s, visit.moved_break_s
    largest = max(range(4), key=lambda i: abs(moved[i]))
    return Moved(*moved, most=names[largest] if moved[largest] else None)


def _why_not(scene: Scene, visit: Visit) -> Why | None:
    """Why there is no estimate; None when there is one."""
    if visit.state != OPEN:
        return _WORDS[visit.state]
    if scene.route.ended_us != MISSING:
        return "route_ended"
    if MISSING not in (visit.p10_us, visit.p50_us, visit.p90_us):
        return None
    return "not_estimated_yet" if scene.route.started else "route_not_started"


def _local(scene: Scene, visit: Visit, without_eta: bool) -> LocalTimes:
    zone = zone_of(scene.time_zone)
    p10_us, p50_us, p90_us = (MISSING if without_eta else moment for moment in (visit.p10_us, visit.p50_us, visit.p90_us))
    return LocalTimes(
        time_zone=scene.time_zone,
        p10=local_time(p10_us, zone),
        p50=local_time(p50_us, zone),
        p90=local_time(p90_us, zone),
        planned=local_time(visit.planned_us, zone),
        window_start=local_time(visit.opens_us, zone),
        window_end=local_time(visit.closes_us, zone),
        arrived_at=local_time(visit.arrived_us, zone),
        as_of=local_time(scene.now_us, zone),
    )
