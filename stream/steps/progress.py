"""Step 3, progress: which stops a vehicle has reached and left, found on the path between two fixes.

The columnar part asks of all vehicles at once whether anything can have happened; only those where it can are walked one by one.
"""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Ints
from geofences.positions import distance_m, entry_fraction
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.arrivals import Segment, arrive, depart
from stream.vehicles import Vehicles
from stream.visits import Visits, VisitState


@dataclass(frozen=True, slots=True)
class ProgressPolicy:
    """What counts as reached, left and skipped."""

    look_ahead: int = 3
    """Stops that are looked for on the path: the next, and so many less one behind it (a stop may be skipped)."""
    skip_dwell_s: float = 45.0
    """Stay inside a later stop's radius that shows that it is served before an open one with service time."""
    leave_factor: float = 2.0
    """A stop with service time that was left after a short stay counts as left only so many radii away: drivers look for a parking place."""
    short_stay: float = 0.25
    """A stay of less than this share of the service time is short."""
    off_plan_factor: float = 2.0
    off_plan_m: float = 1_000.0
    """Off plan: further from the next stop than this many legs plus so many metres."""
    trusted_gap_s: float = 180.0
    """Arrivals interpolated over a longer gap between fixes teach the models nothing."""


def progress(policy: ProgressPolicy, state: FleetState, rows: Ints, position: Ints, now_us: Ints, out: Outputs) -> Flags:
    """Move vehicles along their routes after a live fix each; returns whose progress changed."""
    vehicles, changed = state.vehicles, np.zeros(len(rows), dtype=bool)
    active = np.flatnonzero((vehicles.next[rows] >= 0) | (vehicles.here[rows] >= 0))
    if not len(active):
        return changed
    candidates = active[_may_have_moved_on(policy, vehicles, state.visits, rows[active])]
    state.scalar_rows += len(candidates)
    for i in candidates.tolist():
        changed[i] = walk(policy, state, Segment.of(state, int(rows[i]), int(position[i]), int(now_us[i])), out)
    return changed


def _may_have_moved_on(policy: ProgressPolicy, vehicles: Vehicles, visits: Visits, rows: Ints) -> Flags:
    """Whether the newest path of a vehicle touches one of its next stops, or ends outside the one it stood at."""
    here, following = vehicles.here[rows], vehicles.next[rows]
    lat, lon = vehicles.lat[rows], vehicles.lon[rows]
    away_m = distance_m(visits.lat[here], visits.lon[here], lat, lon)
    hit = (here >= 0) & (away_m > visits.radius_m[here])
    for ahead in range(policy.look_ahead):
        row = np.where(following >= 0, following + ahead, -1)
        there = (row >= 0) & (row < vehicles.end[rows])
        row = np.where(there, row, 0)
        touched = entry_fraction(
            vehicles.was_lat[rows], vehicles.was_lon[rows], lat, lon, visits.lat[row], visits.lon[row], visits.radius_m[row].astype(np.float64)
        )
        hit |= there & (touched == touched)
        if ahead == 0:
            _mark_off_plan(policy, vehicles, visits, rows, row, there)
    return hit


def _mark_off_plan(policy: ProgressPolicy, vehicles: Vehicles, visits: Visits, rows: Ints, following: Ints, there: Flags) -> None:
    to_next_m = distance_m(visits.lat[following], visits.lon[following], vehicles.lat[rows], vehicles.lon[rows])
    leg_m = distance_m(visits.lat[following], visits.lon[following], vehicles.left_lat[rows], vehicles.left_lon[rows])
    vehicles.off_plan[rows] = there & (vehicles.here[rows] < 0) & (to_next_m > policy.off_plan_factor * leg_m + policy.off_plan_m)


def walk(policy: ProgressPolicy, state: FleetState, segment: Segment, out: Outputs) -> bool:
    """Follow one vehicle along its newest path, stop by stop; returns whether anything happened."""
    share, happened = segment.start_share(state), False
    while True:
        here = int(state.vehicles.here[segment.row])
        if here >= 0:
            left = _leaves(policy, state, segment, here, share)
            if left is None:
                return happened
            depart(state, segment, here, segment.at_us(left), out)
            share, happened = left, True
            continue
        reached = _reaches(policy, state, segment, share)
        if reached is None:
            return happened
        visit, share, at_us = reached
        arrive(policy.trusted_gap_s, state, segment, visit, at_us, "position", out)
        happened = True


def _leaves(policy: ProgressPolicy, state: FleetState, segment: Segment, here: int, share: float) -> float | None:
    """Where on the path (share 0..1) the vehicle leaves the stop it stands at; None = it is still there."""
    visits = state.visits
    away_m = segment.end_distance_m(visits, here)
    radius_m = float(visits.radius_m[here])
    served = visits.done_us[here] != MISSING
    service_s = float(visits.service_s[here])
    following = int(state.vehicles.next[segment.row])
    if away_m <= radius_m:
        if following < 0 or (service_s > 0 and not served):
            return None
        entry = segment.entry(visits, following)
        if entry is None or not (served or segment.nearer_to(visits, following, here)):
            return None
        return max(share, entry, segment.share_at(int(visits.done_us[here])))
    leaves = max(share, segment.exit(visits, here))
    short = service_s > 0 and not served and (segment.at_us(leaves) - int(visits.arrived_us[here])) / 1e6 < policy.short_stay * service_s
    return None if short and away_m <= policy.leave_factor * radius_m else leaves


def _reaches(policy: ProgressPolicy, state: FleetState, segment: Segment, share: float) -> tuple[int, float, int] | None:
    """The first stop that the rest of the path reaches: its row, the share of the path, and the time of arrival."""
    following = int(state.vehicles.next[segment.row])
    best: tuple[int, float, int] | None = None
    if following < 0:
        return None
    for visit in range(following, min(following + policy.look_ahead, int(state.vehicles.end[segment.row]))):
        entry = segment.entry(state.visits, visit)
        if state.visits.state[visit] != VisitState.OPEN or entry is None:
            continue
        entry = max(entry, share)
        at_us = segment.at_us(entry) if visit == following else _skips_to(policy, state, segment, following, visit, segment.at_us(entry))
        if at_us is not None and (best is None or entry < best[1]):
            best = (visit, entry, at_us)
    return best


def _skips_to(policy: ProgressPolicy, state: FleetState, segment: Segment, following: int, visit: int, entered_us: int) -> int | None:
    """When a later stop is reached although an earlier one is open: by driving away from that one, or by staying; None = it is just passed."""
    visits = state.visits
    if not (visits.service_s[following:visit] > 0).any():
        return entered_us if segment.drives_away(visits, following) else None
    inside = segment.end_distance_m(visits, visit) <= float(visits.radius_m[visit])
    if not inside:
        visits.entered_us[visit] = MISSING
        return None
    if visits.entered_us[visit] == MISSING:
        visits.entered_us[visit] = entered_us
    return int(visits.entered_us[visit]) if segment.to_us - int(visits.entered_us[visit]) >= policy.skip_dwell_s * 1e6 else None
