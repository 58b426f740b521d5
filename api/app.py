"""The application: which routes there are, who may use them, and what they share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from redis.asyncio import Redis
from starlette.types import ASGIApp

from api import (
    cells,
    devices,
    etas,
    events,
    exceptions,
    fleets,
    health,
    ingest,
    metrics,
    models,
    proposals,
    questions,
    registry,
    routes,
    vehicle_fences,
    vehicles,
)
from api.auth import KnownKeys, require_key
from api.edge import Edge
from api.openapi import describe
from api.problems import add_problems, documented
from api.ring import Ring, follow
from api.tasks import end
from stream.live.settings import LiveSettings

LARGEST_BODY = 10_000_000
"""Bytes of a request body."""

_KEYED = (
    fleets,
    vehicles,
    vehicle_fences,
    routes,
    etas,
    exceptions,
    proposals,
    cells,
    events,
    ingest,
    registry,
    questions,
    models,
    metrics,
)
"""Routes that need a key, which is looked for here; devices look for theirs themselves, and health needs none."""


class Application(FastAPI):
    """FastAPI inside `Edge`."""

    def build_middleware_stack(self) -> ASGIApp:
        """What FastAPI builds, with a log line and a problem around everything."""
        return Edge(super().build_middleware_stack())


def create_app(settings: LiveSettings, redis: Redis) -> FastAPI:
    """The API on a Redis client with `protocol=2`.

    Routes find `settings`, `redis` and the `ring` of events in `request.app.state`. The ring is followed while the application runs.
    """
    app = Application(
        title="Fleetcast",
        version="1",
        description="What is true now of vehicles, routes, ETAs and exceptions; and the way in for pings and facts.",
        max_body_size=LARGEST_BODY,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.settings, app.state.redis, app.state.ring, app.state.keys = settings, redis, Ring(), KnownKeys(redis)
    add_problems(app)
    for part in _KEYED:
        app.include_router(part.router, dependencies=[Depends(require_key)], responses=documented(401, 503))
    app.include_router(devices.router)
    app.include_router(health.router)
    describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    following = asyncio.create_task(follow(app.state.redis, app.state.ring))
    try:
        yield
    finally:
        await end(following)
