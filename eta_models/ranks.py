"""All first stops, then all second stops, and so on: the order in which a chain of stops is followed in columns."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Flags, Floats, Ints
from eta_models.journeys import Ahead


@dataclass(frozen=True, slots=True)
class Ranks:
    """`order` holds the rows of all first stops, then those of all second ones, ..; `starts[h]` is where hop h begins in it.

    Journeys with more stops come first, so the journeys that still have a stop at some hop are the first ones of the hop before: what is
    put into this order is followed in plain slices.
    """

    order: Ints
    starts: list[int]
    journeys: Ints
    """The journeys in the order in which their stops stand within each hop."""

    def back(self, values: Floats) -> Floats:
        """Values in this order as rows again."""
        rows = np.empty_like(values)
        rows[self.order] = values
        return rows

    def any_at(self, flags: Flags) -> list[bool]:
        """Whether any stop of every hop but the first has a flag; `flags` are in this order."""
        return self._any(flags)[1:]

    def any_before(self, flags: Flags) -> list[bool]:
        """The same of the hops before those."""
        return self._any(flags)[:-1]

    def _any(self, flags: Flags) -> list[bool]:
        sums = np.concatenate([[0], np.cumsum(flags)])[self.starts]
        return list((sums[1:] > sums[:-1]).tolist())

    @property
    def before(self) -> Ints:
        """Where the stop before each stands in this order, for all but the first stops."""
        lengths = np.diff(self.starts)
        return np.arange(lengths[0], self.starts[-1]) - lengths[:-1].repeat(lengths[1:])

    def steps(self) -> list[tuple[slice, slice]]:
        """For every hop but the first where its stops stand, and where those before them do."""
        bounds = zip(self.starts, self.starts[1:], self.starts[2:], strict=False)
        return [(slice(start, end), slice(before, before + end - start)) for before, start, end in bounds]


def ranks(ahead: Ahead) -> Ranks:
    """The order of the stops of `ahead`, whose rows are grouped by journey with `hop` counting 0, 1, .. within each."""
    firsts = np.flatnonzero(ahead.hop == 0)
    lengths = np.diff(firsts, append=len(ahead.hop))
    journeys = np.argsort(-lengths, kind="stable")
    longest = int(lengths.max(initial=0))
    still = np.searchsorted(-lengths[journeys], -np.arange(longest), side="left")  # journeys that are longer than h stops
    starts = np.concatenate([[0], np.cumsum(still)])
    place = np.empty(len(firsts), dtype=np.int64)
    place[journeys] = np.arange(len(firsts))
    order = np.argsort(ahead.hop * len(firsts) + np.repeat(place, lengths), kind="stable")
    return Ranks(order, starts.tolist(), journeys)
