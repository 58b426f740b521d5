"""What an ETA is made of: drive, service, wait and break, in whole seconds that sum up to it; and which of them has moved it.

What the plain chain says of service, wait and break stands; what correction and hedge make of the whole belongs to the drive, the least
certain of the four. Where the others would be more than the whole, they share it in proportion and nothing is driven. Each vehicle has
clocks of what it spent its time with: a minute that was driven is a minute less to drive, and has moved nothing.
"""

import numpy as np

from eta_models.columns import MISSING, Ints
from stream.fleet import FleetState
from stream.steps.estimate import Asked
from stream.visits import OPEN

DRIVE, SERVICE, WAIT, BREAK = range(4)
TERMS = ("drive_s", "service_s", "wait_s", "break_s")
LONGEST_S = 32_767
"""Service and break ahead of a stop, and moves, are shorter than nine hours: two bytes."""
LEAST_LEFT = 0.2
"""Of a service that takes longer than expected, as in the chain: so much of it is still to come."""


def explain(state: FleetState, asked: Asked) -> None:
    """Store with every visit asked about what its P50 is made of, and let the clocks of the vehicles run until now."""
    visits, visit, journey = state.visits, asked.visit, asked.ahead.journey
    gained_s = _run_clocks(state, asked)[journey]
    total_s = np.maximum(np.rint((visits.p50_us[visit] - asked.now_us[journey]) / 1e6), 0.0).astype(np.int64)
    first = np.searchsorted(journey, journey)
    serving_ms = np.rint(asked.answer.service_s * 1e3).astype(np.int64)
    rests = visits.rests[visit] == 1
    here_ms = _left_here_ms(state, asked)
    service_ms = _before(np.where(rests, 0, serving_ms), first) + here_ms[SERVICE][journey]
    break_ms = _before(np.where(rests, serving_ms, 0), first) + here_ms[BREAK][journey]
    wait_s = np.rint(asked.answer.wait_s).astype(np.int64) + _layovers_s(asked, total_s, first)
    parts = np.stack([service_ms // 1_000, wait_s, break_ms // 1_000])
    others = parts.sum(axis=0)
    parts = np.where(others > total_s, parts * total_s // np.maximum(others, 1), parts)
    by = (visits.by_service_s, visits.by_wait_s, visits.by_break_s)
    moved = (visits.moved_service_s, visits.moved_wait_s, visits.moved_break_s)
    for i, most_s in enumerate((LONGEST_S, 2**31 - 1, LONGEST_S)):
        part = np.minimum(parts[i], most_s)
        shift = moved[i][visit] + part - by[i][visit] + gained_s[:, i + 1]
        by[i][visit], moved[i][visit] = part, np.clip(shift, -LONGEST_S, LONGEST_S)


def _before(values: Ints, first: Ints) -> Ints:
    """Sums over the visits before each of the same journey. Whole numbers: sums of others would depend on the cut."""
    sums = np.cumsum(values) - values
    return np.asarray(sums - sums[first])


def _layovers_s(asked: Asked, total_s: Ints, first: Ints) -> Ints:
    """Between two calls at one place nobody drives: of all such gaps up to each visit."""
    before_s = np.where(asked.ahead.hop == 0, 0, np.roll(total_s, 1))
    gaps = np.where(asked.ahead.again, np.maximum(total_s - before_s, 0), 0)
    return _before(gaps, first) + gaps


def _left_here_ms(state: FleetState, asked: Asked) -> tuple[Ints, Ints, Ints, Ints]:
    """What is left of the service or the break where each vehicle stands, and of a break that its driver told."""
    v, visits, rows = state.vehicles, state.visits, asked.vehicle
    here, now_us = v.here[rows], asked.now_us
    place = np.where(here >= 0, visits.place[here], -1).astype(np.int64)
    service_s = state.model.stays.service_s(place, np.where(here >= 0, visits.service_s[here], np.nan).astype(np.float64))
    begun_us = np.maximum(visits.arrived_us[here], visits.opens_us[here])
    left_s = np.maximum(service_s - np.maximum((now_us - begun_us) / 1e6, 0.0), LEAST_LEFT * service_s)
    busy = (here >= 0) & (visits.done_us[here] == MISSING) & (service_s > 0)
    left_ms = np.rint(np.where(busy, left_s, 0.0) * 1e3).astype(np.int64)
    told_ms = np.maximum(v.paused_until_us[rows] - now_us, 0) // 1_000
    rests, none = visits.rests[here] == 1, np.zeros(len(rows), dtype=np.int64)
    return none, np.where(rests, 0, left_ms), none, np.where(rests, left_ms, 0) + told_ms


def _run_clocks(state: FleetState, asked: Asked) -> Ints:
    """Add the time since the last estimate to what the vehicle did then, and note what it does now; returns the seconds of each term."""
    v, rows, now_us = state.vehicles, asked.vehicle, asked.now_us
    before_s = v.spent_ms[rows] // 1_000
    passed_ms = np.where(v.clock_us[rows] == MISSING, 0, np.maximum(now_us - v.clock_us[rows], 0) // 1_000)
    v.spent_ms[rows, v.doing[rows]] += passed_ms
    v.clock_us[rows], v.doing[rows] = now_us, _doing(state, asked)
    return np.asarray(v.spent_ms[rows] // 1_000 - before_s)


def _doing(state: FleetState, asked: Asked) -> Ints:
    """Which term the time of each vehicle goes to."""
    v, visits, rows = state.vehicles, state.visits, asked.vehicle
    here, stands = v.here[rows], v.here[rows] >= 0
    at_work = stands & (visits.service_s[here] > 0) & (visits.done_us[here] == MISSING)
    early = stands & (visits.opens_us[here] > asked.now_us)
    layover = stands & visits.again(v.next[rows]) & (v.next[rows] - 1 == here)
    rests = (at_work & (visits.rests[here] == 1)) | (v.paused_until_us[rows] > asked.now_us)
    return np.select([rests, early | layover, at_work], [BREAK, WAIT, SERVICE], DRIVE)


def note_told(state: FleetState, visit: int) -> None:
    """The ETA of a visit has been published: the next moves are counted from it."""
    visits = state.visits
    visits.moved_service_s[visit] = visits.moved_wait_s[visit] = visits.moved_break_s[visit] = 0


def terms_s(state: FleetState, visit: Ints, vehicle: Ints) -> Ints:
    """What the P50 of open visits is made of, from the last estimate of their vehicles on, one column a term; -1 = there is no estimate.

    A visit that was moved to a route which its vehicle does not drive yet keeps its P50, but the clock of that vehicle says nothing of it.
    """
    v, visits = state.vehicles, state.visits
    ahead = (v.next[vehicle] >= 0) & (visit >= v.next[vehicle]) & (visit < v.end[vehicle])
    known = ahead & (visits.state[visit] == OPEN) & (visits.p50_us[visit] != MISSING) & (v.clock_us[vehicle] != MISSING)
    others = np.stack([visits.by_service_s[visit], visits.by_wait_s[visit], visits.by_break_s[visit]], axis=1).astype(np.int64)
    whole_s = np.rint(np.where(known, visits.p50_us[visit] - v.clock_us[vehicle], 0) / 1e6).astype(np.int64)
    drive_s = np.maximum(whole_s - others.sum(axis=1), 0)
    return np.where(known[:, None], np.column_stack([drive_s, others]), -1)


def moves_s(state: FleetState, visit: Ints) -> Ints:
    """By how much each term has moved the P50 of visits since it was published last, one column a term; 0 where it never was."""
    visits = state.visits
    known = (visits.p50_us[visit] != MISSING) & (visits.shown_us[visit] != MISSING)
    parts = (visits.moved_service_s, visits.moved_wait_s, visits.moved_break_s)
    others = np.stack([column[visit] for column in parts], axis=1).astype(np.int64)
    whole_s = np.rint(np.where(known, visits.p50_us[visit] - visits.shown_us[visit], 0) / 1e6).astype(np.int64)
    return np.where(known[:, None], np.column_stack([whole_s - others.sum(axis=1), others]), 0)


def told_terms(state: FleetState, visit: Ints, vehicle: Ints) -> list[dict[str, object]]:
    """The terms of ETAs as events say them, and by how much each has moved them since the last one; `most` moved it most."""
    first = (state.visits.shown_us[visit] == MISSING).tolist()
    terms, moves = terms_s(state, visit, vehicle).tolist(), moves_s(state, visit).tolist()
    return [_told(parts, None if new else moved) for parts, moved, new in zip(terms, moves, first, strict=True)]


def _told(parts: list[int], moves: list[int] | None) -> dict[str, object]:
    if parts[DRIVE] < 0:
        return {"eta_terms": None, "eta_moved": None}
    terms = dict(zip(TERMS, parts, strict=True))
    if moves is None:
        return {"eta_terms": terms, "eta_moved": None}
    moved = dict(zip(TERMS, moves, strict=True))
    most = max(moved, key=lambda name: abs(moved[name]))
    return {"eta_terms": terms, "eta_moved": {**moved, "most": most.removesuffix("_s") if moved[most] else None}}
