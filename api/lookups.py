"""Questions to Redis, many at a time: one round trip for each thing that the next question needs to know, however many were asked for."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

from redis.asyncio import Redis

from api.documents import EtaDocument
from api.problems import problem
from api.read_etas import eta_document, place_in
from api.readers import Scene, read_entry, read_fix, read_micros, read_route, read_visits, text
from eta_models.columns import MISSING
from stream.live.keys import FLEETS, fleet_key
from stream.live.views import FleetEntry
from stream.texts import is_id

_EXCEPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,255}")
"""Fleet, kind and visit with colons between."""


class Found(NamedTuple):
    """A field of one of a fleet's hashes."""

    fleet_id: str
    entry: FleetEntry
    value: bytes


class Place(NamedTuple):
    """A visit and the route that it is on."""

    fleet_id: str
    time_zone: str
    route_id: str
    visit_id: str


async def fleets_of(redis: Redis, fleet_id: str | None = None) -> dict[str, FleetEntry]:
    """All fleets by id, or the one that was asked for. Raises a 404 problem if that is not known."""
    if fleet_id is None:
        every = await redis.hgetall(FLEETS)
        return {text(name): read_entry(raw) for name, raw in sorted(every.items())}
    raw = await redis.hget(FLEETS, fleet_id)
    if raw is None:
        raise problem(404, f"No fleet {fleet_id} is known.")
    return {fleet_id: read_entry(raw)}


async def hashes_of(redis: Redis, fleets: Iterable[str], *kinds: str) -> list[tuple[dict[bytes, bytes], ...]]:
    """Whole hashes, in one round trip: for each of the fleets those of all `kinds`."""
    keys = [[fleet_key(kind, fleet) for kind in kinds] for fleet in fleets]
    async with redis.pipeline(transaction=False) as pipe:
        for key in chain.from_iterable(keys):
            pipe.hgetall(key)
        found = iter(await pipe.execute() if keys else [])
    return [tuple(islice(found, len(kinds))) for _ in keys]


async def redis_micros(redis: Redis) -> int:
    """The wall clock of Redis, which also stamps what is received."""
    seconds, micros = await redis.time()
    return int(seconds) * 1_000_000 + int(micros)


async def find(redis: Redis, kind: str, name: str, what: str, fleet_id: str | None = None) -> Found:
    """A field of the hash `kind` of whichever fleet has it. Raises a 404 problem if none has, a 409 if several have."""
    if not (_EXCEPTION.fullmatch(name) if kind == "exceptions" else is_id(name)):
        raise problem(404, f"There is no such {what}: that cannot be its id.")
    fleets = await fleets_of(redis, fleet_id)
    async with redis.pipeline(transaction=False) as pipe:
        for fleet in fleets:
            pipe.hget(fleet_key(kind, fleet), name)
        values = await pipe.execute()
    found = [Found(fleet, entry, value) for (fleet, entry), value in zip(fleets.items(), values, strict=True) if value is not None]
    return only(found, f"{what} {name}")


def only(found: Sequence[Found], what: str) -> Found:
    """The one that was found. Raises a 404 problem if there is none, a 409 that names the fleets if there are several."""
    if not found:
        raise problem(404, f"There is no {what}.")
    if len(found) > 1:
        raise problem(409, f"There is a {what} in {len(found)} fleets: say which with fleet_id.", fleets=[one.fleet_id for one in found])
    return found[0]


async def scenes_of(redis: Redis, routes: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], Scene]:
    """Routes (fleet, its time zone, route) as they stand, each of one moment; those that are gone are not in the answer."""
    asked = list(dict.fromkeys(routes))
    # In MULTI, so that plan and rows of a route are of the same write.
    async with redis.pipeline(transaction=True) as pipe:
        for fleet_id, _, route_id in asked:
            pipe.hget(fleet_key("routes", fleet_id), route_id)
            pipe.hget(fleet_key("etas", fleet_id), route_id)
            pipe.hget(fleet_key("fleet", fleet_id), "now_us")
        raws = await pipe.execute() if asked else []
    scenes = {}
    for (fleet_id, time_zone, route_id), raw, rows, now in zip(asked, raws[::3], raws[1::3], raws[2::3], strict=True):
        if raw is not None:
            route = read_route(raw)
            visits = read_visits(rows, len(route.visits))
            scenes[fleet_id, route_id] = Scene(fleet_id, time_zone, read_micros(now), route, visits, MISSING)
    return await _with_fixes(redis, scenes)


async def _with_fixes(redis: Redis, scenes: dict[tuple[str, str], Scene]) -> dict[tuple[str, str], Scene]:
    async with redis.pipeline(transaction=False) as pipe:
        for scene in scenes.values():
            pipe.hget(fleet_key("fixes", scene.fleet_id), scene.route.vehicle_id)
        fixes = [read_fix(raw) for raw in await pipe.execute()] if scenes else []
    return {
        key: Scene(scene.fleet_id, scene.time_zone, scene.now_us, scene.route, scene.visits, fix.at_us) if fix is not None else scene
        for (key, scene), fix in zip(scenes.items(), fixes, strict=True)
    }


async def etas_of(redis: Redis, places: Sequence[Place]) -> list[EtaDocument | None]:
    """The ETA of each visit; None for one that was gone when its route was read."""
    scenes = await scenes_of(redis, [(place.fleet_id, place.time_zone, place.route_id) for place in places])
    found = []
    for place in places:
        scene = scenes.get((place.fleet_id, place.route_id))
        row = place_in(scene, place.visit_id) if scene is not None else None
        found.append(eta_document(scene, row) if scene is not None and row is not None else None)
    return found
