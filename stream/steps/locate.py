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
from stream.steps.fence_events import Moments, tell_dwelled, tell_entered, tell_exited, tell_passed
from stream.steps.passages import believed

LEAST_MOVE_DEG = 5e-5
"""Five metres northwards: who moved less has driven through nothing."""


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


def locate(policies: FencePolicies, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> None:
    """Follow the fences of vehicles after a live fix each."""
    if not state.fence_index.fence_ids:
        return
    rules = rules_of(policies, state)
    fixes = _fixes(rules, state, rows, now_us, pings)
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
        _be_outside(rules, state, fixes, outside, out)
    if len(places) or len(begun[0]):
        _be_inside(rules, state, fixes, (np.concatenate([places, begun[0]]), np.concatenate([contacts, begun[1]])), out)


def _fixes(rules: FenceRules, state: FleetState, rows: Ints, now_us: Ints, pings: Pings) -> Fixes:
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
        entered_us[path] = _along(was_us[path], at_us[path], share)
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


def _along(was_us: Ints, at_us: Ints, share: Floats) -> Ints:
    """The times at shares 0..1 of the way between two fixes."""
    return was_us + np.rint(share * (at_us - was_us)).astype(np.int64)


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
    contacts.entered_us[c], contacts.left_us[c] = _along(was_us, at_us, enters[used]), _along(was_us, at_us, leaves[used])
    contacts.out_us[c], contacts.to_lat[c], contacts.to_lon[c] = at_us, fixes.lat[places], fixes.lon[places]
    return pairs


def _be_inside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, out: Outputs) -> None:
    """A fix inside: candidates may have been there often and long enough, visits may have become long."""
    contacts, (places, c) = state.contacts, pairs
    at_us, kind = fixes.at_us[places], rules.kind[contacts.fence[c]]
    candidate = contacts.visiting[c] == 0
    contacts.fixes[c] += 1
    contacts.misses[c] = contacts.away[c] = 0
    contacts.left_us[c] = contacts.away_us[c] = contacts.out_us[c] = MISSING
    contacts.last_us[c] = at_us
    contacts.accuracy_m[c] = np.where(candidate, np.maximum(contacts.accuracy_m[c], fixes.accuracy_m[places]), 0.0)
    enters = candidate & (contacts.fixes[c] >= rules.whole["enter_fixes"][kind])
    enters &= at_us - contacts.first_us[c] >= rules.whole["enter_hold_us"][kind]
    if enters.any():
        tell_entered(state, c[enters], fixes.moments(places[enters]), out)
    dwells = (contacts.visiting[c] == 1) & (contacts.dwelled[c] == 0) & (at_us - contacts.entered_us[c] >= rules.whole["dwell_us"][kind])
    if dwells.any():
        tell_dwelled(state, c[dwells], fixes.moments(places[dwells]), rules.whole["dwell_us"][kind[dwells]], out)


def _be_outside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, out: Outputs) -> None:
    """A fix outside: visits end when there were enough of them, far enough off, for long enough; so do candidates, as passages or not."""
    contacts, (places, c) = state.contacts, pairs
    _go_out(state, fixes, pairs)
    at_us, numbers = fixes.at_us[places], contacts.fence[c]
    kind, accuracy_m = rules.kind[numbers], fixes.accuracy_m[places]
    away = state.fence_index.outside_m(numbers, fixes.lat[places], fixes.lon[places]) > rules.band_m(numbers, accuracy_m)
    contacts.misses[c] += 1
    contacts.away[c] = np.where(away, contacts.away[c] + 1, 0)
    contacts.away_us[c] = np.where(away, np.where(contacts.away[c] == 1, at_us, contacts.away_us[c]), MISSING)
    visiting, hold_us = contacts.visiting[c] == 1, rules.whole["exit_hold_us"][kind]
    contacts.accuracy_m[c] = np.where(away | ~visiting, np.maximum(contacts.accuracy_m[c], accuracy_m), 0.0)
    gone = away & (contacts.away[c] >= rules.whole["exit_fixes"][kind]) & (at_us - contacts.away_us[c] >= hold_us)
    broken = c[~visiting & (contacts.misses[c] > 1)]
    contacts.fixes[broken] = 0
    if (left := gone & visiting).any():
        tell_exited(state, c[left], fixes.moments(places[left]), out)
    if (through := gone & ~visiting).any():
        passed = through.copy()
        passed[through] = (rules.whole["passages"][kind[through]] == 1) & believed(
            rules.policies, state, c[through], fixes.lat[places[through]], fixes.lon[places[through]]
        )
        tell_passed(state, c[passed], fixes.moments(places[passed]), out)
    hovering = ~visiting & ~away & (contacts.misses[c] > 1) & (at_us - contacts.left_us[c] >= hold_us)
    contacts.fence[c[gone | hovering]] = -1


def _go_out(state: FleetState, fixes: Fixes, pairs: Pairs) -> None:
    """Those that were inside at the fix before left where the path crosses the edge; where no path is known, with their last fix inside."""
    contacts = state.contacts
    just = contacts.left_us[pairs[1]] == MISSING
    if not just.any():
        return
    places, c = pairs[0][just], pairs[1][just]
    was_us, at_us = fixes.was_us[places], fixes.at_us[places]
    _, leaves = state.fence_index.passage(contacts.fence[c], fixes.was_lat[places], fixes.was_lon[places], fixes.lat[places], fixes.lon[places])
    seen = fixes.path[places] & (leaves >= 0.0)
    contacts.left_us[c] = np.where(seen, _along(was_us, at_us, np.where(seen, leaves, 0.0)), contacts.last_us[c])
    contacts.out_us[c], contacts.to_lat[c], contacts.to_lon[c] = at_us, fixes.lat[places], fixes.lon[places]
