"""What fixes show of fences: in which they lie, and which edges lie on the way to them. Most need no look: they keep to their clearing."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints
from stream.clearings import NAN
from stream.fence_rules import FenceRules
from stream.fleet import FleetState
from stream.steps.fence_fixes import Fixes, Pairs, in_force


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


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look shows: the fences (by number) that fixes lie in, one pair and key each, ascending; and the crossings.

    `asked` are the keys of those about which it was asked. Unless a fix is `whole`, its other fences are as with the fix before.
    """

    inside: Pairs
    keys: Ints
    asked: Ints
    whole: Ints
    crossings: Crossings

    def still(self, state: FleetState, known: Pairs, keys: Ints) -> Flags:
        """Whether vehicles are inside the fences that they have contacts with (`known`, by `keys`)."""
        inside = among(keys, self.keys)
        kept = (state.contacts.left_us.take(known[1]) == MISSING) & ~among(keys, self.asked)
        if len(self.whole):
            kept &= ~among(known[0], self.whole)
        return np.asarray(inside | kept, dtype=np.bool_)


def among(values: Ints, sorted_: Ints) -> Flags:
    """Whether each value is one of others, which ascend."""
    if not len(sorted_):
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(sorted_.take(np.searchsorted(sorted_, values), mode="clip") == values, dtype=np.bool_)


def look(rules: FenceRules, state: FleetState, fixes: Fixes, lost: Ints) -> Seen:
    """Look at those fixes that have left their clearings (at places `lost`), and draw others around them."""
    sure = (state.clearings.sure.take(fixes.rows.take(lost)) == 1) & fixes.path.take(lost)
    short = sure & state.fence_index.is_short(*fixes.before(state, lost), *fixes.at(lost))
    if short.all():
        return _look_beside(rules, state, fixes, lost)
    return _joined(_look_beside(rules, state, fixes, lost[short]), _look_around(rules, state, fixes, lost[~short]))


def _look_beside(rules: FenceRules, state: FleetState, fixes: Fixes, places: Ints) -> Seen:
    """At fixes a short way from one of which all is known."""
    index, count = state.fence_index, len(state.fence_index.fence_ids)
    rows, numbers, inside, first, last, boxes = index.beside(*fixes.before(state, places), *fixes.at(places))
    pairs = places.take(rows), numbers
    asked = pairs[0] * count + numbers
    hit, inside_at = np.flatnonzero(first == first), np.flatnonzero(inside)  # NaN is not itself
    crossings = Crossings(asked.take(hit), first.take(hit), last.take(hit))
    in_fence = _drawn(rules, state, fixes, places, (pairs[0].take(inside_at), numbers.take(inside_at)), boxes)
    return Seen(in_fence, in_fence[0] * count + in_fence[1], asked, places[:0], crossings)


def _look_around(rules: FenceRules, state: FleetState, fixes: Fixes, places: Ints) -> Seen:
    """At fixes a long way from the one before, or from one of which not all is known."""
    index, count, at = state.fence_index, len(state.fence_index.fence_ids), fixes.at(places)
    rows, numbers = index.locate(fixes.pings.cell.take(places), *at)
    in_fence = _drawn(rules, state, fixes, places, (places.take(rows), numbers), index.clear(*at))
    moving = places[fixes.path.take(places)]
    rows, numbers, first, last = index.met(*fixes.before(state, moving), *fixes.at(moving))
    keys = in_fence[0] * count + in_fence[1]
    return Seen(in_fence, keys, keys, places, Crossings(moving.take(rows) * count + numbers, first, last))


def _drawn(rules: FenceRules, state: FleetState, fixes: Fixes, places: Ints, inside: Pairs, boxes: Floats) -> Pairs:
    """Draw clearings. Returns what of `inside` counts; a vehicle in a fence that does not count now is asked about with every fix."""
    in_fence, rows = in_force(rules, state, fixes, inside), fixes.rows.take(places)
    state.clearings.sure[rows] = 1
    if len(in_fence[0]) < len(inside[0]):
        idle = (np.bincount(inside[0], minlength=len(fixes.rows)) > np.bincount(in_fence[0], minlength=len(fixes.rows))).take(places)
        boxes[:, idle], state.clearings.sure[rows[idle]] = NAN, 0
    state.clearings.draw(rows, boxes)
    return in_fence


def _joined(one: Seen, other: Seen) -> Seen:
    """What two looks at different fixes show."""
    if not len(one.asked):
        return other
    keys = np.concatenate([one.keys, other.keys])
    order = np.argsort(keys)
    inside = tuple(np.concatenate(both)[order] for both in zip(one.inside, other.inside, strict=True))
    asked = np.sort(np.concatenate([one.asked, other.asked]))
    crossed = np.concatenate([one.crossings.keys, other.crossings.keys])
    place = np.argsort(crossed)
    first, last = (np.concatenate([getattr(seen.crossings, name) for seen in (one, other)])[place] for name in ("first", "last"))
    return Seen((inside[0], inside[1]), keys[order], asked, other.whole, Crossings(crossed[place], first, last))
