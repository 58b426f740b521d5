"""Was a fence really driven through? Only if the path is believed: no jump there and back, and no mere graze of the edge."""

from math import cos, hypot, radians

import numpy as np

from eta_models.columns import Flags, Floats, Ints
from geofences.positions import METRES_PER_DEGREE
from stream.fence_rules import FencePolicies
from stream.fleet import FleetState

Place = tuple[float, float]
"""Metres east and north of the first of the fixes."""


def believed(policies: FencePolicies, state: FleetState, contacts: Ints, lat: Floats, lon: Floats) -> Flags:
    """Whether each candidate drove through its fence, now that it is far behind at `lat, lon`.

    The path from the fix before the fence to the first one behind it must be nearly straight, go on from there to where the vehicle is now,
    and run through the fence even when it is moved to either side by the accuracy of the fixes. An unknown one (NaN) is not believed.
    """
    c = state.contacts
    columns = (c.from_lat, c.from_lon, c.via_lat, c.via_lon, c.to_lat, c.to_lon)
    known = (*(column.take(contacts).tolist() for column in columns), c.accuracy_m.take(contacts).tolist())
    fixes = zip(*known, lat.tolist(), lon.tolist(), strict=True)
    found = np.zeros(len(contacts), dtype=np.bool_)
    sides = []
    for i, (lat0, lon0, lat1, lon1, lat2, lon2, accuracy_m, lat3, lon3) in enumerate(fixes):
        wide = METRES_PER_DEGREE * cos(radians(lat0)) if lat0 == lat0 else lat0  # NaN is not itself
        via, to, now = (_from(lat0, lon0, wide, *place) for place in ((lat1, lon1), (lat2, lon2), (lat3, lon3)))
        if _straight(policies.detour, via, to) and _straight(policies.detour, to, now):
            found[i] = True
            sides.append(_moved_aside(to, accuracy_m, lat0, lon0, wide))
    if sides:
        numbers = c.fence.take(contacts[found]).repeat(2)
        found[found] = state.fence_index.meets(numbers, *np.array(sides).reshape(-1, 4).T).reshape(-1, 2).all(axis=1)
    return found


def _from(lat0: float, lon0: float, wide: float, lat: float, lon: float) -> Place:
    turn = lon - lon0
    return (turn - 360.0 * round(turn / 360.0) if abs(turn) > 180.0 else turn) * wide, (lat - lat0) * METRES_PER_DEGREE


def _straight(detour: float, via: Place, end: Place) -> bool:
    """Whether the way from the first fix over one to another is hardly longer than the straight one."""
    return hypot(*via) + hypot(end[0] - via[0], end[1] - via[1]) <= detour * hypot(*end)


def _moved_aside(to: Place, accuracy_m: float, lat0: float, lon0: float, wide: float) -> list[float]:
    """The straight path to a place, moved to its left and to its right: latitude and longitude of both ends, twice."""
    length_m = hypot(*to) or float("nan")
    east, north = -to[1] * accuracy_m / length_m, to[0] * accuracy_m / length_m
    ends = [(x + side * east, y + side * north) for side in (1.0, -1.0) for x, y in ((0.0, 0.0), to)]
    return [degree for x, y in ends for degree in (lat0 + y / METRES_PER_DEGREE, lon0 + x / wide)]
