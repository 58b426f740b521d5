"""Step 6, risk: where a late stop is decided. Opens `late_risk` once a visit, updates it when it matters, resolves it."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Event, Outputs
from stream.steps.estimate import Asked
from stream.visit_events import visit_event
from stream.visits import CANCELLED

KIND = "late_risk"


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """When a visit is at risk. The gap between opening and resolving keeps a wavering estimate from flapping."""

    open_at: float = 0.5
    """P(late) at which it opens: later than the window more likely than not."""
    resolve_at: float = 0.2
    """P(late) below which it resolves."""
    update_by: float = 0.2
    """P(late) has moved by so much since it was last told."""
    update_s: float = 300.0
    """or P50 by so many seconds."""


def risk(policy: RiskPolicy, state: FleetState, asked: Asked, out: Outputs) -> None:
    """Compare P(late) of every estimated visit with what was told before; only those with news are looked at one by one."""
    visits, visit, p_late = state.visits, asked.visit, asked.answer.p_late
    open_now = visits.at_risk[visit] == 1
    if not open_now.any() and not (p_late >= policy.open_at).any():
        return
    opening = ~open_now & (p_late >= policy.open_at)
    easing = open_now & ~(p_late >= policy.resolve_at)
    moved = np.abs(p_late - visits.risk_p[visit]) >= policy.update_by
    moved |= np.abs(visits.p50_us[visit] - visits.risk_p50_us[visit]) >= policy.update_s * 1e6
    news: Flags = opening | easing | (open_now & moved)
    state.scalar_rows += int(news.sum())
    for i in np.flatnonzero(news).tolist():
        phase = "opened" if opening[i] else "resolved" if easing[i] else "updated"
        journey = int(asked.ahead.journey[i])
        row, position, now_us = int(asked.vehicle[journey]), int(asked.position[journey]), int(asked.now_us[journey])
        tell(state, row, int(visit[i]), phase, (position, now_us), "recovered" if easing[i] else None, out)


def tell(state: FleetState, row: int, visit: int, phase: str, moment: tuple[int, int], reason: str | None, out: Outputs) -> None:
    """One step in the life of a visit's `late_risk`; one id across flaps, an episode for each opening."""
    visits = state.visits
    if phase == "opened":
        visits.episode[visit] += 1
        visits.updates[visit] = 0
    visits.at_risk[visit] = phase != "resolved"
    visits.updates[visit] += phase == "updated"
    visits.risk_p[visit], visits.risk_p50_us[visit] = visits.p_late[visit], visits.p50_us[visit]
    out.emit(moment[0], _event(state, row, visit, phase, moment[1], reason))


def settle(state: FleetState, row: int, visit: int, position: int, now_us: int, out: Outputs) -> None:
    """A visit that is not open any more is at risk no longer: it was late, on time, or will not be visited."""
    if not state.visits.at_risk[visit]:
        return
    arrived_us, closes_us = int(state.visits.arrived_us[visit]), int(state.visits.closes_us[visit])
    late = arrived_us > closes_us != MISSING
    outcome = "not_visited" if arrived_us == MISSING else "arrived_late" if late else "arrived_in_time"
    if state.visits.state[visit] == CANCELLED:
        outcome = "cancelled"
    tell(state, row, visit, "resolved", (position, now_us), outcome, out)


def exception_id(state: FleetState, visit_id: str) -> str:
    """The id of a visit's `late_risk`, the same across episodes."""
    return f"{state.fleet_id}:{KIND}:{visit_id}"


def _event(state: FleetState, row: int, visit: int, phase: str, now_us: int, reason: str | None) -> Event:
    visits, p_late = state.visits, float(state.visits.p_late[visit])
    p50_us, closes_us = int(visits.p50_us[visit]), int(visits.closes_us[visit])
    more: dict[str, object] = {
        "exception_id": exception_id(state, state.names[visit].visit_id),
        "exception_kind": KIND,
        "episode": int(visits.episode[visit]),
        "p_late": round(p_late, 3) if p_late == p_late else None,
        "window_end": instant_or_none(closes_us),
        "eta_p10": instant_or_none(int(visits.p10_us[visit])),
        "eta_p50": instant_or_none(p50_us),
        "eta_p90": instant_or_none(int(visits.p90_us[visit])),
        "slack_s": round((closes_us - p50_us) / 1e6) if MISSING not in (closes_us, p50_us) else None,
    }
    if reason is not None:
        more["reason"] = reason
    event = visit_event(state, f"exception_{phase}", row, visit, now_us, now_us, more)
    number = f":{int(visits.updates[visit])}" if phase == "updated" else ""
    return Event(event.kind, f"{KIND}:{event.key}:{int(visits.episode[visit])}{number}", event.subject, now_us, now_us, event.data)
