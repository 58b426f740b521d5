"""Step 2, locate: which fences a vehicle has entered or left (by raw edge; the cell comes with the fix)."""

import numpy as np

from eta_models.columns import MISSING, Ints
from geofences.cells import cell_name
from stream.batches import Pings
from stream.fleet import FleetState
from stream.outputs import Event, Outputs


def locate(state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> None:
    """Compare the fences of each live fix with those of the vehicle before it; only vehicles with a change are looked at one by one."""
    if not state.fences:
        return
    found, numbers = state.fence_index.locate(pings.cell, pings.lat, pings.lon)
    signature = state.fence_index.signature(found, numbers, len(rows))
    changed = np.flatnonzero(signature != state.vehicles.inside[rows])
    state.scalar_rows += len(changed)
    starts = np.searchsorted(found, changed)
    ends = np.searchsorted(found, changed, side="right")
    for i, start, end in zip(changed.tolist(), starts.tolist(), ends.tolist(), strict=True):
        row = int(rows[i])
        inside = frozenset(state.fence_index.fence_ids[number] for number in numbers[start:end].tolist())
        _cross(state, row, inside, (int(pings.position[i]), int(pings.at_us[i]), int(now_us[i])), out)
        state.vehicles.inside[row] = signature[i]


def _cross(state: FleetState, row: int, inside: frozenset[str], moment: tuple[int, int, int], out: Outputs) -> None:
    """Tell what was left and entered. `moment` is (log position, time of the fix, now)."""
    before = state.fences_of.get(row, frozenset())
    for fence_id in sorted(before - inside):
        out.emit(moment[0], _event(state, "geofence_exited", row, fence_id, moment))
    for fence_id in sorted(inside - before):
        out.emit(moment[0], _event(state, "geofence_entered", row, fence_id, moment))
    state.fences_of[row] = inside


def _event(state: FleetState, kind: str, row: int, fence_id: str, moment: tuple[int, int, int]) -> Event:
    vehicle_id = state.vehicle_ids[row]
    fence = state.fences.get(fence_id)
    state.vehicles.crossings[row] += 1
    data: dict[str, object] = {
        "vehicle_id": vehicle_id,
        "fence_id": fence_id,
        "fence_kind": fence.kind if fence else None,
        "cell": cell_name(int(state.vehicles.cell[row])),
    }
    if fence is None:
        data["reason"] = "fence_removed"
    return Event(kind, f"{vehicle_id}:{fence_id}:{int(state.vehicles.crossings[row])}", f"vehicle/{vehicle_id}", moment[1], moment[2], data)


def refence(state: FleetState, position: int, now_us: int, out: Outputs) -> None:
    """After a fence was put or removed: vehicles whose place did not change may be inside or outside now."""
    vehicles = state.vehicles
    rows = np.flatnonzero(vehicles.at_us[: vehicles.count] != MISSING)
    found, numbers = state.fence_index.locate(vehicles.cell[rows], vehicles.lat[rows], vehicles.lon[rows])
    signature = state.fence_index.signature(found, numbers, len(rows))
    inside: dict[int, set[str]] = {}
    for i, number in zip(found.tolist(), numbers.tolist(), strict=True):
        inside.setdefault(i, set()).add(state.fence_index.fence_ids[number])
    for i in np.flatnonzero(signature != vehicles.inside[rows]).tolist():
        _cross(state, int(rows[i]), frozenset(inside.get(i, ())), (position, now_us, now_us), out)
        vehicles.inside[rows[i]] = signature[i]
