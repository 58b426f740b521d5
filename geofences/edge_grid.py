"""A grid of the edges of fences, fine enough that a short path needs one look to know which fences it may cross."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofences.place_table import Numbers, Places, PlaceTable

Reals = NDArray[np.float64]

GRID_LAT_DEG: float = 0.003
GRID_LON_DEG: float = 0.005
"""Size of a square of the grid: 334 m from south to north, as much from west to east at 53 degrees and 556 m at the equator. A vehicle
in a city goes less far between two fixes."""

MOST_EDGE_PIECES: int = 20_000
"""A fence with longer edges than this many squares is asked by its bounds alone: it is larger than a country."""

MOST_PATH_PIECES: int = 32
"""A path over more squares than this is compared with the bounds of every fence."""

CLEAR_MARGIN: float = 1e-6
"""What a clear square is drawn smaller, in squares of the grid: 0.3 mm, a thousand times what rounding moves an edge or a path."""

SQUARE = np.array([[GRID_LON_DEG], [GRID_LAT_DEG]])
"""The same as a column."""

_ORIGIN = np.array([[180.0], [90.0]])
_BITS = 20


def box_of(lon0: Reals, lat0: Reals, lon1: Reals, lat1: Reals) -> Reals:
    """Bounds of straight lines as rows (west, south, east, north), shape (4, lines)."""
    return np.stack([np.minimum(lon0, lon1), np.minimum(lat0, lat1), np.maximum(lon0, lon1), np.maximum(lat0, lat1)])


def boxes_touch(one: Reals, other: Reals) -> NDArray[np.bool_]:
    """Whether bounds (west, south, east, north) meet; they broadcast behind their four rows."""
    return np.asarray((one[0] <= other[2]) & (one[2] >= other[0]) & (one[1] <= other[3]) & (one[3] >= other[1]))


def grid_entries(edges: Reals, owner: Numbers) -> tuple[Places, Numbers, Reals]:
    """(squares, fence numbers, boxes) of the edges of some fences: the box, shape (n, 4), bounds what of the fence is near the square.

    An edge is entered in its square and in those around it, so that a path no longer than a square finds it by either end.
    `edges` as rows (lon0, lat0, lon1, lat1); `owner` is the number of the fence of each, and those of a fence follow one another.
    """
    if not len(owner):
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), np.empty((0, 4))
    lon0, lat0, lon1, lat1 = edges
    rows, boxes = _pieces(lon0, lat0, lon1, lat1, squares_long(lat0, lon0, lat1, lon1))
    owner, (columns, lines), (far_columns, far_lines) = owner[rows], _squares(*boxes[:2]), _squares(*boxes[2:])
    # Edges of a ring follow one another through the same squares: one entry for each stretch of them.
    key = np.stack([owner, columns, far_columns, lines, far_lines])
    firsts = np.flatnonzero(np.append(True, (key[:, 1:] != key[:, :-1]).any(axis=0)))
    owner, columns, far_columns, lines, far_lines = key[:, firsts]
    drawn = _bounded(boxes.T, firsts)
    places, owners, bounds = [], [], []
    for i in (-1, 0, 1, 2):
        for j in (-1, 0, 1, 2):
            here = (columns + i <= far_columns + 1) & (lines + j <= far_lines + 1)
            places.append(_place(columns[here] + i, lines[here] + j))
            owners.append(owner[here])
            bounds.append(drawn[here])
    return _one_each(np.concatenate(places), np.concatenate(owners), np.concatenate(bounds))


def paths_near(table: PlaceTable, lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals, counts: Reals) -> tuple[Numbers, Numbers]:
    """(rows, fence numbers) of paths and the fences whose edges they may cross, each pair once or more often.

    Longitudes may go on past 180; nothing is found there. `counts`: what `squares_long` says of the paths, MOST_PATH_PIECES at most.
    """
    rows, boxes = _pieces(lon0, lat0, lon1, lat1, counts)
    found, entries = table.near(_place(*_squares(*boxes[:2])))
    touching = np.flatnonzero(boxes_touch(boxes.take(found, axis=1), table.details.take(entries, axis=0).T))
    return rows.take(found.take(touching)), table.numbers.take(entries.take(touching))


class Around(NamedTuple):
    """What is in the nine squares around each of some positions: one pair an entry, ascending by column.

    `columns`: which position; `numbers`: fences; `bounds`, shape (4, pairs): of what of the fence is there. `share`, shape (2, positions):
    how far in its square each position lies, 0..1 from west and from south.
    """

    columns: Numbers
    numbers: Numbers
    bounds: Reals
    share: Reals


def edges_around(table: PlaceTable, at: Reals) -> Around:
    """What of fences is around positions; `at` is rows (lon, lat)."""
    share = (at + _ORIGIN) / SQUARE
    whole = np.floor(share)
    share -= whole
    column, line = whole.astype(np.int64) + 1
    columns, entries = table.near(((line << _BITS) | column).view(np.uint64))
    return Around(columns, table.numbers.take(entries), table.details.take(entries, axis=0).T, share)


def boxes_clear(around: Around, at: Reals, within: tuple[Numbers, Reals] | None = None) -> Reals:
    """Bounds (west, south, east, north), shape (4, positions), around each position without an edge in between; NaN where none are known.

    What is `around` limits them only on the side on which it is further off, so that boxes are long where roads between fences are.
    Beyond the nine squares nothing is known. `within`: pairs whose bounds a position may lie in, and how far off in squares the nearest
    edge of each is, whichever way.
    """
    there, count = at.take(around.columns, axis=1), at.shape[1]
    before, behind = around.bounds[:2] - there, there - around.bounds[2:]
    apart = np.maximum(before, behind) / SQUARE
    most = np.maximum(apart[0], apart[1])
    west_or_east, south_or_north = (before > behind) * (2 * count) + around.columns
    side = np.where(apart[1] > apart[0], south_or_north + count, west_or_east)
    reach = np.empty((4, count))  # to the west, south, east and north, in squares
    np.add(around.share, 1.0, out=reach[:2])
    np.subtract(2.0, around.share, out=reach[2:])
    if within is not None:
        pairs, near = within
        some = (most.take(pairs) <= 0.0).nonzero()[0]
        pairs, near = pairs.take(some), near.take(some)
        most[pairs] = 9.0  # further than a box may reach
        columns = around.columns.take(pairs)
        for one_side in reach:
            np.minimum.at(one_side, columns, near)
    np.minimum.at(reach.reshape(-1), side, most)
    reach -= CLEAR_MARGIN
    unknown = np.minimum.reduce(reach) <= 0.0
    boxes = np.empty((4, count))
    np.subtract(at, reach[:2] * SQUARE, out=boxes[:2])
    np.add(at, reach[2:] * SQUARE, out=boxes[2:])
    np.copyto(boxes, np.nan, where=unknown)
    return boxes


def are_short(starts: Reals, ends: Reals) -> NDArray[np.bool_]:
    """Whether paths, from and to columns (lon, lat), are no longer than a square either way; a little less, because of rounding."""
    short = np.abs(ends - starts) < 0.999 * SQUARE
    return np.asarray(short[0] & short[1])


def squares_long(lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> Reals:
    """How many squares a path is long, the longer way; a little more, so that rounding makes no piece longer than a square."""
    long = np.maximum(np.abs(lat1 - lat0) / GRID_LAT_DEG, np.abs(lon1 - lon0) / GRID_LON_DEG)
    return np.asarray(np.maximum(np.ceil(long * 1.001), 1.0), dtype=np.float64)


def _pieces(lon0: Reals, lat0: Reals, lon1: Reals, lat1: Reals, counts: Reals) -> tuple[Numbers, Reals]:
    """(rows, boxes): lines cut into so many pieces, and the bounds of each."""
    if counts.max(initial=0.0) <= 1.0:
        return np.arange(len(lon0)), box_of(lon0, lat0, lon1, lat1)
    whole = counts.astype(np.int64)
    rows = np.repeat(np.arange(len(lon0)), whole)
    step = (np.arange(len(rows)) - np.repeat(np.cumsum(whole) - whole, whole)).astype(np.float64)
    east, north, count = (lon1 - lon0)[rows], (lat1 - lat0)[rows], counts[rows]
    here, there = step / count, (step + 1.0) / count
    x0, y0 = lon0[rows] + here * east, lat0[rows] + here * north
    return rows, box_of(x0, y0, lon0[rows] + there * east, lat0[rows] + there * north)


def _squares(lon: Reals, lat: Reals) -> tuple[Numbers, Numbers]:
    """Column and line of the square of each position; 1 is the first on the globe."""
    columns = np.floor((lon + 180.0) / GRID_LON_DEG).astype(np.int64) + 1
    return columns, np.floor((lat + 90.0) / GRID_LAT_DEG).astype(np.int64) + 1


def _place(columns: Numbers, lines: Numbers) -> Places:
    # A path that goes on past -180 has a column below 0: no edge is there.
    return (lines.astype(np.uint64) << np.uint64(_BITS)) | np.maximum(columns, 0).astype(np.uint64)


def _one_each(places: Places, numbers: Numbers, boxes: Reals) -> tuple[Places, Numbers, Reals]:
    """One entry for each place and fence, bounding all of them."""
    order = np.lexsort((numbers, places))
    places, numbers = places[order], numbers[order]
    firsts = np.flatnonzero(np.append(True, (places[1:] != places[:-1]) | (numbers[1:] != numbers[:-1])))
    return places[firsts], numbers[firsts], _bounded(boxes[order], firsts)


def _bounded(boxes: Reals, firsts: Numbers) -> Reals:
    """The bounds of runs of boxes."""
    low, high = np.minimum.reduceat(boxes[:, :2], firsts, axis=0), np.maximum.reduceat(boxes[:, 2:], firsts, axis=0)
    return np.concatenate([low, high], axis=1)
