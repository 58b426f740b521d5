"""Whether a vehicle that has set out is past the first stop of its route.

Its newest path may touch that stop when it sets out: then it has reached it. Where nothing is planned there, and the fleet's routes nearly
always begin at it, as hired runs of taxis do, one that was not seen there within a minute has begun there too: else a vehicle without a
fix, or with a wild one, would drive to a stop that is behind it until its route is over.
"""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Ints
from stream.fleet import FleetState, Route, Truth
from stream.outputs import Outputs
from stream.steps.arrivals import Segment, arrive, depart
from stream.steps.habit import is_habit, seen_once_more
from stream.visits import OPEN, SKIPPED


@dataclass(frozen=True, slots=True)
class FirstStopPolicy:
    """When a start says where the vehicle was."""

    fresh_us: int = 120_000_000
    """A fix so old still says where a vehicle set out from."""
    early_us: int = 900_000_000
    """A first stop that is planned so much later has not been reached by setting out there."""
    soon_us: int = 60_000_000
    """Who is at the first stop so soon after the start began there."""
    least: int = 50
    """Routes with nothing planned at their first stop that began there; .."""
    share: float = 0.98
    """.. of all such routes, those."""
    memory: int = 1_000
    """Routes that are remembered; at twice as many, both counts are halved."""


FIRST_STOP = FirstStopPolicy()


def begin_at_first_stop(state: FleetState, segment: Segment, at_us: int, out: Outputs) -> None:
    """A vehicle that sets out from its first stop has reached it: routes often start with the departure from there."""
    visits, first, fixed_us = state.visits, int(state.vehicles.next[segment.row]), int(state.vehicles.at_us[segment.row])
    if first < 0 or fixed_us == MISSING or at_us - fixed_us > FIRST_STOP.fresh_us:
        return
    touches = segment.past(visits, first).entry(float(visits.radius_m[first])) is not None
    if touches and max(visits.opens_us[first], visits.planned_us[first]) - at_us <= FIRST_STOP.early_us:
        arrive(state, segment, first, at_us, "position", False, out)


def may_be_past_first_stop(state: FleetState, rows: Ints) -> Flags:
    """Of which vehicles `pass_first_stop` must be asked: few of a fleet that begins there, none of others."""
    vehicles = state.vehicles
    if not is_habit(state.began_there, state.began_elsewhere, FIRST_STOP.least, FIRST_STOP.share):
        return np.zeros(len(rows), dtype=np.bool_)
    waiting = (vehicles.next[rows] >= 0) & (vehicles.left_visit[rows] < 0) & (vehicles.here[rows] < 0)
    return np.asarray(waiting & (vehicles.at_us[rows] - vehicles.started_us[rows] >= FIRST_STOP.soon_us), dtype=np.bool_)


def pass_first_stop(state: FleetState, segment: Segment, out: Outputs) -> bool:
    """Say that a vehicle which set out a while ago did so from its first stop, where that is so; returns whether."""
    route, started_us = state.route_of(segment.row), int(state.vehicles.started_us[segment.row])
    if not may_be_past_first_stop(state, np.array([segment.row]))[0] or route is None or not _nothing_planned(state, route):
        return False
    if state.vehicles.next[segment.row] != route.first:
        return False
    arrive(state, segment, route.first, started_us, "status", False, out)
    depart(state, segment, route.first, started_us, out, "status")
    return True


def note_start(state: FleetState, route: Route, position: int) -> None:
    """A route is over: did it begin at its first stop? What was only concluded does not count; the rest does from the next tick on."""
    visits, first = state.visits, route.first
    if not (route.started and _nothing_planned(state, route)):
        return  # a route of no visits began nowhere
    if not (visits.found[first] or visits.state[first] in (OPEN, SKIPPED)):
        return
    soon = visits.arrived_us[first] - state.vehicles.started_us[route.vehicle] <= FIRST_STOP.soon_us
    state.truths.append(Truth(position, "began_there" if visits.found[first] and soon else "began_elsewhere", first))


def count_start(state: FleetState, there: bool) -> None:
    """Remember, at a tick, where a route began. Vehicles do not see each other between two ticks, so never in between."""
    state.began_there, state.began_elsewhere = seen_once_more(state.began_there, state.began_elsewhere, there, FIRST_STOP.memory)


def _nothing_planned(state: FleetState, route: Route) -> bool:
    """Whether there is no work and no time at the first stop, and another one behind it. A route may have no visits at all."""
    visits, first = state.visits, route.first
    if first + 1 >= route.end:
        return False
    return bool(visits.opens_us[first] == visits.planned_us[first] == MISSING and not visits.service_s[first] > 0)
