"""What dispatchers do with exceptions, and the policies by which these open. Each is one message in the log."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, policy_body, receipts
from api.log import TheLog
from api.lookups import find
from api.registry_messages import object_of, put
from stream.exceptions.kinds import KindName

router = APIRouter()

ExceptionId = Annotated[
    str, Path(max_length=256, description="`data.exception_id` of its events: fleet, kind and subject with colons between.")
]

_BY: Schema = {"type": "string", "maxLength": 256, "description": "Who does it."}
_TO: Schema = {"type": "string", "maxLength": 256, "description": "Who takes care of it."}
_UNTIL: Schema = {"type": "string", "format": "date-time", "description": "Until when nobody wants to hear of it."}
_TEXT: Schema = {"type": "string", "maxLength": 256, "description": "The remark."}


def _body(**fields: Schema) -> Schema:
    return {"type": "object", "required": list(fields), "properties": fields, "additionalProperties": False}


async def _do(request: Request, log: TheLog, kind: str, exception_id: str, fleet_id: str | None) -> Response:
    fields, _ = await object_of(request, log)
    found = await find(log.redis, "exceptions", exception_id, "exception", fleet_id)
    return await put(log, kind, found.fleet_id, {**fields, "exception_id": exception_id})


@router.post(
    "/v1/exceptions/{exception_id}:acknowledge",
    status_code=202,
    responses=receipts(401, 404, 409, 413, 422, 503),
    openapi_extra=json_body(_body(by=_BY), "Who acknowledges."),
)
async def acknowledge(request: Request, log: TheLog, exception_id: ExceptionId, fleet_id: FleetId = None) -> Response:
    """Say that a dispatcher has seen an exception. One that was resolved meanwhile is refused by the engine: a dead letter."""
    return await _do(request, log, "exception_acknowledged", exception_id, fleet_id)


@router.post(
    "/v1/exceptions/{exception_id}:assign",
    status_code=202,
    responses=receipts(401, 404, 409, 413, 422, 503),
    openapi_extra=json_body(_body(by=_BY, to=_TO), "Who assigns it, and to whom."),
)
async def assign(request: Request, log: TheLog, exception_id: ExceptionId, fleet_id: FleetId = None) -> Response:
    """Say who takes care of an exception; the first time stops its clock of action."""
    return await _do(request, log, "exception_assigned", exception_id, fleet_id)


@router.post(
    "/v1/exceptions/{exception_id}:snooze",
    status_code=202,
    responses=receipts(401, 404, 409, 413, 422, 503),
    openapi_extra=json_body(_body(by=_BY, until=_UNTIL), "Who wants quiet, and until when."),
)
async def snooze(request: Request, log: TheLog, exception_id: ExceptionId, fleet_id: FleetId = None) -> Response:
    """Hear nothing of changes of an exception until then; it still closes when it is over."""
    return await _do(request, log, "exception_snoozed", exception_id, fleet_id)


@router.post(
    "/v1/exceptions/{exception_id}:note",
    status_code=202,
    responses=receipts(401, 404, 409, 413, 422, 503),
    openapi_extra=json_body(_body(by=_BY, text=_TEXT), "Who remarks, and what."),
)
async def note(request: Request, log: TheLog, exception_id: ExceptionId, fleet_id: FleetId = None) -> Response:
    """Write a remark that stays with the exception."""
    return await _do(request, log, "exception_noted", exception_id, fleet_id)


@router.put(
    "/v1/policies/{kind}",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=policy_body("docs/exceptions.md"),
)
async def put_policy(request: Request, log: TheLog, kind: KindName, fleet_id: FleetId = None) -> Response:
    """Set the policy of a kind of exceptions for a fleet, from now on; `{"on": false}` turns it off. The engine refuses unknown fields."""
    fields, _ = await object_of(request, log)
    return await put(log, "policy_put", fleet_id, {**fields, "kind": kind})
