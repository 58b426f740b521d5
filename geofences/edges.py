"""The edges of fences, each with its own number of them: how far a position is from the nearest, and where a path crosses them.

Pairs are taken elementwise: one fence, one position or path. A minimum over the edges of one fence has the same bits however pairs are
cut into batches. Degrees are turned into metres in the plane centred at the position; it agrees with the great circle within 0.1 % up to
10 km below 70 degrees of latitude.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.positions import METRES_PER_DEGREE

Reals = NDArray[np.float64]

EDGES_AT_ONCE: int = 1 << 19
"""Edges that are looked at in one sweep, so that fences of many corners do not take memory without bound: some 50 MB."""


def edges_of(outlines: NDArray[np.object_]) -> list[Reals]:
    """Every edge of every ring of each outline as rows (lon0, lat0, lon1, lat1), shape (4, edges), in degrees."""
    parts, outline = shapely.get_parts(outlines, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    begins = np.flatnonzero(ring[1:] == ring[:-1])
    edges = np.concatenate([corners[begins], corners[begins + 1]], axis=1).T
    ends = np.searchsorted(outline[part[ring[begins]]], np.arange(len(outlines)), side="right")
    return [np.ascontiguousarray(edges[:, first:end]) for first, end in pairwise([0, *ends.tolist()])]


def metres_to_edges(edges: Sequence[Reals], lat: Reals, lon: Reals) -> Reals:
    """Metres from each position to the nearest edge of its fence, 0 or more. `edges` as `edges_of` gave them, one for each position."""
    metres = np.empty(len(lat))
    for rows, counts, (x0, y0, x1, y1) in _sweeps(edges):
        wide = np.repeat(np.cos(np.radians(lat[rows])) * METRES_PER_DEGREE, counts)
        here, there = np.repeat(lon[rows], counts), np.repeat(lat[rows], counts)
        east = _shift(x0, x1, here)
        ax, ay = (x0 - east) * wide, (y0 - there) * METRES_PER_DEGREE
        dx, dy = (x1 - x0) * wide, (y1 - y0) * METRES_PER_DEGREE
        length2 = dx * dx + dy * dy
        along = np.clip(-(ax * dx + ay * dy) / np.where(length2 > 0.0, length2, 1.0), 0.0, 1.0)
        nx, ny = ax + along * dx, ay + along * dy
        metres[rows] = np.sqrt(np.minimum.reduceat(nx * nx + ny * ny, np.cumsum(counts) - counts))
    return metres


def first_and_last_crossing(edges: Sequence[Reals], lat0: Reals, lon0: Reals, lat1: Reals, lon1: Reals) -> tuple[Reals, Reals]:
    """Fractions 0..1 of each straight path (the short way round) at which it first and last crosses an edge of its fence.

    NaN where it crosses none. A path that only touches a corner or runs along an edge may count as crossing or not.
    """
    first, last = np.full(len(lat0), np.inf), np.full(len(lat0), -np.inf)
    east = lon1 - lon0
    paths = np.stack([lon0, lat0, east - 360.0 * np.rint(east / 360.0), lat1 - lat0])
    for rows, counts, corners in _sweeps(edges):
        pair = np.arange(rows.start, rows.stop).repeat(counts)
        px, py, dx, dy = paths.take(pair, axis=1)
        px = _shift(corners[0], corners[2], px)
        ax, ay, bx, by = corners - np.concatenate([px, py, px, py]).reshape(4, len(px))
        # A corner lies left of the path or not, whichever of its two edges asks: no path slips through between them.
        some = ((dx * ay - dy * ax > 0.0) != (dx * by - dy * bx > 0.0)).nonzero()[0]
        pair, dx, dy, ax, ay, bx, by = (column.take(some) for column in (pair, dx, dy, ax, ay, bx, by))
        ex, ey = bx - ax, by - ay
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (ax * ey - ay * ex) / (dx * ey - dy * ex)
        hit = ((at >= 0.0) & (at <= 1.0)).nonzero()[0]
        pair, at = pair.take(hit), at.take(hit)
        np.minimum.at(first, pair, at)
        np.maximum.at(last, pair, at)
    missed = np.isinf(first)
    first[missed] = last[missed] = np.nan
    return first, last


def _shift(x0: Reals, x1: Reals, lon: Reals) -> Reals:
    """The longitude as seen from an edge: by a turn of 360 degrees more or less where that is nearer to it."""
    off = x0 - lon
    if np.abs(off).max(initial=0.0) < 90.0:
        return lon
    return np.asarray(lon + 360.0 * np.rint(((x0 + x1) * 0.5 - lon) / 360.0), dtype=np.float64)


def _sweeps(edges: Sequence[Reals]) -> Iterator[tuple[slice, NDArray[np.int64], Reals]]:
    """Pairs in runs of at most EDGES_AT_ONCE edges (one pair at least): their rows, the count of edges of each, all edges in a row."""
    if not edges:
        return
    counts = np.array([part.shape[1] for part in edges], dtype=np.int64)
    ends = counts.cumsum()
    if ends[-1] <= EDGES_AT_ONCE:
        yield slice(0, len(edges)), counts, np.concatenate(edges, axis=1)
        return
    first = 0
    while first < len(edges):
        before = ends[first - 1] if first else 0
        end = max(int(np.searchsorted(ends, before + EDGES_AT_ONCE, side="right")), first + 1)
        yield slice(first, end), counts[first:end], np.concatenate(edges[first:end], axis=1)
        first = end
