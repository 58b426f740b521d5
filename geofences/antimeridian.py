"""Areas across the antimeridian: drawn on past 180 degrees first, then cut there (RFC 7946, 3.1.9)."""

from itertools import accumulate, pairwise

import shapely
from shapely import MultiPolygon, Polygon

from geofences.geojson import InvalidOutline, Position

MAX_SPAN_DEG: float = 180.0
"""A ring or line wider than this has more than one reading: which way round the globe was meant?"""


def unrolled(positions: list[Position], where: str) -> list[Position]:
    """The positions with longitudes that go on past 180 or -180, so that no step is longer than half way round.

    Nobody draws an edge of 200 degrees: what looks like one goes the short way, across the antimeridian. Raises InvalidOutline for a
    step of exactly 180 degrees and for a span of more than 180.
    """
    steps = [there.lon - here.lon for here, there in pairwise(positions)]
    for step, (here, there) in zip(steps, pairwise(positions), strict=True):
        if abs(step) == MAX_SPAN_DEG:
            raise InvalidOutline(f"{where} goes half way round the globe from {here} to {there}: which way cannot be told")
    turns = accumulate((-360.0 * round(step / 360.0) for step in steps), initial=0.0)
    on = [Position(position.lon + turn, position.lat) for position, turn in zip(positions, turns, strict=True)]
    longitudes = [position.lon for position in on]
    if max(longitudes) - min(longitudes) > MAX_SPAN_DEG:
        raise InvalidOutline(f"{where} spans {max(longitudes) - min(longitudes):g} degrees of longitude from {on[0]}: more than 180")
    return on


def cut(area: Polygon | MultiPolygon) -> list[Polygon]:
    """The parts of a valid area on either side of the antimeridian, each with longitudes -180..180."""
    west, south, east, north = area.bounds
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        if west <= 180.0 + turn and east >= -180.0 + turn:
            inside = area & shapely.box(turn - 180.0, south, turn + 180.0, north)
            moved = shapely.transform(inside, lambda lon_lat, turn=turn: lon_lat - (turn, 0.0)) if turn else inside
            parts += [part for part in shapely.get_parts(moved).tolist() if isinstance(part, Polygon) and part.area > 0.0]
    return parts
