"""Which fences a column of positions is in: H3 finds the candidates, shapely decides at the edges."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.covers import Cover, cover_of
from geofences.edges import edges_of, first_and_last_crossing, metres_to_edges
from geofences.fences import Fence


class DuplicateFence(ValueError):
    """Two fences of one index have the same id."""

    def __init__(self, fence_id: str) -> None:
        super().__init__(f"fence id {fence_id!r} is given twice")
        self.fence_id = fence_id


class FenceIndex:
    """An unchanging set of fences that answers for whole columns at once.

    A position on a fence's edge is inside it (shapely `covers`, for a point the same as `intersects`); one on the edge of a hole, too.
    Fence numbers are positions in `fence_ids`, ascending whatever the order in which the fences were given. Covers are the costly
    part: given an `earlier` index, those of unchanged fences are taken from it. Raises DuplicateFence.
    """

    def __init__(self, fences: Sequence[Fence], earlier: "FenceIndex | None" = None) -> None:
        ordered = sorted(fences, key=lambda fence: fence.fence_id)
        for one, next_one in pairwise(ordered):
            if one.fence_id == next_one.fence_id:
                raise DuplicateFence(one.fence_id)
        self.fence_ids: list[str] = [fence.fence_id for fence in ordered]
        self._fences = {fence.fence_id: fence for fence in ordered}
        self._hashes = np.array([_fence_hash(fence_id) for fence_id in self.fence_ids], dtype=np.int64)
        self._geometries = np.empty(len(ordered), dtype=np.object_)
        self._geometries[:] = [fence.geometry for fence in ordered]
        shapely.prepare(self._geometries)
        self._covers = {fence.fence_id: _known_cover(fence, earlier) for fence in ordered}
        self._index_covers([self._covers[fence_id] for fence_id in self.fence_ids])
        self._edges = [edges_of(fence.geometry) for fence in ordered]

    def locate(
        self, cells: NDArray[np.uint64], lat: NDArray[np.float64], lon: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(rows, fence numbers): one pair for each fence that each position is in, ascending by row, then by number.

        cells as `cells_of(lat, lon)` gave them; lat and lon in degrees; all one dimension and of one length.
        """
        rows, numbers = self._locate_covered(cells, lat, lon)
        if len(self._uncovered) == 0 or len(cells) == 0:
            return rows, numbers
        more_rows, more_numbers = self._locate_uncovered(lat, lon)
        rows, numbers = np.concatenate([rows, more_rows]), np.concatenate([numbers, more_numbers])
        order = np.lexsort((numbers, rows))
        return rows[order], numbers[order]

    def signature(self, rows: NDArray[np.int64], numbers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """A 63-bit hash of the set of fences each of `count` rows is in, 0 for none: equal sets have equal hashes, in any index.

        rows and numbers as `locate` gives them, in any order, each pair once. The hash is the XOR of one fixed hash for each fence id
        (Zobrist, A New Hashing Method with Application for Game Playing, 1970).
        """
        signatures = np.zeros(count, dtype=np.int64)
        np.bitwise_xor.at(signatures, rows, self._hashes[numbers])
        return signatures

    def outside_m(self, numbers: NDArray[np.int64], lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
        """Metres from each position to its fence, 0.0 inside and on the edge: one fence number and one position a row, in degrees."""
        metres = np.zeros(len(numbers))
        outside = np.flatnonzero(~shapely.intersects_xy(self._geometries[numbers], lon, lat))
        metres[outside] = metres_to_edges(self._edges_of(numbers[outside]), lat[outside], lon[outside])
        return metres

    def crossed(
        self, lat0: NDArray[np.float64], lon0: NDArray[np.float64], lat1: NDArray[np.float64], lon1: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """(rows, fence numbers, enters, leaves) of fences that a path runs through although it neither begins nor ends inside.

        Paths are straight in degrees, the short way round; `enters` and `leaves` are the fractions 0..1 of the path at its first entry
        and its last exit. Ascending by row, then by number.
        """
        rows, numbers = self._paths_near(lat0, lon0, lat1, lon1)
        for lat, lon in ((lat1, lon1), (lat0, lon0)):
            outside = ~shapely.intersects_xy(self._geometries[numbers], lon[rows], lat[rows])
            rows, numbers = rows[outside], numbers[outside]
        enters, leaves = first_and_last_crossing(self._edges_of(numbers), lat0[rows], lon0[rows], lat1[rows], lon1[rows])
        crossing = np.flatnonzero(~np.isnan(enters))
        return rows[crossing], numbers[crossing], enters[crossing], leaves[crossing]

    def passage(
        self,
        numbers: NDArray[np.int64],
        lat0: NDArray[np.float64],
        lon0: NDArray[np.float64],
        lat1: NDArray[np.float64],
        lon1: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(enters, leaves): fractions 0..1 of each path at its first entry into its fence and at its last exit; one pair a row.

        A path that begins inside enters at 0, one that ends inside leaves at 1; NaN where it never touches the fence.
        """
        enters, leaves = first_and_last_crossing(self._edges_of(numbers), lat0, lon0, lat1, lon1)
        begins = shapely.intersects_xy(self._geometries[numbers], lon0, lat0)
        ends = shapely.intersects_xy(self._geometries[numbers], lon1, lat1)
        # An end within a rounding of the edge: the path comes in or goes out, though no crossing was found.
        enters = np.where(begins, 0.0, np.where(ends & np.isnan(enters), 1.0, enters))
        leaves = np.where(ends, 1.0, np.where(begins & np.isnan(leaves), 0.0, leaves))
        return enters, leaves

    def _edges_of(self, numbers: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        return [self._edges[number] for number in numbers.tolist()]

    def _paths_near(
        self, lat0: NDArray[np.float64], lon0: NDArray[np.float64], lat1: NDArray[np.float64], lon1: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of paths and fences whose boxes touch."""
        bounds = shapely.bounds(self._geometries).reshape(-1, 4)
        east = lon0 + (lon1 - lon0 - 360.0 * np.rint((lon1 - lon0) / 360.0))
        wests, easts = np.minimum(lon0, east)[:, np.newaxis], np.maximum(lon0, east)[:, np.newaxis]
        souths, norths = np.minimum(lat0, lat1)[:, np.newaxis], np.maximum(lat0, lat1)[:, np.newaxis]
        along = np.zeros((len(lat0), len(bounds)), dtype=np.bool_)
        for turn in (-360.0, 0.0, 360.0):
            along |= (wests + turn <= bounds[:, 2]) & (easts + turn >= bounds[:, 0])
        rows, numbers = np.nonzero(along & (souths <= bounds[:, 3]) & (norths >= bounds[:, 1]))
        return rows, numbers

    def _index_covers(self, covers: list[Cover | None]) -> None:
        """Turn the covers into one table by cell: entries of cell i are offsets[i] to offsets[i + 1]."""
        numbered = [(number, cover) for number, cover in enumerate(covers) if cover is not None]
        cells = np.concatenate([np.empty(0, dtype=np.uint64), *(cover.cells for _, cover in numbered)])
        inside = np.concatenate([np.empty(0, dtype=np.bool_), *(cover.inside for _, cover in numbered)])
        numbers = np.repeat(
            np.array([number for number, _ in numbered], dtype=np.int64),
            np.array([len(cover.cells) for _, cover in numbered], dtype=np.int64),
        )
        order = np.argsort(cells, kind="stable")
        self._numbers = numbers[order]
        self._inside = inside[order]
        self._cells, starts = np.unique(cells[order], return_index=True)
        self._offsets = np.append(starts, len(cells)).astype(np.int64)
        self._uncovered = np.array([number for number, cover in enumerate(covers) if cover is None], dtype=np.int64)
        self._tree = shapely.STRtree(self._geometries[self._uncovered])

    def _locate_covered(
        self, cells: NDArray[np.uint64], lat: NDArray[np.float64], lon: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if len(self._cells) == 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        slots = np.minimum(np.searchsorted(self._cells, cells), len(self._cells) - 1)
        hit_rows = np.flatnonzero(self._cells[slots] == cells)
        hit_slots = slots[hit_rows]
        starts = self._offsets[hit_slots]
        counts = self._offsets[hit_slots + 1] - starts
        rows = np.repeat(hit_rows, counts)
        # The k-th entry of a row is its start plus k; k is the running position minus that of the row's first entry.
        entries = np.arange(len(rows)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
        numbers = self._numbers[entries]
        kept = self._inside[entries]
        edge = np.flatnonzero(~kept)
        kept[edge] = shapely.intersects_xy(self._geometries[numbers[edge]], lon[rows[edge]], lat[rows[edge]])
        return rows[kept], numbers[kept]

    def _locate_uncovered(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # Without a predicate the tree compares boxes only; its predicates would prepare the points, not the fences.
        rows, places = self._tree.query(shapely.points(lon, lat))
        numbers = self._uncovered[places]
        kept = shapely.intersects_xy(self._geometries[numbers], lon[rows], lat[rows])
        return rows[kept].astype(np.int64), numbers[kept]


def _known_cover(fence: Fence, earlier: FenceIndex | None) -> Cover | None:
    if earlier is not None and earlier._fences.get(fence.fence_id) == fence:
        return earlier._covers[fence.fence_id]
    return cover_of(fence)


def _fence_hash(fence_id: str) -> int:
    digest = hashlib.blake2b(fence_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
