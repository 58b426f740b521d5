"""One message from one request: read, judged, and appended, or refused with a 422 and a dead letter."""

from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi_problem.error import Problem
from msgspec import Raw

from api.answers import JsonResponse
from api.ingest import POLICY, read_body
from api.ingest_schema import Receipt
from api.ingest_verdicts import Wanted, judge_reading, read_items
from api.log import Log, Refusal, now_us
from api.problems import problem
from stream.codec import HEAD_BYTES, TYPES, Rejected, decode
from stream.fence_facts import fence_from
from stream.live.append import Message
from stream.messages import FencePut
from stream.moments import instant
from stream.reasons import Reason

_ANYTHING = Wanted(frozenset(TYPES))
_fields = msgspec.json.Decoder(dict[str, Raw])
_word = msgspec.json.Decoder(str)


async def object_of(request: Request, log: Log) -> tuple[dict[str, Raw], bytes]:
    """The fields of a body that is one JSON object, and the body. Raises the problem of any other."""
    await log.look()
    items = await read_body(request, log)
    found = fields_of(items[0]) if len(items) == 1 else None
    if found is None:
        said = decode(items[0]) if len(items) == 1 else None
        body = await request.body()
        why = said if isinstance(said, Rejected) else Rejected(Reason.BAD_TYPE, "the body must be one JSON object", body[:HEAD_BYTES])
        raise await refuse(log, why)
    return found, items[0]


def fields_of(item: bytes | Raw | None) -> dict[str, Raw] | None:
    """The fields of a JSON object; None for anything else."""
    try:
        return None if item is None else _fields.decode(item)
    except (msgspec.DecodeError, RecursionError):
        return None


def word_of(field: Raw | None) -> str:
    """The text that a field holds; "" where it holds none."""
    try:
        return "" if field is None else _word.decode(field)
    except (msgspec.DecodeError, ValueError):
        return ""


async def put(log: Log, kind: str, fleet_id: str | None, fields: dict[str, Any]) -> Response:
    """Append a message of this type, `at` now unless the fields say when. Raises the problem where it is refused."""
    fleet = await log.fleet_or_only(fleet_id)
    received_us = (await log.received_us({fleet}))[fleet]
    line = msgspec.json.encode({"at": instant(received_us), **fields, "type": kind, "fleet_id": fleet})
    reading = read_items([line], _ANYTHING)
    (refused,) = judge_reading(POLICY, reading, {fleet: received_us})
    if refused is not None:
        raise await refuse(log, refused, received_us)
    await log.append([Message(fleet, reading.lines[0], received_us if log.is_driven(fleet) else None)])
    (message,) = reading.messages
    repaired = fence_from(message).repairs if isinstance(message, FencePut) else ()
    return JsonResponse(msgspec.json.encode(Receipt(1, [], repaired=repaired)), 202)


async def refuse(log: Log, why: Rejected, received_us: int | None = None) -> Problem:
    """Write a dead letter; the problem to raise."""
    await log.append([], [Refusal(why, now_us() if received_us is None else received_us)])
    said = f"{why.reason.meaning} {why.detail}".strip()
    return problem(422, said, reason=str(why.reason), remedy=why.reason.remedy)
