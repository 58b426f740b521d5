"""`vehicle_down`: a vehicle cannot go on. One exception speaks for all of its visits; what was open about them is superseded."""

from dataclasses import dataclass

import numpy as np

from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState

CHILDREN = ("late_risk", "stalled", "signal_lost", "off_route", "long_dwell", "early_risk", "missed_connection")
"""Kinds that a breakdown explains: they close as `superseded` and stay closed while it stands."""


@dataclass(frozen=True, slots=True)
class VehicleDownPolicy(ConditionPolicy):
    """It opens with the message, and resolves when the vehicle is up again or sets out on a route."""

    clear_s: float = 0.0
    worse_by: float = 1.1
    """It is told again when a tenth of its visits has been taken over: time alone changes nothing."""


def detect(_policy: VehicleDownPolicy, state: FleetState) -> list[Found]:
    """Vehicles that are down."""
    v = state.vehicles
    return [found_down(state, row, None) for row in np.flatnonzero(v.down[: v.count] == 1).tolist()]


def found_down(state: FleetState, row: int, cause: str | None) -> Found:
    """One vehicle that is down; `level` is how many visits wait for another one."""
    vehicle_id, visits = state.vehicle_ids[row], open_visits(state, row)
    details: dict[str, object] = {} if cause is None else {"cause": cause}
    return Found(vehicle_id, f"vehicle/{vehicle_id}", row, visits, float(len(visits)), details)
