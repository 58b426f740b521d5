"""`/v1/fleets`: which fleets there are, and how far each has come."""

from fastapi import APIRouter, Request, Response
from redis.asyncio import Redis

from api.answers import answer, answers
from api.documents import FleetPage
from api.lookups import fleets_of, redis_micros
from api.readers import fleet_document
from stream.live.keys import fleet_key

router = APIRouter(prefix="/v1", tags=["state"])

FACTS = ("now_us", "totals")
"""Of a fleet's hash what its document is made of."""


@router.get("/fleets", responses=answers(FleetPage))
async def list_fleets(request: Request) -> Response:
    """Every fleet that ever sent anything: its time zone, its now and lag, counts of its log, open exceptions."""
    return answer(request, await fleet_page(request.app.state.redis))


async def fleet_page(redis: Redis) -> FleetPage:
    """All fleets, as of now."""
    fleets, clock_us = await fleets_of(redis), await redis_micros(redis)
    async with redis.pipeline(transaction=False) as pipe:
        for fleet_id in fleets:
            pipe.hmget(fleet_key("fleet", fleet_id), *FACTS)
            pipe.zcard(fleet_key("open", fleet_id))
        raws = await pipe.execute() if fleets else []
    return FleetPage(
        [
            fleet_document(fleet_id, entry, dict(zip(FACTS, facts, strict=True)), exceptions, clock_us)
            for (fleet_id, entry), facts, exceptions in zip(fleets.items(), raws[::2], raws[1::2], strict=True)
        ]
    )
