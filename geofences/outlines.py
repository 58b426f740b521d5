"""Outlines: GeoJSON polygons judged and made into valid shapely geometry, or refused with the reason."""

import math
from typing import Any

import shapely
from shapely import MultiPolygon, Polygon

MAX_REPAIR_AREA_CHANGE: float = 0.01
"""Share of an outline's area that its repair may change; beyond it, the outline has more than one reading."""

MAX_RING_SPAN_DEG: float = 180.0
"""A ring wider than this was most likely meant to go the other way round, across the antimeridian."""


class InvalidOutline(ValueError):
    """A geometry that is not one area; the message is the reason, as a sentence for the one who drew it."""


def outline_of(geometry: Any) -> Polygon | MultiPolygon:
    """The valid, non-empty polygon or multipolygon of a GeoJSON geometry (RFC 7946), x = longitude and y = latitude in degrees.

    Raises InvalidOutline. Positions are finite, longitude -180..180, latitude -90..90, a third coordinate is dropped; a ring has four
    positions or more, the last equal to the first, and spans at most 180 degrees of longitude. A geometry that touches or crosses
    itself is repaired only if that leaves the same area within 1 %.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise InvalidOutline(f"its geometry must be a Polygon or a MultiPolygon and was {_shown(kind or geometry)}")
    drawn = geometry.get("coordinates")
    parts = _items([drawn] if kind == "Polygon" else drawn, "its coordinates")
    polygons = [_polygon(part, number) for number, part in enumerate(parts)]
    return _repaired(polygons[0] if kind == "Polygon" else MultiPolygon(polygons))


def _polygon(drawn: Any, number: int) -> Polygon:
    rings = [_ring(ring, f"ring {place} of polygon {number}") for place, ring in enumerate(_items(drawn, f"polygon {number}"))]
    return Polygon(rings[0], rings[1:])


def _ring(drawn: Any, where: str) -> list[tuple[float, float]]:
    positions = [_position(position, where) for position in _items(drawn, where)]
    if len(positions) < 4:
        raise InvalidOutline(f"{where} must have 4 positions or more and has {len(positions)}")
    if positions[0] != positions[-1]:
        raise InvalidOutline(f"{where} is not closed: it starts at {positions[0]} and ends at {positions[-1]}")
    longitudes = [lon for lon, _ in positions]
    span = max(longitudes) - min(longitudes)
    if span > MAX_RING_SPAN_DEG:
        raise InvalidOutline(
            f"{where} spans {span:g} degrees of longitude; an area across the antimeridian must be cut there into a MultiPolygon"
        )
    return positions


def _position(drawn: Any, where: str) -> tuple[float, float]:
    if not isinstance(drawn, list | tuple) or len(drawn) < 2 or not all(_is_number(value) for value in drawn[:2]):
        raise InvalidOutline(f"{where} holds {_shown(drawn)}, which is not a finite [longitude, latitude]")
    lon, lat = float(drawn[0]), float(drawn[1])
    if not -180.0 <= lon <= 180.0 or not -90.0 <= lat <= 90.0:
        raise InvalidOutline(f"{where} holds longitude {lon:g}, latitude {lat:g}: outside -180..180, -90..90")
    return lon, lat


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        return False


def _items(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise InvalidOutline(f"{what} must be a list with something in it and was {_shown(value)}")
    return list(value)


def _repaired(drawn: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    if shapely.is_valid(drawn):
        return drawn
    reason = shapely.is_valid_reason(drawn)
    # "structure" lets go of what has no area (a spike, a doubled edge) where the default would keep it as lines.
    repaired = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
    if repaired.is_empty or not isinstance(repaired, Polygon | MultiPolygon):
        raise InvalidOutline(f"it encloses no area: {reason}")
    # GEOS sums absolute ring areas, so loops that cancel out or count twice show as a difference.
    if abs(repaired.area - drawn.area) > MAX_REPAIR_AREA_CHANGE * drawn.area:
        raise InvalidOutline(f"it crosses itself, and which side is inside cannot be told: {reason}")
    return repaired


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
