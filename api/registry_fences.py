"""Fences: drawn and taken away through the log, and listed as the engine has them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response
from msgspec import Raw, Struct

from api.answers import answer
from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, receipts, schema_of
from api.log import TheLog, patience
from api.lookups import fleets_of, hashes_of
from api.problems import documented
from api.registry_messages import fields_of, object_of, put, word_of
from stream.live.views import FenceView
from stream.moments import instant_or_none
from stream.texts import ID_PATTERN

router = APIRouter(prefix="/v1/geofences", tags=["registry"])

FenceId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]

GEO_JSON = "application/geo+json"

_fence = msgspec.json.Decoder(FenceView)


class DrawnShape(Struct, frozen=True):
    """What was drawn: a Point with a radius, a line with a width, or an area that was repaired."""

    geometry: dict[str, object]
    radius_m: float | None
    width_m: float | None


class FenceProperties(Struct, frozen=True):
    """Whose fence it is, what it is for, what people call it, when it holds and for which vehicles.

    `drawn` is what was drawn where that is not the geometry itself; `repairs` says what was changed. Null times: always has, for ever.
    Without `vehicle_ids` and `vehicle_tags` it is for all vehicles.
    """

    fleet_id: str
    kind: str
    name: str | None
    tags: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    vehicle_ids: tuple[str, ...]
    vehicle_tags: tuple[str, ...]
    drawn: DrawnShape | None
    repairs: tuple[str, ...]


class FenceFeature(Struct, frozen=True, tag_field="type", tag="Feature"):
    """A fence: its geometry is the area, of circles and corridors too."""

    id: str
    geometry: dict[str, object]
    properties: FenceProperties


class FenceCollection(Struct, frozen=True, tag_field="type", tag="FeatureCollection"):
    """All fences, by fleet and id."""

    features: list[FenceFeature]


_POSITION: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_RING: Schema = {"type": "array", "items": _POSITION, "minItems": 4}
_POLYGON: Schema = {"type": "array", "items": _RING, "minItems": 1}


def _geometry(kind: str, coordinates: Schema) -> Schema:
    said = {"type": {"const": kind}, "coordinates": coordinates}
    return {"type": "object", "title": kind, "required": ["type", "coordinates"], "properties": said}


_AREA: list[Schema] = [_geometry("Polygon", _POLYGON), _geometry("MultiPolygon", {"type": "array", "items": _POLYGON, "minItems": 1})]
_LINE: Schema = {"type": "array", "items": _POSITION, "minItems": 2}
_LINES: list[Schema] = [_geometry("LineString", _LINE), _geometry("MultiLineString", {"type": "array", "items": _LINE, "minItems": 1})]
_TEXT: Schema = {"type": "string", "maxLength": 256}
_TEXTS: Schema = {"type": ["array", "null"], "items": _TEXT, "maxItems": 2_000}
_TIME: Schema = {"type": ["string", "integer", "null"], "description": "RFC 3339 with an offset, or milliseconds since 1970."}
_PROPERTIES: dict[str, Schema] = {
    "kind": _TEXT,
    "name": {**_TEXT, "type": ["string", "null"]},
    "radius_m": {"type": ["number", "null"], "description": "Of the circle around a Point, 5 to 100,000."},
    "width_m": {"type": ["number", "null"], "description": "Of the corridor along a line, from side to side, 5 to 20,000."},
    "tags": _TEXTS,
    "valid_from": _TIME,
    "valid_until": _TIME,
    "vehicle_ids": _TEXTS,
    "vehicle_tags": _TEXTS,
}
_FEATURE: Schema = {
    "type": "object",
    "title": "Feature",
    "required": ["type", "geometry"],
    "properties": {
        "type": {"const": "Feature"},
        "geometry": {"anyOf": [*_AREA, _geometry("Point", _POSITION), *_LINES]},
        "properties": {"type": ["object", "null"], "properties": _PROPERTIES},
    },
}


@router.put(
    "/{fence_id}",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=json_body({"anyOf": [*_AREA, _FEATURE]}, "A GeoJSON area, or a Feature of any shape with these properties."),
)
async def put_fence(request: Request, log: TheLog, fence_id: FenceId, fleet_id: FleetId = None) -> Response:
    """Draw a fence, or draw it anew. `repaired` of the answer says what had to be changed."""
    fields, body = await object_of(request, log)
    if word_of(fields.get("type")) != "Feature":
        return await put(log, "fence_put", fleet_id, {"fence_id": fence_id, "geometry": Raw(body)})
    properties = fields_of(fields.get("properties")) or {}  # they may be null
    said: dict[str, Any] = {"geometry": fields["geometry"]} if "geometry" in fields else {}
    said |= {name: properties[name] for name in _PROPERTIES if bytes(properties.get(name, b"null")).strip() != b"null"}
    return await put(log, "fence_put", fleet_id, {**said, "fence_id": fence_id})


@router.delete("/{fence_id}", status_code=202, responses=receipts(401, 422, 503))
async def remove_fence(log: TheLog, fence_id: FenceId, fleet_id: FleetId = None) -> Response:
    """Take a fence away."""
    return await put(log, "fence_removed", fleet_id, {"fence_id": fence_id})


@router.get(
    "",
    responses={
        200: {"description": "All fences.", "content": {GEO_JSON: {"schema": schema_of(FenceCollection)}}},
        304: {"description": "What the one that asks has (If-None-Match) is still true."},
        **documented(401, 404, 422, 503),
    },
)
async def list_fences(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """Every fence of one fleet or of all, as GeoJSON."""
    fleets = await fleets_of(log.redis, fleet_id)
    async with patience():
        hashes = await hashes_of(log.redis, fleets, "fences")
    features = [
        _feature(fleet, fence)
        for fleet, (fences,) in zip(fleets, hashes, strict=True)
        for fence in map(_fence.decode, (fences[key] for key in sorted(fences)))
    ]
    return answer(request, FenceCollection(features), GEO_JSON)


def _feature(fleet_id: str, fence: FenceView) -> FenceFeature:
    drawn = None if fence.drawn is None else DrawnShape(fence.drawn.geometry, fence.drawn.radius_m, fence.drawn.width_m)
    valid = instant_or_none(fence.valid_from_us), instant_or_none(fence.valid_until_us)
    scope = fence.vehicle_ids, fence.vehicle_tags
    properties = FenceProperties(fleet_id, fence.kind, fence.name, fence.tags, *valid, *scope, drawn, fence.repairs)
    return FenceFeature(fence.fence_id, fence.geometry, properties)
