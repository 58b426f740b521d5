"""The statuses of a recorded day as messages."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from replay.day_errors import BadDay
from replay.said import STATUS, Said, said
from stream.moments import micros

_OF_ROUTE = ("fleet_id", "at", "vehicle_id", "route_id")
_OF_STOP = (*_OF_ROUTE, "visit_id", "stop_id")
_OF_VEHICLE = ("fleet_id", "at", "vehicle_id", "reason")
_FIELDS = {
    **dict.fromkeys(("route_started", "route_ended"), _OF_ROUTE),
    **dict.fromkeys(("stop_arrived", "stop_departed", "stop_completed"), _OF_STOP),
    **dict.fromkeys(("stop_failed", "stop_skipped", "stop_cancelled"), (*_OF_STOP, "reason")),
    **dict.fromkeys(("vehicle_down", "vehicle_up"), _OF_VEHICLE),
}
"""What each type takes from its row."""


def statuses(frame: pl.DataFrame | None) -> Iterator[Said]:
    """One message a row of a table with `fleet_id` and `received_at`. Raises `BadDay` for a type that is none."""
    for row in () if frame is None else frame.iter_rows(named=True):
        yield said(micros(row["received_at"]), STATUS, {"type": row["type"], **_fields(row)})


def _fields(row: dict[str, Any]) -> dict[str, object]:
    if row["type"] not in _FIELDS:
        msg = f"statuses.parquet holds the type {row['type']!r}, which is no status; these are: {', '.join(_FIELDS)}"
        raise BadDay(msg)
    return {name: row.get(name) for name in _FIELDS[row["type"]]}
