"""When fences of a kind count as entered and left: changed through the log, and listed as the engine has it."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request, Response

from api.answers import answer, answers
from api.cursors import FleetId
from api.fence_policy_documents import FencePoliciesPage, FencePolicyDocument
from api.ingest_schema import policy_body, receipts
from api.log import TheLog
from api.lookups import fleets_of, hashes_of
from api.readers import text
from api.registry_messages import object_of, put
from eta_models.columns import MISSING
from stream.fence_rules import FencePolicies
from stream.live.views import FencePolicyView, FenceView
from stream.moments import instant_or_none

router = APIRouter(tags=["registry"])

_view, _fence = msgspec.json.Decoder(FencePolicyView), msgspec.json.Decoder(FenceView)

USUAL: dict[str, float | bool] = asdict(FencePolicies().usual)
"""What holds of every kind of which nothing was said."""


FenceKind = Annotated[str, Path(min_length=1, max_length=256, description="What the `kind` of the fences says.")]


@router.get("/v1/geofence-policies", responses=answers(FencePoliciesPage, 404, 422))
async def list_fence_policies(request: Request, fleet_id: FleetId = None) -> Response:
    """The policies in force of one fleet or of all."""
    redis = request.app.state.redis
    fleets = await fleets_of(redis, fleet_id)
    hashes = zip(fleets, await hashes_of(redis, fleets, "fence_policies", "fences"), strict=True)
    return answer(request, FencePoliciesPage(USUAL, [item for fleet, known in hashes for item in _documents(fleet, *known)]))


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


def _documents(fleet_id: str, told: dict[bytes, bytes], fences: dict[bytes, bytes]) -> list[FencePolicyDocument]:
    views = {text(kind): _view.decode(raw) for kind, raw in told.items()}
    counts = Counter(_fence.decode(raw).kind for raw in fences.values())
    nothing = FencePolicyView({}, MISSING)
    return [
        FencePolicyDocument(fleet_id, kind, {**USUAL, **view.fields}, sorted(view.fields), instant_or_none(view.since_us), counts[kind])
        for kind in sorted(views.keys() | counts)
        for view in [views.get(kind, nothing)]
    ]
