"""Was a fence really driven through? Only if the path is believed: no jump there and back, and no mere graze of the edge."""

import numpy as np

from eta_models.columns import Flags, Floats, Ints
from geofences.positions import METRES_PER_DEGREE, distance_m
from stream.fence_rules import FencePolicies
from stream.fleet import FleetState


def believed(policies: FencePolicies, state: FleetState, contacts: Ints, lat: Floats, lon: Floats) -> Flags:
    """Whether each candidate drove through its fence, now that it is far behind at `lat, lon`.

    The path from the fix before the fence to the first one behind it must be nearly straight, go on from there to where the vehicle is now,
    and run through the fence even when it is moved to either side by the accuracy of the fixes. An unknown one (NaN) is not believed.
    """
    c = state.contacts
    a, v, b = ((getattr(c, f"{name}_lat")[contacts], getattr(c, f"{name}_lon")[contacts]) for name in ("from", "via", "to"))
    now = (lat, lon)
    legs = ((a, v), (v, b), (a, b), (b, now), (a, now))
    ends = [np.concatenate([leg[end][axis] for leg in legs]) for end in (0, 1) for axis in (0, 1)]
    to_via, from_via, through, on, whole = distance_m(*ends).reshape(5, len(contacts))
    straight = (to_via + from_via <= policies.detour * through) & (through + on <= policies.detour * whole)
    return straight & _runs_through(state, contacts, a, b)


def _runs_through(state: FleetState, contacts: Ints, a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Flags:
    """Whether the straight paths from a to b cross their fences also when they are moved to either side."""
    narrowing = np.cos(np.radians(a[0]))
    turn = b[1] - a[1]
    east, north = (turn - 360.0 * np.rint(turn / 360.0)) * narrowing, b[0] - a[0]
    length_deg = np.sqrt(east * east + north * north)
    side = state.contacts.accuracy_m[contacts] / METRES_PER_DEGREE / np.where(length_deg > 0.0, length_deg, np.nan)
    dlat, dlon = east * side, -north * side / narrowing
    lat0, lon0, lat1, lon1 = (np.concatenate([x + s, x - s]) for x, s in ((a[0], dlat), (a[1], dlon), (b[0], dlat), (b[1], dlon)))
    enters, _ = state.fence_index.edge_crossings(np.tile(state.contacts.fence[contacts], 2), lat0, lon0, lat1, lon1)
    return np.asarray(~np.isnan(enters).reshape(2, len(contacts)).any(axis=0), dtype=np.bool_)
