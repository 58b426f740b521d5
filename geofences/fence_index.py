"""Which fences a column of positions is in, and which a column of paths runs through: grids find the candidates, outlines decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.cells import RESOLUTION
from geofences.covers import at_level
from geofences.edge_grid import MOST_PATH_PIECES, are_short, box_of, boxes_clear, boxes_touch, edges_around, paths_near, squares_long
from geofences.edges import first_and_last_crossing, metres_to_edges
from geofences.fence_tables import FenceTables, no_tables, tables_after
from geofences.fences import Fence
from geofences.ways import Beside, beside, crossings, meets

Cells = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]
Pairs = tuple[Numbers, Numbers]


class DuplicateFence(ValueError):
    """Two fences of one index have the same id."""

    def __init__(self, fence_id: str) -> None:
        super().__init__(f"fence id {fence_id!r} is given twice")
        self.fence_id = fence_id


@dataclass(frozen=True, slots=True)
class _Known:
    """Number and fence by id; where to look."""

    fences: dict[str, tuple[int, Fence]]
    tables: FenceTables


class FenceIndex:
    """An unchanging set of fences that answers for whole columns at once.

    A position on a fence's edge is inside it (shapely `covers`, for a point the same as `intersects`); one on the edge of a hole, too.
    Fence numbers are places in `fence_ids`, ascending whatever the order in which the fences were given. Given an `earlier` index, what
    that knows of fences whose outline stayed is taken from it. Raises DuplicateFence. What costs time is made when first asked for, so
    that a thousand fences put one after the other cost as much as put at once.
    """

    def __init__(self, fences: Iterable[Fence], earlier: "FenceIndex | None" = None) -> None:
        self._given = tuple(fences)
        if len({fence.fence_id for fence in self._given}) < len(self._given):
            raise DuplicateFence(next(one for one, other in pairwise(self.fence_ids) if one == other))
        # One that was never asked knows nothing of its own.
        self._earlier: FenceIndex | None = earlier if earlier is None or "_known" in vars(earlier) else earlier._earlier

    @cached_property
    def fence_ids(self) -> list[str]:
        """The ids of all fences, ascending: their numbers are places in here."""
        return sorted(fence.fence_id for fence in self._given)

    def locate(self, cells: Cells, lat: Reals, lon: Reals) -> Pairs:
        """(rows, fence numbers): one pair for each fence that each position is in, ascending by row, then by number.

        cells as `cells_of(lat, lon)` gave them; lat and lon in degrees; all one dimension and of one length.
        """
        found = [self._in_covers(at_level(cells, level) if level < RESOLUTION else cells, lat, lon) for level in self._known.tables.levels]
        if len(self._known.tables.uncovered) and len(cells):
            rows, places = self._known.tables.tree.query(shapely.points(lon, lat))  # by boxes only
            rows, numbers = rows.astype(np.int64), self._known.tables.uncovered[places]
            kept = self._inside(numbers, lat[rows], lon[rows])
            found.append((rows[kept], numbers[kept]))
        return self._in_order(found)

    def outside_m(self, numbers: Numbers, lat: Reals, lon: Reals) -> Reals:
        """Metres from each position to its fence, 0.0 inside and on the edge: one fence number and one position a row, in degrees."""
        metres = np.zeros(len(numbers))
        outside = np.flatnonzero(~self._inside(numbers, lat, lon))
        metres[outside] = self.edge_m(numbers[outside], lat[outside], lon[outside])
        return metres

    def edge_m(self, numbers: Numbers, lat: Reals, lon: Reals) -> Reals:
        """Metres from each position to the nearest edge of its fence, from inside or outside: `outside_m` for positions known to be out."""
        return metres_to_edges(self._known.tables.edges, numbers, lat, lon)

    def edge_crossings(self, numbers: Numbers, lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> tuple[Reals, Reals]:
        """Fractions 0..1 of each path at which it first and last crosses an edge of its fence; NaN where it crosses none."""
        return first_and_last_crossing(self._known.tables.edges, numbers, np.stack([lon0, lat0]), np.stack([lon1, lat1]))

    def crossed(self, lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> tuple[Numbers, Numbers, Reals, Reals]:
        """As `met`, of fences that a path runs through although it neither begins nor ends inside: its first entry and its last exit."""
        rows, numbers, enters, leaves = self.met(lat0, lon0, lat1, lon1)
        ends = self._inside(numbers, lat0[rows], lon0[rows]) | self._inside(numbers, lat1[rows], lon1[rows])
        through = np.flatnonzero(np.logical_not(ends))
        return rows[through], numbers[through], enters[through], leaves[through]

    def met(self, lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> tuple[Numbers, Numbers, Reals, Reals]:
        """(rows, fence numbers, first, last) of fences whose edges a path crosses: fractions 0..1 of the path where it first and last does.

        Paths are straight in degrees, the short way round. Ascending by row, then by number.
        """
        rows, numbers = self._paths_near(lat0, lon0, lat1, lon1)
        rows, numbers = self._in_order([(rows, numbers)])
        first, last = crossings(
            self._known.tables, numbers, np.stack([lon0, lat0]).take(rows, axis=1), np.stack([lon1, lat1]).take(rows, axis=1)
        )
        crossing = np.flatnonzero(~np.isnan(first))
        return rows[crossing], numbers[crossing], first[crossing], last[crossing]

    def clear(self, lat: Reals, lon: Reals) -> Reals:
        """Bounds (west, south, east, north), shape (4, positions), in which no fence has an edge; NaN where none are known.

        A path that stays within them crosses nothing, and both its ends are in the same fences.
        """
        if len(self._known.tables.sprawl):
            return np.full((4, len(lat)), np.nan)
        at = np.stack([lon, lat])
        return boxes_clear(edges_around(self._known.tables.grid, at), at)

    def beside(self, starts: Reals, ends: Reals) -> Beside:
        """What short paths (`is_short`) run beside: for `locate`, `met` and `clear` in one, where it is known what their starts are in.

        Paths are columns (lon, lat).
        """
        return beside(self._known.tables, starts, ends)

    def is_short(self, starts: Reals, ends: Reals) -> Flags:
        """Whether `beside` may be asked about paths: no longer than a square of the grid; about none if a fence is too large for it."""
        return are_short(starts, ends) & (len(self._known.tables.sprawl) == 0)

    def meets(self, numbers: Numbers, paths: Reals) -> Flags:
        """Whether each path, as straight in degrees as its numbers are, has to do with an edge of its fence.

        Paths are (paths, start and end, longitude and latitude).
        """
        return meets(self._known.tables, numbers, paths)

    @cached_property
    def _known(self) -> _Known:
        earlier, self._earlier = self._earlier, None  # not needed any more, and it would keep all before it alive
        given = {fence.fence_id: fence for fence in self._given}
        ordered = [given[fence_id] for fence_id in self.fence_ids]
        outlines = np.empty(len(ordered), dtype=np.object_)
        outlines[:] = [fence.geometry for fence in ordered]
        places = np.array([-1 if earlier is None else earlier._place_of(fence) for fence in ordered], dtype=np.int64)
        tables = tables_after(no_tables() if earlier is None else earlier._known.tables, places, outlines)
        numbered = {fence.fence_id: (number, fence) for number, fence in enumerate(ordered)}
        return _Known(numbered, tables)

    def _place_of(self, fence: Fence) -> int:
        """The number of the fence with this id and outline, -1 = there is none."""
        number, known = self._known.fences.get(fence.fence_id, (-1, fence))
        return number if known is fence or known.geometry == fence.geometry else -1

    def _inside(self, numbers: Numbers, lat: Reals, lon: Reals) -> NDArray[np.bool_]:
        """Pairwise. Bounds come first: they lie side by side in memory, outlines all over it."""
        west, south, east, north = self._known.tables.bounds.take(numbers, axis=0).T
        inside = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
        asked = np.flatnonzero(inside)
        inside[asked] = shapely.intersects_xy(self._known.tables.outlines.take(numbers.take(asked)), lon.take(asked), lat.take(asked))
        return np.asarray(inside, dtype=np.bool_)

    def _in_covers(self, cells: Cells, lat: Reals, lon: Reals) -> Pairs:
        covered = self._known.tables.covered
        rows, entries = covered.near(cells)
        numbers, kept = covered.numbers[entries], covered.details[entries]
        edge = np.flatnonzero(np.logical_not(kept))
        kept[edge] = self._inside(numbers[edge], lat[rows[edge]], lon[rows[edge]])
        return rows[kept], numbers[kept]

    def _paths_near(self, lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> Pairs:
        """Pairs of paths and fences that may cross, each once or more often, in any order."""
        east = lon1 - lon0
        if (np.abs(east) <= 180.0).all():
            return self._near(lat0, lon0, lat1, lon1)
        lon1 = lon0 + (east - 360.0 * np.rint(east / 360.0))
        found = [self._near(lat0, lon0, lat1, lon1)]
        for past, turn in ((lon1 > 180.0, 360.0), (lon1 < -180.0, -360.0)):
            asked = np.flatnonzero(past)
            rows, numbers = self._near(lat0[asked], lon0[asked] - turn, lat1[asked], lon1[asked] - turn)
            found.append((asked[rows], numbers))
        return _joined(found)

    def _near(self, lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> Pairs:
        """The same by longitudes as they are."""
        counts = squares_long(lat0, lon0, lat1, lon1)
        near = np.flatnonzero(counts <= MOST_PATH_PIECES)
        if len(near) == len(counts) and len(self._known.tables.sprawl) == 0:
            return paths_near(self._known.tables.grid, lat0, lon0, lat1, lon1, counts)
        rows, numbers = paths_near(self._known.tables.grid, lat0[near], lon0[near], lat1[near], lon1[near], counts[near])
        far = np.flatnonzero(counts > MOST_PATH_PIECES)
        boxes, bounds = box_of(lon0, lat0, lon1, lat1)[:, :, np.newaxis], self._known.tables.bounds.T[:, np.newaxis]
        far_rows, far_numbers = np.nonzero(boxes_touch(boxes[:, far], bounds))
        all_rows, places = np.nonzero(boxes_touch(boxes, bounds[:, :, self._known.tables.sprawl]))
        return _joined([(near[rows], numbers), (far[far_rows], far_numbers), (all_rows, self._known.tables.sprawl[places])])

    def _in_order(self, found: list[Pairs]) -> Pairs:
        """Pairs from several places, each once, ascending by row, then by number."""
        rows, numbers = _joined(found)
        count = max(len(self.fence_ids), 1)
        both = np.sort(rows * count + numbers)
        return np.divmod(both[np.append(True, both[1:] != both[:-1])[: len(both)]], count)


def _joined(found: list[Pairs]) -> Pairs:
    nothing = np.empty(0, dtype=np.int64)
    return np.concatenate([nothing, *(rows for rows, _ in found)]), np.concatenate([nothing, *(numbers for _, numbers in found)])
