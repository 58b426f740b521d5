"""Which fences are near a place: places are numbers (cells of a grid), and one look-up answers for a whole column of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.uint64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """Entries by place: `places` ascending, those of place i are offsets[i] to offsets[i + 1] of `numbers` (fences) and `details`."""

    places: Places
    offsets: Numbers
    numbers: Numbers
    details: NDArray[Any]
    """One row an entry: what is known of the fence at this place."""

    def near(self, places: Places) -> tuple[Numbers, Numbers]:
        """(rows, entries): one pair for each entry at the place of each row, ascending by row."""
        if len(self.places) == 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        slots = self.places.searchsorted(places)
        hits = (self.places.take(slots, mode="clip") == places).nonzero()[0]
        slots = slots.take(hits)
        ends = self.offsets.take(slots + 1)
        counts = ends - self.offsets.take(slots)
        # The k-th entry of a row is its start plus k; k is the running position minus that of the row's first entry.
        entries = (ends - counts.cumsum()).repeat(counts)
        entries += np.arange(len(entries))
        return hits.repeat(counts), entries

    def changed(self, renumbered: Numbers, places: Places, numbers: Numbers, details: NDArray[Any]) -> "PlaceTable":
        """The table with other numbers for its fences (-1 = the fence is gone), and with more entries. Costs a copy, not a sort."""
        moved = renumbered[self.numbers]
        kept = moved >= 0
        mine = np.repeat(self.places, np.diff(self.offsets))
        return table_of(
            np.concatenate([mine[kept], places]), np.concatenate([moved[kept], numbers]), np.concatenate([self.details[kept], details])
        )


def table_of(places: Places, numbers: Numbers, details: NDArray[Any]) -> PlaceTable:
    """The table of entries in any order."""
    order = np.argsort(places, kind="stable")  # runs that are in order already are only merged
    places = places[order]
    firsts = np.flatnonzero(np.append(True, places[1:] != places[:-1])[: len(places)])
    return PlaceTable(places[firsts], np.append(firsts, len(places)), numbers[order], details[order])
