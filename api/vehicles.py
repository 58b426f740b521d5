"""`/v1/vehicles`: where vehicles are and what they are doing."""

from itertools import groupby, islice
from operator import itemgetter

import msgspec
from fastapi import APIRouter, Request, Response
from redis.asyncio import Redis

from api.answers import answer, answers
from api.cursors import Cursor, FleetId, Limit, cursor_of, place_of
from api.documents import VehicleDetail, VehicleDocument, VehiclePage
from api.lookups import Found, Place, etas_of, find, fleets_of
from api.readers import local_time, read_fix, read_micros, read_vehicle, vehicle_document, zone_of
from eta_models.columns import MISSING
from stream.live.keys import fleet_key
from stream.moments import instant_or_none

router = APIRouter(prefix="/v1", tags=["state"])

FLEETS_AT_ONCE = 32
"""Fleets whose vehicles are listed in one round trip."""


@router.get("/vehicles", responses=answers(VehiclePage, 404, 422))
async def list_vehicles(request: Request, fleet_id: FleetId = None, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """Vehicles with their newest fix, by fleet and id, a page at a time."""
    redis: Redis = request.app.state.redis
    after = place_of(cursor, tuple[str, str]) if cursor is not None else ("", "")
    names = await _names(redis, sorted(await fleets_of(redis, fleet_id)), after, limit + 1)
    page, more = names[:limit], len(names) > limit
    items = await _documents(redis, page)
    return answer(request, VehiclePage(items, cursor_of(*page[-1]) if more else None))


async def _names(redis: Redis, fleets: list[str], after: tuple[str, str], count: int) -> list[tuple[str, str]]:
    """The next vehicles (fleet, id) behind a place, in order."""
    rest = iter([fleet for fleet in fleets if fleet >= after[0]])
    names: list[tuple[str, str]] = []
    while len(names) < count and (some := list(islice(rest, FLEETS_AT_ONCE))):
        async with redis.pipeline(transaction=False) as pipe:
            for fleet in some:
                pipe.hkeys(fleet_key("vehicles", fleet))
            keys = await pipe.execute()
        found = ((fleet, key.decode()) for fleet, mine in zip(some, keys, strict=True) for key in mine)
        names += sorted(name for name in found if name > after)
    return names[:count]


async def _documents(redis: Redis, names: list[tuple[str, str]]) -> list[VehicleDocument]:
    """The vehicles of a page, but for those that are gone meanwhile."""
    by_fleet = {fleet: [vehicle_id for _, vehicle_id in mine] for fleet, mine in groupby(names, itemgetter(0))}
    async with redis.pipeline(transaction=False) as pipe:
        for fleet, vehicle_ids in by_fleet.items():
            pipe.hmget(fleet_key("vehicles", fleet), vehicle_ids)
            pipe.hmget(fleet_key("fixes", fleet), vehicle_ids)
        raws = await pipe.execute() if names else []
    return [
        vehicle_document(fleet, read_vehicle(view), read_fix(fix))
        for fleet, views, fixes in zip(by_fleet, raws[::2], raws[1::2], strict=True)
        for view, fix in zip(views, fixes, strict=True)
        if view is not None
    ]


@router.get("/vehicles/{vehicle_id}", responses=answers(VehicleDetail, 404, 409, 422))
async def show_vehicle(request: Request, vehicle_id: str, fleet_id: FleetId = None) -> Response:
    """A vehicle: its newest fix and how old it is, what it is doing, and the ETA of its next visit."""
    redis: Redis = request.app.state.redis
    found = await find(redis, "vehicles", vehicle_id, "vehicle", fleet_id)
    return answer(request, await _detail(redis, found))


async def _detail(redis: Redis, found: Found) -> VehicleDetail:
    view, fleet_id, time_zone = read_vehicle(found.value), found.fleet_id, found.entry.time_zone
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hget(fleet_key("fixes", fleet_id), view.vehicle_id)
        pipe.hget(fleet_key("fleet", fleet_id), "now_us")
        raw, now = await pipe.execute()
    fix, now_us = read_fix(raw), read_micros(now)
    ahead = [Place(fleet_id, time_zone, view.route_id, view.next_visit_id)] if view.route_id and view.next_visit_id else []
    etas = await etas_of(redis, ahead)
    return VehicleDetail(
        **msgspec.structs.asdict(vehicle_document(fleet_id, view, fix)),
        as_of=instant_or_none(now_us),
        age_s=round((now_us - fix.at_us) / 1e6, 3) if fix and now_us != MISSING else None,
        time_zone=time_zone,
        at_local=local_time(fix.at_us, zone_of(time_zone)) if fix else None,
        next_visit=etas[0] if etas else None,
    )
