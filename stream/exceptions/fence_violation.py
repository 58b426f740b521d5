"""`fence_violation`: a vehicle is where it must not be, or has left where it must stay."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING
from geofences.fences import Fence
from stream.exceptions.found import Found
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState, VehicleFacts
from stream.moments import instant_or_none

FORBIDDEN, MUST_STAY = "forbidden", "must_stay"
"""Kinds of fences that are rules: keep out, and stay in."""


@dataclass(frozen=True, slots=True)
class FenceViolationPolicy(ConditionPolicy):
    """A fence is entered and left with hysteresis of its own, so nothing is held back here."""

    outside_s: float = 60.0
    """Out of a fence to stay in for so long before it is told: a corner cut is none."""
    clear_s: float = 0.0
    fresh_s: float = 300.0
    """Where a vehicle is is known from a fix that is not older."""


def detect(policy: FenceViolationPolicy, state: FleetState) -> list[Found]:
    """Vehicles in a forbidden fence, and those outside one in which they must stay; the fence says whom it is for."""
    rules = [fence for _, fence in sorted(state.fences.items()) if fence.kind in {FORBIDDEN, MUST_STAY}]
    if not rules:
        return []
    c, inside = state.contacts, dict[tuple[int, str], int]()
    used = c.used()
    for contact in used[c.visiting[used] == 1].tolist():
        fence_id = state.fence_index.fence_ids[int(c.fence[contact])]
        if int(c.left_us[contact]) == MISSING:
            inside[int(c.vehicle[contact]), fence_id] = int(c.entered_us[contact])
    fresh = np.flatnonzero(state.now_us - state.vehicles.at_us[: state.vehicles.count] <= policy.fresh_s * 1e6).tolist()
    found = []
    for fence in rules:
        for row in fresh:
            since_us = inside.get((row, fence.fence_id))
            broken = since_us is not None if fence.kind == FORBIDDEN else since_us is None and _is_for(state, fence, row)
            if broken:
                found.append(_one(state, fence, row, since_us))
    return found


def _is_for(state: FleetState, fence: Fence, row: int) -> bool:
    """Whether a vehicle must stay in a fence; one that names nobody is for nobody here."""
    if not (fence.valid_from_us <= state.now_us < fence.valid_until_us):
        return False
    vehicle_id = state.vehicle_ids[row]
    tags = state.facts.get(vehicle_id, VehicleFacts()).tags
    return vehicle_id in fence.vehicle_ids or any(tag in fence.vehicle_tags for tag in tags)


def _one(state: FleetState, fence: Fence, row: int, since_us: int | None) -> Found:
    vehicle_id = state.vehicle_ids[row]
    details: dict[str, object] = {"fence_id": fence.fence_id, "fence_kind": fence.kind, "fence_name": fence.name}
    details["cause"] = "entered_forbidden" if fence.kind == FORBIDDEN else "left_must_stay"
    details["entered_at"] = instant_or_none(MISSING if since_us is None else since_us)
    return Found(f"{vehicle_id}:{fence.fence_id}", f"vehicle/{vehicle_id}", row, open_visits(state, row), 1.0, details)
