"""`/v1/routes`: what is planned, and how it stands."""

from fastapi import APIRouter, Request, Response
from redis.asyncio import Redis

from api.answers import answer, answers
from api.cursors import FleetId
from api.documents import RouteDocument
from api.lookups import find, scenes_of
from api.problems import problem
from api.read_etas import route_document

router = APIRouter(prefix="/v1", tags=["state"])


@router.get("/routes/{route_id}", responses=answers(RouteDocument, 404, 409, 422))
async def show_route(request: Request, route_id: str, fleet_id: FleetId = None) -> Response:
    """A route as it was published last, with the state and the ETA of every visit."""
    redis: Redis = request.app.state.redis
    found = await find(redis, "routes", route_id, "route", fleet_id)
    scenes = await scenes_of(redis, [(found.fleet_id, found.entry.time_zone, route_id)])
    if not scenes:
        raise problem(404, f"There is no route {route_id} any more.")
    return answer(request, route_document(scenes[found.fleet_id, route_id]))
