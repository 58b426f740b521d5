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
    c, found, sides = state.contacts, list[bool](), list[list[float]]()
    for contact, *now in zip(contacts.tolist(), lat.tolist(), lon.tolist(), strict=True):
        lat0, lon0 = c.from_lat.item(contact), c.from_lon.item(contact)
        wide = METRES_PER_DEGREE * cos(radians(lat0)) if lat0 == lat0 else lat0  # NaN is not itself
        via = _from(lat0, lon0, wide, c.via_lat.item(contact), c.via_lon.item(contact))
        to = _from(lat0, lon0, wide, c.to_lat.item(contact), c.to_lon.item(contact))
        found.append(_straight(policies.detour, via, to) and _straight(policies.detour, to, _from(lat0, lon0, wide, *now)))
        if found[-1]:
            sides += _moved_aside(to, c.accuracy_m.item(contact), lat0, lon0, wide)
    through = np.array(found, dtype=np.bool_)
    if sides:
        numbers = c.fence.take(contacts[through]).repeat(2)
        through[through] = state.fence_index.meets(numbers, np.array(sides).reshape(-1, 2, 2)).reshape(-1, 2).all(axis=1)
    return through


def _from(lat0: float, lon0: float, wide: float, lat: float, lon: float) -> Place:
    turn = lon - lon0
    return (turn - 360.0 * round(turn / 360.0) if abs(turn) > 180.0 else turn) * wide, (lat - lat0) * METRES_PER_DEGREE


def _straight(detour: float, via: Place, end: Place) -> bool:
    """Whether the way from the first fix over one to another is hardly longer than the straight one."""
    return hypot(*via) + hypot(end[0] - via[0], end[1] - via[1]) <= detour * hypot(*end)


def _moved_aside(to: Place, accuracy_m: float, lat0: float, lon0: float, wide: float) -> list[list[float]]:
    """The straight path to a place, moved to its left and to its right: longitude and latitude of both ends."""
    length_m = hypot(*to) or float("nan")
    east, north = -to[1] * accuracy_m / length_m, to[0] * accuracy_m / length_m
    return [
        [lon0 + x / wide, lat0 + y / METRES_PER_DEGREE, lon0 + (to[0] + x) / wide, lat0 + (to[1] + y) / METRES_PER_DEGREE]
        for x, y in ((east, north), (-east, -north))
    ]
