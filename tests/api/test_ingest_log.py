"""The way into the log, and what is said where Redis is away."""

import json

import anyio
from fastapi.testclient import TestClient
from redis import Redis

from api.app import create_app
from api.log import append
from stream.intake import Entry
from stream.live.append import Message
from stream.live.keys import FLEETS, log_key
from stream.live.log_entry import unpack
from stream.live.server import connect_async
from stream.live.settings import LiveSettings
from stream.log import shard_of


def entries(redis: Redis, shard: int) -> list[Entry]:
    return [entry for stream_id, fields in redis.xrange(log_key(shard)) for entry in unpack(stream_id, fields)]


def test_a_redis_that_is_away_is_a_503(settings: LiveSettings) -> None:
    nowhere = connect_async("unix:///nowhere/redis.sock")
    with TestClient(create_app(settings, nowhere), headers={"X-API-Key": "any"}, raise_server_exceptions=False) as client:
        answer = client.post("/v1/pings:batch", json=[{}])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        client.portal.call(nowhere.aclose)


def test_fleets_of_several_zones_and_kinds_in_one_shard_do_not_mix(redis: Redis, redis_url: str) -> None:
    live = [f"f{number}" for number in range(100) if shard_of(f"f{number}") == 3][:3]
    messages = [Message(live[number % 3], b'{"n":%d}' % number, 5 if live[number % 3] == live[0] else None) for number in range(250)]
    settings = LiveSettings(fleets={live[1]: "Europe/Berlin"})

    async def run() -> None:
        there = connect_async(redis_url)
        await append(there, messages, settings)
        await there.aclose()

    anyio.run(run)
    found = entries(redis, 3)
    assert len(found) == 250
    assert sum(entry.received_us == 5 for entry in found) == 84
    zones = {fleet.decode(): json.loads(entry)["time_zone"] for fleet, entry in redis.hgetall(FLEETS).items()}
    assert zones == {live[0]: "UTC", live[1]: "Europe/Berlin", live[2]: "UTC"}
