"""What dispatch sets: vehicles, fences, acknowledgements. Each is one message in the log; a refused one is a 422 and a dead letter."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, receipts, schema_of
from api.log import TheLog
from api.lookups import find
from api.registry_fences import router as fences
from api.registry_messages import object_of, put, refuse, word_of
from stream.codec import HEAD_BYTES, Rejected
from stream.messages import VehiclePut
from stream.reasons import Reason
from stream.texts import ID_PATTERN, is_id

router = APIRouter(tags=["registry"])
router.include_router(fences)

VehicleId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]
ExceptionId = Annotated[
    str, Path(max_length=256, description="`data.exception_id` of its events: fleet, kind and visit with colons between.")
]

_ACKNOWLEDGEMENT: Schema = {
    "type": "object",
    "required": ["by"],
    "properties": {"by": {"type": "string", "maxLength": 256, "description": "Who has seen it."}},
    "additionalProperties": False,
}


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


@router.post(
    "/v1/exceptions/{exception_id}:acknowledge",
    status_code=202,
    responses=receipts(401, 404, 409, 413, 422, 503),
    openapi_extra=json_body(_ACKNOWLEDGEMENT, "Who acknowledges."),
)
async def acknowledge(request: Request, log: TheLog, exception_id: ExceptionId, fleet_id: FleetId = None) -> Response:
    """Say that a dispatcher has seen an exception. One that was resolved meanwhile is refused by the engine: a dead letter."""
    fields, _ = await object_of(request, log)
    found = await find(log.redis, "exceptions", exception_id, "exception", fleet_id)
    return await put(log, "exception_acknowledged", found.fleet_id, {**fields, "exception_id": exception_id})
