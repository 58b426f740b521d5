"""The server around the application: its sign of life, its end."""

import asyncio
import os
import socket
from contextlib import suppress

import msgspec
import structlog
import uvicorn
from redis.asyncio import Redis

from api.app import create_app
from api.lookups import redis_micros
from api.problems import AWAY
from api.tasks import end
from stream.live.keys import HEARTBEATS
from stream.live.server import connect_async
from stream.live.settings import LiveSettings
from stream.live.views import Heartbeat

NAME = "api"
"""The process in the hash of heartbeats."""

BEAT_S = 1.0
END_WITHIN_S = 3
KEEP_ALIVE_S = 30


async def serve(settings: LiveSettings, url: str, listening: socket.socket, restarts: int) -> bool:
    """Serve until SIGTERM or SIGINT. False if the application could not start."""
    redis = connect_async(url)
    config = uvicorn.Config(
        create_app(settings, redis),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=END_WITHIN_S,
    )
    server = uvicorn.Server(config)
    beating = asyncio.create_task(_beat(redis, restarts))
    try:
        await server.serve(sockets=[listening])
    finally:
        await end(beating)
        with suppress(*AWAY):
            await redis.hdel(HEARTBEATS, NAME)
        await redis.aclose()
    return server.started


async def _beat(redis: Redis, restarts: int) -> None:
    """Say every second that we are alive, by the clock of Redis."""
    started_us = 0
    while True:
        try:
            now_us = await redis_micros(redis)
            started_us = started_us or now_us
            await redis.hset(HEARTBEATS, NAME, msgspec.json.encode(Heartbeat(os.getpid(), now_us, started_us, restarts)))
        except AWAY as error:
            structlog.get_logger("api").debug("heartbeat_waits_for_redis", error=type(error).__name__)
        await asyncio.sleep(BEAT_S)
