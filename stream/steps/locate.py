"""Step 2, locate: which fences vehicles enter, stay in, leave and drive through (the cell comes with the fix).

All fixes of a round at once: first those that lie in a fence, then those that do not but have to do with one. Rules: `fence_rules`.
"""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints
from stream.batches import Pings
from stream.contacts import NAN, Contacts
from stream.fence_rules import FencePolicies, FenceRules
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.fence_fixes import Fixes, Pairs, along, fixes_of, in_force, rules_of
from stream.steps.holds import be_inside, be_outside


@dataclass(frozen=True, slots=True)
class Crossings:
    """Edges that lie on the way to a fix: `keys` are places of fixes and fence numbers in one, ascending; shares 0..1 of the way."""

    keys: Ints
    first: Floats
    last: Floats

    def share(self, column: Floats, keys: Ints) -> Floats:
        """Where on the way the edge of each key lies; NaN where it does not."""
        if not len(self.keys):
            return np.full(len(keys), NAN)
        slots = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[slots] == keys, column[slots], NAN)


def locate(policies: FencePolicies, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> None:
    """Follow the fences of vehicles after a live fix each."""
    if not state.fence_index.fence_ids:
        return
    rules = rules_of(policies, state)
    fixes, count = fixes_of(rules, state, rows, now_us, pings), len(state.fence_index.fence_ids)
    in_fence = in_force(rules, state, fixes, state.fence_index.locate(pings.cell, pings.lat, pings.lon))
    known = _known(rules, state, fixes)
    crossings = _crossings(state, fixes)
    if not (len(known[0]) or len(in_fence[0]) or len(crossings.keys)):
        return
    inside_keys, known_keys = in_fence[0] * count + in_fence[1], known[0] * count + state.contacts.fence[known[1]]
    slots = np.searchsorted(inside_keys, known_keys)
    inside = np.append(inside_keys, -1)[slots] == known_keys
    new = np.ones(len(inside_keys), dtype=np.bool_)
    new[slots[inside]] = False
    begun = _begin(state, fixes, crossings, known, inside, (in_fence[0][new], in_fence[1][new]))
    through = _drive_through(rules, state, fixes, crossings, np.sort(np.concatenate([inside_keys, known_keys])))
    outside = np.concatenate([known[0][~inside], through[0]]), np.concatenate([known[1][~inside], through[1]])
    if len(outside[0]):
        leaves = crossings.share(crossings.last, outside[0] * count + state.contacts.fence[outside[1]])
        be_outside(rules, state, fixes, outside, leaves, out)
    if inside.any() or len(begun[0]):
        be_inside(rules, state, fixes, (np.concatenate([known[0][inside], begun[0]]), np.concatenate([known[1][inside], begun[1]])), out)


def _known(rules: FenceRules, state: FleetState, fixes: Fixes) -> Pairs:
    """Contacts that the vehicles have; of fences that are over none: they are closed by the tick that tells it."""
    places, contacts = state.contacts.of(state.vehicles.contact[fixes.rows])
    if not rules.timed:
        return places, contacts
    lasting = fixes.at_us[places] < rules.valid_until_us[state.contacts.fence[contacts]]
    return places[lasting], contacts[lasting]


def _crossings(state: FleetState, fixes: Fixes) -> Crossings:
    """All edges of fences that lie on the way to the fixes."""
    moving = np.flatnonzero(fixes.path & ((fixes.lat != fixes.was_lat) | (fixes.lon != fixes.was_lon)))
    at, numbers, first, last = state.fence_index.met(fixes.was_lat[moving], fixes.was_lon[moving], fixes.lat[moving], fixes.lon[moving])
    return Crossings(moving[at] * len(state.fence_index.fence_ids) + numbers, first, last)


def _begin(state: FleetState, fixes: Fixes, crossings: Crossings, known: Pairs, inside: Flags, new: Pairs) -> Pairs:
    """Candidates from a fix inside on: they came in where the path from the fix before crosses the edge. Returns the new ones.

    A contact whose fixes inside were too few to count on begins anew. Who was inside already and has no contact, because the fence or its
    scope is new, came with this fix.
    """
    contacts, taken = state.contacts, _take(state, fixes, new)
    again = inside.copy()
    again[inside] = (contacts.fixes[known[1][inside]] == 0) & (contacts.visiting[known[1][inside]] == 0)
    places, c = np.concatenate([known[0][again], new[0]]), np.concatenate([known[1][again], taken])
    if len(places):
        _blank(contacts, fixes, places, c)
        share = crossings.share(crossings.first, places * len(state.fence_index.fence_ids) + contacts.fence[c])
        at_us = fixes.at_us[places]
        seen = ~np.isnan(share)
        contacts.entered_us[c] = np.where(seen, along(fixes.was_us[places], at_us, np.where(seen, share, 0.0)), at_us)
        contacts.first_us[c] = at_us
    return new[0], taken


def _take(state: FleetState, fixes: Fixes, pairs: Pairs) -> Ints:
    """Rows for pairs of fixes and fence numbers."""
    heads, state.scalar_rows = state.vehicles.contact, state.scalar_rows + len(pairs[0])
    taken = [state.contacts.take(heads, row, number) for row, number in zip(fixes.rows[pairs[0]].tolist(), pairs[1].tolist(), strict=True)]
    return np.array(taken, dtype=np.int64)


def _blank(contacts: Contacts, fixes: Fixes, places: Ints, c: Ints) -> None:
    """What is true of every contact that begins, inside or behind a fence that was driven through."""
    traced, was_us = fixes.traced[places], fixes.was_us[places]
    for name in ("visiting", "dwelled", "visit", "fixes", "misses", "away", "accuracy_m"):
        getattr(contacts, name)[c] = 0
    for name in ("last_us", "left_us", "out_us", "away_us"):
        getattr(contacts, name)[c] = MISSING
    contacts.before_us[c] = np.where(was_us < fixes.at_us[places], was_us, MISSING)
    contacts.from_lat[c], contacts.from_lon[c] = np.where(traced, fixes.was_lat[places], NAN), np.where(traced, fixes.was_lon[places], NAN)
    contacts.via_lat[c], contacts.via_lon[c] = fixes.lat[places], fixes.lon[places]


def _drive_through(rules: FenceRules, state: FleetState, fixes: Fixes, crossings: Crossings, there: Ints) -> Pairs:
    """Candidates for fences on the way to a fix that lies behind them; not for those of `there`, which it is in or has a contact with."""
    count = len(state.fence_index.fence_ids)
    places, numbers = np.divmod(crossings.keys, count)
    # One crossing alone is the end of a stay that had no contact: the fence or its scope is new.
    free = (crossings.first < crossings.last) & (rules.whole["passages"][rules.kind[numbers]] == 1)
    if len(there):
        free &= there[np.minimum(np.searchsorted(there, crossings.keys), len(there) - 1)] != crossings.keys
    if not free.any():
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing
    places, numbers = in_force(rules, state, fixes, (places[free], numbers[free]))
    contacts, keys, c = state.contacts, places * count + numbers, _take(state, fixes, (places, numbers))
    _blank(contacts, fixes, places, c)
    was_us, at_us = fixes.was_us[places], fixes.at_us[places]
    contacts.entered_us[c] = along(was_us, at_us, crossings.share(crossings.first, keys))
    contacts.left_us[c] = along(was_us, at_us, crossings.share(crossings.last, keys))
    contacts.out_us[c], contacts.to_lat[c], contacts.to_lon[c] = at_us, fixes.lat[places], fixes.lon[places]
    return places, c
