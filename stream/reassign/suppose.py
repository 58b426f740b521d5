"""Suppositions put into a copy of the fleet, one after the other."""

import copy
from collections.abc import Sequence

import numpy as np

from eta_models.columns import MISSING, Ints
from eta_models.model import EtaModel
from geofences.positions import distance_m
from stream.fleet import FleetState
from stream.moments import micros
from stream.outputs import Outputs
from stream.question_messages import Supposition
from stream.reassign.policy import ReassignPolicy
from stream.reassign.price import draft_of
from stream.reassign.reoptimise import reoptimise
from stream.reassign.takers import open_visits
from stream.reassign.trial import Trial, changes_of
from stream.steps.changes import change_plan
from stream.steps.statuses import Facts
from stream.visits import OPEN


def suppose(changed: FleetState, policy: ReassignPolicy, one: Supposition) -> Sequence[int] | str:
    """Suppose one thing; the vehicles that it touches, or why it cannot be supposed."""
    match one.change:
        case "traffic":
            return _traffic(changed, one)
        case "delay" | "vehicle_out":
            return _vehicle(changed, one)
        case "reoptimise":
            return reoptimise(changed, policy, one)
        case _:
            row = changed.visit_rows.get(one.visit_id or "", -1)
            if row < 0 or changed.visits.state[row] != OPEN:
                return f"no open visit {one.visit_id}"
            return _window(changed, row, one) if one.change == "window" else _move(changed, policy, row, one)


def _vehicle(changed: FleetState, one: Supposition) -> Sequence[int] | str:
    row = changed.vehicle_rows.get(one.vehicle_id or "", -1)
    if row < 0:
        return f"no vehicle {one.vehicle_id}"
    v = changed.vehicles
    if one.change == "vehicle_out":
        v.down[row] = 1
    else:
        v.paused_until_us[row] = max(int(v.paused_until_us[row]), changed.now_us) + round((one.delay_s or 0.0) * 1e6)
    return [row]


def _window(changed: FleetState, row: int, one: Supposition) -> Sequence[int]:
    changed.visits.opens_us[row], changed.visits.closes_us[row] = micros(one.window_start), micros(one.window_end)
    return [changed.routes[changed.names[row].route_id].vehicle]


def _move(changed: FleetState, policy: ReassignPolicy, row: int, one: Supposition) -> Sequence[int] | str:
    """The visit goes to another vehicle, as if its goods came along."""
    giver_route = changed.routes[changed.names[row].route_id]
    giver, taker = giver_route.vehicle, changed.vehicle_rows.get(one.to_vehicle_id or "", -1)
    if taker < 0 or changed.vehicles.down[taker]:
        return f"no vehicle {one.to_vehicle_id} that could take it"
    if not changed.is_driven(giver_route):
        return f"the route of {one.visit_id} has not begun"
    behind = [each for each in open_visits(changed, taker) if each != row]
    names = [changed.names[each].visit_id for each in behind]
    if one.before_visit_id is not None and one.before_visit_id not in names:
        return f"{one.to_vehicle_id} has no open visit {one.before_visit_id}"
    at = names.index(one.before_visit_id) if one.before_visit_id is not None else len(names)
    orders = {taker: [*behind[:at], row, *behind[at:]]}
    if giver != taker:
        orders[giver] = [each for each in open_visits(changed, giver) if each != row]
    trial = Trial("move", orders, frozenset({row}))
    facts = Facts(changed.position, changed.now_us, changed.now_us)
    changed.visits.planned_us[row] = MISSING
    change_plan(changed, facts, draft_of(trial, changes_of(changed, policy, trial), []), Outputs())
    return [giver, taker]


def _traffic(changed: FleetState, one: Supposition) -> Sequence[int] | str:
    """Ways that end in an area take longer, as if `traffic_put` had said so of every area with a visit near the place."""
    if one.lat is None or one.lon is None or not one.radius_m or not one.factor:
        return "lat, lon, radius_m and factor are needed"
    visits, used = changed.visits, slice(0, changed.visits.count)
    known = (visits.state[used] == OPEN) & (visits.area[used] >= 0)
    near = known & (distance_m(visits.lat[used], visits.lon[used], one.lat, one.lon) <= one.radius_m)
    areas = np.unique(visits.area[used][near])
    changed.model = _slowed(changed.model, areas, one.factor)
    rows = np.flatnonzero(known & np.isin(visits.area[used], areas)).tolist()
    routes = [changed.routes[changed.names[row].route_id] for row in rows]
    return list(dict.fromkeys(route.vehicle for route in routes if changed.is_driven(route)))


def _slowed(model: EtaModel, areas: Ints, factor: float) -> EtaModel:
    """The model, of which the copy that stands for today keeps its own, with slower ways into some areas at any hour."""
    slower, slow = copy.copy(model), np.zeros((len(model.legs.areas), model.legs.HOURS))
    slow[: len(model.legs.slow)] = model.legs.slow
    slow[areas] += np.log(factor)
    slower.legs = copy.copy(model.legs)
    slower.legs.areas = model.legs.areas.copy()
    slower.legs.slow = slow
    return slower
