"""`early_risk`: a vehicle will surely be at its next stop long before it opens: it could wait, or serve another one first."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState
from stream.moments import instant_or_none


@dataclass(frozen=True, slots=True)
class EarlyRiskPolicy(ConditionPolicy):
    """How early is too early."""

    early_s: float = 900.0
    """P90 lies so long before the window opens: even if all goes badly, a quarter of an hour is wasted."""
    hold_s: float = 60.0
    reopen_after_s: float = 86_400.0


def detect(policy: EarlyRiskPolicy, state: FleetState) -> list[Found]:
    """Next visits of vehicles under way that will be reached too early."""
    v, visits = state.vehicles, state.visits
    rows = np.flatnonzero((v.next[: v.count] >= 0) & (v.here[: v.count] < 0) & (v.down[: v.count] == 0))
    following = v.next[rows]
    p90_us, opens_us = visits.p90_us[following], visits.opens_us[following]
    early = (opens_us != MISSING) & (p90_us != MISSING) & (p90_us + policy.early_s * 1e6 < opens_us)
    return [_one(state, int(rows[i]), int(following[i])) for i in np.flatnonzero(early).tolist()]


def _one(state: FleetState, row: int, visit: int) -> Found:
    visits, visit_id = state.visits, state.names[visit].visit_id
    early_s = (int(visits.opens_us[visit]) - int(visits.p50_us[visit])) / 1e6
    details: dict[str, object] = {"early_s": round(early_s), "window_start": instant_or_none(int(visits.opens_us[visit]))}
    return Found(visit_id, f"visit/{visit_id}", row, [visit], early_s, details)
