"""Shapes that fences are drawn in: areas, circles around a point and corridors along lines, all made into outlines."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Polygon

from geofences.antimeridian import unrolled
from geofences.geojson import InvalidOutline, Position, is_number, items_of, position_of, positions_of, shown
from geofences.outlines import Outline, outline_of, placed
from geofences.positions import EARTH_RADIUS_M, METRES_PER_DEGREE

KINDS = ("Polygon", "MultiPolygon", "Point", "LineString", "MultiLineString")

RADIUS_M = (5.0, 100_000.0)
"""Least and largest radius of a circle: GPS is no better than the one, and beyond the other an area is drawn."""

WIDTH_M = (5.0, 20_000.0)
"""Least and largest width of a corridor, from side to side."""

CIRCLE_SAG_M: float = 0.5
"""How far the sides of the polygon that stands for a circle may lie inside it, for all but the largest."""

CIRCLE_CORNERS = (32, 360)

MAX_CORRIDOR_LATITUDE_DEG: float = 85.0
BAND_DEG: float = 0.5
"""Corridors are widened in planes that span at most this much latitude, which costs 0.8 % of the width at 60 degrees."""

RUN_CORNERS: int = 64
"""Nor do they have more corners than this: the time to widen a line that crosses itself grows with the square of them."""

MAX_LINE_CORNERS: int = 10_000
"""A corridor of more would take over half a second to widen, during which its fleet stands still."""

DECIMALS: int = 9
"""Of degrees, 0.1 mm: corners that were reckoned keep no noise of their last bits."""


def shape_of(geometry: Any, radius_m: Any = None, width_m: Any = None) -> Outline:
    """The outline of a GeoJSON geometry: an area, a Point with `radius_m`, or a LineString or MultiLineString with `width_m`.

    A circle becomes a polygon of 32 to 360 corners on it; a corridor reaches half its width to both sides, with round ends. Raises
    InvalidOutline with the reason and the place.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in KINDS:
        raise InvalidOutline(f"its geometry must be a {', '.join(KINDS[:-1])} or {KINDS[-1]} and was {shown(kind or geometry)}")
    if kind != "Point" and radius_m is not None:
        raise InvalidOutline(f"radius_m is for a Point, not for a {kind}")
    if "Line" not in kind and width_m is not None:
        raise InvalidOutline(f"width_m is for a LineString or MultiLineString, not for a {kind}")
    if "Polygon" in kind:
        return outline_of(geometry)
    repairs: list[str] = []
    drawn = geometry.get("coordinates")
    if kind == "Point":
        area = _circle(position_of(drawn, "its coordinates"), _metres(radius_m, "a Point needs radius_m", RADIUS_M))
    else:
        lines = items_of([drawn] if kind == "LineString" else drawn, "its coordinates")
        area = _corridors(lines, _metres(width_m, f"a {kind} needs width_m", WIDTH_M))
    return Outline(placed(area, repairs), tuple(repairs))


def _metres(value: Any, needed: str, bounds: tuple[float, float]) -> float:
    if not is_number(value) or not bounds[0] <= value <= bounds[1]:
        raise InvalidOutline(f"{needed} of {bounds[0]:,.0f} to {bounds[1]:,.0f} m and had {shown(value)}")
    return float(value)


def _circle(centre: Position, radius_m: float) -> Polygon:
    """Corners at equal bearings, on the great circles from the centre; longitudes may go on past 180."""
    angle = radius_m / EARTH_RADIUS_M
    lat = math.radians(centre.lat)
    if abs(lat) + angle >= math.pi / 2.0:
        raise InvalidOutline(f"its circle of {radius_m:g} m around {centre} reaches over a pole")
    sides = math.pi / math.acos(max(1.0 - CIRCLE_SAG_M / radius_m, 0.0))
    bearings = np.linspace(0.0, 2.0 * math.pi, min(max(math.ceil(sides), CIRCLE_CORNERS[0]), CIRCLE_CORNERS[1]), endpoint=False)
    north = math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * np.cos(bearings)
    east = np.arctan2(np.sin(bearings) * math.sin(angle) * math.cos(lat), math.cos(angle) - math.sin(lat) * north)
    corners = np.column_stack([centre.lon + np.degrees(east), np.degrees(np.arcsin(north))])
    return Polygon(np.round(corners, DECIMALS))


def _corridors(drawn: list[Any], width_m: float) -> Any:
    lines = [positions_of(line, f"line {number}") for number, line in enumerate(drawn)]
    if (corners := sum(map(len, lines))) > MAX_LINE_CORNERS:
        raise InvalidOutline(f"it has {corners:,} positions, and a corridor may have {MAX_LINE_CORNERS:,}")
    return shapely.union_all([_corridor(line, width_m, f"line {number}") for number, line in enumerate(lines)])


def _corridor(drawn: list[Position], width_m: float, where: str) -> Any:
    """The line widened band of latitude by band, in planes in which a metre is the same both ways."""
    positions = unrolled(drawn, where)
    if len(positions) < 2:
        raise InvalidOutline(f"{where} must have 2 different positions or more and has 1 at {positions[0]}")
    if far := next((position for position in positions if abs(position.lat) > MAX_CORRIDOR_LATITUDE_DEG), None):
        raise InvalidOutline(f"{where} comes to {far}: too near a pole for a corridor")
    return shapely.union_all([_widened(run, width_m) for run in _runs(LineString(positions))])


def _runs(line: LineString) -> Iterator[Any]:
    """The line in pieces of at most BAND_DEG of latitude, each beginning where the one before ends."""
    corners = shapely.get_coordinates(shapely.segmentize(line, BAND_DEG / 2.0))
    first = 0
    while first < len(corners) - 1:
        lat = corners[first : first + RUN_CORNERS, 1]
        span = np.maximum.accumulate(lat) - np.minimum.accumulate(lat)
        end = first + max(int(np.searchsorted(span, BAND_DEG, side="right")), 2)
        yield corners[first:end]
        first = end - 1


def _widened(run: Any, width_m: float) -> Any:
    lat = (run[:, 1].min() + run[:, 1].max()) / 2.0
    scale = np.array([math.cos(math.radians(lat)), 1.0])
    plane = shapely.buffer(LineString(run * scale), width_m / 2.0 / METRES_PER_DEGREE, quad_segs=16)
    return shapely.transform(plane, lambda x_y: np.round(x_y / scale, DECIMALS))
