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
from stream.steps.fence_events import Told, tell
from stream.steps.fence_fixes import Fixes, Known, Pairs, fixes_of, in_force, rules_of
from stream.steps.fence_looks import Seen, look
from stream.steps.holds import be_inside, be_outside


def locate(policies: FencePolicies, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> None:
    """Follow the fences of vehicles after a live fix each."""
    if not state.fence_index.fence_ids:
        return
    clearings, fixes = state.clearings, fixes_of(policies, state, rows, now_us, pings)
    clearings.suit(state.fence_index, state.vehicles.count)
    busy = clearings.busy.take(rows).nonzero()[0]
    lost = clearings.left(rows, pings.lat, pings.lon)
    if not (len(busy) or len(lost)):
        return
    rules = rules_of(policies, state)
    known = _known(rules, state, fixes, busy)
    seen = look(rules, state, fixes, lost)
    clearings.busy[rows.take(busy)] = 0
    if len(known.places) or len(seen.keys):
        followed = _follow(rules, state, fixes, known, seen, out)
        clearings.busy[rows.take(followed)] = 1


def _follow(rules: FenceRules, state: FleetState, fixes: Fixes, known: Known, seen: Seen, out: Outputs) -> Ints:
    """What the fixes mean for the contacts of their vehicles; the places of those that may have some."""
    still, slots = seen.find(known)
    unknown, within, without = seen.unknown(slots), still.nonzero()[0], (~still).nonzero()[0]
    begun = _begin(state, fixes, seen, (unknown & seen.inside).nonzero()[0])
    # One crossing alone is the end of a stay that had no contact: the fence or its scope is new.
    through = _drive_through(rules, state, fixes, seen, (unknown & ~seen.inside & (seen.first < seen.last)).nonzero()[0])
    news, over = list[Told](), known.contacts[:0]
    if len(without) or len(through[0]):
        outside = known.take(without)
        _go_out(state, fixes, seen, outside, slots.take(without))
        over = be_outside(rules, state, fixes, _with(outside, through), news)
    if len(within) or len(begun[0]):
        inside = known.take(within)
        _come_in(state, fixes, seen, inside, slots.take(within))
        be_inside(rules, state, fixes, _with(inside, begun), news)
    if news:
        tell(state, news, out)
    state.contacts.fence[over] = NOBODY
    return np.concatenate([known.places, begun[0], through[0]])


def _with(known: Known, more: Pairs) -> Pairs:
    return np.concatenate([known.places, more[0]]), np.concatenate([known.contacts, more[1]])


def _known(rules: FenceRules, state: FleetState, fixes: Fixes, busy: Ints) -> Known:
    """Contacts that the vehicles have; of fences that are over none: they are closed by the tick that tells it."""
    c = state.contacts
    places, contacts = c.of(state.vehicles.contact.take(fixes.rows.take(busy)))
    places, numbers = busy.take(places), c.fence.take(contacts)
    known = Known(places, contacts, numbers, places * fixes.fences + numbers, c.left_us.take(contacts))
    if not rules.timed:
        return known
    return known.take(np.flatnonzero(fixes.pings.at_us.take(places) < rules.valid_until_us.take(numbers)))


def _begin(state: FleetState, fixes: Fixes, seen: Seen, new: Ints) -> Pairs:
    """Candidates from a fix inside on, in the fences of some pairs; returns the contacts."""
    places, numbers = np.divmod(seen.keys.take(new), fixes.fences)
    state.scalar_rows += len(new)
    columns = (places, numbers, seen.first.take(new))
    found = [_contact(state, fixes, *one) for one in zip(*(column.tolist() for column in columns), strict=True)]
    return places, np.array(found, dtype=np.int64)


def _drive_through(rules: FenceRules, state: FleetState, fixes: Fixes, seen: Seen, met: Ints) -> Pairs:
    """Candidates for fences on the way to a fix that lies behind them: the pairs that have two crossings and no contact."""
    places, numbers = np.divmod(seen.keys.take(met), fixes.fences)
    kept = rules.whole["passages"].take(numbers) == 1
    if rules.timed or rules.any_scoped:
        kept &= in_force(rules, state, fixes, (places, numbers))
    new = met.compress(kept)
    pairs = _begin(state, fixes, seen, new)
    for place, contact, share in zip(*(column.tolist() for column in (*pairs, seen.last.take(new))), strict=True):
        _leave(state, fixes, place, contact, share)
    return pairs


def _contact(state: FleetState, fixes: Fixes, place: int, number: int, share: float) -> int:
    """The row of a vehicle that comes to a fence."""
    row = state.contacts.take(state.vehicles.contact, fixes.rows.item(place), number)
    _blank(state, fixes, place, row, share)
    return row


def _blank(state: FleetState, fixes: Fixes, place: int, contact: int, share: float) -> None:
    """A contact that begins, inside or behind a fence that was driven through: it came in where the path to the fix crosses the edge.

    Who was inside already and has no contact, because the fence or its scope is new, came with this fix.
    """
    c, v, row, pings = state.contacts, state.vehicles, fixes.rows.item(place), fixes.pings
    at_us, was_us = pings.at_us.item(place), fixes.was_us.item(place)
    traced = fixes.path.item(place) and fixes.traced.item(place) == 1
    c.visiting[contact] = c.dwelled[contact] = c.visit[contact] = c.fixes[contact] = c.misses[contact] = c.away[contact] = 0
    c.last_us[contact] = c.left_us[contact] = c.out_us[contact] = c.away_us[contact] = MISSING
    c.entered_us[contact], c.first_us[contact], c.accuracy_m[contact] = fixes.along(place, share), at_us, 0.0
    c.before_us[contact] = was_us if was_us < at_us else MISSING
    c.from_lat[contact], c.from_lon[contact] = (v.was_lat.item(row), v.was_lon.item(row)) if traced else (NAN, NAN)
    c.via_lat[contact], c.via_lon[contact] = pings.lat.item(place), pings.lon.item(place)


def _leave(state: FleetState, fixes: Fixes, place: int, contact: int, share: float) -> None:
    """A vehicle is outside again: it left where its path crosses the edge; where no path is known, with its last fix inside."""
    c, pings = state.contacts, fixes.pings
    c.left_us[contact] = fixes.along(place, share) if share == share else c.last_us.item(contact)  # NaN is not itself
    c.out_us[contact] = pings.at_us.item(place)
    c.to_lat[contact], c.to_lon[contact] = pings.lat.item(place), pings.lon.item(place)


def _come_in(state: FleetState, fixes: Fixes, seen: Seen, inside: Known, slots: Ints) -> None:
    """Who is inside again was not outside; and a contact whose fixes inside were too few to count on begins anew."""
    c = state.contacts
    for i in (inside.left_us != MISSING).nonzero()[0].tolist():
        contact = inside.contacts.item(i)
        c.misses[contact] = c.away[contact] = 0
        c.left_us[contact] = c.away_us[contact] = c.out_us[contact] = MISSING
        if c.visiting.item(contact):
            c.accuracy_m[contact] = 0.0
        elif c.fixes.item(contact) == 0:
            _blank(state, fixes, inside.places.item(i), contact, seen.share(seen.first, slots.item(i)))


def _go_out(state: FleetState, fixes: Fixes, seen: Seen, outside: Known, slots: Ints) -> None:
    """Those that were inside at the fix before have left."""
    for i in (outside.left_us == MISSING).nonzero()[0].tolist():
        _leave(state, fixes, outside.places.item(i), outside.contacts.item(i), seen.share(seen.last, slots.item(i)))
