"""`/v1/vehicles/{id}/geofences`: in which fences a vehicle is, or was at a time."""

from datetime import datetime
from typing import Annotated, NamedTuple

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime
from redis.asyncio import Redis

from api.answers import answer, answers
from api.cursors import FleetId
from api.documents import StayDocument, VehicleFences
from api.lookups import find
from api.problems import problem
from api.readers import read_fix, read_micros, read_vehicle
from eta_models.columns import MISSING
from stream.live.keys import fleet_key
from stream.live.views import STAY, STAYS_KEPT, VehicleView
from stream.moments import instant, instant_or_none, micros
from stream.vehicles import FIRST_HEARD, MINUTE_US

router = APIRouter(prefix="/v1", tags=["state"])

AHEAD_US = 60_000_000
"""A fleet learns what time it is every ten seconds, and clocks differ."""

BESIDE_MIN = 2
"""A fix says where a vehicle was for so long before and behind it: the gap over which the engine trusts a path (`trusted_gap_s`)."""

At = Annotated[AwareDatetime | None, Query(description="At this time (RFC 3339 with an offset) instead of now.")]


class Stay(NamedTuple):
    """A row of `STAY`; what goes on has not been left (`MISSING`)."""

    entered_us: int
    left_us: int
    detected_us: int
    fence_id: str


@router.get("/vehicles/{vehicle_id}/geofences", responses=answers(VehicleFences, 404, 409, 410, 422))
async def show_fences(request: Request, vehicle_id: str, at: At = None, fleet_id: FleetId = None) -> Response:
    """The fences that a vehicle is in now, or was in at a time, as far as is known by now."""
    redis: Redis = request.app.state.redis
    found = await find(redis, "vehicles", vehicle_id, "vehicle", fleet_id)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hget(fleet_key("vehicles", found.fleet_id), vehicle_id)
        pipe.hget(fleet_key("fixes", found.fleet_id), vehicle_id)
        pipe.hget(fleet_key("stays", found.fleet_id), vehicle_id)
        pipe.hmget(fleet_key("fleet", found.fleet_id), "now_us", "stays_from")
        view, fix, past, (now, since) = await pipe.execute()
    vehicle, over, newest = read_vehicle(view or found.value), read_stays(past), read_fix(fix)
    known_from_us = _known_from_us(vehicle, over, read_micros(since))
    open_ = [Stay(stay.entered_us, MISSING, MISSING, stay.fence_id) for stay in vehicle.fences]
    inside = open_ if at is None else stays_at([*open_, *over], _asked(at, known_from_us, read_micros(now)))
    return answer(
        request,
        VehicleFences(
            fleet_id=found.fleet_id,
            vehicle_id=vehicle_id,
            at=at,
            as_of=instant_or_none(read_micros(now)),
            last_fix_at=instant_or_none(newest.at_us) if newest is not None else None,
            known_from=instant_or_none(known_from_us),
            late_fixes=_is_late(vehicle, newest.at_us if newest is not None else MISSING, at),
            geofences=[_document(stay) for stay in inside],
        ),
    )


def _known_from_us(vehicle: VehicleView, over: list[Stay], since_us: int) -> int:
    """From when on all is known: since its first fix, since Redis hears of its stays, and since the end of the oldest that is kept."""
    heard_us = max(since_us, vehicle.heard_min[FIRST_HEARD] * MINUTE_US)
    if since_us == MISSING or heard_us == 0:
        return MISSING
    return max(heard_us, over[0].detected_us if len(over) == STAYS_KEPT else MISSING)


def _is_late(vehicle: VehicleView, newest_us: int, at: datetime | None) -> bool:
    """Whether fixes of that time came late."""
    at_min = (newest_us if at is None else micros(at)) / MINUTE_US
    _, from_min, until_min = vehicle.heard_min
    return until_min > 0 and from_min - BESIDE_MIN <= at_min < until_min + 1 + BESIDE_MIN


def stays_at(stays: list[Stay], at_us: int) -> list[Stay]:
    """Those that had begun and were not over at a time, by fence."""
    there = (stay for stay in stays if stay.entered_us <= at_us and (stay.left_us == MISSING or at_us < stay.left_us))
    return sorted(there, key=lambda stay: (stay.fence_id, stay.entered_us))


def read_stays(raw: bytes | None) -> list[Stay]:
    """The packed rows of a vehicle, the oldest end first."""
    rows = [] if raw is None else np.frombuffer(raw, STAY).tolist()
    return [Stay(entered_us, left_us, detected_us, fence_id.decode()) for entered_us, left_us, detected_us, fence_id in rows]


def _asked(at: datetime, known_from_us: int, now_us: int) -> int:
    """The time asked about. Raises a 410 problem for one before all that is kept, a 422 problem for one that has not come."""
    at_us = micros(at)
    if at_us > now_us + AHEAD_US and now_us != MISSING:
        raise problem(422, f"That time has not come: for this fleet it is {instant(now_us).isoformat()}.")
    if known_from_us == MISSING or at_us < known_from_us:
        since = "not yet" if known_from_us == MISSING else f"since {instant(known_from_us).isoformat()}"
        raise problem(410, f"In which fences this vehicle was then is not kept: it is known {since}.")
    return at_us


def _document(stay: Stay) -> StayDocument:
    return StayDocument(stay.fence_id, instant(stay.entered_us), instant_or_none(stay.left_us))
