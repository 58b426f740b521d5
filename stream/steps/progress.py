"""Step 3, progress: which stops a vehicle has reached and left, found on the path between two fixes.

The columnar part asks of all vehicles at once whether anything can have happened; only those where it can are walked one by one.
"""

from dataclasses import dataclass

import numpy as np

from eta_models.chain import LAYOVER_S
from eta_models.columns import MISSING, Flags, Ints
from geofences.paths import metres_between
from geofences.positions import distance_m, entry_fraction
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.arrivals import Segment, arrive, depart
from stream.steps.first_stop import may_be_past_first_stop, pass_first_stop
from stream.steps.leaving import inside_since_us, left_us
from stream.steps.word import WORD, is_word_awaited, stood_s
from stream.vehicles import Vehicles
from stream.visits import OPEN, Visits


@dataclass(frozen=True, slots=True)
class ProgressPolicy:
    """What counts as reached, left and skipped."""

    look_ahead: int = 3
    """Stops that are looked for on the path: the next, and so many less one behind it (a stop may be skipped)."""
    skip_dwell_s: float = 45.0
    """Stay inside a later stop's radius that shows that it is served before an open one with service time."""
    leave_factor: float = 2.0
    """Who said from outside the radius that he is there has left so many radii beyond. Who serves a stop: see `leaving`."""
    off_plan_factor: float = 2.0
    off_plan_m: float = 1_000.0
    """Off plan: further from the next stop than this many legs plus so many metres."""
    too_early_s: float = 900.0
    """A vehicle that has not left the place since the stop before has not reached the next one there while that is planned so far off."""
    layover_s: float = LAYOVER_S
    """Two calls in a row at the same place are one stay when the second is due so soon after the arrival; else it waits for its time."""
    trusted_gap_s: float = 180.0
    """Arrivals interpolated over a longer gap between fixes teach the models nothing."""


def progress(policy: ProgressPolicy, state: FleetState, rows: Ints, position: Ints, now_us: Ints, out: Outputs) -> Flags:
    """Move vehicles along their routes after a live fix each; returns whose progress changed."""
    vehicles, changed = state.vehicles, np.zeros(len(rows), dtype=bool)
    active = np.flatnonzero((vehicles.next[rows] >= 0) | (vehicles.here[rows] >= 0))
    if not len(active):
        return changed
    moved = _may_have_moved_on(policy, vehicles, state.visits, rows[active]) | may_be_past_first_stop(state, rows[active])
    candidates = active[moved]
    state.scalar_rows += len(candidates)
    for i in candidates.tolist():
        out.at = int(position[i])
        segment = Segment.of(state, int(rows[i]), out.at, int(now_us[i]))
        changed[i] = walk(policy, state, segment, out) or pass_first_stop(state, segment, out)
    out.at = -1
    return changed


def _may_have_moved_on(policy: ProgressPolicy, vehicles: Vehicles, visits: Visits, rows: Ints) -> Flags:
    """Whether the newest path of a vehicle touches one of its next stops, or ends outside the one it stood at."""
    here, following = vehicles.here[rows], vehicles.next[rows]
    lat, lon, left_lat, left_lon = vehicles.lat[rows], vehicles.lon[rows], vehicles.left_lat[rows], vehicles.left_lon[rows]
    next_lat, next_lon = visits.lat[following], visits.lon[following]
    away_m, to_next_m, leg_m = distance_m(
        np.concatenate([left_lat, next_lat, next_lat]), np.concatenate([left_lon, next_lon, next_lon]),
        np.concatenate([lat, lat, left_lat]), np.concatenate([lon, lon, left_lon]),
    ).reshape(3, len(rows))  # fmt: skip
    far = to_next_m > policy.off_plan_factor * leg_m + policy.off_plan_m
    vehicles.off_plan[rows] = (following >= 0) & (here < 0) & far
    stops = following[:, None] + np.arange(policy.look_ahead)
    there = (following[:, None] >= 0) & (stops < vehicles.end[rows][:, None])
    stops = np.where(there, stops, 0)
    path = (vehicles.was_lat[rows][:, None], vehicles.was_lon[rows][:, None], lat[:, None], lon[:, None])
    touched = entry_fraction(*path, visits.lat[stops], visits.lon[stops], visits.radius_m[stops].astype(np.float64))
    left, reached = (here >= 0) & (away_m > visits.radius_m[here]), there & (touched == touched)
    return np.asarray(left | reached.any(axis=1), dtype=np.bool_)


def walk(policy: ProgressPolicy, state: FleetState, segment: Segment, out: Outputs) -> bool:
    """Follow one vehicle along its newest path, stop by stop; returns whether anything happened."""
    since, happened = segment.start_share(state), False
    share = since
    while True:
        here = int(state.vehicles.here[segment.row])
        if here >= 0:
            left = _leaves(policy, state, segment, here, share)
            if left is None:
                return happened
            depart(state, segment, here, segment.at_us(left), out)
            share, happened = max(left, 0.0), True
            continue
        reached = _reaches(policy, state, segment, since, share)
        if reached is None:
            return happened
        visit, share, at_us = reached
        since = share
        arrive(state, segment, visit, at_us, "position", (segment.to_us - segment.from_us) / 1e6 <= policy.trusted_gap_s, out)
        happened = True


def _leaves(policy: ProgressPolicy, state: FleetState, segment: Segment, here: int, share: float) -> float | None:
    """Where on the path (share 0..1, below 0: before it) the vehicle leaves the stop it stands at; None = it is still there."""
    visits, past = state.visits, segment.past(state.visits, here)
    radius_m, service_s = float(visits.radius_m[here]), float(visits.service_s[here])
    served = visits.done_us[here] != MISSING
    following, arrived_us = int(state.vehicles.next[segment.row]), int(visits.arrived_us[here])
    if past.entry(radius_m) is None and (stood_m := _stood_m(state, segment.row, here)) > radius_m:
        gone = segment.to_us > arrived_us and past.end_m > stood_m + policy.leave_factor * radius_m
        return max(share, segment.share_at(arrived_us)) if gone else None
    if past.end_m <= radius_m:
        state.vehicles.left_lat[segment.row], state.vehicles.left_lon[segment.row] = visits.lat[here], visits.lon[here]
        if following < 0 or (service_s > 0 and not served):
            return None
        if _calls_again(visits, following):
            return None if _lies_over(policy, visits, following, segment.to_us) else 1.0
        ahead = segment.past(visits, following)
        entry = ahead.entry(float(visits.radius_m[following]))
        if entry is None or not (served or ahead.end_m < past.end_m):
            return None
        return max(share, entry, segment.share_at(int(visits.done_us[here])))
    leaves = max(share, past.exit(radius_m) or 0.0, segment.share_at(arrived_us))
    if service_s > 0 and not served:
        at_us = left_us(state, segment, here, segment.at_us(leaves))
        return None if at_us is None else segment.share_since(at_us)
    return leaves


def _stood_m(state: FleetState, row: int, here: int) -> float:
    """How far from the stop a vehicle was when it arrived there."""
    v, visits = state.vehicles, state.visits
    return metres_between(float(v.left_lat[row]), float(v.left_lon[row]), float(visits.lat[here]), float(visits.lon[here]))


def _reaches(policy: ProgressPolicy, state: FleetState, segment: Segment, since: float, share: float) -> tuple[int, float, int] | None:
    """The first stop that the rest of the path reaches: its row, the share of the path, and the time of arrival.

    The rest begins at `share`; but a stop whose circle was entered `since` the arrival at the one before is reached there, not behind.
    """
    following = int(state.vehicles.next[segment.row])
    best: tuple[int, float, int] | None = None
    if following < 0:
        return None
    for visit in range(following, min(following + policy.look_ahead, int(state.vehicles.end[segment.row]))):
        if state.visits.state[visit] != OPEN:
            continue
        past, radius_m = segment.past(state.visits, visit, since), float(state.visits.radius_m[visit])
        entry = past.entry(radius_m)
        if entry is None:
            continue
        entry = since + entry * (1.0 - since)
        if entry <= share and _far_too_early(policy, state.visits, visit, segment.at_us(share)):
            continue
        if visit == following and _calls_again(state.visits, visit):
            if past.end_m > radius_m or _lies_over(policy, state.visits, visit, segment.to_us):
                continue
            entry = 1.0
        entry = max(entry, share)
        at_us: int | None = segment.at_us(entry)
        if visit == following and is_word_awaited(state, visit):
            at_us = _stands(state, segment, visit, segment.at_us(entry), past.end_m <= radius_m)
        if visit != following:
            at_us = _skips_to(policy, state, segment, (following, visit, since), segment.at_us(entry), past.end_m <= radius_m)
        if at_us is not None and (best is None or entry < best[1]):
            best = (visit, entry, at_us)
    return best


def _far_too_early(policy: ProgressPolicy, visits: Visits, visit: int, at_us: int) -> bool:
    return _due_us(visits, visit) - at_us > policy.too_early_s * 1e6


def _due_us(visits: Visits, visit: int) -> int:
    """When a visit is planned, or opens, whichever is later."""
    return max(int(visits.opens_us[visit]), int(visits.planned_us[visit]))


def _stands(state: FleetState, segment: Segment, visit: int, entered_us: int, inside: bool) -> int | None:
    """When a visit was reached whose end the driver will tell: by having stood there; None = driving by, or not yet."""
    visits = state.visits
    if not inside and visits.stood[visit]:
        return int(visits.entered_us[visit])
    since_us = inside_since_us(visits, visit, entered_us, inside)
    if since_us is None:
        return None
    stood = stood_s(state, segment.row, visit, segment.to_us, WORD.near_share)
    visits.stood[visit] |= stood >= WORD.served_s
    return since_us if stood >= WORD.forgets_s else None


def _calls_again(visits: Visits, visit: int) -> bool:
    """Whether the vehicle is called again to the place that it reached for the visit before."""
    return bool(visits.arrived_us[visit - 1] != MISSING and visits.again(np.array([visit]))[0])


def _lies_over(policy: ProgressPolicy, visits: Visits, visit: int, at_us: int) -> bool:
    """Whether a vehicle that is where its next call is waits for that call's time."""
    due_us = _due_us(visits, visit)
    return due_us > at_us and due_us - int(visits.arrived_us[visit - 1]) > policy.layover_s * 1e6


def _skips_to(
    policy: ProgressPolicy, state: FleetState, segment: Segment, rest: tuple[int, int, float], entered_us: int, inside: bool
) -> int | None:
    """When the later of two stops is reached although the first is open: by driving away from that one, or by staying; None = not."""
    (following, visit, since), visits = rest, state.visits
    if not (visits.service_s[following:visit] > 0).any():
        skipped = segment.past(visits, following, since)
        return entered_us if skipped.end_m > skipped.start_m else None
    since_us = inside_since_us(visits, visit, entered_us, inside)
    if since_us is None:
        return None
    since_us = max(since_us, int(state.vehicles.left_us[segment.row]))  # two doors may share a place: until then it stood at the one before
    return since_us if segment.to_us - since_us >= policy.skip_dwell_s * 1e6 else None
