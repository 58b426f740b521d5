"""Step 6, risk: where a late stop is decided. Opens `late_risk` for a visit, updates it when it matters, resolves it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from eta_models.columns import MISSING, Flags, Ints
from geofences.positions import distance_m
from stream.exceptions.harm import actionable_until_us, evidence_of, harm_of, slack_s
from stream.exceptions.late_risk import AT_RISK, LATE, MISSED, STAGES, RiskPolicy
from stream.exceptions.life import About, Moment, close_exception, exception_id, open_exception, update
from stream.exceptions.terms import moved_terms
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Outputs
from stream.steps.estimate import Asked
from stream.steps.terms import told_terms
from stream.visit_events import visit_event
from stream.visits import CANCELLED, OPEN

KIND = "late_risk"


class _News(NamedTuple):
    """Which of the estimated visits have news, one flag a row."""

    opening: Flags
    easing: Flags
    moved: Flags


def risk(policy: RiskPolicy, state: FleetState, asked: Asked, out: Outputs, moved: Mapping[int, object] = MappingProxyType({})) -> None:
    """Compare P(late) of every estimated visit with what was told before; only those with news are looked at one by one.

    `moved`: what moved the ETAs that were published just now, by their place in `asked`.
    """
    visits, visit, p_late = state.visits, asked.visit, asked.answer.p_late
    now_us = asked.now_us[asked.ahead.journey]
    open_now, high = visits.at_risk[visit] > 0, p_late >= policy.open_at
    if not policy.on or not (open_now.any() or high.any()):
        visits.high_us[visit] = MISSING
        return
    news = _news(policy, state, asked, now_us)
    looked_at = news.opening | news.easing | news.moved
    state.scalar_rows += int(looked_at.sum())
    for i in np.flatnonzero(looked_at).tolist():
        journey = int(asked.ahead.journey[i])
        row, moment = int(asked.vehicle[journey]), (int(asked.position[journey]), int(now_us[i]))
        if news.easing[i]:
            resolve(state, row, int(visit[i]), "recovered", moment, out)
        else:
            lately = {"eta_moved": moved[i]} if i in moved else {}
            tell_risk(policy, state, row, int(visit[i]), moment, out, {**moved_terms(state, asked, i), **lately})


def _news(policy: RiskPolicy, state: FleetState, asked: Asked, now_us: Ints) -> _News:
    visits, visit, p_late = state.visits, asked.visit, asked.answer.p_late
    open_now, high, low = visits.at_risk[visit] > 0, p_late >= policy.open_at, ~(p_late >= policy.resolve_at)
    visits.high_us[visit] = np.where(high, np.where(visits.high_us[visit] == MISSING, now_us, visits.high_us[visit]), MISSING)
    visits.low_us[visit] = np.where(open_now & low, np.where(visits.low_us[visit] == MISSING, now_us, visits.low_us[visit]), MISSING)
    near = (asked.ahead.hop < policy.stops_ahead) & (asked.answer.p50_s <= policy.ahead_s)
    row, sure = asked.vehicle[asked.ahead.journey], p_late >= policy.at_once
    begun = _begun(policy, state, row, high & ~open_now)
    held = now_us - visits.high_us[visit] >= policy.hold_s * 1e6
    down = state.vehicles.down[row] > 0  # its breakdown speaks for all of its visits
    opening = ~open_now & ~down & high & np.where(begun, (held & near) | sure, held & sure) & (visits.rearms_us[visit] <= now_us)
    easing = open_now & low & ((now_us - visits.low_us[visit] >= policy.clear_s * 1e6) | (p_late != p_late))
    moved = np.abs(p_late - visits.risk_p[visit]) >= policy.update_by
    told_us = visits.risk_p50_us[visit]
    far_us = np.maximum(policy.update_s * 1e6, policy.update_share * np.abs(told_us - visits.closes_us[visit]))
    moved |= np.abs(visits.p50_us[visit] - told_us) >= far_us
    moved &= now_us - visits.risk_told_us[visit] >= policy.update_every_s * 1e6
    return _News(opening, easing, open_now & ~easing & moved)


def _begun(policy: RiskPolicy, state: FleetState, row: Ints, wanted: Flags) -> Flags:
    """Whether a vehicle has reached a stop of its route or come some way towards the first; only asked of the `wanted` rows."""
    v, visits = state.vehicles, state.visits
    begun = np.asarray((v.here[row] >= 0) | (v.left_visit[row] >= 0), dtype=np.bool_)
    first = np.flatnonzero(wanted & ~begun)
    rows, stop = row[first], v.next[row[first]]
    way_m = distance_m(v.left_lat[rows], v.left_lon[rows], visits.lat[stop], visits.lon[stop])
    left_m = distance_m(v.lat[rows], v.lon[rows], visits.lat[stop], visits.lon[stop])
    begun[first] = (v.at_us[rows] != MISSING) & (left_m <= (1.0 - policy.first_leg_share) * way_m)
    return begun


def tell_risk(
    policy: RiskPolicy, state: FleetState, row: int, visit: int, moment: Moment, out: Outputs, more: dict[str, object] | None = None
) -> None:
    """Open the `late_risk` of a visit, or say what has changed about it."""
    visits, visit_id = state.visits, state.names[visit].visit_id
    known = state.exceptions.open(exception_id(state, KIND, visit_id))
    visits.at_risk[visit] = max(int(visits.at_risk[visit]), AT_RISK)
    visits.risk_p[visit], visits.risk_p50_us[visit], visits.risk_told_us[visit] = visits.p_late[visit], visits.p50_us[visit], moment[1]
    details, level = {**_details(state, row, visit, moment[1]), **(more or {})}, float(visits.p_late[visit])
    details |= _cause(state, row, details)
    if known is not None:
        update(state, known, details, level, moment, out)
        return
    about = About(KIND, visit_id, f"visit/{visit_id}", state.vehicle_ids[row])
    opened = open_exception(state, about, details, level, moment, out)
    visits.rearms_us[visit] = MISSING if opened.episode == 1 else moment[1] + round(policy.reopen_after_s * 1e6)


def _cause(state: FleetState, row: int, details: dict[str, object]) -> dict[str, object]:
    """Another open exception that explains the lateness, else the term that moved most. These others change at ticks only."""
    here = int(state.vehicles.here[row])
    dwells = [("long_dwell", state.names[here].visit_id)] if here >= 0 else []
    for kind, name in [*dwells, *((kind, state.vehicle_ids[row]) for kind in ("stalled", "off_route", "signal_lost"))]:
        if state.exceptions.open(exception_id(state, kind, name)) is not None:
            return {"cause": kind, "caused_by": exception_id(state, kind, name)}
    terms = details.get("terms")
    return {"cause": terms["most"] if isinstance(terms, dict) else None}


def act(state: FleetState, visit: int, at_us: int) -> None:
    """Dispatch has changed the plan of a visit at risk: from then on somebody does something about it."""
    known = state.exceptions.open(exception_id(state, KIND, state.names[visit].visit_id))
    if known is not None and known.acted_us == MISSING:
        state.exceptions.put(replace(known, acted_us=at_us))


def tell_late(policy: RiskPolicy, state: FleetState, moment: Moment, out: Outputs) -> None:
    """At a tick: windows that have closed although their vehicle is still on the way there are late, and at last missed."""
    v, visits = state.vehicles, state.visits
    rows = np.flatnonzero((v.next[: v.count] >= 0) & (v.down[: v.count] == 0))
    if not policy.on:
        _turn_off(state, moment, out)
        return
    journey, visit = v.visits_left(rows)
    closes_us, stage = visits.closes_us[visit], visits.at_risk[visit]
    over = (visits.state[visit] == OPEN) & (closes_us != MISSING)
    new = np.where(over & (moment[1] - closes_us > policy.missed_after_s * 1e6), MISSED, np.where(over & (moment[1] > closes_us), LATE, 0))
    may_open = (stage > 0) | (visits.rearms_us[visit] <= moment[1])
    for i in np.flatnonzero((new > stage) & may_open).tolist():
        visits.at_risk[visit[i]] = new[i]
        tell_risk(policy, state, int(rows[journey[i]]), int(visit[i]), moment, out)


def _turn_off(state: FleetState, moment: Moment, out: Outputs) -> None:
    for known in state.exceptions.open_of(KIND):
        close_exception(state, known, "resolved", "turned_off", moment, out)
    state.visits.at_risk[: state.visits.count] = 0


def settle(state: FleetState, row: int, visit: int, position: int, now_us: int, out: Outputs) -> None:
    """A visit that is not open any more is at risk no longer: it was late, on time, missed, or will not be visited."""
    if not state.visits.at_risk[visit]:
        return
    arrived_us, closes_us = int(state.visits.arrived_us[visit]), int(state.visits.closes_us[visit])
    late = arrived_us > closes_us != MISSING
    outcome = "not_visited" if arrived_us == MISSING else "arrived_late" if late else "arrived_in_time"
    if arrived_us == MISSING and now_us > closes_us != MISSING:
        outcome = "missed_window"
    if state.visits.state[visit] == CANCELLED:
        outcome = "cancelled"
    resolve(state, row, visit, outcome, (position, now_us), out)


def resolve(state: FleetState, row: int, visit: int, reason: str, moment: Moment, out: Outputs) -> None:
    """The risk of a visit is over."""
    known = state.exceptions.open(exception_id(state, KIND, state.names[visit].visit_id))
    if known is not None:
        close_exception(state, known, "resolved", reason, moment, out, _details(state, row, visit, moment[1]))
    leave(state, visit)


def leave(state: FleetState, visit: int) -> None:
    """Nothing is said of a visit's risk any more."""
    visits = state.visits
    visits.at_risk[visit], visits.high_us[visit], visits.low_us[visit] = 0, MISSING, MISSING


def _details(state: FleetState, row: int, visit: int, now_us: int) -> dict[str, object]:
    visits, p_late = state.visits, float(state.visits.p_late[visit])
    p50_us, closes_us = int(visits.p50_us[visit]), int(visits.closes_us[visit])
    return {
        **visit_event(state, KIND, row, visit, now_us, now_us, {}).data,
        "stage": STAGES.get(int(visits.at_risk[visit]), "over"),
        "p_late": round(p_late, 3) if p_late == p_late else None,
        "window_end": instant_or_none(closes_us),
        "eta_p10": instant_or_none(int(visits.p10_us[visit])),
        "eta_p50": instant_or_none(p50_us),
        "eta_p90": instant_or_none(int(visits.p90_us[visit])),
        "slack_s": slack_s(p50_us, closes_us),
        "actionable_until": instant_or_none(actionable_until_us(state, row, visit)),
        **told_terms(state, np.array([visit]), np.array([row]))[0],
        **harm_of(state, [visit]),
        "evidence": evidence_of(state, row),
    }
