"""Two more ways to see a route ahead: stops left no sooner than planned, and every leg as it was at this minute of other days."""

from dataclasses import dataclass

import numpy as np

from eta_models.chain import Chain, second_call_s
from eta_models.columns import Floats
from eta_models.daily import Daily
from eta_models.journeys import Ahead, Journeys
from eta_models.legs import Legs
from eta_models.stays import Stays


@dataclass(frozen=True, slots=True)
class Outlooks:
    """Arrivals in seconds from now, one row a visit; NaN for a visit without a planned time."""

    lingering_s: Floats
    """As if stops were left no sooner than planned, as far as that is the habit there."""
    daily_s: Floats
    """As if legs took what they took at this minute of other days."""
    daily_late_s: Floats
    """How late the visit was then; NaN = never seen."""
    lead_s: Floats
    """What of the lead at the stop where the leg began will be lingered, one row a journey."""


def outlooks(journeys: Journeys, ahead: Ahead, plain: Chain, legs: Legs, stays: Stays, daily: Daily) -> Outlooks:
    """Follow each journey through its visits, as `chain` does."""
    lead_s = np.minimum(np.maximum(stays.linger(journeys.left_place), 0.0), 1.0) * journeys.lead_s
    days, took_s, late_s = daily.look(ahead.leg, ahead.minute)
    late_s, nothing = np.where(days > 0, late_s, np.nan), np.full(len(days), np.nan)
    has_plan = ahead.planned_in_s == ahead.planned_in_s
    if not has_plan.any():
        return Outlooks(nothing, nothing, late_s, lead_s)
    by_hop = plain.by_hop
    order = by_hop.order
    weight = days / (days + 1.0)
    daily_leg_s = (plain.leg_s + weight * (took_s * plain.slowed - plain.leg_s))[order]
    drive_s = (plain.leg_s * legs.drive_share(ahead.leg))[order]
    serves = plain.service_s[order] > 0
    linger = np.minimum(np.maximum(stays.linger(ahead.place), 0.0), 1.0)[order]
    planned_s, again, plain_s = ahead.planned_in_s[order], ahead.again[order], plain.arrival_s[order]
    due_s = np.fmax(ahead.planned_in_s, ahead.opens_in_s)[order]
    lingering_s, daily_s, before, later = plain_s.copy(), plain_s.copy(), by_hop.before, slice(len(lead_s), None)
    lingering_s[: len(lead_s)] += lead_s[by_hop.journeys]
    # What each stop adds, and then, hop by hop, the sums.
    daily_s[later] = np.maximum(plain_s[later] - plain_s[before] + (daily_leg_s - plain.leg_s[order])[later], 3.0)
    for (here, there), calls_again in zip(by_hop.steps(), by_hop.any_at(again), strict=True):
        early_s = np.fmax(planned_s[there] - lingering_s[there], 0.0)
        lingers_s = np.maximum(linger[there] * early_s + drive_s[here], 3.0)
        lingering_s[here] = lingering_s[there] + np.where(serves[there], np.maximum(plain_s[here] - plain_s[there], 3.0), lingers_s)
        daily_s[here] += daily_s[there]
        if calls_again:
            for way in (daily_s, lingering_s):
                way[here] = np.where(again[here], second_call_s(way[there], due_s[here]), way[here])
    lingering_s, daily_s = (np.where(has_plan, by_hop.back(way), np.nan) for way in (lingering_s, daily_s))
    return Outlooks(lingering_s, daily_s, late_s, lead_s)
