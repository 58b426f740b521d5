"""What fixes show of fences: in which they lie, and which edges lie on the way to them. Most need no look: they keep to their clearing."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints
from stream.clearings import NAN
from stream.fence_rules import FenceRules
from stream.fleet import FleetState
from stream.steps.fence_fixes import Fixes, Known, Pairs, in_force


@dataclass(frozen=True, slots=True)
class Seen:
    """Pairs of fixes and fences about which it was asked, ascending by `keys` (place of the fix and number of the fence in one).

    `inside`: does the fix lie in a fence that counts? `first` and `last`: shares 0..1 of the way to it where edges lie, NaN = nowhere.
    Of other fences: a fix is in none if it is one of `whole`; else in those that the fix before was in.
    """

    keys: Ints
    inside: Flags
    first: Floats
    last: Floats
    whole: Ints

    def find(self, known: Known) -> tuple[Flags, Ints]:
        """Of contacts, whether vehicles are inside the fence now, and the place here of what was asked about it; -1 = nothing was."""
        was_inside = known.left_us == MISSING
        if len(self.whole):
            was_inside &= ~among(known.places, self.whole)
        if not len(self.keys):
            return was_inside, np.full(len(known.keys), -1)
        slots = self.keys.searchsorted(known.keys)
        slots[self.keys.take(slots, mode="clip") != known.keys] = -1
        return np.where(slots >= 0, self.inside.take(slots, mode="wrap"), was_inside), slots

    def share(self, column: Floats, slot: int) -> float:
        """The share of the way (`first` or `last`) of what was found at a slot."""
        return column.item(slot) if slot >= 0 else NAN

    def unknown(self, slots: Ints) -> Flags:
        """Which pairs are none of the contacts that were found at `slots`."""
        unknown = np.ones(len(self.keys) + 1, dtype=np.bool_)
        unknown[slots] = False  # the last is for -1
        return unknown[:-1]


def among(values: Ints, sorted_: Ints) -> Flags:
    """Whether each value is one of others, which ascend."""
    if not len(sorted_):
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(sorted_.take(sorted_.searchsorted(values), mode="clip") == values, dtype=np.bool_)


def look(rules: FenceRules, state: FleetState, fixes: Fixes, lost: Ints) -> Seen:
    """Look at those fixes that have left their clearings (at places `lost`), and draw others around them."""
    ways = fixes.ways(state, lost)
    short = fixes.path.take(lost) & state.fence_index.is_short(*ways) & (state.clearings.sure.take(fixes.rows.take(lost)) == 1)
    if short.all():
        return _look_beside(rules, state, fixes, lost, ways)
    near = short.nonzero()[0]
    beside = _look_beside(rules, state, fixes, lost.take(near), (ways[0].take(near, axis=1), ways[1].take(near, axis=1)))
    return _joined(beside, _look_around(rules, state, fixes, lost[~short]))


def _look_beside(rules: FenceRules, state: FleetState, fixes: Fixes, places: Ints, ways: tuple[Floats, Floats]) -> Seen:
    """At fixes a short way from one of which all is known."""
    rows, numbers, inside, first, last, boxes = state.fence_index.beside(*ways)
    asked = places.take(rows)
    inside = _drawn(rules, state, fixes, places, (asked, numbers), inside, boxes)
    return Seen(asked * fixes.fences + numbers, inside, first, last, places[:0])


def _look_around(rules: FenceRules, state: FleetState, fixes: Fixes, places: Ints) -> Seen:
    """At fixes a long way from the one before, or from one of which not all is known."""
    index, at = state.fence_index, fixes.at(places)
    rows, numbers = index.locate(fixes.pings.cell.take(places), *at)
    in_fence = places.take(rows), numbers
    counts = _drawn(rules, state, fixes, places, in_fence, np.ones(len(rows), dtype=np.bool_), index.clear(*at))
    moving = places[fixes.path.take(places)]
    rows, numbers, first, last = index.met(*fixes.before(state, moving), *fixes.at(moving))
    found, met = (in_fence[0] * fixes.fences + in_fence[1])[counts], moving.take(rows) * fixes.fences + numbers
    keys = np.unique(np.concatenate([found, met]))
    shares, slots = np.full((2, len(keys)), NAN), keys.searchsorted(met)
    shares[0, slots], shares[1, slots] = first, last
    return Seen(keys, among(keys, found), shares[0], shares[1], places)


def _drawn(rules: FenceRules, state: FleetState, fixes: Fixes, places: Ints, pairs: Pairs, inside: Flags, boxes: Floats) -> Flags:
    """Draw clearings. Returns which of `inside` count; a vehicle in a fence that does not count now is asked about with every fix."""
    rows = fixes.rows.take(places)
    state.clearings.sure[rows] = 1
    if rules.timed or rules.any_scoped:
        counts = inside & in_force(rules, state, fixes, pairs)
        idle = among(places, pairs[0][inside & ~counts])
        boxes[:, idle], state.clearings.sure[rows[idle]], inside = NAN, 0, counts
    state.clearings.draw(rows, boxes)
    return inside


def _joined(one: Seen, other: Seen) -> Seen:
    """What two looks at different fixes show."""
    if not len(one.keys):
        return other
    keys = np.concatenate([one.keys, other.keys])
    order = keys.argsort()
    first, last = (np.concatenate(both).take(order) for both in ((one.first, other.first), (one.last, other.last)))
    return Seen(keys.take(order), np.concatenate([one.inside, other.inside]).take(order), first, last, other.whole)
