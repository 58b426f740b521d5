"""`vehicle_down`: a vehicle cannot go on. One exception speaks for all of its visits; what was open about them is superseded.

Somebody says so (`TOLD`), or it has stood for so long that nothing else is likely (`PRESUMED`, see `presumed.py`).
"""

from dataclasses import dataclass

import numpy as np

from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState

CHILDREN = ("late_risk", "stalled", "signal_lost", "off_route", "long_dwell", "early_risk", "missed_connection")
"""Kinds that a breakdown explains: they close as `superseded` and stay closed while it stands."""

KEPT = ("cause", "presumed", "still_since")
"""What is said of a breakdown for as long as it stands."""

UP, TOLD, PRESUMED = 0, 1, 2
"""What the column `down` of a vehicle says."""


@dataclass(frozen=True, slots=True)
class VehicleDownPolicy(ConditionPolicy):
    """It opens with the message, and resolves when the vehicle is up again or sets out on a route. Without one it is presumed."""

    presume_after_s: float = 2_700.0
    """A vehicle that has not moved for so long where it should, as `stalled` sees it, and of which nothing is said is presumed down until
    it moves: longer than a lunch that nobody reported. It must have been seen standing; that it then fell silent changes nothing."""
    clear_s: float = 0.0
    worse_by: float = 1.1
    """It is told again when a tenth of its visits has been taken over: time alone changes nothing."""


def detect(_policy: VehicleDownPolicy, state: FleetState) -> list[Found]:
    """Vehicles that are down."""
    v = state.vehicles
    return [found_down(state, row, None) for row in np.flatnonzero(v.down[: v.count] > UP).tolist()]


def found_down(state: FleetState, row: int, cause: str | None) -> Found:
    """One vehicle that is down; `level` is how many visits wait for another one."""
    vehicle_id, visits = state.vehicle_ids[row], open_visits(state, row)
    known = state.exceptions.open(f"{state.fleet_id}:vehicle_down:{vehicle_id}")
    before: dict[str, object] = {} if known is None else {name: known.details[name] for name in KEPT if name in known.details}
    details: dict[str, object] = before if cause is None else {"cause": cause}
    return Found(vehicle_id, f"vehicle/{vehicle_id}", row, visits, float(len(visits)), details)
