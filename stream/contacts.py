"""Who is in which fence, may be, or may just have been: one row for each vehicle and fence that have to do with each other now."""

from typing import ClassVar

import numpy as np

from eta_models.columns import MISSING, Columns, Floats, Floats32, Ints, Ints32, Small

NOBODY = -1
"""As `fence`: the row is free for the next fence that its vehicle comes to. As `next`: the chain ends."""

NAN = float("nan")


class Contacts(Columns):
    """A candidate first, then a visit (`visiting`), then free again. Times are microseconds since 1970 UTC, `MISSING` where there is none.

    The rows of a vehicle are a chain from `Vehicles.contact` along `next`; it is as long as the most fences it was in at one time.
    """

    FIELDS: ClassVar = {
        "next": ("i8", NOBODY),
        "vehicle": ("i8", NOBODY),
        "fence": ("i8", NOBODY),
        "visiting": ("i1", 0),
        "dwelled": ("i1", 0),
        "visit": ("i4", 0),
        "before_us": ("i8", MISSING),
        "entered_us": ("i8", MISSING),
        "first_us": ("i8", MISSING),
        "last_us": ("i8", MISSING),
        "fixes": ("i4", 0),
        "left_us": ("i8", MISSING),
        "out_us": ("i8", MISSING),
        "misses": ("i4", 0),
        "away_us": ("i8", MISSING),
        "away": ("i4", 0),
        "accuracy_m": ("f4", 0.0),
        "from_lat": ("f8", NAN),
        "from_lon": ("f8", NAN),
        "via_lat": ("f8", NAN),
        "via_lon": ("f8", NAN),
        "to_lat": ("f8", NAN),
        "to_lon": ("f8", NAN),
    }

    next: Ints
    vehicle: Ints
    fence: Ints
    """Number of the fence in the fleet's index."""
    visiting: Small
    """1 = entered, as was told; 0 = a candidate."""
    dwelled: Small
    visit: Ints32
    """Number of the visit among those of its vehicle: part of event ids."""
    before_us: Ints
    """The last fix before it, outside."""
    entered_us: Ints
    """When it came in: where the path crosses the edge, or the first fix inside."""
    first_us: Ints
    last_us: Ints
    """First fix inside of those in a row, and the last."""
    fixes: Ints32
    left_us: Ints
    """When it went out last: where the path crosses the edge, or the last fix inside; `MISSING` while it is inside."""
    out_us: Ints
    """The first fix outside since then."""
    misses: Ints32
    """Fixes outside since then."""
    away_us: Ints
    """The first of the fixes in a row that were further off than the edge is sure; how many they are (`away`)."""
    away: Ints32
    accuracy_m: Floats32
    """The worst accuracy of the fixes that the next event rests on."""
    from_lat: Floats
    from_lon: Floats
    """The fix before it; NaN where no path led in. Then the first fix behind the edge (`via`), and the first one outside again (`to`)."""
    via_lat: Floats
    via_lon: Floats
    to_lat: Floats
    to_lon: Floats

    def of(self, heads: Ints) -> tuple[Ints, Ints]:
        """(place in `heads`, row) of everything in the chains that begin at `heads`."""
        places = (heads >= 0).nonzero()[0]
        rows = heads.take(places)
        all_places, all_rows = places, rows
        while len(on := ((rows := self.next.take(rows)) >= 0).nonzero()[0]):
            places, rows = places.take(on), rows.take(on)
            all_places, all_rows = np.concatenate([all_places, places]), np.concatenate([all_rows, rows])
        used = (self.fence.take(all_rows) != NOBODY).nonzero()[0]
        return all_places.take(used), all_rows.take(used)

    def take(self, heads: Ints, vehicle: int, fence: int) -> int:
        """A row for a fence that a vehicle comes to; `heads` is `Vehicles.contact`."""
        row = heads.item(vehicle)
        while row >= 0 and self.fence.item(row) != NOBODY:
            row = self.next.item(row)
        if row < 0:
            row = self.add(1)
            self.next[row], self.vehicle[row] = heads[vehicle], vehicle
            heads[vehicle] = row
        self.fence[row] = fence
        return row

    def forget(self, vehicle: int) -> None:
        """Nothing is known any more of where a vehicle was: its rows are free, and as new ones."""
        rows = np.flatnonzero(self.vehicle[: self.count] == vehicle)
        chain = self.next[rows].copy()
        self.clear(rows)
        self.next[rows], self.vehicle[rows] = chain, vehicle

    def used(self) -> Ints:
        """All rows that are not free."""
        return np.flatnonzero(self.fence[: self.count] != NOBODY)
