"""`/v1/cells`: how fast traffic is where, as it was learned from fixes."""

import msgspec
from fastapi import APIRouter, Request, Response
from redis.asyncio import Redis

from api.answers import answer, answers
from api.cell_documents import CellCollection, CellFeature, CellProperties, Polygon
from api.cursors import FleetId
from api.lookups import fleets_of
from geofences.cells import cell_ring
from stream.live.keys import fleet_key
from stream.live.views import CellsView

router = APIRouter(prefix="/v1", tags=["state"])

GEOJSON = "application/geo+json"

_cells = msgspec.json.Decoder(CellsView)


@router.get("/cells", responses=answers(CellCollection, 404, 422, media_type=GEOJSON))
async def list_cells(request: Request, fleet_id: FleetId = None) -> Response:
    """Learned speeds as GeoJSON: one polygon for each H3 cell of each fleet."""
    redis: Redis = request.app.state.redis
    fleets = list(await fleets_of(redis, fleet_id))
    raws = await redis.mget([fleet_key("cells", fleet) for fleet in fleets]) if fleets else []
    features = [
        CellFeature(cell, Polygon([cell_ring(cell)]), CellProperties(fleet, cell, round(speed_mps, 3), fixes))
        for fleet, raw in zip(fleets, raws, strict=True)
        if raw is not None
        for cell, (speed_mps, fixes) in _cells.decode(raw).cells.items()
    ]
    return answer(request, CellCollection(features), GEOJSON)
