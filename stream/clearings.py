"""Where nothing can happen: around each vehicle a box in which no fence has an edge, so that most fixes need no look at fences."""

from typing import ClassVar

import numpy as np

from eta_models.columns import Columns, Floats, Ints, Small
from geofences.fence_index import FenceIndex

NAN = float("nan")


class Clearings(Columns):
    """One row a vehicle. While its fixes stay in the box it neither comes to a fence nor leaves one: what it was in it is in.

    Made from the fences and the fixes, and gone with the index that it was made by: no part of a checkpoint. 34 bytes a vehicle.
    """

    FIELDS: ClassVar = {
        "west": ("f8", NAN),
        "south": ("f8", NAN),
        "east": ("f8", NAN),
        "north": ("f8", NAN),
        "sure": ("i1", 0),
        "busy": ("i1", 1),
    }

    west: Floats
    south: Floats
    east: Floats
    north: Floats
    """In degrees; NaN = there is none."""
    sure: Small
    """Whether it has a contact with every fence that its last fix lay in; not so of a fence that is not in force, or not for it."""
    busy: Small
    """Whether it may have contacts."""

    def __init__(self, capacity: int = 16) -> None:
        super().__init__(capacity)
        self._index: FenceIndex | None = None

    def suit(self, index: FenceIndex, vehicles: int) -> None:
        """Begin anew if the fences are others, and have room for so many vehicles."""
        if index is not self._index:
            self._index = index
            self.clear(np.arange(self.count))
        if vehicles > self.count:
            self.add(vehicles - self.count)

    def left(self, rows: Ints, lat: Floats, lon: Floats) -> Ints:
        """The places of those positions that do not lie in the box of their vehicle."""
        keep = (self.west.take(rows) < lon) & (lon < self.east.take(rows))
        keep &= self.south.take(rows) < lat
        keep &= lat < self.north.take(rows)
        return np.asarray((~keep).nonzero()[0], dtype=np.int64)

    def draw(self, rows: Ints, boxes: Floats) -> None:
        """Other boxes for some vehicles."""
        self.west[rows], self.south[rows], self.east[rows], self.north[rows] = boxes
