"""Step 2, locate: which fences vehicles enter, stay in, leave and drive through (the cell comes with the fix).

All fixes of a round at once: first those that lie in a fence, then those that do not but have to do with one. Rules: `fence_rules`.
"""

import numpy as np

from eta_models.columns import MISSING, Ints
from stream.batches import Pings
from stream.contacts import NAN, NOBODY
from stream.fence_rules import FencePolicies, FenceRules
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.fence_events import News, tell
from stream.steps.fence_fixes import Fixes, Pairs, fixes_of, in_force, rules_of
from stream.steps.fence_looks import Crossings, Seen, among, look
from stream.steps.holds import be_inside, be_outside


def locate(policies: FencePolicies, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> None:
    """Follow the fences of vehicles after a live fix each."""
    if not state.fence_index.fence_ids:
        return
    clearings, fixes = state.clearings, fixes_of(policies, state, rows, now_us, pings)
    clearings.suit(state.fence_index, state.vehicles.count)
    busy = np.flatnonzero(clearings.busy.take(rows))
    lost = np.flatnonzero(~clearings.hold(rows, pings.lat, pings.lon))
    if not (len(busy) or len(lost)):
        return
    rules = rules_of(policies, state)
    known = _known(rules, state, fixes, busy)
    seen = look(rules, state, fixes, lost)
    clearings.busy[rows.take(busy)] = 0
    if len(known[0]) or len(seen.keys) or len(seen.crossings.keys):
        followed = _follow(rules, state, fixes, known, seen, out)
        clearings.busy[rows.take(followed)] = 1


def _follow(rules: FenceRules, state: FleetState, fixes: Fixes, known: Pairs, seen: Seen, out: Outputs) -> Ints:
    """What the fixes mean for the contacts of their vehicles; the places of those that may have some."""
    contacts = state.contacts
    keys = known[0] * len(state.fence_index.fence_ids) + contacts.fence.take(known[1])
    still = seen.still(state, known, keys)
    new, there = ~among(seen.keys, np.sort(keys)), np.sort(np.concatenate([seen.keys, keys]))
    within, without = np.flatnonzero(still), np.flatnonzero(~still)
    inside, outside = (known[0].take(within), known[1].take(within)), (known[0].take(without), known[1].take(without))
    begun = _begin(state, fixes, seen.crossings, inside, (seen.inside[0][new], seen.inside[1][new]))
    through = _drive_through(rules, state, fixes, seen.crossings, there)
    news, over = list[News](), known[0][:0]
    if len(without) or len(through[0]):
        outside = np.concatenate([outside[0], through[0]]), np.concatenate([outside[1], through[1]])
        over = be_outside(rules, state, fixes, outside, seen.crossings, news)
    if len(within) or len(begun[0]):
        be_inside(rules, state, fixes, (np.concatenate([inside[0], begun[0]]), np.concatenate([inside[1], begun[1]])), news)
    if news:
        tell(state, news, out)
    contacts.fence[over] = NOBODY
    return np.concatenate([known[0], begun[0], through[0]])


def _known(rules: FenceRules, state: FleetState, fixes: Fixes, busy: Ints) -> Pairs:
    """Contacts that the vehicles have; of fences that are over none: they are closed by the tick that tells it."""
    places, contacts = state.contacts.of(state.vehicles.contact.take(fixes.rows.take(busy)))
    places = busy.take(places)
    if not rules.timed:
        return places, contacts
    lasting = fixes.pings.at_us[places] < rules.valid_until_us[state.contacts.fence[contacts]]
    return places[lasting], contacts[lasting]


def _begin(state: FleetState, fixes: Fixes, crossings: Crossings, inside: Pairs, new: Pairs) -> Pairs:
    """Candidates from a fix inside on: they came in where the path from the fix before crosses the edge. Returns the new ones.

    A contact whose fixes inside were too few to count on begins anew. Who was inside already and has no contact, because the fence or its
    scope is new, came with this fix.
    """
    contacts, taken = state.contacts, _take(state, fixes, new)
    again = np.flatnonzero((contacts.fixes.take(inside[1]) == 0) & (contacts.visiting.take(inside[1]) == 0))
    places, c = np.concatenate([inside[0].take(again), new[0]]), np.concatenate([inside[1].take(again), taken])
    if len(places):
        _blank(state, fixes, places, c)
        share = crossings.share(crossings.first, places * len(state.fence_index.fence_ids) + contacts.fence[c])
        at_us = fixes.pings.at_us[places]
        seen = ~np.isnan(share)
        contacts.entered_us[c] = np.where(seen, fixes.along(places, np.where(seen, share, 0.0)), at_us)
        contacts.first_us[c] = at_us
    return new[0], taken


def _take(state: FleetState, fixes: Fixes, pairs: Pairs) -> Ints:
    """Rows for pairs of fixes and fence numbers."""
    if not len(pairs[0]):
        return pairs[0]
    heads, state.scalar_rows = state.vehicles.contact, state.scalar_rows + len(pairs[0])
    taken = [state.contacts.take(heads, row, number) for row, number in zip(fixes.rows[pairs[0]].tolist(), pairs[1].tolist(), strict=True)]
    return np.array(taken, dtype=np.int64)


def _blank(state: FleetState, fixes: Fixes, places: Ints, c: Ints) -> None:
    """What is true of every contact that begins, inside or behind a fence that was driven through."""
    contacts, was_us, before = state.contacts, fixes.was_us[places], fixes.before(state, places)
    traced = fixes.path[places] & (fixes.traced[places] == 1)
    for name in ("visiting", "dwelled", "visit", "fixes", "misses", "away", "accuracy_m"):
        getattr(contacts, name)[c] = 0
    for name in ("last_us", "left_us", "out_us", "away_us"):
        getattr(contacts, name)[c] = MISSING
    contacts.before_us[c] = np.where(was_us < fixes.pings.at_us[places], was_us, MISSING)
    contacts.from_lat[c], contacts.from_lon[c] = np.where(traced, before[0], NAN), np.where(traced, before[1], NAN)
    contacts.via_lat[c], contacts.via_lon[c] = fixes.at(places)


def _drive_through(rules: FenceRules, state: FleetState, fixes: Fixes, crossings: Crossings, there: Ints) -> Pairs:
    """Candidates for fences on the way to a fix that lies behind them; not for those of `there`, which it is in or has a contact with."""
    count = len(state.fence_index.fence_ids)
    # One crossing alone is the end of a stay that had no contact: the fence or its scope is new.
    keys = crossings.keys[crossings.first < crossings.last]
    places, numbers = np.divmod(keys[~among(keys, there)], count)
    places, numbers = in_force(rules, state, fixes, (places, numbers))
    kept = rules.whole["passages"][rules.kind[numbers]] == 1
    places, numbers = places[kept], numbers[kept]
    c = _take(state, fixes, (places, numbers))
    if len(c):
        keys = places * count + numbers
        _blank(state, fixes, places, c)
        contacts = state.contacts
        contacts.entered_us[c] = fixes.along(places, crossings.share(crossings.first, keys))
        contacts.left_us[c] = fixes.along(places, crossings.share(crossings.last, keys))
        contacts.out_us[c] = fixes.pings.at_us[places]
        contacts.to_lat[c], contacts.to_lon[c] = fixes.at(places)
    return places, c
