"""What a fix means for the contacts of its vehicle: one more inside a fence, or one more outside."""

import numpy as np

from eta_models.columns import MISSING, Ints
from stream.contacts import Contacts
from stream.fence_rules import FenceRules
from stream.fleet import FleetState
from stream.steps.fence_events import DWELLED, ENTERED, EXITED, PASSED_IN, PASSED_OUT, News
from stream.steps.fence_fixes import Fixes, Pairs
from stream.steps.fence_looks import Crossings
from stream.steps.passages import believed


def be_inside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, news: list[News]) -> None:
    """A fix inside: candidates may have been there often and long enough, visits may have become long."""
    contacts, (places, c) = state.contacts, pairs
    at_us, kind = fixes.pings.at_us.take(places), rules.kind.take(contacts.fence.take(c))
    candidate, count = contacts.visiting.take(c) == 0, contacts.fixes.take(c) + 1
    contacts.fixes[c] = count
    contacts.misses[c] = contacts.away[c] = 0
    contacts.left_us[c] = contacts.away_us[c] = contacts.out_us[c] = MISSING
    contacts.last_us[c] = at_us
    contacts.accuracy_m[c] = np.where(candidate, np.maximum(contacts.accuracy_m.take(c), fixes.accuracy_m(places)), 0.0)
    enters = candidate & (count >= rules.whole["enter_fixes"].take(kind))
    enters &= at_us - contacts.first_us.take(c) >= rules.whole["enter_hold_us"].take(kind)
    in_ = enters.nonzero()[0]
    if len(in_):
        contacts.visiting[c[in_]] = 1
        news.append(News(ENTERED, c[in_], fixes.moments(places[in_])))
    dwell_us = rules.whole["dwell_us"].take(kind)
    dwells = (contacts.dwelled.take(c) == 0) & (at_us - contacts.entered_us.take(c) >= dwell_us) & (enters | ~candidate)
    if len(long := dwells.nonzero()[0]):
        contacts.dwelled[c[long]] = 1
        news.append(News(DWELLED, c[long], fixes.moments(places[long]), dwell_us[long]))


def be_outside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, crossings: Crossings, news: list[News]) -> Ints:
    """A fix outside: visits end when there were enough of them, far enough off, for long enough; so do candidates, as passages or not.

    Returns the contacts that are over.
    """
    contacts, (places, c) = state.contacts, pairs
    numbers = contacts.fence.take(c)
    _go_out(contacts, fixes, pairs, crossings, places * len(state.fence_index.fence_ids) + numbers)
    at_us, kind, accuracy_m = fixes.pings.at_us.take(places), rules.kind.take(numbers), fixes.accuracy_m(places)
    away = state.fence_index.edge_m(numbers, *fixes.at(places)) > rules.band_m(numbers, accuracy_m)
    misses, ways_off = contacts.misses.take(c) + 1, np.where(away, contacts.away.take(c) + 1, 0)
    away_us = np.where(away, np.where(ways_off == 1, at_us, contacts.away_us.take(c)), MISSING)
    contacts.misses[c], contacts.away[c], contacts.away_us[c] = misses, ways_off, away_us
    visiting, hold_us = contacts.visiting.take(c) == 1, rules.whole["exit_hold_us"].take(kind)
    contacts.accuracy_m[c] = np.where(away | ~visiting, np.maximum(contacts.accuracy_m.take(c), accuracy_m), 0.0)
    gone = away & (ways_off >= rules.whole["exit_fixes"].take(kind)) & (at_us - away_us >= hold_us)
    broken = ~visiting & (misses > 1)
    contacts.fixes[c[broken]] = 0
    if len(left := (gone & visiting).nonzero()[0]):
        news.append(News(EXITED, c[left], fixes.moments(places[left])))
    through = np.flatnonzero(gone & ~visiting & (rules.whole["passages"].take(kind) == 1))
    if len(through):
        through = through[believed(rules.policies, state, c[through], *fixes.at(places[through]))]
        moments = fixes.moments(places[through])
        news += [News(PASSED_IN, c[through], moments), News(PASSED_OUT, c[through], moments)]
    hovering = broken & ~away & (at_us - contacts.left_us.take(c) >= hold_us)
    return np.asarray(c[gone | hovering], dtype=np.int64)


def _go_out(contacts: Contacts, fixes: Fixes, pairs: Pairs, crossings: Crossings, keys: Ints) -> None:
    """Those that were inside at the fix before left where the path crosses the edge; where no path is known, with their last fix inside."""
    just = np.flatnonzero(contacts.left_us.take(pairs[1]) == MISSING)
    if not len(just):
        return
    places, c = pairs[0][just], pairs[1][just]
    leaves = crossings.share(crossings.last, keys[just])
    seen = ~np.isnan(leaves)
    contacts.left_us[c] = np.where(seen, fixes.along(places, np.where(seen, leaves, 0.0)), contacts.last_us[c])
    contacts.out_us[c] = fixes.pings.at_us[places]
    contacts.to_lat[c], contacts.to_lon[c] = fixes.at(places)
