"""Routes laid into the visit table: published, changed, tidied away."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from eta_models.columns import MISSING
from geofences.cells import area_cell
from geofences.paths import metres_between
from stream.fleet import Dropped, FleetState, Route, VisitNames
from stream.moments import micros
from stream.outputs import NamedVisit, Outputs
from stream.planned_stop import PlannedStop
from stream.visits import CANCELLED, COMPLETED, DEPARTED, FAILED, MOVED

AREA_RESOLUTION = 7
"""H3 resolution of the areas by which travel times are learned: about 5 km2, a neighbourhood."""

OVER = (DEPARTED, COMPLETED, FAILED, CANCELLED, MOVED)
"""States of visits that no plan changes any more."""


class Place(NamedTuple):
    """One place in the order of a route: the row of a known visit (-1 = a new one), and its plan from now on (None = as before)."""

    row: int
    stop: PlannedStop | None = None


def lay(state: FleetState, route: Route, places: Sequence[Place], out: Outputs) -> None:
    """Give a route its visits, in order.

    Known visits keep all that was learned of them, also where their plan changes; rows they leave behind are `MOVED`.
    """
    left = sorted({*(place.row for place in places if place.row >= 0), *range(route.first, route.end)})
    route.first = state.visits.add(len(places))
    route.end = route.first + len(places)
    _carry(state, route, {place.row: row for row, place in enumerate(places, start=route.first) if place.row >= 0})
    taken = {place.stop.visit_id for place in places if place.stop is not None}
    for row, place in enumerate(places, start=route.first):
        names = _open(state, route, row, place.stop, taken, out) if place.row < 0 and place.stop else _keep(state, route, row, place)
        state.names.append(names)
        state.visit_rows[names.visit_id] = row
    if left:
        visits = state.visits
        visits.state[left], visits.question[left], visits.kept[left], visits.at_risk[left] = MOVED, -1, 0, 0
    _measure(state, route)


def _open(state: FleetState, route: Route, row: int, stop: PlannedStop, taken: set[str | None], out: Outputs) -> VisitNames:
    """A visit that is new, or comes back after a plan without it."""
    visits, visit_id = state.visits, _visit_id(state, route, stop, taken)
    visits.number[row] = state.visit_numbers
    state.visit_numbers += 1
    if (before := state.dropped.pop(visit_id, None)) is not None:
        visits.shows[row], visits.revisions[row] = before.shows, before.revisions
    _plan(state, row, stop)
    out.visits.append(
        NamedVisit(int(visits.number[row]), state.vehicle_ids[route.vehicle], route.route_id, visit_id, stop.stop_id, stop.seq)
    )
    return _names(visit_id, route, stop)


def _visit_id(state: FleetState, route: Route, stop: PlannedStop, taken: set[str | None]) -> str:
    """As dispatch calls it, else the route and the visit's number among all that were ever published for it."""
    number, route.visits_named = route.visits_named, route.visits_named + 1
    if stop.visit_id is not None:
        return stop.visit_id
    while (visit_id := f"{route.route_id}.{number}") in taken or visit_id in state.visit_rows:
        number, route.visits_named = route.visits_named, route.visits_named + 1
    return visit_id


def _keep(state: FleetState, route: Route, row: int, place: Place) -> VisitNames:
    """A known visit, with its new plan if it has one and is not over."""
    names = state.names[place.row]
    if place.stop is not None and state.visits.state[row] not in OVER:
        _plan(state, row, place.stop)
        return replace(_names(names.visit_id, route, place.stop), fetched_at=names.fetched_at)
    return names if names.route_id == route.route_id else replace(names, route_id=route.route_id)


def _names(visit_id: str, route: Route, stop: PlannedStop) -> VisitNames:
    told = (
        stop.kind,
        stop.priority,
        stop.order_ref,
        stop.customer_ref,
        stop.metadata,
        stop.load,
        tuple(stop.skills),
        stop.connects_to_visit_id,
    )
    return VisitNames(visit_id, route.route_id, stop.stop_id, stop.seq, *told)


def _plan(state: FleetState, row: int, stop: PlannedStop) -> None:
    visits = state.visits
    visits.lat[row], visits.lon[row], visits.radius_m[row] = stop.lat, stop.lon, stop.radius_m
    visits.planned_us[row] = micros(stop.planned_arrival)
    visits.opens_us[row], visits.closes_us[row] = micros(stop.window_start), micros(stop.window_end)
    visits.service_s[row] = np.nan if stop.service_s is None else stop.service_s
    visits.rests[row] = stop.kind == "break"
    visits.connects[row] = stop.connects_to_visit_id is not None


def _carry(state: FleetState, route: Route, rows: dict[int, int]) -> None:
    """Take known visits to their new rows; their vehicle may stand at one of them."""
    if not rows:
        return
    visits, vehicles = state.visits, state.vehicles
    old, new = list(rows), list(rows.values())
    for name in visits.FIELDS:
        column = getattr(visits, name)
        column[new] = column[old]
    for at in (vehicles.here, vehicles.left_visit):
        at[route.vehicle] = rows.get(int(at[route.vehicle]), at[route.vehicle])


def _measure(state: FleetState, route: Route) -> None:
    """Name legs, places and areas, and measure legs from stop to stop."""
    visits, legs, stays = state.visits, state.model.legs, state.model.stays
    lats, lons = visits.lat[route.first : route.end].tolist(), visits.lon[route.first : route.end].tolist()
    for i, row in enumerate(range(route.first, route.end)):
        visits.place[row] = stays.place(state.names[row].stop_id)
        visits.area[row] = legs.area(area_cell(lats[i], lons[i], AREA_RESOLUTION))
        if i == 0:
            visits.leg[row], visits.leg_m[row], visits.leg_planned_s[row] = -1, np.nan, np.nan
            continue
        visits.leg[row] = legs.leg(state.names[row - 1].stop_id, state.names[row].stop_id)
        visits.leg_m[row] = metres_between(lats[i - 1], lons[i - 1], lats[i], lons[i])
        visits.leg_planned_s[row] = _planned_leg_s(state, row)


def _planned_leg_s(state: FleetState, row: int) -> float:
    """Planned arrival here less planned arrival and service at the stop before; NaN where the plan does not say."""
    visits = state.visits
    before_us, here_us = int(visits.planned_us[row - 1]), int(visits.planned_us[row])
    if MISSING in (before_us, here_us):
        return float("nan")
    service_s = float(visits.service_s[row - 1])
    planned_s = (here_us - before_us) / 1e6 - (service_s if service_s > 0 else 0.0)
    return planned_s if planned_s > 0 else float("nan")


def drop(state: FleetState, visit: int, now_us: int) -> None:
    """A visit is in no plan any more: its name is free, but its ids count on should it come back."""
    visits, visit_id = state.visits, state.names[visit].visit_id
    del state.visit_rows[visit_id]
    state.dropped[visit_id] = Dropped(now_us, int(visits.shows[visit]), int(visits.revisions[visit]))
