"""The edges of fences, each with its own number of them: how far a position is from the nearest, and where a path crosses them.

Pairs are taken elementwise: one fence, one position or path. A minimum over the edges of one fence has the same bits however pairs are
cut into batches. Degrees are turned into metres in the plane centred at the position; it agrees with the great circle within 0.1 % up to
10 km below 70 degrees of latitude.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.positions import METRES_PER_DEGREE

Reals = NDArray[np.float64]
Numbers = NDArray[np.int64]

EDGES_AT_ONCE: int = 1 << 19
"""Edges that are looked at in one sweep, so that fences of many corners do not take memory without bound: some 50 MB."""


@dataclass(frozen=True)
class EdgeTable:
    """The edges of fence i are `counts[i]` columns (lon0, lat0, lon1, lat1) of `edges` from `starts[i]` on, in degrees."""

    edges: Reals
    starts: Numbers
    counts: Numbers

    @cached_property
    def most(self) -> int:
        """The most edges that a fence has."""
        return int(self.counts.max(initial=0))

    def of(self, numbers: Numbers) -> "Edges":
        """The edges of some fences, one after the other."""
        counts = self.counts.take(numbers)
        firsts = counts.cumsum() - counts
        places = (self.starts.take(numbers) - firsts).repeat(counts)
        places += np.arange(len(places))
        return Edges(counts, firsts, self.edges.take(places, axis=1))

    def sweeps(self, numbers: Numbers) -> Iterator[tuple[slice, "Edges"]]:
        """The same in runs of at most EDGES_AT_ONCE edges (one fence at least), with the places in `numbers` of each run."""
        if len(numbers) * self.most <= EDGES_AT_ONCE:
            if len(numbers):
                yield slice(0, len(numbers)), self.of(numbers)
            return
        ends, first = self.counts.take(numbers).cumsum(), 0
        while first < len(numbers):
            before = ends[first - 1] if first else 0
            end = max(int(ends.searchsorted(before + EDGES_AT_ONCE, side="right")), first + 1)
            yield slice(first, end), self.of(numbers[first:end])
            first = end


class Edges(NamedTuple):
    """Edges of some fences as rows (lon0, lat0, lon1, lat1): how many each has, and which column its first is."""

    counts: Numbers
    firsts: Numbers
    edges: Reals


def edges_of(outlines: NDArray[np.object_]) -> EdgeTable:
    """Every edge of every ring of each outline."""
    parts, outline = shapely.get_parts(outlines, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    begins = np.flatnonzero(ring[1:] == ring[:-1])
    edges = np.ascontiguousarray(np.concatenate([corners[begins], corners[begins + 1]], axis=1).T)
    counts = np.bincount(outline[part[ring[begins]]], minlength=len(outlines))
    return EdgeTable(edges, counts.cumsum() - counts, counts)


def metres_to_edges(table: EdgeTable, numbers: Numbers, lat: Reals, lon: Reals) -> Reals:
    """Metres from each position to the nearest edge of its fence, 0 or more: one fence number and one position a row."""
    metres, at = np.empty(len(lat)), np.stack([lon, lat])
    scale = np.stack([np.cos(np.radians(lat)) * METRES_PER_DEGREE, np.full(len(lat), METRES_PER_DEGREE)])
    for rows, (counts, firsts, edges) in table.sweeps(numbers):
        here, to_metres = at[:, rows].repeat(counts, axis=1), scale[:, rows].repeat(counts, axis=1)
        off = edges[:2] - here
        if np.abs(off[0]).max() >= 90.0:
            off[0] = edges[0] - _shift(edges[0], edges[2], here[0])
        off *= to_metres
        way = (edges[2:] - edges[:2]) * to_metres
        squares, products = way * way, off * way
        # A length of 0 is that of one corner: any share of it is as good.
        along = -(products[0] + products[1]) / np.maximum(squares[0] + squares[1], np.finfo(np.float64).tiny)
        np.minimum(np.maximum(along, 0.0, out=along), 1.0, out=along)
        off += along * way
        off *= off
        metres[rows] = np.sqrt(np.minimum.reduceat(off[0] + off[1], firsts))
    return metres


class Beside(NamedTuple):
    """What a path has to do with the edges of its fence, one pair an entry.

    `first` and `last`: shares 0..1 of the path where it crosses an edge, NaN = nowhere. `inside`: is its end? 1 or 0, -1 where rounding
    does not let it be told. `apart`: so far is the end from the bounds of every edge, the longer way, in units that the caller gave.
    """

    first: Reals
    last: Reals
    inside: NDArray[np.int8]
    apart: Reals


def beside_edges(table: EdgeTable, numbers: Numbers, starts: Reals, ends: Reals, unit: Reals) -> Beside:
    """What paths of less than a degree have to do with the edges of their fences; columns (lon, lat), and `unit`, are in degrees."""
    first, last, apart = np.full((3, len(numbers)), np.nan)
    inside = np.empty(len(numbers), dtype=np.int8)
    paths = np.concatenate([starts, ends - starts])
    for rows, (counts, firsts, edges) in table.sweeps(numbers):
        pairs = np.arange(rows.start, rows.stop).repeat(counts)
        crossing, shares = _crossings(paths, pairs, edges)
        np.fmin.at(first, crossing, shares)
        np.fmax.at(last, crossing, shares)
        off = edges.reshape(2, 2, -1) - ends.take(pairs, axis=1)
        inside[rows] = _inside(off, firsts)
        low, high = np.minimum(off[0], off[1]), np.maximum(off[0], off[1])
        gaps = np.maximum(low, np.negative(high, out=high)) / unit
        apart[rows] = np.minimum.reduceat(np.maximum(gaps[0], gaps[1]), firsts)
    return Beside(first, last, inside, apart)


_ROUNDING = 4e-16
"""A cross product is right in its sign if it is more than this share of its two products: (3 + 16 e) e, e = 2^-53 (Shewchuk 1997)."""


def _inside(off: Reals, firsts: Numbers) -> NDArray[np.int8]:
    """Whether positions lie in outlines: does a ray to the east cross an odd number of edges?

    `off`: edges as seen from their position, (2 ends, 2 axes, edges). `firsts`: the first edge of each outline.
    """
    (ax, ay), (bx, by) = off
    above = off[:, 1] > 0.0
    one, other = ax * by, bx * ay
    turn = one - other
    crossed = (above[0] != above[1]) & ((turn > 0.0) == above[1])
    inside = np.logical_xor.reduceat(crossed, firsts).astype(np.int8)
    doubtful = (np.abs(turn) <= _ROUNDING * (np.abs(one) + np.abs(other))).nonzero()[0]
    if len(doubtful):
        inside[firsts.searchsorted(doubtful, side="right") - 1] = -1
    return inside


def first_and_last_crossing(table: EdgeTable, numbers: Numbers, starts: Reals, ends: Reals) -> tuple[Reals, Reals]:
    """Fractions 0..1 of each straight path (the short way round) at which it first and last crosses an edge of its fence.

    `starts` and `ends` are rows (lon, lat) in degrees, one path and one fence number a column. NaN where it crosses none. A path that only
    touches a corner or runs along an edge may count as crossing or not.
    """
    first, last = np.full((2, len(numbers)), np.nan)
    ways = ends - starts
    if np.abs(ways[0]).max(initial=0.0) > 180.0:
        ways[0] -= 360.0 * np.rint(ways[0] / 360.0)
    paths = np.concatenate([starts, ways])
    for rows, (counts, _, edges) in table.sweeps(numbers):
        pairs, shares = _crossings(paths, np.arange(rows.start, rows.stop).repeat(counts), edges)
        np.fmin.at(first, pairs, shares)
        np.fmax.at(last, pairs, shares)
    return first, last


def _crossings(paths: Reals, pairs: Numbers, edges: Reals) -> tuple[Numbers, Reals]:
    """(column of the path, its share 0..1) wherever a path crosses an edge; `pairs` are the columns of the paths, one an edge."""
    path = paths.take(pairs, axis=1)
    off = edges.reshape(2, 2, -1) - path[:2]
    if np.abs(off[0, 0]).max(initial=0.0) >= 90.0:
        off[:, 0] = edges[::2] - _shift(edges[0], edges[2], path[0])
    # A corner lies left of the path or not, whichever of its two edges asks: no path slips through between them.
    left = path[2] * off[:, 1] - path[3] * off[:, 0] > 0.0
    some = (left[0] != left[1]).nonzero()[0]
    pairs, (dx, dy), ((ax, ay), (bx, by)) = pairs.take(some), path[2:].take(some, axis=1), off.take(some, axis=2)
    ex, ey = bx - ax, by - ay
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (ax * ey - ay * ex) / (dx * ey - dy * ex)
    hit = ((at >= 0.0) & (at <= 1.0)).nonzero()[0]
    return pairs.take(hit), at.take(hit)


def _shift(x0: Reals, x1: Reals, lon: Reals) -> Reals:
    """The longitude as seen from an edge: by a turn of 360 degrees more or less where that is nearer to it."""
    off = x0 - lon
    if np.abs(off).max(initial=0.0) < 90.0:
        return lon
    return np.asarray(lon + 360.0 * np.rint(((x0 + x1) * 0.5 - lon) / 360.0), dtype=np.float64)
