"""Fences: named areas of the map, made of GeoJSON and refused with a reason when they cannot be used."""

import json
import re
from dataclasses import dataclass
from typing import Any

import shapely
from shapely import MultiPolygon, Polygon

from geofences.geojson import InvalidOutline
from geofences.shapes import shape_of

FENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""What a fence id is made of: at most 64 ASCII letters, digits and _ . : - that start with a letter or digit."""


class InvalidFence(ValueError):
    """A fence that cannot be used: `fence_id`, and `reason` as a sentence for the one who drew it."""

    def __init__(self, fence_id: str, reason: str) -> None:
        super().__init__(f"fence {fence_id!r}: {reason}")
        self.fence_id = fence_id
        self.reason = reason


ALWAYS_US: int = -(2**63) + 1
"""Start of a validity without one, in microseconds since 1970 UTC: before every time, and not the MISSING of columns."""

FOR_EVER_US: int = 2**63 - 1
"""End of a validity without one."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn: GeoJSON geometry as JSON bytes; `radius_m` around a Point, `width_m` from side to side of a line."""

    geometry: bytes
    radius_m: float | None = None
    width_m: float | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """One area, when it holds and for whom.

    `geometry` is valid and not empty, in degrees, x = longitude, y = latitude; circles and corridors are polygons already. It is in force
    from `valid_from_us` until before `valid_until_us` (microseconds since 1970 UTC), for the vehicles named or with one of the tags
    named; for every vehicle of the fleet where neither is. `repairs` says what was changed of what was `drawn`.
    """

    fence_id: str
    kind: str
    name: str | None
    geometry: Polygon | MultiPolygon
    tags: tuple[str, ...] = ()
    valid_from_us: int = ALWAYS_US
    valid_until_us: int = FOR_EVER_US
    vehicle_ids: tuple[str, ...] = ()
    vehicle_tags: tuple[str, ...] = ()
    drawn: Drawn | None = None
    repairs: tuple[str, ...] = ()

    @property
    def corners(self) -> int:
        """Of all its outlines, those of circles and corridors too; the first of each counts twice."""
        return int(shapely.get_num_coordinates(self.geometry))

    def as_drawn(self) -> Drawn:
        """What was drawn; a fence that was made of a geometry was drawn as that."""
        return self.drawn or Drawn(json.dumps(self.geometry.__geo_interface__).encode())


def fence_of(
    fence_id: str,
    geometry: dict[str, Any],
    kind: str = "zone",
    name: str | None = None,
    radius_m: float | None = None,
    width_m: float | None = None,
) -> Fence:
    """The fence of a GeoJSON geometry, for every vehicle and for ever; `shape_of` says what it must be and what is repaired.

    Raises InvalidFence for that, and for an id that does not match FENCE_ID.
    """
    if not FENCE_ID.fullmatch(fence_id):
        raise InvalidFence(fence_id, f"its id must match {FENCE_ID.pattern}")
    try:
        shape = shape_of(geometry, radius_m, width_m)
    except InvalidOutline as flaw:
        raise InvalidFence(fence_id, str(flaw)) from None
    return Fence(fence_id, kind, name, shape.geometry, drawn=Drawn(json.dumps(geometry).encode(), radius_m, width_m), repairs=shape.repairs)
