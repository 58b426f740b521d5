"""The plain estimate: drive, wait, serve, drive on, stop after stop, from where the vehicle is now."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Floats
from eta_models.journeys import Ahead, Journeys
from eta_models.legs import Legs
from eta_models.stays import Stays

SOONEST_S = 3.0
"""No estimate promises an arrival sooner than this: the fix is already some seconds old."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The plain estimate of every remaining visit and its parts, in seconds; one row a visit."""

    arrival_s: Floats
    leg_s: Floats
    spread_s: Floats
    """Standard deviation of the legs so far, taken as independent."""
    service_s: Floats
    wait_s: Floats
    share_left: Floats
    """Of the current leg (1 = not begun), one row a journey."""
    first_s: Floats
    """Plain time to the next stop, one row a journey."""


def chain(journeys: Journeys, ahead: Ahead, legs: Legs, stays: Stays) -> Chain:
    """Follow each journey through its visits. Rows of `ahead` are grouped by journey and `hop` counts 0, 1, .. within each."""
    hour = np.minimum(journeys.hour[ahead.journey].astype(np.int64), 23)
    leg_s = legs.expected_s(ahead.leg, ahead.area, hour, ahead.leg_m, ahead.leg_planned_s)
    service_s = stays.service_s(ahead.place, ahead.service_s)
    hold = stays.hold(ahead.place, ahead.opens_in_s == ahead.opens_in_s)
    ready_s = np.where(ahead.opens_in_s == ahead.opens_in_s, ahead.opens_in_s, ahead.planned_in_s)
    ready_s = np.where((ready_s == ready_s) & ~(ahead.service_s > 0) | (ahead.opens_in_s == ahead.opens_in_s), ready_s, -np.inf)
    firsts = np.flatnonzero(ahead.hop == 0)
    share_left, first_s = _first(journeys, leg_s[firsts], stays)
    arrival_s, wait_s = _follow(ahead, firsts, first_s, leg_s, service_s, hold, ready_s)
    leg_share = np.where(ahead.hop == 0, share_left[ahead.journey], 1.0)
    variance = legs.spread_s(ahead.leg, leg_s) ** 2 * leg_share + (0.3 * service_s) ** 2
    return Chain(arrival_s, leg_s, np.sqrt(_running_sum(ahead, firsts, variance)), service_s, wait_s, share_left, first_s)


def _first(journeys: Journeys, leg_s: Floats, stays: Stays) -> tuple[Floats, Floats]:
    """The share left of the current leg, and the seconds to the next stop."""
    way_m = journeys.to_next_m + journeys.behind_m
    share = np.where(way_m > 1.0, journeys.to_next_m / np.maximum(way_m, 1.0), 0.0)
    under_way = np.maximum(share * leg_s - journeys.fix_age_s, SOONEST_S)
    early_s = np.where(journeys.ready_in_s > 0, journeys.ready_in_s, 0.0)
    hold = np.where(early_s > 0, stays.hold(journeys.place, journeys.service_s > 0), 0.0)
    service_s = stays.service_s(journeys.place, journeys.service_s)
    stay_s = np.maximum(np.maximum(service_s - journeys.elapsed_s, 0.2 * service_s), hold * early_s)
    first_s = np.where(journeys.standing, stay_s + leg_s, under_way)
    return np.where(journeys.standing, 1.0, share), first_s + journeys.paused_s


def _follow(
    ahead: Ahead, firsts: np.ndarray[tuple[int], np.dtype[np.int64]], first_s: Floats, leg_s: Floats, service_s: Floats, hold: Floats, ready_s: Floats
) -> tuple[Floats, Floats]:
    """Arrival at every visit, and the waits before it, hop by hop over all journeys at once."""
    arrival_s, wait_s = np.empty(len(ahead.hop)), np.zeros(len(ahead.hop))
    arrival_s[firsts] = first_s
    lengths = np.diff(np.append(firsts, len(ahead.hop)))
    rows = firsts
    for hop in range(1, int(lengths.max(initial=0))):
        rows = firsts[lengths > hop] + hop
        before = rows - 1
        waited = hold[before] * np.maximum(ready_s[before] - arrival_s[before], 0.0)
        wait_s[rows] = wait_s[before] + waited
        arrival_s[rows] = np.maximum(arrival_s[before] + waited + service_s[before] + leg_s[rows], arrival_s[before] + SOONEST_S)
    return arrival_s, wait_s


def _running_sum(ahead: Ahead, firsts: np.ndarray[tuple[int], np.dtype[np.int64]], values: Floats) -> Floats:
    """Sum of `values` along each journey, hop by hop: its bits do not depend on which journeys share the batch."""
    total = values.copy()
    lengths = np.diff(np.append(firsts, len(values)))
    for hop in range(1, int(lengths.max(initial=0))):
        rows = firsts[lengths > hop] + hop
        total[rows] += total[rows - 1]
    return total
