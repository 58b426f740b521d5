"""The plain estimate: drive, wait, serve, drive on, stop after stop, from where the vehicle is now."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.journeys import Ahead, Journeys
from eta_models.legs import Legs
from eta_models.stays import Stays

SERVICE_VARIANCE = 0.25
"""Variance of a service time in units of its square: half of it is the usual deviation of delivery stops."""

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
    steps: list[Ints]
    """Rows of the first stops, of the second ones, .."""


def hops(ahead: Ahead) -> list[Ints]:
    """Rows of the first stop of every journey, rows of the second stops, and so on."""
    firsts = np.flatnonzero(ahead.hop == 0)
    lengths = np.empty(len(firsts), dtype=np.int64)
    lengths[:-1] = firsts[1:] - firsts[:-1]
    lengths[-1:] = len(ahead.hop) - firsts[-1:]
    return [firsts, *(firsts[lengths > hop] + hop for hop in range(1, int(lengths.max(initial=0))))]


def chain(journeys: Journeys, ahead: Ahead, legs: Legs, stays: Stays) -> Chain:
    """Follow each journey through its visits. Rows of `ahead` are grouped by journey and `hop` counts 0, 1, .. within each."""
    hour = np.minimum(journeys.hour[ahead.journey].astype(np.int64), 23)
    leg_s = legs.expected_s(ahead.leg, ahead.area, hour, ahead.leg_m, ahead.leg_planned_s)
    service_s = stays.service_s(ahead.place, ahead.service_s)
    opens = ahead.opens_in_s == ahead.opens_in_s
    hold = np.maximum(stays.hold(ahead.place), 0.0)
    ready_s = np.where(opens, ahead.opens_in_s, -np.inf)
    steps = hops(ahead)
    drive_s = leg_s[steps[0]] * legs.drive_share(ahead.leg[steps[0]])
    share_left, first_s, held_s = _first(journeys, leg_s[steps[0]], drive_s, stays)
    spread_s = legs.spread_s(ahead.leg, leg_s)
    variance = spread_s * spread_s * np.where(ahead.hop == 0, share_left[ahead.journey], 1.0)
    arrival_s, wait_s = np.empty(len(leg_s)), np.zeros(len(leg_s))
    arrival_s[steps[0]], wait_s[steps[0]] = first_s, held_s
    for rows in steps[1:]:
        before = rows - 1
        early_s = ready_s[before] - arrival_s[before]
        waited = np.where(early_s > 0, hold[before] * early_s, 0.0)
        wait_s[rows] = wait_s[before] + waited
        arrival_s[rows] = np.maximum(arrival_s[before] + waited + service_s[before] + leg_s[rows], arrival_s[before] + SOONEST_S)
        variance[rows] += variance[before] + SERVICE_VARIANCE * service_s[before] * service_s[before]
    return Chain(arrival_s, leg_s, np.sqrt(variance), service_s, wait_s, share_left, first_s, steps)


def _first(journeys: Journeys, leg_s: Floats, drive_s: Floats, stays: Stays) -> tuple[Floats, Floats, Floats]:
    """The share left of the current leg, the seconds to the next stop, and how many of them are a wait."""
    way_m = journeys.to_next_m + journeys.behind_m
    share = np.where(way_m > 1.0, journeys.to_next_m / np.maximum(way_m, 1.0), 0.0)
    under_way = np.maximum(share * drive_s - journeys.fix_age_s, SOONEST_S)
    if not journeys.standing.any():
        return share, under_way + journeys.paused_s, np.zeros(len(share))
    early_s = np.where(journeys.standing & journeys.opens & (journeys.ready_in_s > 0), journeys.ready_in_s, 0.0)
    held_s = np.maximum(stays.hold(journeys.place), 0.0) * early_s
    service_s = stays.service_s(journeys.place, journeys.service_s)
    serving_s = np.maximum(service_s - journeys.elapsed_s, 0.2 * service_s)
    stay_s = np.where(journeys.opens & (early_s > 0), held_s + service_s, np.maximum(serving_s, held_s))
    rest_s = np.where(service_s > 0, leg_s, np.maximum(leg_s - journeys.elapsed_s, drive_s))
    first_s = np.where(journeys.standing, stay_s + rest_s, under_way)
    return np.where(journeys.standing, 1.0, share), first_s + journeys.paused_s, held_s
