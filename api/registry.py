"""What dispatch sets: vehicles, fences, exceptions. Each is one message in the log; a refused one is a 422 and a dead letter."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.cursors import FleetId
from api.ingest_schema import json_body, receipts, schema_of
from api.log import TheLog
from api.registry_exceptions import router as exceptions
from api.registry_fence_policies import router as fence_policies
from api.registry_fences import router as fences
from api.registry_messages import object_of, put, refuse, word_of
from stream.codec import HEAD_BYTES, Rejected
from stream.messages import VehiclePut
from stream.reasons import Reason
from stream.texts import ID_PATTERN, is_id

router = APIRouter(tags=["registry"])
router.include_router(fences)
router.include_router(fence_policies)
router.include_router(exceptions)

VehicleId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]


@router.put(
    "/v1/vehicles/{vehicle_id}",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=json_body(schema_of(VehiclePut, ("type", "fleet_id", "at", "vehicle_id")), "The vehicle without its id; `at` is now."),
)
async def put_vehicle(request: Request, log: TheLog, vehicle_id: VehicleId, fleet_id: FleetId = None) -> Response:
    """Say what is known of a vehicle, all of it: what is left out is unknown."""
    fields, body = await object_of(request, log)
    if "fleet_id" in fields:
        fleet_id = word_of(fields["fleet_id"])
    wrong = {
        "fleet_id": fleet_id is not None and not is_id(fleet_id),
        "vehicle_id": word_of(fields.get("vehicle_id")) not in {"", vehicle_id},
    }
    if any(wrong.values()):
        detail = f"{' and '.join(name for name, is_wrong in wrong.items() if is_wrong)} of the body"
        raise await refuse(log, Rejected(Reason.BAD_ID, detail, body[:HEAD_BYTES], "vehicle_put"))
    return await put(log, "vehicle_put", fleet_id, {**fields, "vehicle_id": vehicle_id})
