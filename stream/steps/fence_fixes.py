"""Fixes as the step of the fences sees them: each with the one before it, and with what governs the fences that it may lie in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints, Small
from stream.batches import Pings
from stream.fence_rules import FencePolicies, FenceRules
from stream.fleet import FleetState
from stream.steps.fence_events import Told


@dataclass(frozen=True, slots=True)
class Fixes:
    """One live fix each of different vehicles (`rows`) among so many `fences`.

    `path` says where the way from the one before can be known, `traced` whether such a way led to that, too.
    """

    rows: Ints
    pings: Pings
    now_us: Ints
    was_us: Ints
    path: Flags
    traced: Small
    fences: int
    assumed_accuracy_m: float

    def told(self, state: FleetState, word: int, places: Ints, contacts: Ints, more_us: Iterable[int] = repeat(MISSING)) -> Iterator[Told]:
        """A word about each of some contacts that becomes known with some fixes."""
        pings, fences = self.pings, state.contacts.fence
        for place, contact, more in zip(places.tolist(), contacts.tolist(), more_us, strict=False):
            row, known_m = self.rows.item(place), pings.accuracy_m.item(place)
            accuracy_m = known_m if known_m == known_m else self.assumed_accuracy_m  # NaN is not itself
            yield Told(pings.position.item(place), word, row, fences.item(contact), contact, self.now_us.item(place), accuracy_m, more)

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

    def ways(self, state: FleetState, places: Ints) -> tuple[Floats, Floats]:
        """Where the ways to some fixes begin and end, as columns (longitude, latitude)."""
        rows, v = self.rows.take(places), state.vehicles
        ways = np.empty((2, 2, len(places)))
        v.was_lon.take(rows, out=ways[0, 0], mode="clip")
        v.was_lat.take(rows, out=ways[0, 1], mode="clip")
        self.pings.lon.take(places, out=ways[1, 0], mode="clip")
        self.pings.lat.take(places, out=ways[1, 1], mode="clip")
        return ways[0], ways[1]

    def along(self, place: int, share: float) -> int:
        """The time at a share 0..1 of the way to a fix; that of the fix if it is NaN."""
        was_us, at_us = self.was_us.item(place), self.pings.at_us.item(place)
        return was_us + round(share * (at_us - was_us)) if share == share else at_us  # NaN is not itself


Pairs = tuple[Ints, Ints]
"""Places in the fixes, and contacts or fence numbers: one pair a row."""


class Known(NamedTuple):
    """Contacts of the vehicles of fixes: their places and fences, both in one (`keys`), and since when they are outside."""

    places: Ints
    contacts: Ints
    numbers: Ints
    keys: Ints
    left_us: Ints

    def take(self, some: Ints) -> "Known":
        """Some of them."""
        return Known(*(column.take(some) for column in self))


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
    return Fixes(rows, pings, now_us, was_us, path, traced, len(state.fence_index.fence_ids), policies.assumed_accuracy_m)


def in_force(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs) -> Flags:
    """Of pairs of fixes and fence numbers whether the fence is for the vehicle, and in force at the time of the fix."""
    places, numbers = pairs
    at_us = fixes.pings.at_us.take(places)
    kept = (rules.valid_from_us.take(numbers) <= at_us) & (at_us < rules.valid_until_us.take(numbers))
    for i in np.flatnonzero(kept & rules.scoped.take(numbers)).tolist():
        kept[i] = is_for(rules, state, int(fixes.rows[places[i]]), int(numbers[i]))
    return np.asarray(kept, dtype=np.bool_)


def is_for(rules: FenceRules, state: FleetState, row: int, number: int) -> bool:
    """Whether a fence is for the vehicle of a row, by what is known of it."""
    vehicle_id = state.vehicle_ids[row]
    facts = state.facts.get(vehicle_id)
    return rules.is_for(number, vehicle_id, facts.tags if facts is not None else ())
