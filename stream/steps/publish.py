"""Step 7, publish: what the estimates change for those who read them."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Ints
from eta_models.journeys import Estimates
from stream.fleet import FleetState
from stream.moments import instant
from stream.outputs import Event, Outputs
from stream.steps.estimate import Asked
from stream.steps.terms import explain, note_told, told_terms
from stream.visit_events import visit_event

MOST_S = 366 * 86_400.0 - 1.0
"""Nothing is expected later than in a year: plans from 2000 to 2099 in turn, which no rule forbids, would lead out of the calendar."""

GRAIN_US = 256
"""Estimates are kept in steps of a quarter of a millisecond: one byte of each is zero, which saves a checkpoint 100 bytes a vehicle."""


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """What is worth telling."""

    keep_s: float = 1.0
    keep_p: float = 0.005
    """An internal estimate is kept when a time in it moves by more than this, or its probability."""
    show_s: float = 60.0
    show_share: float = 0.1
    """`eta_updated` tells of a move of at least a minute, and of a tenth of the time that is left: nobody plans by less."""


def publish(policy: PublishPolicy, state: FleetState, asked: Asked, out: Outputs) -> dict[int, object]:
    """Store the new estimates with their visits, keep those that moved, and tell of those that moved enough.

    Returns what moved those that were told of, by their place in `asked`.
    """
    visits, visit, answer = state.visits, asked.visit, asked.answer
    journey = asked.ahead.journey
    now_us = asked.now_us[journey]
    # Rounded up: nothing is promised before now.
    p10, p50, p90 = (-(-us // GRAIN_US) * GRAIN_US for us in _times_us(now_us, answer))
    before = (visits.p10_us[visit], visits.p50_us[visit], visits.p90_us[visit])
    moved = np.maximum.reduce([np.abs(new - old) for new, old in zip((p10, p50, p90), before, strict=True)]) > policy.keep_s * 1e6
    moved |= np.abs(answer.p_late - visits.p_late[visit]) > policy.keep_p
    moved |= (visits.p_late[visit] != visits.p_late[visit]) != (answer.p_late != answer.p_late)
    out.estimate(
        asked.position[journey][moved],
        now_us[moved],
        visits.number[visit][moved],
        (p10[moved], p50[moved], p90[moved]),
        answer.p_late[moved],
    )
    if asked.beside is not None:
        _beside(asked, asked.beside, visits.number[visit], out)
    kept = visit[moved]
    visits.p10_us[kept], visits.p50_us[kept], visits.p90_us[kept], visits.p_late[kept] = (
        p10[moved],
        p50[moved],
        p90[moved],
        answer.p_late[moved],
    )
    explain(state, asked)
    shift_us = np.abs(visits.p50_us[visit] - visits.shown_us[visit])
    worth = shift_us >= np.maximum(policy.show_s * 1e6, policy.show_share * (visits.p50_us[visit] - now_us))
    state.scalar_rows += int(worth.sum())
    told: dict[int, object] = {}
    rows = np.flatnonzero(worth)
    for i, terms in zip(rows.tolist(), told_terms(state, visit[rows], asked.vehicle[journey[rows]]), strict=True):
        event = _show(state, asked, i, terms)
        out.emit(int(asked.position[journey[i]]), event)
        told[i] = event.data["eta_moved"]
    return told


def _beside(asked: Asked, answer: Estimates, number: Ints, out: Outputs) -> None:
    """What a challenger says, for whoever compares."""
    journey = asked.ahead.journey
    now_us = asked.now_us[journey]
    out.estimate_beside(asked.position[journey], now_us, number, _times_us(now_us, answer), answer.p_late)


def _times_us(now_us: Ints, answer: Estimates) -> tuple[Ints, Ints, Ints]:
    """P10, P50 and P90 of each visit as moments."""
    p10, p50, p90 = (
        now_us + np.rint(np.minimum(seconds, MOST_S) * 1e6).astype(np.int64) for seconds in (answer.p10_s, answer.p50_s, answer.p90_s)
    )
    return p10, p50, p90


def _show(state: FleetState, asked: Asked, i: int, terms: dict[str, object]) -> Event:
    visits, visit = state.visits, int(asked.visit[i])
    journey = int(asked.ahead.journey[i])
    row, now_us = int(asked.vehicle[journey]), int(asked.now_us[journey])
    before_us = int(visits.shown_us[visit])
    visits.shown_us[visit] = visits.p50_us[visit]
    note_told(state, visit)
    visits.shows[visit] += 1
    p_late = float(visits.p_late[visit])
    more: dict[str, object] = {
        "eta_p10": instant(int(visits.p10_us[visit])),
        "eta_p50": instant(int(visits.p50_us[visit])),
        "eta_p90": instant(int(visits.p90_us[visit])),
        "p_late": round(p_late, 3) if p_late == p_late else None,
        "moved_s": None if before_us == MISSING else round((int(visits.p50_us[visit]) - before_us) / 1e6),
        "wait_s": round(float(asked.answer.wait_s[i])),
        "service_s": round(float(asked.answer.service_s[i])),
        **terms,
        "stops_before": int(asked.ahead.hop[i]),
        "off_plan": bool(state.vehicles.off_plan[row]),
        "basis": "live" if now_us - int(state.vehicles.at_us[row]) <= 120_000_000 else "no_recent_fix",
    }
    return visit_event(state, "eta_updated", row, visit, now_us, now_us, more).again(int(visits.shows[visit]))
