"""Fences: named areas of the map, read from GeoJSON and refused with a reason when they cannot be used."""

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from shapely import MultiPolygon, Polygon

from geofences.outlines import InvalidOutline, outline_of

FENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""What a fence id is made of: at most 64 ASCII letters, digits and _ . : - that start with a letter or digit."""

MAX_ID_LENGTH: int = 64


class InvalidFence(ValueError):
    """A fence that cannot be used: `fence_id`, and `reason` as a sentence for the one who drew it."""

    def __init__(self, fence_id: str, reason: str) -> None:
        super().__init__(f"fence {fence_id!r}: {reason}")
        self.fence_id = fence_id
        self.reason = reason


class InvalidFenceFile(ValueError):
    """A text that is not a GeoJSON FeatureCollection, so that no fence of it can be named."""


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
        shape = outline_of(geometry)
    except InvalidOutline as flaw:
        raise InvalidFence(fence_id, str(flaw)) from None
    return Fence(fence_id, kind, name, shape, drawn=Drawn(json.dumps(geometry).encode(), radius_m, width_m))


def read_fences(text: bytes | str) -> tuple[list[Fence], list[InvalidFence]]:
    """The fences of a GeoJSON FeatureCollection and the refusals of those that cannot be used, each in file order.

    A fence's id is the feature's `id`, else its property `id`, else its property `name` as a slug, else its place in the file
    ("fence-3"). One that does not match FENCE_ID becomes a slug, one that is taken gets -2, -3 and so on; ids that can stand as written
    are given first. The properties `kind` (else "zone") and `name` are kept. Raises InvalidFenceFile.
    """
    features = _features(text)
    fences: list[Fence] = []
    refused: list[InvalidFence] = []
    for fence_id, feature in zip(_fence_ids(features), features, strict=True):
        properties = _properties(feature)
        kind, name = _written(properties.get("kind")), _written(properties.get("name"))
        try:
            fences.append(fence_of(fence_id, feature.get("geometry"), kind or "zone", name))
        except InvalidFence as flaw:
            refused.append(flaw)
    return fences, refused


def _features(text: bytes | str) -> list[Any]:
    try:
        document = json.loads(text.encode() if isinstance(text, str) else text)
    except (ValueError, RecursionError) as flaw:
        raise InvalidFenceFile(f"the fences are not JSON: {flaw}") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise InvalidFenceFile("the fences must be a GeoJSON FeatureCollection with a list of features")
    return [feature if isinstance(feature, dict) else {} for feature in features]


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _written(value: Any) -> str | None:
    """A JSON string or integer as text; None for anything else and for blanks."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def _fence_ids(features: list[Any]) -> list[str]:
    asked = [_written(feature.get("id")) or _written(_properties(feature).get("id")) for feature in features]
    given: dict[int, str] = {}
    taken: set[str] = set()
    for place, fence_id in enumerate(asked):
        if fence_id is not None and FENCE_ID.fullmatch(fence_id) and fence_id not in taken:
            given[place] = fence_id
            taken.add(fence_id)
    for place, feature in enumerate(features):
        if place not in given:
            wanted = asked[place] or ""
            usable = wanted if FENCE_ID.fullmatch(wanted) else _slug(wanted or _written(_properties(feature).get("name")) or "")
            given[place] = _free(usable or f"fence-{place + 1}", taken)
            taken.add(given[place])
    return [given[place] for place in range(len(features))]


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:MAX_ID_LENGTH].rstrip("-")


def _free(fence_id: str, taken: set[str]) -> str:
    free, copy = fence_id, 1
    while free in taken:
        copy += 1
        suffix = f"-{copy}"
        free = fence_id[: MAX_ID_LENGTH - len(suffix)] + suffix
    return free
