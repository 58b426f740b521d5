"""Distances, bearings and circle crossings of WGS 84 positions, elementwise over columns.

Every function broadcasts like numpy, takes scalars or arrays of any shape in degrees, and answers with an array of the broadcast
shape (0-d for scalars). A log must give the same bytes however it is cut into batches, so element i has the same bits alone or among
a thousand: inputs are made contiguous (numpy may take another code path, with other rounding, on strided data) and nothing is reduced
over rows. A NaN in an input row gives a NaN in that row only.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_M: float = 6_371_008.8
"""Mean radius of the Earth in metres: R1 = (2a + b) / 3, IUGG (Moritz, Geodetic Reference System 1980)."""

METRES_PER_DEGREE: float = EARTH_RADIUS_M * math.pi / 180.0
"""Metres in one degree of latitude on that sphere, 111,195.08."""


def distance_m(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in metres between (lat1, lon1) and (lat2, lon2), the short way round the antimeridian.

    Degrees in, metres out, 0 to pi * EARTH_RADIUS_M. Haversine formula (Sinnott, Virtues of the Haversine, 1984).
    """
    phi1, phi2 = _radians(lat1), _radians(lat2)
    half_dphi = (phi2 - phi1) * 0.5
    half_dlon = np.radians(_wrapped(_column(lon2) - _column(lon1))) * 0.5
    sin_phi, sin_lon = np.sin(half_dphi), np.sin(half_dlon)
    h = sin_phi * sin_phi + np.cos(phi1) * np.cos(phi2) * (sin_lon * sin_lon)
    return np.asarray(2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(h, 1.0))), dtype=np.float64)


def bearing_deg(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """Initial great-circle bearing in degrees clockwise from north, 0 <= bearing < 360, from (lat1, lon1) to (lat2, lon2).

    0 where both are the same position. The northward term is written with sin(dlat), which keeps its digits on short steps.
    """
    phi1, phi2 = _radians(lat1), _radians(lat2)
    dlon = np.radians(_wrapped(_column(lon2) - _column(lon1)))
    half = np.sin(dlon * 0.5)
    cos_phi2 = np.cos(phi2)
    east = np.sin(dlon) * cos_phi2
    north = np.sin(phi2 - phi1) + 2.0 * np.sin(phi1) * cos_phi2 * (half * half)
    turned = np.mod(np.degrees(np.arctan2(east, north)), 360.0)
    # A tiny negative angle modulo 360 rounds up to 360 itself.
    return np.asarray(np.where(turned >= 360.0, 0.0, turned), dtype=np.float64)


def entry_fraction(
    lat0: ArrayLike, lon0: ArrayLike, lat1: ArrayLike, lon1: ArrayLike, lat: ArrayLike, lon: ArrayLike, radius_m: ArrayLike
) -> NDArray[np.float64]:
    """Fraction 0..1 of the path (lat0, lon0) to (lat1, lon1) at which it first comes within radius_m of (lat, lon).

    0.0 if it starts inside (the circle itself counts as inside), NaN if it never comes that near. The path is straight in the plane
    centred at the stop, x = dlon * cos(lat of the stop) and y = dlat in metres. That plane agrees with `distance_m` within 0.01 % at
    1 km from a stop below 70 degrees of latitude, less well further off in proportion. radius_m is 0 or more.
    """
    x0, y0, x1, y1 = _around(_column(lat0), _column(lon0), _column(lat1), _column(lon1), _column(lat), _column(lon))
    return _first_within(x0, y0, x1, y1, _column(radius_m))


def exit_fraction(
    lat0: ArrayLike, lon0: ArrayLike, lat1: ArrayLike, lon1: ArrayLike, lat: ArrayLike, lon: ArrayLike, radius_m: ArrayLike
) -> NDArray[np.float64]:
    """Fraction 0..1 of the path (lat0, lon0) to (lat1, lon1) at which it last leaves the circle of radius_m around (lat, lon).

    NaN if it is never inside or ends inside. Same plane and limits as `entry_fraction`.
    """
    x1, y1, x0, y0 = _around(_column(lat1), _column(lon1), _column(lat0), _column(lon0), _column(lat), _column(lon))
    radius = _column(radius_m)
    # Leaving last is entering first on the way back.
    back = _first_within(x1, y1, x0, y0, radius)
    ends_inside = x1 * x1 + y1 * y1 <= radius * radius
    return np.asarray(np.where(ends_inside, np.nan, 1.0 - back), dtype=np.float64)


def _column(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64, order="C")


def _radians(degrees: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(np.radians(_column(degrees)), dtype=np.float64)


def _wrapped(dlon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """A difference of longitudes brought into -180..180; exact for the small ones."""
    return np.asarray(dlon_deg - 360.0 * np.rint(dlon_deg / 360.0), dtype=np.float64)


def _around(
    lat0: NDArray[np.float64],
    lon0: NDArray[np.float64],
    lat1: NDArray[np.float64],
    lon1: NDArray[np.float64],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(x0, y0, x1, y1) in metres in the plane centred at the stop."""
    east1 = _wrapped(lon1 - lon)
    east0 = _wrapped(lon0 - lon)
    # Both ends are near the stop's antimeridian but on other sides of it: the path runs there, not across the stop.
    east0 = east0 + 360.0 * np.rint((east1 - east0) / 360.0)
    metres_east = np.cos(np.radians(lat)) * METRES_PER_DEGREE
    return (
        np.asarray(east0 * metres_east, dtype=np.float64),
        np.asarray((lat0 - lat) * METRES_PER_DEGREE, dtype=np.float64),
        np.asarray(east1 * metres_east, dtype=np.float64),
        np.asarray((lat1 - lat) * METRES_PER_DEGREE, dtype=np.float64),
    )


def _first_within(
    x0: NDArray[np.float64], y0: NDArray[np.float64], x1: NDArray[np.float64], y1: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Smallest t in 0..1 with |p0 + t (p1 - p0)| <= radius; NaN where there is none."""
    dx, dy = x1 - x0, y1 - y0
    square = radius * radius
    length2 = dx * dx + dy * dy
    towards = -(x0 * dx + y0 * dy)
    outside_by = x0 * x0 + y0 * y0 - square
    starts_inside = x0 * x0 + y0 * y0 <= square
    ends_inside = x1 * x1 + y1 * y1 <= square
    # The discriminant by the cross product: b^2 - ac would lose the small circle at the end of a long path.
    across = x0 * dy - y0 * dx
    discriminant = length2 * square - across * across
    # A path that ends inside has an entry, whatever rounding says of a grazing one.
    root = np.sqrt(np.maximum(discriminant, 0.0))
    divisor = towards + root
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        t = outside_by / divisor
    crosses = (discriminant >= 0.0) & (towards > 0.0) & (t <= 1.0)
    found = np.where(crosses | ends_inside, np.minimum(np.where(divisor <= 0.0, 1.0, t), 1.0), np.nan)
    return np.asarray(np.where(starts_inside & ~np.isnan(length2), 0.0, found), dtype=np.float64)
