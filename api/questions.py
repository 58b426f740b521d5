"""`/v1/what-if` and `/v1/orders:candidates`: questions to the engine about the fleet as it stands. They change nothing."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response

from api.answers import JsonResponse
from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, schema_of
from api.log import Log, TheLog, patience
from api.lookups import fleets_of
from api.problems import documented, problem
from api.proposal_documents import QuestionDocument
from api.registry_messages import object_of, put, word_of
from stream.live.keys import QUESTIONS, answer_key
from stream.question_messages import CandidatesAsked, WhatIfAsked
from stream.reassign.answers import Answer, Candidates
from stream.texts import ID_PATTERN

router = APIRouter(tags=["questions"])

PATIENCE_S = 2.0
"""So long is waited for an answer: after that it has an address."""
LOOK_S = 0.02

QuestionId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$", description="`question_id` of the 202 answer.")]
_LEFT_OUT = ("type", "fleet_id", "at", "question_id")


def _told(kind: Any) -> dict[int | str, dict[str, Any]]:
    later = {"$ref": f"#/components/schemas/{QuestionDocument.__name__}"}
    return {
        200: {"description": str(kind.__doc__).split("\n", maxsplit=1)[0], "content": {"application/json": {"schema": schema_of(kind)}}},
        202: {"description": "The engine is busy: the answer will be at `href`.", "content": {"application/json": {"schema": later}}},
        **documented(401, 404, 413, 422, 503),
    }


def _body_of(kind: Any, said: str) -> Schema:
    schema = schema_of(kind, _LEFT_OUT)
    for name in _LEFT_OUT:
        if name != "fleet_id":
            schema["properties"].pop(name, None)
    return json_body(schema, said)


@router.post("/v1/what-if", responses=_told(Answer), openapi_extra=_body_of(WhatIfAsked, "What is supposed."))
async def what_if(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """What would become of everybody's arrivals, if: a stop moved, a window changed, a delay, a vehicle out, traffic in an area."""
    return await _ask(request, log, "what_if_asked", fleet_id)


@router.post(
    "/v1/orders:candidates", responses=_told(Candidates), openapi_extra=_body_of(CandidatesAsked, "The order, as a stop of a plan.")
)
async def candidates(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """Who can take this? The best vehicles by the time it costs them, each with what it does to their other visits."""
    return await _ask(request, log, "candidates_asked", fleet_id)


@router.get("/v1/answers/{question_id}", responses={200: {"description": "The answer."}, **documented(401, 404, 503)})
async def show_answer(request: Request, question_id: QuestionId, fleet_id: FleetId = None) -> Response:
    """An answer that took longer than the one who asked would wait. Answers are kept for ten minutes."""
    redis = request.app.state.redis
    for name in await fleets_of(redis, fleet_id):
        if (found := await redis.get(answer_key(name, question_id))) is not None:
            return JsonResponse(found)
    raise problem(404, f"There is no answer {question_id}: not yet, or not any more.")


async def _ask(request: Request, log: TheLog, kind: str, fleet_id: str | None) -> Response:
    """Append the question, and wait for the engine."""
    fields, _ = await object_of(request, log)
    if not request.app.state.settings.proposals:
        raise problem(503, "The engine is set not to answer questions (`proposals = false`).")
    fleet = await log.fleet_or_only(word_of(fields["fleet_id"]) if "fleet_id" in fields else fleet_id)
    async with patience():
        question_id = f"q{await log.redis.incr(QUESTIONS)}"
    await put(log, kind, fleet, {**fields, "question_id": question_id})
    found = await _answer(log, answer_key(fleet, question_id))
    later = QuestionDocument(question_id, fleet, f"/v1/answers/{question_id}?fleet_id={fleet}")
    return JsonResponse(found) if found is not None else JsonResponse(msgspec.json.encode(later), 202)


async def _answer(log: Log, key: str) -> bytes | None:
    """The answer, if it comes in time."""
    for _ in range(round(PATIENCE_S / LOOK_S)):
        found: Any = await log.redis.get(key)
        if found is not None:
            return bytes(found)
        await asyncio.sleep(LOOK_S)
    return None
