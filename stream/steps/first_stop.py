"""Whether a vehicle that sets out has already reached the first stop of its route.

Its newest path may touch that stop: then it has. Where nothing is planned there and the fleet's routes nearly always begin at it, as hired
runs of taxis do, the start itself says so too: else a vehicle without a fix, or with a wild one, would drive to a stop that is behind it.
"""

from dataclasses import dataclass

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.arrivals import Segment, arrive, depart


@dataclass(frozen=True, slots=True)
class FirstStopPolicy:
    """When a start says where the vehicle is."""

    fresh_us: int = 120_000_000
    """A fix so old still says where a vehicle set out from."""
    early_us: int = 900_000_000
    """A first stop that is planned so much later has not been reached by setting out there."""
    least: int = 50
    """Starts of routes with nothing planned at their first stop that were seen there; .."""
    share: float = 0.98
    """.. of all such starts, those."""
    memory: int = 1_000
    """Starts that are remembered; at twice as many, both counts are halved."""


FIRST_STOP = FirstStopPolicy()


def begin_at_first_stop(state: FleetState, segment: Segment, at_us: int, out: Outputs) -> None:
    """A vehicle sets out: routes often start with the departure from their first stop."""
    visits, first = state.visits, int(state.vehicles.next[segment.row])
    if first < 0:
        return
    due_us = max(int(visits.opens_us[first]), int(visits.planned_us[first]))
    there = _touches(state, segment, first, at_us)
    if there and due_us - at_us <= FIRST_STOP.early_us:
        arrive(state, segment, first, at_us, "position", False, out)
    if due_us != MISSING or visits.service_s[first] > 0 or first + 1 == state.vehicles.end[segment.row]:
        return
    if not there and _begin_there(state):
        arrive(state, segment, first, at_us, "status", False, out)
        depart(state, segment, first, at_us, out, "status")
    _count(state, there)


def _touches(state: FleetState, segment: Segment, first: int, at_us: int) -> bool:
    fixed_us = int(state.vehicles.at_us[segment.row])
    if fixed_us == MISSING or at_us - fixed_us > FIRST_STOP.fresh_us:
        return False
    return segment.past(state.visits, first).entry(float(state.visits.radius_m[first])) is not None


def _begin_there(state: FleetState) -> bool:
    return state.began_there >= max(FIRST_STOP.least, FIRST_STOP.share * (state.began_there + state.began_elsewhere))


def _count(state: FleetState, there: bool) -> None:
    state.began_there, state.began_elsewhere = state.began_there + there, state.began_elsewhere + (not there)
    if state.began_there + state.began_elsewhere >= 2 * FIRST_STOP.memory:
        state.began_there, state.began_elsewhere = state.began_there // 2, state.began_elsewhere // 2
