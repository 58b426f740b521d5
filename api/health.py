"""`/healthz`, `/readyz`, `/metrics`: does the process live, can the service work, and how does it do."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.answers import JSON, JsonResponse
from api.lookups import redis_micros
from api.read_health import Health, problems_of, read_heartbeats
from stream.live.keys import HEARTBEATS

router = APIRouter(tags=["operations"])

_REF = {JSON: {"schema": {"$ref": "#/components/schemas/Health"}}}


@router.get("/", include_in_schema=False)
async def front() -> Response:
    """Who opens the address in a browser wants to see what there is."""
    return RedirectResponse("/docs")


@router.get("/healthz", responses={200: {"description": "The process lives.", "content": _REF}})
async def healthz() -> Response:
    """Whether the process lives: restart it if this does not answer."""
    return JsonResponse(Health("ok", []))


@router.get(
    "/readyz",
    responses={
        200: {"description": "All is well.", "content": _REF},
        503: {"description": "`problems` says what is not.", "content": _REF},
    },
)
async def readyz(request: Request) -> Response:
    """Whether requests can be answered with what is true now; if not, every reason."""
    problems = await _problems(request.app.state.redis, request.app.state.settings.shards)
    if not request.app.state.ring.following:
        problems.append("events are not being followed")
    return JsonResponse(Health("unavailable" if problems else "ok", problems), 503 if problems else 200)


async def _problems(redis: Redis, shards: int) -> list[str]:
    try:
        raws, clock_us = await redis.hgetall(HEARTBEATS), await redis_micros(redis)
    except (RedisError, OSError) as error:
        return [f"Redis does not answer: {type(error).__name__}"]
    return problems_of(read_heartbeats(raws), clock_us, shards)
