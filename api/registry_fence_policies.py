"""When fences of a kind count as entered and left: changed through the log."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.cursors import FleetId
from api.ingest_schema import policy_body, receipts
from api.log import TheLog
from api.registry_messages import object_of, put

router = APIRouter(tags=["registry"])

FenceKind = Annotated[str, Path(min_length=1, max_length=256, description="What the `kind` of the fences says.")]


@router.put(
    "/v1/geofence-policies/{kind}",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=policy_body("docs/geofences.md"),
)
async def put_fence_policy(request: Request, log: TheLog, kind: FenceKind, fleet_id: FleetId = None) -> Response:
    """Set when fences of a kind count as entered and left, from now on. No fields give the kind back to the fleet's settings."""
    fields, _ = await object_of(request, log)
    return await put(log, "fence_policy_put", fleet_id, {**fields, "kind": kind})
