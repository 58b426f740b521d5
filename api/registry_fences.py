"""Fences: drawn and taken away through the log, and listed as the engine has them."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response
from msgspec import Raw, Struct

from api.answers import answer
from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, receipts, schema_of
from api.log import TheLog, patience
from api.lookups import fleets_of
from api.problems import documented
from api.registry_messages import fields_of, object_of, put, word_of
from stream.live.keys import fleet_key
from stream.live.views import FenceView
from stream.texts import ID_PATTERN

router = APIRouter(prefix="/v1/geofences", tags=["registry"])

FenceId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]

GEO_JSON = "application/geo+json"

_fence = msgspec.json.Decoder(FenceView)


class FenceProperties(Struct, frozen=True):
    """Whose fence it is, what it is for, and what people call it."""

    fleet_id: str
    kind: str
    name: str | None


class FenceFeature(Struct, frozen=True, tag_field="type", tag="Feature"):
    """A fence in force."""

    id: str
    geometry: dict[str, object]
    properties: FenceProperties


class FenceCollection(Struct, frozen=True, tag_field="type", tag="FeatureCollection"):
    """All fences in force, by fleet and id."""

    features: list[FenceFeature]


_POSITION: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_RING: Schema = {"type": "array", "items": _POSITION, "minItems": 4}
_POLYGON: Schema = {"type": "array", "items": _RING, "minItems": 1}


def _geometry(kind: str, coordinates: Schema) -> Schema:
    said = {"type": {"const": kind}, "coordinates": coordinates}
    return {"type": "object", "title": kind, "required": ["type", "coordinates"], "properties": said}


_AREA: list[Schema] = [_geometry("Polygon", _POLYGON), _geometry("MultiPolygon", {"type": "array", "items": _POLYGON, "minItems": 1})]
_TEXT: Schema = {"type": "string", "maxLength": 256}
_FEATURE: Schema = {
    "type": "object",
    "title": "Feature",
    "required": ["type", "geometry"],
    "properties": {
        "type": {"const": "Feature"},
        "geometry": {"anyOf": _AREA},
        "properties": {"type": ["object", "null"], "properties": {"kind": _TEXT, "name": {**_TEXT, "type": ["string", "null"]}}},
    },
}


@router.put(
    "/{fence_id}",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=json_body({"anyOf": [*_AREA, _FEATURE]}, "A GeoJSON area, or a Feature of one with properties `kind` and `name`."),
)
async def put_fence(request: Request, log: TheLog, fence_id: FenceId, fleet_id: FleetId = None) -> Response:
    """Draw a fence, or draw it anew."""
    fields, body = await object_of(request, log)
    if word_of(fields.get("type")) != "Feature":
        return await put(log, "fence_put", fleet_id, {"fence_id": fence_id, "geometry": Raw(body)})
    properties = fields_of(fields.get("properties")) or {}  # they may be null
    said: dict[str, Any] = {"geometry": fields["geometry"]} if "geometry" in fields else {}
    said |= {name: properties[name] for name in ("kind", "name") if bytes(properties.get(name, b"null")).strip() != b"null"}
    return await put(log, "fence_put", fleet_id, {**said, "fence_id": fence_id})


@router.delete("/{fence_id}", status_code=202, responses=receipts(401, 422, 503))
async def remove_fence(log: TheLog, fence_id: FenceId, fleet_id: FleetId = None) -> Response:
    """Take a fence away."""
    return await put(log, "fence_removed", fleet_id, {"fence_id": fence_id})


@router.get(
    "",
    responses={
        200: {"description": "All fences in force.", "content": {GEO_JSON: {"schema": schema_of(FenceCollection)}}},
        304: {"description": "What the one that asks has (If-None-Match) is still true."},
        **documented(401, 404, 422, 503),
    },
)
async def list_fences(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """Every fence in force, of one fleet or of all, as GeoJSON."""
    fleets = list(await fleets_of(log.redis, fleet_id))
    async with patience(), log.redis.pipeline(transaction=False) as pipe:
        for fleet in fleets:
            pipe.hgetall(fleet_key("fences", fleet))
        hashes = await pipe.execute() if fleets else []
    features = [
        FenceFeature(fence.fence_id, fence.geometry, FenceProperties(fleet, fence.kind, fence.name))
        for fleet, fences in zip(fleets, hashes, strict=True)
        for fence in map(_fence.decode, (fences[key] for key in sorted(fences)))
    ]
    return answer(request, FenceCollection(features), GEO_JSON)
