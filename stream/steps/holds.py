"""What a fix means for the contacts of its vehicle: one more inside a fence, or one more outside."""

import numpy as np

from eta_models.columns import MISSING, Floats
from stream.contacts import Contacts
from stream.fence_rules import FenceRules
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.steps.fence_events import tell_dwelled, tell_entered, tell_exited, tell_passed
from stream.steps.fence_fixes import Fixes, Pairs, along
from stream.steps.passages import believed


def be_inside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, out: Outputs) -> None:
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
        contacts.accuracy_m[c[enters]] = 0.0
    dwells = (contacts.visiting[c] == 1) & (contacts.dwelled[c] == 0) & (at_us - contacts.entered_us[c] >= rules.whole["dwell_us"][kind])
    if dwells.any():
        tell_dwelled(state, c[dwells], fixes.moments(places[dwells]), rules.whole["dwell_us"][kind[dwells]], out)


def be_outside(rules: FenceRules, state: FleetState, fixes: Fixes, pairs: Pairs, leaves: Floats, out: Outputs) -> None:
    """A fix outside: visits end when there were enough of them, far enough off, for long enough; so do candidates, as passages or not.

    `leaves`: the share 0..1 of the way to the fix at which it crosses the edge last, NaN where that is not known.
    """
    contacts, (places, c) = state.contacts, pairs
    _go_out(contacts, fixes, pairs, leaves)
    at_us, numbers = fixes.at_us[places], contacts.fence[c]
    kind, accuracy_m = rules.kind[numbers], fixes.accuracy_m[places]
    away = state.fence_index.edge_m(numbers, fixes.lat[places], fixes.lon[places]) > rules.band_m(numbers, accuracy_m)
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


def _go_out(contacts: Contacts, fixes: Fixes, pairs: Pairs, leaves: Floats) -> None:
    """Those that were inside at the fix before left where the path crosses the edge; where no path is known, with their last fix inside."""
    just = contacts.left_us[pairs[1]] == MISSING
    if not just.any():
        return
    places, c, leaves = pairs[0][just], pairs[1][just], leaves[just]
    at_us, seen = fixes.at_us[places], ~np.isnan(leaves)
    contacts.left_us[c] = np.where(seen, along(fixes.was_us[places], at_us, np.where(seen, leaves, 0.0)), contacts.last_us[c])
    contacts.out_us[c], contacts.to_lat[c], contacts.to_lon[c] = at_us, fixes.lat[places], fixes.lon[places]
