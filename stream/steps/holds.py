"""What a fix means for the contacts of its vehicle: one more inside a fence, or one more outside."""

import numpy as np

from eta_models.columns import MISSING, Ints
from stream.fence_rules import FenceRules
from stream.fleet import FleetState
from stream.steps.fence_events import DWELLED, ENTERED, EXITED, PASSED_IN, PASSED_OUT, Told
from stream.steps.fence_fixes import Fixes, Pairs
from stream.steps.passages import believed


def be_inside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, news: list[Told]) -> None:
    """A fix inside: candidates may have been there often and long enough, visits may have become long."""
    contacts, (places, c) = state.contacts, pairs
    contacts.last_us[c] = fixes.pings.at_us.take(places)
    candidates = (contacts.visiting.take(c) == 0).nonzero()[0]
    if len(candidates):
        _enter(rules, state, fixes, (places.take(candidates), c.take(candidates)), news)
    short = (contacts.dwelled.take(c) == 0).nonzero()[0]
    places, c = places.take(short), c.take(short)
    dwell_us = rules.whole["dwell_us"].take(contacts.fence.take(c))
    dwells = fixes.pings.at_us.take(places) - contacts.entered_us.take(c) >= dwell_us
    if len(long := (dwells & (contacts.visiting.take(c) == 1)).nonzero()[0]):
        contacts.dwelled[c[long]] = 1
        news += fixes.told(state, DWELLED, places[long], c[long], dwell_us[long].tolist())


def _enter(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, news: list[Told]) -> None:
    """One more fix of candidates: those that have been there often and long enough have entered."""
    contacts, (places, c) = state.contacts, pairs
    fence, count = contacts.fence.take(c), contacts.fixes.take(c) + 1
    contacts.fixes[c] = count
    contacts.accuracy_m[c] = np.maximum(contacts.accuracy_m.take(c), fixes.accuracy_m(places))
    stay_us = fixes.pings.at_us.take(places) - contacts.first_us.take(c)
    enough = (count >= rules.whole["enter_fixes"].take(fence)) & (stay_us >= rules.whole["enter_hold_us"].take(fence))
    if len(in_ := enough.nonzero()[0]):
        contacts.visiting[c[in_]] = 1
        news += fixes.told(state, ENTERED, places[in_], c[in_])


def be_outside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, news: list[Told]) -> Ints:
    """A fix outside: visits end when there were enough of them, far enough off, for long enough; so do candidates, as passages or not.

    Returns the contacts that are over.
    """
    contacts, (places, c) = state.contacts, pairs
    numbers, at_us, accuracy_m = contacts.fence.take(c), fixes.pings.at_us.take(places), fixes.accuracy_m(places)
    away = state.fence_index.edge_m(numbers, *fixes.at(places)) > rules.band_m(numbers, accuracy_m)
    misses, ways_off = contacts.misses.take(c) + 1, np.where(away, contacts.away.take(c) + 1, 0)
    away_us = np.where(away, np.where(ways_off == 1, at_us, contacts.away_us.take(c)), MISSING)
    contacts.misses[c], contacts.away[c], contacts.away_us[c] = misses, ways_off, away_us
    candidate, hold_us = contacts.visiting.take(c) == 0, rules.whole["exit_hold_us"].take(numbers)
    contacts.accuracy_m[c] = np.where(away | candidate, np.maximum(contacts.accuracy_m.take(c), accuracy_m), 0.0)
    gone = away & (ways_off >= rules.whole["exit_fixes"].take(numbers)) & (at_us - away_us >= hold_us)
    broken = candidate & (misses > 1)
    contacts.fixes[c[broken]] = 0
    if len(left := (gone & ~candidate).nonzero()[0]):
        news += fixes.told(state, EXITED, places[left], c[left])
    if len(through := (gone & candidate).nonzero()[0]):
        _pass_by(rules, state, fixes, (places.take(through), c.take(through)), news)
    hovering = broken & ~away & (at_us - contacts.left_us.take(c) >= hold_us)
    return np.asarray(c[gone | hovering], dtype=np.int64)


def _pass_by(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, news: list[Told]) -> None:
    """Candidates that are far behind: some drove through."""
    told = (rules.whole["passages"].take(state.contacts.fence.take(pairs[1])) == 1).nonzero()[0]
    places, c = pairs[0].take(told), pairs[1].take(told)
    through = believed(rules.policies, state, c, *fixes.at(places)).nonzero()[0]
    for word in (PASSED_IN, PASSED_OUT):
        news += fixes.told(state, word, places.take(through), c.take(through))
