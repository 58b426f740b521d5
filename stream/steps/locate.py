"""Step 2, locate: which fences vehicles enter, stay in, leave and drive through (the cell comes with the fix).

All fixes of a round at once: first those that lie in a fence, then those that do not but have to do with one. Rules: `fence_rules`.
"""

import numpy as np

from eta_models.columns import MISSING, Flags, Ints
from stream.batches import Pings
from stream.contacts import NAN, Contacts
from stream.fence_rules import FencePolicies, FenceRules
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.fence_fixes import Fixes, Pairs, along, fixes_of, in_force, rules_of
from stream.steps.holds import be_inside, be_outside

LEAST_MOVE_DEG = 5e-5
"""Five metres northwards: who moved less has driven through nothing."""


def locate(policies: FencePolicies, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> None:
    """Follow the fences of vehicles after a live fix each."""
    if not state.fence_index.fence_ids:
        return
    rules = rules_of(policies, state)
    fixes = fixes_of(rules, state, rows, now_us, pings)
    in_fence = in_force(rules, state, fixes, state.fence_index.locate(pings.cell, pings.lat, pings.lon))
    known = state.contacts.of(state.vehicles.contact[rows])
    if rules.timed:  # what is over is closed by the tick that tells it
        lasting = fixes.at_us[known[0]] < rules.valid_until_us[state.contacts.fence[known[1]]]
        known = known[0][lasting], known[1][lasting]
    inside, new = _joined(state, in_fence, known)
    through = _drive_through(rules, state, fixes, known)
    if not (len(known[0]) or len(in_fence[0]) or len(through[0])):
        return
    places, contacts = known[0][inside], known[1][inside]
    again = (state.contacts.fixes[contacts] == 0) & (state.contacts.visiting[contacts] == 0)
    if again.any():
        _begin(state, fixes, (places[again], contacts[again]))
    begun = _new(state, fixes, (in_fence[0][new], in_fence[1][new]))
    _begin(state, fixes, begun)
    outside = np.concatenate([known[0][~inside], through[0]]), np.concatenate([known[1][~inside], through[1]])
    if len(outside[0]):
        be_outside(rules, state, fixes, outside, out)
    if len(places) or len(begun[0]):
        be_inside(rules, state, fixes, (np.concatenate([places, begun[0]]), np.concatenate([contacts, begun[1]])), out)


def _joined(state: FleetState, in_fence: Pairs, known: Pairs) -> tuple[Flags, Flags]:
    """(which contacts are inside now, which pairs inside have no contact yet)."""
    count = len(state.fence_index.fence_ids)
    found = in_fence[0] * count + in_fence[1]
    sought = known[0] * count + state.contacts.fence[known[1]]
    new = np.ones(len(found), dtype=np.bool_)
    if not len(found):
        return np.zeros(len(sought), dtype=np.bool_), new
    slots = np.minimum(np.searchsorted(found, sought), len(found) - 1)
    inside = found[slots] == sought
    new[slots[inside]] = False
    return inside, new


def _new(state: FleetState, fixes: Fixes, pairs: Pairs) -> Pairs:
    """Contacts for pairs of fixes and fence numbers that have none."""
    heads, state.scalar_rows = state.vehicles.contact, state.scalar_rows + len(pairs[0])
    taken = [state.contacts.take(heads, row, number) for row, number in zip(fixes.rows[pairs[0]].tolist(), pairs[1].tolist(), strict=True)]
    return pairs[0], np.array(taken, dtype=np.int64)


def _begin(state: FleetState, fixes: Fixes, pairs: Pairs) -> None:
    """Candidates from a fix inside on: they came in where the path from the fix before crosses the edge."""
    places, c = pairs
    if not len(places):
        return
    _blank(state.contacts, fixes, pairs)
    at_us, was_us, path = fixes.at_us[places], fixes.was_us[places], fixes.path[places]
    entered_us = at_us.copy()
    if path.any():
        on = places[path]
        enters, _ = state.fence_index.passage(
            state.contacts.fence[c[path]], fixes.was_lat[on], fixes.was_lon[on], fixes.lat[on], fixes.lon[on]
        )
        share = np.where(enters > 0.0, enters, 1.0)  # one that was there already, and only now is the fence for it, came with this fix
        entered_us[path] = along(was_us[path], at_us[path], share)
    state.contacts.entered_us[c] = entered_us
    state.contacts.first_us[c] = at_us


def _blank(contacts: Contacts, fixes: Fixes, pairs: Pairs) -> None:
    """What is true of every contact that begins, inside or behind a fence that was driven through."""
    places, c = pairs
    traced, was_us, at_us = fixes.traced[places], fixes.was_us[places], fixes.at_us[places]
    for name in ("visiting", "dwelled", "visit", "fixes", "misses", "away", "accuracy_m"):
        getattr(contacts, name)[c] = 0
    for name in ("last_us", "left_us", "out_us", "away_us"):
        getattr(contacts, name)[c] = MISSING
    contacts.before_us[c] = np.where(was_us < at_us, was_us, MISSING)
    contacts.from_lat[c], contacts.from_lon[c] = np.where(traced, fixes.was_lat[places], NAN), np.where(traced, fixes.was_lon[places], NAN)
    contacts.via_lat[c], contacts.via_lon[c] = fixes.lat[places], fixes.lon[places]


def _drive_through(rules: FenceRules, state: FleetState, fixes: Fixes, known: Pairs) -> Pairs:
    """Contacts with fences that lie on the way between two fixes although neither is inside, and that the vehicle has no contact with."""
    moved = (np.abs(fixes.lat - fixes.was_lat) > LEAST_MOVE_DEG) | (np.abs(fixes.lon - fixes.was_lon) > LEAST_MOVE_DEG)
    moving = np.flatnonzero(fixes.path & moved)
    nothing = np.empty(0, dtype=np.int64)
    if not len(moving):
        return nothing, nothing
    at, numbers, enters, leaves = state.fence_index.crossed(
        fixes.was_lat[moving], fixes.was_lon[moving], fixes.lat[moving], fixes.lon[moving]
    )
    if not len(at):
        return nothing, nothing
    count = len(state.fence_index.fence_ids)
    found = moving[at] * count + numbers
    free = ~np.isin(found, known[0] * count + state.contacts.fence[known[1]]) & (rules.whole["passages"][rules.kind[numbers]] == 1)
    places, numbers = in_force(rules, state, fixes, (moving[at][free], numbers[free]))
    used = np.searchsorted(found, places * count + numbers)
    pairs = _new(state, fixes, (places, numbers))
    _blank(state.contacts, fixes, pairs)
    contacts, c, was_us, at_us = state.contacts, pairs[1], fixes.was_us[places], fixes.at_us[places]
    contacts.entered_us[c], contacts.left_us[c] = along(was_us, at_us, enters[used]), along(was_us, at_us, leaves[used])
    contacts.out_us[c], contacts.to_lat[c], contacts.to_lon[c] = at_us, fixes.lat[places], fixes.lon[places]
    return pairs
