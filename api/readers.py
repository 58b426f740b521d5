"""From what the engine wrote to documents: bytes of Redis in, documents out, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np

from api.documents import FleetDocument, VehicleDocument
from eta_models.columns import MISSING
from geofences.cells import cell_name
from stream.live.views import FIX, VISIT, FleetEntry, RouteView, Totals, VehicleView
from stream.moments import instant, instant_or_none
from stream.visits import OPEN

_fleet_entry = msgspec.json.Decoder(FleetEntry)
_totals = msgspec.json.Decoder(Totals)
_vehicle = msgspec.json.Decoder(VehicleView)
_route = msgspec.json.Decoder(RouteView)


class Fix(NamedTuple):
    """A row of `FIX`."""

    at_us: int
    received_us: int
    lat: float
    lon: float
    cell: int
    estimated_us: int
    speed_mps: float
    heading_deg: float
    accuracy_m: float
    deviation_s: float


class Visit(NamedTuple):
    """A row of `VISIT`."""

    state: int
    planned_us: int
    opens_us: int
    closes_us: int
    arrived_us: int
    done_us: int
    p10_us: int
    p50_us: int
    p90_us: int
    p_late: float
    at_risk: int
    by_drive_s: int
    by_service_s: int
    by_wait_s: int
    by_break_s: int
    moved_drive_s: int
    moved_service_s: int
    moved_wait_s: int
    moved_break_s: int


NO_VISIT = Visit._make((OPEN, *[MISSING] * 8, float("nan"), 0, -1, *[0] * 7))
"""A visit of which only the plan is known."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A route at one moment: the plan, a row for each of its visits, the fleet's now, and when its vehicle was seen last."""

    fleet_id: str
    time_zone: str
    now_us: int
    route: RouteView
    visits: list[Visit]
    fix_at_us: int


@lru_cache(maxsize=1_000)
def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def local_time(micro: int, zone: tzinfo) -> datetime | None:
    """The moment in a time zone, to the second; None for `MISSING`."""
    return None if micro == MISSING else instant(micro).replace(microsecond=0).astimezone(zone)


def known(value: float, digits: int = 3) -> float | None:
    """The number, rounded: a packed float has half the digits of a Python one. None for NaN."""
    return round(value, digits) if value == value else None


def text(raw: bytes | str) -> str:
    """A name as Redis gives it: bytes, though redis-py's types cannot know that."""
    return raw if isinstance(raw, str) else raw.decode()


def read_micros(raw: bytes | None) -> int:
    """A time as the hash of a fleet holds it."""
    return MISSING if raw is None else int(raw)


def read_entry(raw: bytes | str) -> FleetEntry:
    """A value of the hash of fleets."""
    return _fleet_entry.decode(raw)


def read_vehicle(raw: bytes) -> VehicleView:
    """A value of the hash of vehicles."""
    return _vehicle.decode(raw)


def read_route(raw: bytes) -> RouteView:
    """A value of the hash of routes."""
    return _route.decode(raw)


def read_fix(raw: bytes | None) -> Fix | None:
    """A packed fix; None before the first one."""
    if raw is None:
        return None
    fix = Fix._make(np.frombuffer(raw, FIX).tolist()[0])
    return fix if fix.at_us != MISSING else None


def read_visits(raw: bytes | None, count: int) -> list[Visit]:
    """The packed rows of a route of `count` visits; those that are not there are only planned."""
    rows = [] if raw is None else [Visit._make(row) for row in np.frombuffer(raw, VISIT).tolist()]
    return [*rows, *[NO_VISIT] * (count - len(rows))]


def fleet_document(
    fleet_id: str, entry: FleetEntry, values: Mapping[str, bytes | None], open_exceptions: int, clock_us: int
) -> FleetDocument:
    """A fleet; `values` are `now_us` and `totals` of its hash, `clock_us` the wall clock."""
    now_us, totals = read_micros(values["now_us"]), values["totals"]
    lag_s = None if entry.driven or now_us == MISSING else round((clock_us - now_us) / 1e6, 3)
    return FleetDocument(
        fleet_id=fleet_id,
        time_zone=entry.time_zone,
        driven=entry.driven,
        now=instant_or_none(now_us),
        now_local=local_time(now_us, zone_of(entry.time_zone)),
        lag_s=lag_s,
        totals=None if totals is None else _totals.decode(totals),
        open_exceptions=open_exceptions,
    )


def vehicle_document(fleet_id: str, view: VehicleView, fix: Fix | None) -> VehicleDocument:
    """A vehicle and its newest fix."""
    return VehicleDocument(
        fleet_id=fleet_id,
        vehicle_id=view.vehicle_id,
        at=instant(fix.at_us) if fix else None,
        lat=known(fix.lat, 7) if fix else None,
        lon=known(fix.lon, 7) if fix else None,
        cell=cell_name(fix.cell) if fix and fix.cell else None,
        speed_mps=known(fix.speed_mps) if fix else None,
        heading_deg=known(fix.heading_deg) if fix else None,
        accuracy_m=known(fix.accuracy_m) if fix else None,
        deviation_s=known(fix.deviation_s) if fix else None,
        route_id=view.route_id,
        next_visit_id=view.next_visit_id,
        here_visit_id=view.here_visit_id,
        down=view.down,
        off_plan=view.off_plan,
        paused_until=instant_or_none(view.paused_until_us),
        fence_ids=[stay.fence_id for stay in view.fences],
        driver_id=view.driver_id,
        capacity=view.capacity,
        skills=view.skills,
    )
