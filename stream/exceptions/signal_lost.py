"""`signal_lost`: a vehicle with work to do has not been heard of. Many at once are one exception of the fleet: the feed is down."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING
from geofences.cells import cell_name
from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.exceptions.work import has_work
from stream.fleet import FleetState


@dataclass(frozen=True, slots=True)
class SignalLostPolicy(ConditionPolicy):
    """When silence is told, and what it is likely to be."""

    limit_s: float = 300.0
    """Silence after which it is told, by the tick (every 30 s): feeds with a fix a minute miss two or three now and then."""
    clear_s: float = 0.0
    reopen_after_s: float = 600.0
    parked_s: float = 120.0
    """Who had stood for so long before has likely parked, and the phone sleeps."""
    fleet_share: float = 0.5
    """When this share of the vehicles under way falls silent together, and at least `fleet_least`, the feed is down, not the phones."""
    fleet_least: float = 4
    area_least: float = 2
    """Losses of other vehicles in the same cell within a day that make it the place's fault: a tunnel, a dead spot."""


def detect(policy: SignalLostPolicy, state: FleetState) -> list[Found]:
    """Vehicles on a route with work left of which nothing has been received for `limit_s`."""
    v = state.vehicles
    rows = np.flatnonzero((v.next[: v.count] >= 0) & (v.at_us[: v.count] != MISSING))
    silent_s = (state.now_us - np.maximum(v.received_us[rows], v.started_us[rows])) / 1e6
    silent = np.flatnonzero((silent_s >= policy.limit_s) & (v.paused_until_us[rows] <= state.now_us))
    lost = silent[has_work(state, rows[silent])]
    if len(lost) >= policy.fleet_least and len(lost) >= policy.fleet_share * (under_way := int(has_work(state, rows).sum())):
        details = {"likely": "feed", "silent_vehicles": len(lost), "vehicles_under_way": under_way}
        return [Found(state.fleet_id, f"fleet/{state.fleet_id}", -1, [], float(len(lost)), dict(details))]
    return [_one(policy, state, int(rows[i]), float(silent_s[i])) for i in lost.tolist()]


def _one(policy: SignalLostPolicy, state: FleetState, row: int, silent_s: float) -> Found:
    vehicle_id = state.vehicle_ids[row]
    known = state.exceptions.open(f"{state.fleet_id}:signal_lost:{vehicle_id}")  # the reason does not change with time
    likely = _likely(policy, state, row) if known is None else known.details.get("likely")
    details: dict[str, object] = {"silent_s": round(silent_s), "likely": likely}
    details["cell"] = cell_name(int(state.vehicles.cell[row]))
    return Found(vehicle_id, f"vehicle/{vehicle_id}", row, open_visits(state, row), silent_s, details)


def _likely(policy: SignalLostPolicy, state: FleetState, row: int) -> str:
    """The likely reason, in one word: `parked`, `area`, `device` (battery, app or phone)."""
    v = state.vehicles
    if v.here[row] >= 0 or (v.at_us[row] - v.still_us[row]) / 1e6 >= policy.parked_s:
        return "parked"
    cell, vehicle_id = cell_name(int(v.cell[row])), state.vehicle_ids[row]
    others = {
        one.vehicle_id
        for one in state.exceptions.known.values()
        if one.kind == "signal_lost" and one.vehicle_id != vehicle_id and one.details.get("cell") == cell
    }
    return "area" if len(others) >= policy.area_least else "device"
