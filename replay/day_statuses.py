"""The statuses of a recorded day as messages."""

from typing import Any

import polars as pl

from replay.day_errors import BadDay
from replay.day_folder import Said, clean_id
from stream.messages import (
    AnyMessage,
    RouteEnded,
    RouteStarted,
    StopArrived,
    StopCancelled,
    StopCompleted,
    StopDeparted,
    StopFailed,
    StopSkipped,
    VehicleDown,
    VehicleUp,
)

_ROUTE = {"route_started": RouteStarted, "route_ended": RouteEnded}
_VISIT = {"stop_arrived": StopArrived, "stop_departed": StopDeparted, "stop_completed": StopCompleted}
_REASONED = {"stop_failed": StopFailed, "stop_skipped": StopSkipped, "stop_cancelled": StopCancelled}
_VEHICLE = {"vehicle_down": VehicleDown, "vehicle_up": VehicleUp}


def statuses(frame: pl.DataFrame | None, fleet_id: str) -> list[Said]:
    """One message a row; received when the table says, else when it happened. Raises `BadDay` for a type that is none."""
    if frame is None:
        return []
    said = []
    for row in frame.iter_rows(named=True):
        received = row.get("received_at") or row["at"]
        said.append(Said(round(received.timestamp() * 1e6), 3, _message(row, row.get("fleet_id") or fleet_id)))
    return said


def _message(row: dict[str, Any], fleet_id: str) -> AnyMessage:
    kind = row["type"]
    vehicle = {"fleet_id": fleet_id, "at": row["at"], "vehicle_id": clean_id(row["vehicle_id"])}
    if kind in _VEHICLE:
        return _VEHICLE[kind](**vehicle, reason=row.get("reason"))
    route = {**vehicle, "route_id": clean_id(row["route_id"])}
    if kind in _ROUTE:
        return _ROUTE[kind](**route)
    visit = {**route, "visit_id": row.get("visit_id"), "stop_id": clean_id(row["stop_id"]) if row.get("stop_id") else None}
    if kind in _VISIT:
        return _VISIT[kind](**visit)
    if kind in _REASONED:
        return _REASONED[kind](**visit, reason=row.get("reason"))
    msg = f"statuses.parquet holds the type {kind!r}, which is no status; see docs/messages.md for those that are"
    raise BadDay(msg)
