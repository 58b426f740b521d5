"""Whether a vehicle outside a stop with service has left it, or wanders off in its fixes, or still looks for a place to park.

A fix may lie hundreds of metres off, noise leads over the edge of the radius, and drivers pass the door before they stop. Who takes that
for a departure takes the next door on the way for an arrival, and the vehicle is a stop ahead of itself until that one is served.

Of the visit that a vehicle is at, `stood` says that it has stayed there long enough, `entered_us` when it was last seen to go out.
"""

from dataclasses import dataclass

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.steps.arrivals import Segment
from stream.visits import Visits


@dataclass(frozen=True, slots=True)
class LeavingPolicy:
    """What counts as having left a stop with service of which the driver has not said that it is done."""

    edge_m: float = 25.0
    """So far outside the radius is still at its edge: three times the noise of a good fix."""
    least_s: float = 45.0
    """A shorter stay is driving by, through the radius and a red light in it. A stay begins anew when the vehicle comes back."""
    least_share: float = 0.25
    """So is one of less than this share of the planned service."""
    looks_radii: float = 12.0
    """Who drove by has left once he is so many radii away: further than once around the block; .."""
    sparse_radii: float = 2.0
    """.. so many where fixes are sparse."""
    elsewhere_s: float = 45.0
    """Who drove by and is within the radius of the next stop for so long has left too."""
    stands_s: float = 120.0
    """Who drove by and stands anywhere else for so long has left too: longer than lights and level crossings."""
    sparse_s: float = 45.0
    """With fixes further apart nobody can tell a short stay from none, and one fix outside has to be enough."""


LEAVING = LeavingPolicy()


def inside_since_us(visits: Visits, visit: int, entered_us: int, inside: bool) -> int | None:
    """Since when the vehicle is at a visit, which is noted; None = it is not, and what was noted is forgotten."""
    if not inside:
        visits.entered_us[visit] = MISSING
        return None
    if visits.entered_us[visit] == MISSING:
        visits.entered_us[visit] = entered_us
    return int(visits.entered_us[visit])


def left_us(state: FleetState, segment: Segment, here: int, out_us: int) -> int | None:
    """When a vehicle left the stop that it serves: its path ends outside, and leads out at `out_us`; None = it has not, all the same."""
    p, visits = LEAVING, state.visits
    past, radius_m = segment.past(visits, here), float(visits.radius_m[here])
    sparse, goes = (segment.to_us - segment.from_us) / 1e6 > p.sparse_s, past.start_m <= radius_m
    least_s = max(p.least_share * float(visits.service_s[here]), 0.0 if sparse else p.least_s)
    since_us, went = max(int(visits.arrived_us[here]), int(visits.entered_us[here])), bool(visits.stood[here])
    visits.stood[here] = stayed = went or (out_us - since_us) / 1e6 >= least_s
    at_edge = past.end_m <= radius_m + p.edge_m
    if not at_edge and (sparse or not goes):  # one fix outside may be a wild one
        if stayed:
            return out_us if goes or not went else since_us
        far = past.end_m > (p.sparse_radii if sparse else p.looks_radii) * radius_m
        if far or _is_elsewhere(state, segment) or segment.to_us - int(state.vehicles.still_us[segment.row]) >= p.stands_s * 1e6:
            return out_us
    visits.entered_us[here] = out_us if stayed and goes and not at_edge else segment.to_us
    return None


def _is_elsewhere(state: FleetState, segment: Segment) -> bool:
    """Whether the vehicle has been within the radius of its next stop for a while."""
    visits, following = state.visits, int(state.vehicles.next[segment.row])
    if following < 0:
        return False
    ahead, radius_m = segment.past(visits, following), float(visits.radius_m[following])
    entry = ahead.entry(radius_m)
    if entry is None or ahead.start_m > radius_m:
        visits.entered_us[following] = MISSING
    if entry is None:
        return False
    came_us = inside_since_us(visits, following, segment.at_us(entry), ahead.end_m <= radius_m)
    return came_us is not None and (segment.to_us - came_us) / 1e6 >= LEAVING.elsewhere_s
