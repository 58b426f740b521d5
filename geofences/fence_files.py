"""Files of fences: a GeoJSON FeatureCollection, feature by feature, with an id for each."""

import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from geofences.fences import ALWAYS_US, FENCE_ID, FOR_EVER_US, Fence, InvalidFence, fence_of

MAX_ID_LENGTH: int = 64


class InvalidFenceFile(ValueError):
    """A text that is not a GeoJSON FeatureCollection, so that no fence of it can be named."""


def read_fences(text: bytes | str) -> tuple[list[Fence], list[InvalidFence]]:
    """The fences of a GeoJSON FeatureCollection and the refusals of those that cannot be used, each in file order.

    A fence's id is the feature's `id`, else its property `id`, else its property `name` as a slug, else its place in the file
    ("fence-3"). One that does not match FENCE_ID becomes a slug, one that is taken gets -2, -3 and so on; ids that can stand as written
    are given first. The properties `kind` (else "zone"), `name`, `radius_m` and `width_m`, `valid_from` and `valid_until` (RFC 3339), and
    the lists `tags`, `vehicle_ids` and `vehicle_tags` are kept. Raises InvalidFenceFile.
    """
    features = _features(text)
    fences: list[Fence] = []
    refused: list[InvalidFence] = []
    for fence_id, feature in zip(_fence_ids(features), features, strict=True):
        try:
            fences.append(_fence(fence_id, feature.get("geometry"), _properties(feature)))
        except InvalidFence as flaw:
            refused.append(flaw)
    return fences, refused


def _fence(fence_id: str, geometry: Any, properties: dict[str, Any]) -> Fence:
    kind, name = _written(properties.get("kind")), _written(properties.get("name"))
    fence = fence_of(fence_id, geometry, kind or "zone", name, properties.get("radius_m"), properties.get("width_m"))
    tags, vehicle_ids, vehicle_tags = (_texts(fence_id, properties, key) for key in ("tags", "vehicle_ids", "vehicle_tags"))
    valid_from_us = _micros(fence_id, properties, "valid_from", ALWAYS_US)
    valid_until_us = _micros(fence_id, properties, "valid_until", FOR_EVER_US)
    return replace(
        fence, tags=tags, vehicle_ids=vehicle_ids, vehicle_tags=vehicle_tags, valid_from_us=valid_from_us, valid_until_us=valid_until_us
    )


def _texts(fence_id: str, properties: dict[str, Any], key: str) -> tuple[str, ...]:
    texts = properties.get(key) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidFence(fence_id, f"its {key} must be a list of texts")
    return tuple(texts)


def _micros(fence_id: str, properties: dict[str, Any], key: str, otherwise: int) -> int:
    """A time in microseconds since 1970 UTC."""
    text = properties.get(key)
    if text is None:
        return otherwise
    try:
        return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    except (TypeError, ValueError):
        raise InvalidFence(fence_id, f"its {key} must be a time with an offset, as in 2025-10-09T08:53:20Z") from None


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
