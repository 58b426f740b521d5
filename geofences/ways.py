"""Which fences a way from one fix to the next has to do with, pair by pair: what it crosses, and whether it ends inside."""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.edge_grid import SQUARE, boxes_clear, edges_around
from geofences.edges import beside_edges, first_and_last_crossing
from geofences.fence_tables import FenceTables
from geofences.place_table import Numbers

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Beside(NamedTuple):
    """Pairs of paths and fences, ascending by row, then by number: all whose edges a path may touch.

    `inside`: is the path's end; `first` and `last`: fractions 0..1 of the path where it crosses an edge, NaN = nowhere. In every other
    fence both ends of a path are, or neither. `boxes` are as `clear` gives them for the ends.
    """

    rows: Numbers
    numbers: Numbers
    inside: Flags
    first: Reals
    last: Reals
    boxes: Reals


def beside(tables: FenceTables, starts: Reals, ends: Reals) -> Beside:
    """What paths no longer than a square of the grid run beside; they are columns (lon, lat) in degrees."""
    around = edges_around(tables.grid, ends)
    near, far = np.minimum(starts, ends).take(around.columns, axis=1), np.maximum(starts, ends).take(around.columns, axis=1)
    touching = (near <= around.bounds[2:]) & (far >= around.bounds[:2])
    asked = (touching[0] & touching[1]).nonzero()[0]
    order = (around.columns.take(asked) * len(tables.outlines) + around.numbers.take(asked)).argsort()
    asked = asked.take(order)
    rows, numbers = around.columns.take(asked), around.numbers.take(asked)
    first, last, inside, apart = _pairwise(tables, numbers, starts.take(rows, axis=1), ends.take(rows, axis=1))
    return Beside(rows, numbers, inside, first, last, boxes_clear(around, ends, (asked, apart)))


def _pairwise(tables: FenceTables, numbers: Numbers, starts: Reals, ends: Reals) -> tuple[Reals, Reals, Flags, Reals]:
    """First and last crossing, whether the end is inside, and how far in squares it is from every edge at least."""
    if len(tables.many) and (many := tables.many.take(numbers)).any():
        few = (~many).nonzero()[0]
        found = shapely.intersects_xy(tables.outlines.take(numbers), *ends), np.zeros(len(numbers))
        found[1][few] = beside_edges(tables.edges, numbers.take(few), starts.take(few, axis=1), ends.take(few, axis=1), SQUARE).apart
        return *crossings(tables, numbers, starts, ends), *found
    first, last, told, apart = beside_edges(tables.edges, numbers, starts, ends, SQUARE)
    inside, doubtful = told == 1, (told < 0).nonzero()[0]
    if len(doubtful):
        inside[doubtful] = shapely.intersects_xy(tables.outlines.take(numbers.take(doubtful)), *ends.take(doubtful, axis=1))
    return first, last, inside, apart


def crossings(tables: FenceTables, numbers: Numbers, starts: Reals, ends: Reals) -> tuple[Reals, Reals]:
    """Where each path first and last crosses an edge of its fence; outlines of many corners are quick to say that it meets none."""
    if not len(tables.many):
        return first_and_last_crossing(tables.edges, numbers, starts, ends)
    may = ~tables.many.take(numbers) | (np.abs(ends[0] - starts[0]) > 180.0)
    asked = (~may).nonzero()[0]
    may[asked] = meets(tables, numbers.take(asked), np.stack([starts.T, ends.T], axis=1).take(asked, axis=0))
    meeting = may.nonzero()[0]
    some = numbers.take(meeting), starts.take(meeting, axis=1), ends.take(meeting, axis=1)
    first, last = np.full((2, len(numbers)), np.nan)
    first[meeting], last[meeting] = first_and_last_crossing(tables.edges, *some)
    return first, last


def meets(tables: FenceTables, numbers: Numbers, paths: Reals) -> Flags:
    """Whether each path, as straight in degrees as its numbers are, has to do with an edge of its fence.

    Paths are (paths, start and end, longitude and latitude).
    """
    lines, outlines = shapely.linestrings(paths), tables.outlines.take(numbers)
    meeting = np.asarray(shapely.intersects(outlines, lines), dtype=np.bool_)
    # One that lies wholly inside meets no edge; then it begins inside, too.
    bounds, starts = tables.bounds.take(numbers, axis=0), paths[:, 0]
    begins_in = (bounds[:, :2] <= starts) & (starts <= bounds[:, 2:])
    asked = (meeting & begins_in[:, 0] & begins_in[:, 1]).nonzero()[0]
    if len(asked):
        meeting[asked] = ~shapely.contains_properly(outlines.take(asked), lines.take(asked))
    return meeting
