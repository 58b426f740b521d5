"""`/v1/exceptions/{id}/proposals`: what could be done about an exception, and doing it."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request, Response
from fastapi_problem.error import Problem

from api.answers import answer, answers
from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, receipts
from api.log import TheLog
from api.lookups import Found, find, scenes_of
from api.problems import problem
from api.proposal_documents import ProposalsDocument
from api.registry_exceptions import ExceptionId
from api.registry_messages import object_of, put
from stream.live.keys import fleet_key
from stream.live.views import ProposalsView
from stream.moments import instant_or_none, micros
from stream.proposals import Proposal
from stream.visits import OPEN

router = APIRouter(tags=["proposals"])

Number = Annotated[int, Path(ge=1, le=16, description="`number` of the proposal.")]

_ACCEPTANCE: Schema = {
    "type": "object",
    "required": ["by"],
    "properties": {"by": {"type": "string", "maxLength": 256, "description": "Who accepts."}},
    "additionalProperties": False,
}

_view = msgspec.json.Decoder(ProposalsView)


@router.get("/v1/exceptions/{exception_id}/proposals", responses=answers(ProposalsDocument, 404, 409, 422))
async def show_proposals(request: Request, exception_id: ExceptionId, fleet_id: FleetId = None) -> Response:
    """What could be done about an exception. Where nothing helps, or nobody has looked yet, there are no proposals: 404."""
    found = await find(request.app.state.redis, "proposals", exception_id, "open proposal for exception", fleet_id)
    view = _view.decode(found.value)
    times = instant_or_none(view.made_us), instant_or_none(view.actionable_until_us)
    return answer(request, ProposalsDocument(exception_id, found.fleet_id, *times, view.proposals, view.road_times))


@router.post(
    "/v1/exceptions/{exception_id}/proposals/{number}:accept",
    status_code=202,
    responses=receipts(401, 404, 409, 413, 422, 503),
    openapi_extra=json_body(_ACCEPTANCE, "Who accepts."),
)
async def accept_proposal(request: Request, log: TheLog, exception_id: ExceptionId, number: Number, fleet_id: FleetId = None) -> Response:
    """Put a proposal into the plan. One that no longer fits is a 409 where that can be seen, else the engine refuses it: a dead letter."""
    fields, _ = await object_of(request, log)
    found = await find(log.redis, "proposals", exception_id, "open proposal for exception", fleet_id)
    chosen = next((one for one in _view.decode(found.value).proposals if one.number == number), None)
    if chosen is None:
        raise problem(404, f"There is no open proposal {number} for exception {exception_id}.")
    if (why := await _stale(request, found, chosen)) is not None:
        raise Problem("The proposal does not fit any more", "stale-proposal", why, 409, None, reason="stale_proposal")
    return await put(log, "proposal_accepted", found.fleet_id, {**fields, "exception_id": exception_id, "number": number})


async def _stale(request: Request, found: Found, proposal: Proposal) -> str | None:
    """Why the engine would refuse it, as far as the present shows that."""
    redis = request.app.state.redis
    now_us = await redis.hget(fleet_key("fleet", found.fleet_id), "now_us")
    if now_us is not None and int(now_us) > micros(proposal.holds_until):
        return "It held only until an earlier moment: ask for the proposals anew."
    known = {change.route_id: change.before_visit_ids for change in proposal.changes if not change.starts}
    scenes = await scenes_of(redis, [(found.fleet_id, found.entry.time_zone, route_id) for route_id in known])
    for route_id, before in known.items():
        scene = scenes.get((found.fleet_id, route_id))
        rows = [] if scene is None else zip(scene.route.visits, scene.visits, strict=True)
        now = [planned.visit_id for planned, visit in rows if visit.state == OPEN]
        if scene is None or before[len(before) - len(now) :] != now:
            return f"The plan of route {route_id} has changed since: ask for the proposals anew."
    return None
