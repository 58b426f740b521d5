"""Fixes as the step of the fences sees them: each with the one before it, and with what governs the fences that it may lie in."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Flags, Floats, Ints
from stream.batches import Pings
from stream.fence_rules import FencePolicies, FenceRules
from stream.fleet import FleetState
from stream.steps.fence_events import Moments


@dataclass(frozen=True, slots=True)
class Fixes:
    """One live fix each of different vehicles (`rows`), with the one before; `path` says where the way between the two can be known."""

    rows: Ints
    position: Ints
    now_us: Ints
    at_us: Ints
    lat: Floats
    lon: Floats
    accuracy_m: Floats
    was_us: Ints
    was_lat: Floats
    was_lon: Floats
    path: Flags
    traced: Flags
    """Whether such a way led to the one before, too."""

    def moments(self, places: Ints) -> Moments:
        """Where in the log, and when, something becomes known."""
        return Moments(self.rows[places], self.position[places], self.now_us[places], self.accuracy_m[places])


Pairs = tuple[Ints, Ints]
"""Places in the fixes, and contacts or fence numbers: one pair a row."""


def rules_of(policies: FencePolicies, state: FleetState) -> FenceRules:
    """The rules of the fences in force; they change only with the fences."""
    rules = state.fence_rules
    if rules is None or rules.policies is not policies:
        rules = state.fence_rules = FenceRules.of(policies, [state.fences[fence_id] for fence_id in state.fence_index.fence_ids])
    return rules


def fixes_of(rules: FenceRules, state: FleetState, rows: Ints, now_us: Ints, pings: Pings) -> Fixes:
    """The fixes of a round, and that a way led to them."""
    v = state.vehicles
    was_us = v.was_at_us[rows]
    gap_us = pings.at_us - was_us
    path = (gap_us > 0) & (gap_us <= round(rules.policies.trusted_gap_s * 1e6))
    accuracy_m = rules.accuracy_m(pings.accuracy_m)
    traced = path & (v.traced[rows] == 1)
    v.traced[rows] = path
    place = (pings.at_us, pings.lat, pings.lon, accuracy_m)
    return Fixes(rows, pings.position, now_us, *place, was_us, v.was_lat[rows], v.was_lon[rows], path, traced)


def in_force(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs) -> Pairs:
    """Of pairs of fixes and fence numbers those where the fence is for the vehicle, and in force at the time of the fix."""
    places, numbers = pairs
    if not len(places) or not (rules.timed or rules.any_scoped):
        return pairs
    at_us = fixes.at_us[places]
    kept = (rules.valid_from_us[numbers] <= at_us) & (at_us < rules.valid_until_us[numbers])
    for i in np.flatnonzero(kept & rules.scoped[numbers]).tolist():
        kept[i] = is_for(rules, state, int(fixes.rows[places[i]]), int(numbers[i]))
    return places[kept], numbers[kept]


def is_for(rules: FenceRules, state: FleetState, row: int, number: int) -> bool:
    """Whether a fence is for the vehicle of a row, by what is known of it."""
    vehicle_id = state.vehicle_ids[row]
    facts = state.facts.get(vehicle_id)
    return rules.is_for(number, vehicle_id, facts.tags if facts is not None else ())


def along(was_us: Ints, at_us: Ints, share: Floats) -> Ints:
    """The times at shares 0..1 of the way between two fixes."""
    return was_us + np.rint(share * (at_us - was_us)).astype(np.int64)
