"""What fleets send: pings, events and routes, in batches. Every item is in the log or in the dead letters, and the answer says which."""

from collections.abc import Sequence
from typing import Annotated, Any, Union

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from api.answers import JsonResponse
from api.ingest_bodies import TooManyItems, UnreadableBody, items_of
from api.ingest_once import Claim, claim, release
from api.ingest_schema import Receipt, RefusedItem, items_body, receipts
from api.ingest_verdicts import Item, Reading, Wanted, judge_reading, read_items
from api.log import Kept, Log, Refusal, TheLog, now_us
from api.problems import problem
from stream.codec import HEAD_BYTES, TYPES, Rejected
from stream.judge_policy import JudgePolicy
from stream.live.append import Message
from stream.messages import Ping, RoutePublished
from stream.reasons import Reason
from stream.texts import ID_PATTERN

router = APIRouter(tags=["ingest"])

POLICY = JudgePolicy()
"""The limits of the engine: what is refused here it would refuse, and what it would refuse by its looks alone is refused here."""

FleetId = Annotated[str | None, Query(pattern=f"^{ID_PATTERN}$", description="The fleet of items that name none.")]
OnceKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=255, description="Sent again within 10 minutes, it is answered, not repeated."
    ),
]

_PROBLEMS = (401, 413, 422, 503)
_SENT = tuple(name for name in TYPES if name not in {"tick", "proposals_made"})
_ANY: Any = Union[tuple(TYPES[name] for name in _SENT)]  # noqa: UP007 (of a tuple)
_encode = msgspec.json.Encoder().encode


@router.post(
    "/v1/pings:batch",
    status_code=202,
    responses=receipts(*_PROBLEMS),
    openapi_extra=items_body(
        Ping, ("type", "fleet_id"), "Up to 10,000 pings. `type` may be left out, `fleet_id` where `?fleet_id=` says it."
    ),
)
async def take_pings(request: Request, log: TheLog, fleet_id: FleetId = None, once: OnceKey = None) -> Response:
    """Take GPS fixes."""
    return await _take(request, log, Wanted(frozenset({"ping"}), "ping", fleet_id or ""), once)


@router.post(
    "/v1/events",
    status_code=202,
    responses=receipts(*_PROBLEMS),
    openapi_extra=items_body(_ANY, ("fleet_id",), "A message, or up to 10,000. `fleet_id` may be left out where `?fleet_id=` says it."),
)
async def take_events(request: Request, log: TheLog, fleet_id: FleetId = None, once: OnceKey = None) -> Response:
    """Take messages of any type but `tick` and `proposals_made`, which only the engine writes."""
    return await _take(request, log, Wanted(frozenset(_SENT), "", fleet_id or ""), once)


@router.post(
    "/v1/routes",
    status_code=202,
    responses=receipts(*_PROBLEMS),
    openapi_extra=items_body(RoutePublished, ("type", "fleet_id"), "A route, or up to 10,000. `type` may be left out."),
)
async def take_routes(request: Request, log: TheLog, fleet_id: FleetId = None, once: OnceKey = None) -> Response:
    """Take plans, each of one vehicle, or new versions of them."""
    return await _take(request, log, Wanted(frozenset({"route_published"}), "route_published", fleet_id or ""), once)


async def take_items(log: Log, items: Sequence[Item], wanted: Wanted, mine: Claim | None = None) -> bytes:
    """Read, judge and append items; the encoded `Receipt`. Raises a 503 problem when Redis cannot take them."""
    reading = read_items(items, wanted)
    fleets = {message.fleet_id for message in reading.messages}
    received_us = await log.received_us(fleets - {""}) | {"": now_us()}
    verdicts = judge_reading(POLICY, reading, received_us)
    receipt = receipt_of(verdicts)
    kept: Kept | None = mine.kept(receipt) if mine else None
    refused = [Refusal(why, received_us[why.fleet_id]) for why in verdicts if why is not None]
    await log.append(_accepted(log, reading, verdicts, received_us), refused, kept)
    return receipt


def receipt_of(verdicts: list[Rejected | None]) -> bytes:
    """The answer to items that were judged."""
    refused = [
        RefusedItem(index, str(why.reason), why.reason.meaning, why.reason.remedy, why.detail)
        for index, why in enumerate(verdicts)
        if why is not None
    ]
    return _encode(Receipt(len(verdicts) - len(refused), refused))


async def read_body(request: Request, log: Log) -> list[bytes]:
    """The items of a body. One of which nothing can be read is a dead letter too; raises the problem that says why."""
    body = await request.body()
    try:
        return items_of(body, request.headers.get("content-type", ""))
    except UnreadableBody as error:
        why = Rejected(error.reason, error.detail, body[:HEAD_BYTES])
        said = problem(422, f"The body cannot be read: {error.detail}", reason=str(error.reason), remedy=error.reason.remedy)
    except TooManyItems as error:
        why = Rejected(Reason.TOO_LARGE, str(error), body[:HEAD_BYTES])
        said = problem(413, f"The body has {error}, and 10,000 are taken at once: split it.", reason=str(why.reason))
    await log.append([], [Refusal(why, now_us())])
    raise said


async def _take(request: Request, log: Log, wanted: Wanted, once: str | None) -> Response:
    await log.look()
    items = await read_body(request, log)
    if once is None:
        return JsonResponse(await take_items(log, items, wanted), 202)
    mine = await claim(log.redis, _scope(request), once, await request.body())
    if isinstance(mine, bytes):
        return JsonResponse(mine, 202)
    try:
        return JsonResponse(await take_items(log, items, wanted, mine), 202)
    except BaseException as error:
        await release(log.redis, mine, error)
        raise


def _scope(request: Request) -> str:
    """What must be the same for a key to be the same: two callers may both count theirs from 1."""
    caller = [request.headers.get(name, "") for name in ("x-api-key", "authorization")]
    return " ".join([request.url.path, request.url.query, *caller])


def _accepted(log: Log, reading: Reading, verdicts: list[Rejected | None], received_us: dict[str, int]) -> list[Message]:
    driven = set(filter(log.is_driven, received_us))
    rows = zip(reading.messages, reading.lines, verdicts, strict=True)
    return [
        Message(message.fleet_id, line, received_us[message.fleet_id] if message.fleet_id in driven else None)
        for message, line, why in rows
        if why is None
    ]
