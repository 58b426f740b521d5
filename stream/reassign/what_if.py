"""What if? Tried on a copy of the fleet: arrivals and lateness of everybody it touches, before and after."""

from collections.abc import Sequence

import numpy as np

from eta_models.columns import MISSING
from geofences.positions import distance_m
from stream.fleet import FleetState
from stream.moments import micros
from stream.outputs import Outputs
from stream.question_messages import Supposition, WhatIfAsked
from stream.reassign.answers import Answer
from stream.reassign.fork import again
from stream.reassign.outlook import Expected, expect, weighted_s
from stream.reassign.policy import ReassignPolicy
from stream.reassign.price import draft_of, outlook_of
from stream.reassign.takers import open_visits
from stream.reassign.trial import Trial, changes_of
from stream.steps.changes import change_plan
from stream.steps.statuses import Facts
from stream.visits import OPEN


def what_if(tried: FleetState, policy: ReassignPolicy, asked: WhatIfAsked) -> Answer:
    """The answer to a question, on a copy of the fleet that is used up by it."""
    changed, touched, left_out = again(tried), dict[int, None](), list[str]()
    for one in asked.changes:
        rows = _suppose(changed, policy, one)
        if isinstance(rows, str):
            left_out.append(f"{one.change}: {rows}")
        else:
            touched.update(dict.fromkeys(rows))
    before, after = expect(tried, policy, list(touched)), expect(changed, policy, list(touched))
    late_from = policy.late_from
    was, will = ({name for name, each in table.items() if (each.p_late or 0.0) >= late_from} for table in (before, after))
    return Answer(
        question_id=asked.question_id,
        asked_for=tried.position,
        late_before_s=round(weighted_s(tried, before)),
        late_after_s=round(weighted_s(changed, after)),
        drive_added_s=round(sum(_driven_s(changed, row, after) - _driven_s(tried, row, before) for row in touched)),
        late_visit_ids=[name for name in after if name in will - was],
        saved_visit_ids=[name for name in after if name in was - will],
        visits=[outlook_of(tried, name, before.get(name), each, {}, set()) for name, each in after.items()],
        not_possible=left_out,
    )


def _driven_s(tried: FleetState, vehicle: int, expected: dict[str, Expected]) -> float:
    ahead = open_visits(tried, vehicle)
    return expected[tried.names[ahead[-1]].visit_id].drive_s if ahead else 0.0


def _suppose(changed: FleetState, policy: ReassignPolicy, one: Supposition) -> Sequence[int] | str:
    """Suppose one thing; the vehicles that it touches, or why it cannot be supposed."""
    match one.change:
        case "traffic":
            return _traffic(changed, one)
        case "delay" | "vehicle_out":
            return _vehicle(changed, one)
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
    """Ways that end in an area take longer: what the copy's model says of those legs, and of the neighbourhoods that they end in."""
    if one.lat is None or one.lon is None or not one.radius_m or not one.factor:
        return "lat, lon, radius_m and factor are needed"
    visits, legs = changed.visits, changed.model.legs
    there = distance_m(visits.lat[: visits.count], visits.lon[: visits.count], one.lat, one.lon) <= one.radius_m
    rows = np.flatnonzero(there & (visits.state[: visits.count] == OPEN))
    known = np.unique(visits.leg[rows][visits.leg[rows] >= 0])
    legs.table.mean_s[known] *= one.factor
    areas = np.unique(visits.area[rows][visits.area[rows] >= 0])
    legs.area_hours[areas, :, 0] += np.log(one.factor)
    routes = [changed.routes[changed.names[row].route_id] for row in rows.tolist()]
    return list(dict.fromkeys(route.vehicle for route in routes if changed.is_driven(route)))
