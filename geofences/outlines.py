"""Outlines: GeoJSON polygons judged and made into valid shapely geometry, or refused with the reason and the place."""

import math
import re
from typing import Any, NamedTuple

import shapely
from shapely import MultiPolygon, Polygon

from geofences.antimeridian import cut, unrolled
from geofences.geojson import InvalidOutline, Position, items_of, positions_of
from geofences.positions import METRES_PER_DEGREE

MAX_REPAIR_SHARE: float = 0.01
"""Share of an outline's area that its repair may change; beyond it, the outline has more than one reading."""

MAX_REPAIR_M2: float = 2_500.0
"""Nor may the repair of a large outline change more than this, 50 m by 50 m: what lies in doubt must be smaller than any yard."""

_PLACED = re.compile(r"(?P<flaw>.*)\[(?P<lon>\S+) (?P<lat>\S+)\]")


class Outline(NamedTuple):
    """A valid, not empty area in degrees (x = longitude, y = latitude), and a sentence for each thing that was changed."""

    geometry: Polygon | MultiPolygon
    repairs: tuple[str, ...]


def outline_of(geometry: dict[str, Any]) -> Outline:
    """The outline of a GeoJSON Polygon or MultiPolygon.

    Positions are finite, longitude -180..180, latitude -90..90. Which way a ring winds does not matter, repeated positions are left
    out, an open ring is closed, one across the antimeridian is cut there. What touches or crosses itself is repaired only if that
    leaves the same area within 1 % and 2,500 m2. Raises InvalidOutline with the reason and the place.
    """
    repairs: list[str] = []
    drawn = geometry.get("coordinates")
    parts = items_of([drawn] if geometry.get("type") == "Polygon" else drawn, "its coordinates")
    polygons = [part for number, part in enumerate(parts) for part in _polygons(part, f"polygon {number}", repairs)]
    whole = polygons[0] if len(polygons) == 1 else _repaired(MultiPolygon(polygons), "it", repairs)
    return Outline(whole, tuple(repairs))


def placed(polygon: Polygon | MultiPolygon, repairs: list[str]) -> Polygon | MultiPolygon:
    """A valid area that may reach past 180 degrees, with all of it where it lies on the globe."""
    west, _, east, _ = polygon.bounds
    if west >= -180.0 and east <= 180.0:
        return polygon
    repairs.append("it was cut at the antimeridian")
    parts = cut(polygon)
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _polygons(drawn: Any, where: str, repairs: list[str]) -> list[Polygon]:
    rings = [_ring(ring, f"ring {place} of {where}", repairs) for place, ring in enumerate(items_of(drawn, where))]
    shell, holes = rings[0], [_beside(hole, rings[0]) for hole in rings[1:]]
    area = placed(_repaired(Polygon(shell, holes), where, repairs), repairs)
    return [area] if isinstance(area, Polygon) else list(area.geoms)


def _ring(drawn: Any, where: str, repairs: list[str]) -> list[Position]:
    positions = positions_of(drawn, where)
    if len(positions) < 2 or positions[0] != positions[-1]:
        if len(positions) > 2:
            repairs.append(f"{where} was not closed and was closed at {positions[0]}")
        positions.append(positions[0])
    if len(positions) < 4:
        raise InvalidOutline(f"{where} must have 3 different positions or more and has {len(positions) - 1} at {positions[0]}")
    on = unrolled(positions, where)
    if on[0] != on[-1]:
        raise InvalidOutline(f"{where} goes round a pole and does not close at {positions[0]}: draw it up to the pole and down again")
    return on


def _beside(hole: list[Position], shell: list[Position]) -> list[Position]:
    """The hole on the same side of the antimeridian as the shell was drawn on."""
    turn = 360.0 * round((_middle(shell) - _middle(hole)) / 360.0)
    return [Position(lon + turn, lat) for lon, lat in hole]


def _middle(ring: list[Position]) -> float:
    return (min(ring).lon + max(ring).lon) / 2.0


def _repaired(drawn: Polygon | MultiPolygon, where: str, repairs: list[str]) -> Polygon | MultiPolygon:
    if shapely.is_valid(drawn):
        return drawn
    flaw = _flaw(drawn)
    # "structure" lets go of what has no area (a spike, a doubled edge) where the default would keep it as lines.
    repaired = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
    if repaired.is_empty or not isinstance(repaired, Polygon | MultiPolygon):
        raise InvalidOutline(f"{where} encloses no area: {flaw}")
    # GEOS sums absolute ring areas, so loops that cancel out or count twice show as a difference.
    change = abs(repaired.area - drawn.area)
    change_m2 = change * METRES_PER_DEGREE**2 * math.cos(math.radians((repaired.bounds[1] + repaired.bounds[3]) / 2.0))
    if change > MAX_REPAIR_SHARE * drawn.area or change_m2 > MAX_REPAIR_M2:
        raise InvalidOutline(f"{where} crosses itself or another part, and which side is inside cannot be told: {flaw}")
    repairs.append(f"{where} was repaired, which changed its area by {change_m2:.1f} m2: {flaw}")
    return repaired


def _flaw(drawn: Polygon | MultiPolygon) -> str:
    """What GEOS has against it, with the place in words."""
    said = shapely.is_valid_reason(drawn)
    found = _PLACED.fullmatch(said)
    return f"{found['flaw'].lower()} at {Position(float(found['lon']), float(found['lat']))}" if found else said.lower()
