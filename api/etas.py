"""`/v1/visits/{visit_id}/eta` and `/v1/orders`: when somebody will be there, of one visit, of one order, of many orders at once."""

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi_problem.error import Problem
from redis.asyncio import Redis

from api.answers import JsonResponse, answer, answers
from api.cursors import FleetId
from api.documents import EtaDocument, OrderEta, OrderRefs, OrderResult, OrderResults
from api.lookups import Place, etas_of, find, fleets_of
from api.orders import orders_of
from api.problems import FieldError, invalid, problem

router = APIRouter(prefix="/v1", tags=["etas"])

MOST_QUESTIONS = 5_000
"""Orders times fleets of one request: a sixth of a second of this process."""

_refs = msgspec.json.Decoder(OrderRefs)
_REFS = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderRefs"}}}}}


@router.get("/visits/{visit_id}/eta", responses=answers(EtaDocument, 404, 409, 422))
async def show_visit_eta(request: Request, visit_id: str, fleet_id: FleetId = None) -> Response:
    """When a visit will be reached, as likely as not (p50) and with what certainty (p10, p90, p_late)."""
    redis: Redis = request.app.state.redis
    found = await find(redis, "visits", visit_id, "visit", fleet_id)
    (eta,) = await etas_of(redis, [Place(found.fleet_id, found.entry.time_zone, found.value.decode(), visit_id)])
    if eta is None:
        raise problem(404, f"There is no visit {visit_id} any more.")
    return answer(request, eta)


@router.get("/orders/{ref}/eta", responses=answers(OrderEta, 404, 409, 422))
async def show_order_eta(request: Request, ref: str, fleet_id: FleetId = None) -> Response:
    """When an order will be there: all visits that carry it as `order_ref`."""
    redis: Redis = request.app.state.redis
    order = (await orders_of(redis, [ref], await fleets_of(redis, fleet_id)))[ref]
    if isinstance(order, Problem):
        raise order
    return answer(request, order)


@router.post("/orders/etas", responses=answers(OrderResults, 400, 404, 413, 422), openapi_extra=_REFS)
async def ask_order_etas(request: Request) -> Response:
    """As for one order, for up to 500 at once; each has its own status in the answer, in the order of asking."""
    redis: Redis = request.app.state.redis
    asked = _read_refs(await request.body())
    fleets = await fleets_of(redis, asked.fleet_id)
    if len(asked.refs) * len(fleets) > MOST_QUESTIONS:
        raise _wrong(f"{len(asked.refs)} orders in {len(fleets)} fleets are too many to look for: name the fleet")
    orders = await orders_of(redis, asked.refs, fleets)
    return JsonResponse(OrderResults([_result(ref, orders[ref]) for ref in asked.refs]))


def _read_refs(body: bytes) -> OrderRefs:
    try:
        return _refs.decode(body)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise problem(400, f"The body is not JSON: {error}") from error


def _wrong(message: str) -> Problem:
    return invalid([FieldError(loc=["body"], msg=message, type="value_error")])


def _result(ref: str, order: OrderEta | Problem) -> OrderResult:
    if isinstance(order, Problem):
        return OrderResult(ref, 409 if order.status == 409 else 404, order.detail, None)
    return OrderResult(ref, 200, None, order)
