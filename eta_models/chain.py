"""The plain estimate: drive, wait, serve, drive on, stop after stop, from where the vehicle is now."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.journeys import Ahead, Journeys
from eta_models.legs import Legs
from eta_models.ranks import Ranks, ranks
from eta_models.runs import Runs, Seen
from eta_models.stays import Stays

SERVICE_VARIANCE = 0.25
"""Variance of a service time in units of its square: half of it is the usual deviation of delivery stops."""

LAYOVER_S = 600.0
"""A second call at the same place is part of the same stay when it is due so soon after the arrival; else it waits for its time."""

ONE_STAY_S = 30.0
"""Between the two arrivals of one stay: until the next fix."""

SOONEST_S = 3.0
"""No estimate promises an arrival sooner than this: the fix is already some seconds old."""


KNOWN = 3
"""A leg that was driven so often says more about itself than other ways between its ends."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The plain estimate of every remaining visit and its parts, in seconds; one row a visit."""

    arrival_s: Floats
    leg_s: Floats
    slowed: Floats
    """How many times as long as usually each leg takes, by traffic that was told of."""
    spread_s: Floats
    """Standard deviation of the legs so far, taken as independent."""
    service_s: Floats
    wait_s: Floats
    here_s: Floats
    """Usual service where the vehicle stands, one row a journey."""
    share_left: Floats
    """Of the current leg (1 = not begun), one row a journey."""
    first_s: Floats
    """Plain time to the next stop, one row a journey."""
    seen: Seen
    """What past runs of the current leg say, one row a journey."""
    by_hop: Ranks
    """The order in which the stops were followed."""


def chain(journeys: Journeys, ahead: Ahead, legs: Legs, stays: Stays, runs: Runs, trip_s: Floats | None = None) -> Chain:
    """Follow each journey through its visits. Rows of `ahead` are grouped by journey and `hop` counts 0, 1, .. within each.

    `trip_s`: what a way without a plan is left to take by where it leads, one row a journey; NaN = not asked about.
    """
    hour = np.minimum(journeys.hour[ahead.journey].astype(np.int64), 23)
    slowed = legs.slowed(ahead.area, hour)
    leg_s = legs.usual_s(ahead.leg, ahead.area, hour, ahead.leg_m, ahead.leg_planned_s) * slowed
    service_s = stays.service_s(ahead.place, ahead.service_s)
    opens = ahead.opens_in_s == ahead.opens_in_s
    hold = np.maximum(stays.hold(ahead.place), 0.0)
    ready_s = np.where(opens, ahead.opens_in_s, -np.inf)
    by_hop = ranks(ahead)
    order, firsts = by_hop.order, np.flatnonzero(ahead.hop == 0)
    drive_s = leg_s[firsts] * legs.drive_share(ahead.leg[firsts])
    here_s = stays.service_s(journeys.place, journeys.service_s)
    share_left, first_s, held_s = _first(journeys, leg_s[firsts], drive_s, here_s, stays)
    seen = _seen(journeys, ahead, firsts, legs, runs, first_s, slowed[firsts])
    first_s = _known_s(journeys, legs, ahead.leg[firsts], first_s, seen, None if trip_s is None else trip_s * slowed[firsts])
    due = np.fmax(ahead.planned_in_s, ahead.opens_in_s)
    first_s = np.where(ahead.again[firsts] & (due[firsts] > SOONEST_S), due[firsts], first_s)
    spread_s = legs.spread_s(ahead.leg, leg_s)
    variance = (spread_s * spread_s * np.where(ahead.hop == 0, share_left[ahead.journey], 1.0))[order]
    serving_s, before, later = service_s[order], by_hop.before, slice(len(firsts), None)
    on_s = leg_s[order]
    on_s[later] += serving_s[before]
    variance[later] += (SERVICE_VARIANCE * serving_s * serving_s)[before]
    # Arrival, wait and variance: what each stop adds, and then, hop by hop, the sums.
    sums = np.stack([np.maximum(on_s, SOONEST_S), np.zeros(len(order)), variance])
    arrival_s, wait_s, variance = sums
    arrival_s[: len(firsts)], wait_s[: len(firsts)] = first_s[by_hop.journeys], held_s[by_hop.journeys]
    ready_s, holds, due_s, again = ready_s[order], hold[order], due[order], ahead.again[order]
    for (here, there), waits, calls_again in zip(by_hop.steps(), by_hop.any_before(opens[order]), by_hop.any_at(again), strict=True):
        if waits:
            wait_s[here] = holds[there] * np.maximum(ready_s[there] - arrival_s[there], 0.0)
            arrival_s[here] = np.maximum(on_s[here] + wait_s[here], SOONEST_S)
        sums[:, here] += sums[:, there]
        if calls_again:
            arrival_s[here] = np.where(again[here], second_call_s(arrival_s[there], due_s[here]), arrival_s[here])
    back = by_hop.back
    return Chain(
        back(arrival_s), leg_s, slowed, np.sqrt(back(variance)), service_s, back(wait_s), here_s, share_left, first_s, seen, by_hop
    )


def _seen(journeys: Journeys, ahead: Ahead, firsts: Ints, legs: Legs, runs: Runs, first_s: Floats, slowed: Floats) -> Seen:
    """What past runs say of the rest of the current legs, whose visits are the rows `firsts`."""
    leg = ahead.leg[firsts]
    row = np.where((leg >= 0) & ~ahead.again[firsts], legs.table.runs[leg], -1).astype(np.int64)
    unpaused_s = first_s - journeys.paused_s + journeys.fix_age_s
    return runs.left_s(row, journeys.east_m, journeys.north_m, journeys.still_s, ahead.leg_m[firsts], unpaused_s, slowed)


def _known_s(journeys: Journeys, legs: Legs, leg: Ints, first_s: Floats, seen: Seen, trip_s: Floats | None) -> Floats:
    """The time to the next stop by past runs of the leg, or by trips where that is hardly known; else as it was."""
    first_s = np.where(seen.weight > 0, np.maximum(seen.left_s - journeys.fix_age_s, SOONEST_S) + journeys.paused_s, first_s)
    if trip_s is None:
        return first_s
    fresh = (trip_s == trip_s) & ((leg < 0) | (legs.table.seen[leg] < KNOWN))
    return np.where(fresh, np.maximum(trip_s, SOONEST_S) + journeys.paused_s, first_s)


def second_call_s(first_s: Floats, due_s: Floats) -> Floats:
    """When a second call at a place counts, reached for the first in `first_s`."""
    return np.where(due_s - first_s > LAYOVER_S, due_s, first_s + ONE_STAY_S)


def _first(journeys: Journeys, leg_s: Floats, drive_s: Floats, service_s: Floats, stays: Stays) -> tuple[Floats, Floats, Floats]:
    """The share left of the current leg, the seconds to the next stop, and how many of them are a wait; `service_s` where they stand."""
    way_m = journeys.to_next_m + journeys.behind_m
    share = np.where(way_m > 1.0, journeys.to_next_m / np.maximum(way_m, 1.0), 0.0)
    under_way = np.maximum(share * drive_s - journeys.fix_age_s, SOONEST_S)
    if not journeys.standing.any():
        return share, under_way + journeys.paused_s, np.zeros(len(share))
    early_s = np.where(journeys.standing & journeys.opens & (journeys.ready_in_s > 0), journeys.ready_in_s, 0.0)
    held_s = np.maximum(stays.hold(journeys.place), 0.0) * early_s
    serving_s = np.maximum(service_s - journeys.elapsed_s, 0.2 * service_s)
    stay_s = np.where(journeys.opens & (early_s > 0), held_s + service_s, np.maximum(serving_s, held_s))
    rest_s = np.where(service_s > 0, leg_s, np.maximum(leg_s - journeys.elapsed_s, drive_s))
    first_s = np.where(journeys.standing, stay_s + rest_s, under_way)
    return np.where(journeys.standing, 1.0, share), first_s + journeys.paused_s, held_s
