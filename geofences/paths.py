"""One straight path past one place: the plain twin of `positions.entry_fraction`, for when a single vehicle is walked along its route.

A numpy call on single numbers costs twenty times as much. A test holds the two to the same answers.
"""

from math import asin, cos, hypot, radians, sin, sqrt
from typing import NamedTuple

from geofences.positions import EARTH_RADIUS_M, METRES_PER_DEGREE


def metres_between(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The plain twin of `positions.distance_m`: great-circle distance in metres."""
    sin_phi, sin_lon = sin(radians(lat2 - lat1) * 0.5), sin(radians(_wrapped(lon2 - lon1)) * 0.5)
    h = sin_phi * sin_phi + cos(radians(lat1)) * cos(radians(lat2)) * sin_lon * sin_lon
    return 2.0 * EARTH_RADIUS_M * asin(sqrt(min(h, 1.0)))


class Passing(NamedTuple):
    """A path seen from a place at (0, 0): where it begins and ends, in metres east and north."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def start_m(self) -> float:
        """How far from the place the path begins."""
        return hypot(self.x0, self.y0)

    @property
    def end_m(self) -> float:
        """How far from the place the path ends."""
        return hypot(self.x1, self.y1)

    def entry(self, radius_m: float) -> float | None:
        """Fraction 0..1 of the path at which it first comes within `radius_m`: 0 if it begins there, None if it never does."""
        return _first_within(self.x0, self.y0, self.x1, self.y1, radius_m)

    def exit(self, radius_m: float) -> float | None:
        """Fraction 0..1 of the path at which it last leaves the circle: None if it is never inside or ends inside."""
        if self.x1 * self.x1 + self.y1 * self.y1 <= radius_m * radius_m:
            return None
        back = _first_within(self.x1, self.y1, self.x0, self.y0, radius_m)
        return None if back is None else 1.0 - back


def passing(path: tuple[float, float, float, float], lat: float, lon: float) -> Passing:
    """The path (lat0, lon0, lat1, lon1) in the plane centred at a place; all in degrees."""
    lat0, lon0, lat1, lon1 = path
    east0, east1 = _wrapped(lon0 - lon), _wrapped(lon1 - lon)
    east0 += 360.0 * round((east1 - east0) / 360.0)
    metres_east = cos(radians(lat)) * METRES_PER_DEGREE
    return Passing(east0 * metres_east, (lat0 - lat) * METRES_PER_DEGREE, east1 * metres_east, (lat1 - lat) * METRES_PER_DEGREE)


def _wrapped(dlon_deg: float) -> float:
    return dlon_deg - 360.0 * round(dlon_deg / 360.0)


def _first_within(x0: float, y0: float, x1: float, y1: float, radius: float) -> float | None:
    square = radius * radius
    outside_by = x0 * x0 + y0 * y0 - square
    if outside_by <= 0.0:
        return 0.0
    dx, dy = x1 - x0, y1 - y0
    towards, across = -(x0 * dx + y0 * dy), x0 * dy - y0 * dx
    discriminant = (dx * dx + dy * dy) * square - across * across
    divisor = towards + sqrt(max(discriminant, 0.0))
    if x1 * x1 + y1 * y1 <= square:
        return 1.0 if divisor <= 0.0 else min(outside_by / divisor, 1.0)
    if discriminant < 0.0 or towards <= 0.0 or outside_by > divisor:
        return None
    return min(outside_by / divisor, 1.0)
