"""The statuses of a recorded day as messages."""

from collections.abc import Callable
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

_KINDS: dict[str, Callable[..., AnyMessage]] = {
    "route_started": RouteStarted,
    "route_ended": RouteEnded,
    "stop_arrived": StopArrived,
    "stop_departed": StopDeparted,
    "stop_completed": StopCompleted,
    "stop_failed": StopFailed,
    "stop_skipped": StopSkipped,
    "stop_cancelled": StopCancelled,
    "vehicle_down": VehicleDown,
    "vehicle_up": VehicleUp,
}
_REASONED = ("stop_failed", "stop_skipped", "stop_cancelled", "vehicle_down", "vehicle_up")


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
    kind = str(row["type"])
    if kind not in _KINDS:
        msg = f"statuses.parquet holds the type {kind!r}, which is no status; these are: {', '.join(_KINDS)}"
        raise BadDay(msg)
    said: dict[str, Any] = {"fleet_id": clean_id(fleet_id), "at": row["at"], "vehicle_id": clean_id(str(row["vehicle_id"]))}
    if not kind.startswith("vehicle"):
        said["route_id"] = clean_id(str(row["route_id"]))
    if kind.startswith("stop"):
        said |= {"visit_id": row.get("visit_id"), "stop_id": clean_id(str(row["stop_id"])) if row.get("stop_id") is not None else None}
    if kind in _REASONED:
        said["reason"] = row.get("reason")
    return _KINDS[kind](**said)
