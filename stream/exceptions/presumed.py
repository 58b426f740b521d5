"""`vehicle_down` without a message: who has stood for very long where it should move is presumed down until it moves."""

import numpy as np

from stream.exceptions.breakdown import break_down
from stream.exceptions.life import Moment, exception_id
from stream.exceptions.policies import ExceptionPolicies, in_force
from stream.exceptions.stalled import StalledPolicy, standing
from stream.exceptions.vehicle_down import PRESUMED, UP
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Outputs


def presume(policies: ExceptionPolicies, state: FleetState, moment: Moment, out: Outputs) -> None:
    """Let go of who moves, or has nothing more to do; then presume who has stood for `presume_after_s`. A route set out on ends it too."""
    down_policy = in_force(policies.vehicle_down, "vehicle_down", state.exceptions)
    stalled_policy = in_force(policies.stalled, "stalled", state.exceptions)
    v = state.vehicles
    presumed = np.flatnonzero(v.down[: v.count] == PRESUMED)
    moved = (v.at_us[presumed] - v.still_us[presumed]) / 1e6 < stalled_policy.limit_s
    v.down[presumed[moved | (v.next[presumed] < 0) | (not down_policy.on)]] = UP
    if not down_policy.on or down_policy.presume_after_s <= 0:
        return
    for row in _long_standing(stalled_policy, down_policy.presume_after_s, state):
        if not _said_up(state, row):
            v.down[row] = PRESUMED
            more: dict[str, object] = {"still_since": instant_or_none(int(v.still_us[row]))}
            break_down(policies, state, row, "stands_still", moment, out, more)


def _long_standing(policy: StalledPolicy, presume_after_s: float, state: FleetState) -> list[int]:
    v = state.vehicles
    long = (v.down[: v.count] == UP) & (v.next[: v.count] >= 0) & (state.now_us - v.still_us[: v.count] >= presume_after_s * 1e6)
    return [int(row) for row in standing(policy, state, np.flatnonzero(long))]


def _said_up(state: FleetState, row: int) -> bool:
    """Whether somebody has ended a breakdown since the vehicle stands there, or just now: they know better."""
    before = state.exceptions.known.get(exception_id(state, "vehicle_down", state.vehicle_ids[row]))
    return before is not None and (before.is_open or before.closed_us > int(state.vehicles.still_us[row]))
