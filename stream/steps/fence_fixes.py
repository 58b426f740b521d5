"""Fixes as the step of the fences sees them: each with the one before it, and with what governs the fences that it may lie in."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Flags, Floats, Ints, Small
from stream.batches import Pings
from stream.fence_rules import FencePolicies, FenceRules
from stream.fleet import FleetState
from stream.steps.fence_events import Moments


@dataclass(frozen=True, slots=True)
class Fixes:
    """One live fix each of different vehicles (`rows`); `path` says where the way from the one before can be known."""

    rows: Ints
    pings: Pings
    now_us: Ints
    was_us: Ints
    path: Flags
    traced: Small
    """Whether such a way led to the one before, too."""
    assumed_accuracy_m: float

    def moments(self, places: Ints) -> Moments:
        """Where in the log, and when, something becomes known."""
        return Moments(self.rows.take(places), self.pings.position.take(places), self.now_us.take(places), self.accuracy_m(places))

    def accuracy_m(self, places: Ints) -> Floats:
        """The accuracies of some fixes; the assumed one where none is known."""
        known_m = self.pings.accuracy_m.take(places)
        return np.where(np.isnan(known_m), self.assumed_accuracy_m, known_m)

    def at(self, places: Ints) -> tuple[Floats, Floats]:
        """Latitude and longitude of some fixes."""
        return self.pings.lat.take(places), self.pings.lon.take(places)

    def before(self, state: FleetState, places: Ints) -> tuple[Floats, Floats]:
        """Latitude and longitude of the fixes before some."""
        rows = self.rows.take(places)
        return state.vehicles.was_lat.take(rows), state.vehicles.was_lon.take(rows)

    def along(self, places: Ints, share: Floats) -> Ints:
        """The times at shares 0..1 of the way to some fixes."""
        was_us = self.was_us.take(places)
        return was_us + np.rint(share * (self.pings.at_us.take(places) - was_us)).astype(np.int64)


Pairs = tuple[Ints, Ints]
"""Places in the fixes, and contacts or fence numbers: one pair a row."""


def rules_of(policies: FencePolicies, state: FleetState) -> FenceRules:
    """The rules of the fences in force; they change only with the fences and the policies of their kinds."""
    rules = state.fence_rules
    if rules is None or rules.policies is not policies:
        by_kind = {kind: policies.kinds.get(kind, policies.usual).changed(fields) for kind, fields in state.fence_told.items()}
        fences = [state.fences[fence_id] for fence_id in state.fence_index.fence_ids]
        rules = state.fence_rules = FenceRules.of(policies, fences, by_kind)
    return rules


def fixes_of(policies: FencePolicies, state: FleetState, rows: Ints, now_us: Ints, pings: Pings) -> Fixes:
    """The fixes of a round, and that a way led to them."""
    v = state.vehicles
    was_us = v.was_at_us.take(rows)
    gap_us = pings.at_us - was_us
    path = (gap_us > 0) & (gap_us <= round(policies.trusted_gap_s * 1e6))
    traced = v.traced.take(rows)
    v.traced[rows] = path
    return Fixes(rows, pings, now_us, was_us, path, traced, policies.assumed_accuracy_m)


def in_force(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs) -> Pairs:
    """Of pairs of fixes and fence numbers those where the fence is for the vehicle, and in force at the time of the fix."""
    places, numbers = pairs
    if not len(places) or not (rules.timed or rules.any_scoped):
        return pairs
    at_us = fixes.pings.at_us[places]
    kept = (rules.valid_from_us[numbers] <= at_us) & (at_us < rules.valid_until_us[numbers])
    for i in np.flatnonzero(kept & rules.scoped[numbers]).tolist():
        kept[i] = is_for(rules, state, int(fixes.rows[places[i]]), int(numbers[i]))
    return places[kept], numbers[kept]


def is_for(rules: FenceRules, state: FleetState, row: int, number: int) -> bool:
    """Whether a fence is for the vehicle of a row, by what is known of it."""
    vehicle_id = state.vehicle_ids[row]
    facts = state.facts.get(vehicle_id)
    return rules.is_for(number, vehicle_id, facts.tags if facts is not None else ())
