"""Which vehicles could take something over: on a route or standing by, heard of lately, not down."""

from collections.abc import Sequence
from math import cos, radians

import numpy as np

from eta_models.columns import MISSING, Floats, Ints
from stream.fleet import FleetState, Route, VehicleFacts
from stream.reassign.policy import ReassignPolicy
from stream.visits import OPEN

RELOAD_US = 900_000_000
"""A vehicle has to be done with a route so long before its next one is planned to begin."""


def takers(tried: FleetState, policy: ReassignPolicy, orphans: Ints) -> list[int]:
    """Rows of the vehicles that could take one of the visits `orphans`, the nearest if there are many; in the order of their rows."""
    rows = able(tried, policy)
    if len(rows) <= policy.most_takers:
        return rows
    near = _nearness(tried, rows, orphans)
    return sorted(rows[i] for i in np.argsort(near, kind="stable")[: policy.most_takers].tolist())


def able(tried: FleetState, policy: ReassignPolicy) -> list[int]:
    """Rows of the vehicles that could take anything at all."""
    v = tried.vehicles
    used = slice(0, v.count)
    known = (v.at_us[used] != MISSING) & (tried.now_us - v.at_us[used] <= policy.fix_age_s * 1e6) & (v.down[used] == 0)
    waiting = {route.vehicle for route in tried.routes.values() if not route.started and route.ended_us == MISSING}
    return [row for row in np.flatnonzero(known).tolist() if v.route[row] >= 0 or _stands_by(tried, row, waiting)]


def _stands_by(tried: FleetState, row: int, waiting: set[int]) -> bool:
    """A vehicle that dispatch has told of, without a route now or to come, and whose shift is not over."""
    facts = tried.facts.get(tried.vehicle_ids[row])
    return facts is not None and row not in waiting and (facts.shift_end_us == MISSING or facts.shift_end_us > tried.now_us)


def _nearness(tried: FleetState, rows: list[int], orphans: Ints) -> Floats:
    """How near each vehicle comes to any of the visits, from where it is or a visit on its way: square degrees, only to be compared."""
    v, visits = tried.vehicles, tried.visits
    whose, ahead = v.visits_left(np.array(rows))
    ahead, whose = ahead[is_open := visits.state[ahead] == OPEN], whose[is_open]
    lat, lon = np.append(v.lat[rows], visits.lat[ahead]), np.append(v.lon[rows], visits.lon[ahead])
    narrow, near = cos(radians(float(visits.lat[orphans].mean()))), np.full(len(lat), np.inf)
    for orphan in orphans.tolist():
        east = (lon - visits.lon[orphan] + 180.0) % 360.0 - 180.0
        near = np.minimum(near, (lat - visits.lat[orphan]) ** 2 + (narrow * east) ** 2)
    nearest = near[: len(rows)].copy()
    np.minimum.at(nearest, whose, near[len(rows) :])
    return nearest


def open_visits(tried: FleetState, row: int) -> list[int]:
    """Rows of the open visits of the route that a vehicle drives, in order."""
    route = tried.route_of(row)
    return [] if route is None else open_of(tried, route)


def open_of(tried: FleetState, route: Route) -> list[int]:
    """Rows of the open visits of a route, in order."""
    return (np.flatnonzero(tried.visits.state[route.first : route.end] == OPEN) + route.first).tolist()


def done_by_us(tried: FleetState, row: int) -> int:
    """When a vehicle must be done with what it drives: the end of its shift, or its next route; `MISSING` = nobody said."""
    facts = tried.facts.get(tried.vehicle_ids[row], VehicleFacts())
    own = [route for route in tried.routes.values() if route.vehicle == row and route.first < route.end]
    begins = [int(tried.visits.planned_us[route.first]) for route in own if not route.started and route.ended_us == MISSING]
    known = [facts.shift_end_us, *(at_us - RELOAD_US for at_us in begins if at_us != MISSING)]
    return min((at_us for at_us in known if at_us != MISSING), default=MISSING)


def waits_for_goods(tried: FleetState, ahead: Sequence[int], visit: int) -> bool:
    """Whether the goods of a delivery may still be where its vehicle is to fetch them: such a visit stays behind that call."""
    return waited_at(tried, ahead, visit) is not None


def waited_at(tried: FleetState, ahead: Sequence[int], visit: int) -> int | None:
    """The open call, of those of its vehicle before it, at which the goods of a delivery may still have to be fetched.

    An accepted proposal says which; of calls that dispatch made itself nobody knows what is fetched there.
    """
    names = tried.names[visit]
    calls = [row for row in ahead[: ahead.index(visit)] if tried.names[row].kind == "handover"]
    if names.kind != "delivery" or not calls:
        return None
    own = [row for row in calls if tried.names[row].visit_id == names.fetched_at]
    told = {tried.names[row].fetched_at for row in ahead}
    return next(iter([*own, *(row for row in calls if tried.names[row].visit_id not in told)]), None)
