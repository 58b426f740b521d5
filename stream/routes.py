"""Routes laid into the visit table: published, changed, tidied away."""

from collections.abc import Sequence

import numpy as np

from eta_models.columns import MISSING
from geofences.cells import area_cell
from geofences.paths import metres_between
from stream.fleet import FleetState, Route, VisitNames
from stream.messages import PlannedStop
from stream.moments import micros
from stream.outputs import NamedVisit, Outputs
from stream.visits import MOVED

AREA_RESOLUTION = 7
"""H3 resolution of the areas by which travel times are learned: about 5 km2, a neighbourhood."""


def lay(state: FleetState, route: Route, stops: Sequence[PlannedStop | int], out: Outputs) -> None:
    """Give a route its visits, in order: new ones as planned, known ones by the row they have had so far.

    Known visits keep all that was learned of them; rows they leave behind are `MOVED`.
    """
    old = range(route.first, route.end)
    kept = {row for row in stops if isinstance(row, int)}
    route.first = state.visits.add(len(stops))
    route.end = route.first + len(stops)
    for row, stop in enumerate(stops, start=route.first):
        if isinstance(stop, int):
            _carry(state, stop, row)
        else:
            _plan(state, route, row, stop, out)
    for row in (*kept, *old):
        state.visits.state[row], state.visits.question[row] = MOVED, -1
    _measure(state, route)


def _plan(state: FleetState, route: Route, row: int, stop: PlannedStop, out: Outputs) -> None:
    visits = state.visits
    visit_id = stop.visit_id or f"{route.route_id}.{row - route.first}"
    visits.number[row] = state.visit_numbers
    state.visit_numbers += 1
    visits.lat[row], visits.lon[row], visits.radius_m[row] = stop.lat, stop.lon, stop.radius_m
    visits.planned_us[row], visits.opens_us[row], visits.closes_us[row] = (micros(m) for m in (stop.planned_arrival, stop.window_start, stop.window_end))
    visits.service_s[row] = np.nan if stop.service_s is None else stop.service_s
    names = VisitNames(visit_id, route.route_id, stop.stop_id, stop.seq, stop.kind, stop.priority, stop.order_ref, stop.customer_ref, stop.metadata)
    state.names.append(names)
    state.visit_rows[visit_id] = row
    out.visits.append(NamedVisit(int(visits.number[row]), state.vehicle_ids[route.vehicle], route.route_id, visit_id, stop.stop_id, stop.seq))


def _carry(state: FleetState, old: int, row: int) -> None:
    visits, vehicles = state.visits, state.vehicles
    for name in visits.FIELDS:
        getattr(visits, name)[row] = getattr(visits, name)[old]
    state.names.append(state.names[old])
    state.visit_rows[state.names[old].visit_id] = row
    for column in (vehicles.here, vehicles.left_visit):
        column[: vehicles.count][column[: vehicles.count] == old] = row


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
    if before_us == MISSING or here_us == MISSING:
        return float("nan")
    service_s = float(visits.service_s[row - 1])
    planned_s = (here_us - before_us) / 1e6 - (service_s if service_s > 0 else 0.0)
    return planned_s if planned_s > 0 else float("nan")


KEEP_ENDED_US = 3_600_000_000
"""An ended route stays for an hour: drivers report late."""
KEEP_UNSTARTED_US = 48 * 3_600_000_000


def tidy(state: FleetState) -> None:
    """Drop the visits of routes that are long over, and rows that replanning left behind. Row numbers change; call it at a tick only."""
    for route in [r for r in state.routes.values() if _is_over(state, r)]:
        del state.routes[route.route_id], state.route_ids[route.number]
    rows: list[int] = []
    for route in sorted(state.routes.values(), key=lambda r: r.first):
        first, length = len(rows), route.end - route.first
        rows.extend(range(route.first, route.end))
        route.first, route.end = first, first + length
    if len(rows) == state.visits.count:
        return
    number = np.full(max(state.visits.count, 1) + 1, -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    state.visits.keep(np.array(rows, dtype=np.int64))
    state.names = [state.names[row] for row in rows]
    state.visit_rows = {names.visit_id: row for row, names in enumerate(state.names)}
    vehicles = state.vehicles
    for column in (vehicles.here, vehicles.next, vehicles.left_visit):
        used = column[: vehicles.count]
        used[:] = np.where(used >= 0, number[used], -1)
    for row, route_number in enumerate(vehicles.route[: vehicles.count].tolist()):
        route_id = state.route_ids.get(route_number)
        vehicles.end[row] = -1 if route_id is None else state.routes[route_id].end


def _is_over(state: FleetState, route: Route) -> bool:
    if route.ended_us != MISSING:
        return state.now_us - route.ended_us > KEEP_ENDED_US
    return not route.started and state.now_us - route.published_us > KEEP_UNSTARTED_US
