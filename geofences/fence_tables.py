"""What an index knows of the outlines of its fences; of those that stay, it is taken from the tables before."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.covers import covers_of, levels_of
from geofences.edge_grid import MOST_EDGE_PIECES, grid_entries, squares_long
from geofences.edges import EdgeTable, edges_of
from geofences.place_table import Numbers, PlaceTable, table_of

Objects = NDArray[np.object_]

FEW_CORNERS = 64
"""Outlines with at most so many corners are looked at edge by edge; of others, which have a tree of their edges, it is asked first.

It depends on the fence alone: if it depended on the batch, rounding could make the cut of the log matter.
"""


@dataclass(frozen=True, slots=True)
class FenceTables:
    """By fence number: prepared outlines, their edges and bounds (west, south, east, north); and where to look for them.

    `covered` finds fences by H3 cell (a detail: is the cell inside?), of one of `levels`; those `uncovered` are found by `tree`. `grid`
    finds edges near a path (a detail: bounds of them); fences that `sprawl` are in no square of it. `many` says which have more than
    FEW_CORNERS corners; it is empty where none has.
    """

    outlines: Objects
    edges: EdgeTable
    bounds: NDArray[np.float64]
    covered: PlaceTable
    levels: tuple[int, ...]
    uncovered: Numbers
    tree: shapely.STRtree
    grid: PlaceTable
    sprawl: Numbers
    many: NDArray[np.bool_]


def tables_after(earlier: FenceTables, places: Numbers, outlines: Objects) -> FenceTables:
    """The tables of some outlines. `places`: the number that each had in the earlier tables, -1 = it is new."""
    new, stays = np.flatnonzero(places < 0), np.flatnonzero(places >= 0)
    renumbered = np.full(len(earlier.outlines), -1, dtype=np.int64)
    renumbered[places[stays]] = stays
    outlines = outlines.copy()
    outlines[stays] = earlier.outlines[places[stays]]
    shapely.prepare(outlines[new])
    bounds = np.empty((len(outlines), 4))
    bounds[stays], bounds[new] = earlier.bounds[places[stays]], shapely.bounds(outlines[new])
    drawn = edges_of(outlines[new])
    edges = _edges_after(earlier.edges, places, drawn)
    covers = covers_of(outlines[new])
    covered = earlier.covered.changed(renumbered, covers.cells, new[covers.numbers], covers.inside)
    uncovered = _with(earlier.uncovered, renumbered, new[covers.uncovered])
    pieces = squares_long(*drawn.edges[[1, 0, 3, 2]])
    near = np.bincount(np.arange(len(new)).repeat(drawn.counts), pieces, minlength=len(new)) <= MOST_EDGE_PIECES
    counts, _, of_near = drawn.of(near.nonzero()[0])
    grid = earlier.grid.changed(renumbered, *grid_entries(of_near, new[near].repeat(counts)))
    sprawl = _with(earlier.sprawl, renumbered, new[~near])
    tree = shapely.STRtree(outlines[uncovered])
    many = shapely.get_num_coordinates(outlines) > FEW_CORNERS
    many = many if many.any() else many[:0]
    return FenceTables(outlines, edges, bounds, covered, levels_of(covered.places), uncovered, tree, grid, sprawl, many)


def no_tables() -> FenceTables:
    """The tables of no fences."""
    nothing, numbers = np.empty(0, dtype=np.object_), np.empty(0, dtype=np.int64)
    places, boxes = np.empty(0, dtype=np.uint64), np.empty((0, 4))
    none = np.empty(0, dtype=np.bool_)
    covered, edges = table_of(places, numbers, none), EdgeTable(np.empty((4, 0)), numbers, numbers)
    return FenceTables(nothing, edges, boxes, covered, (), numbers, shapely.STRtree([]), table_of(places, numbers, boxes), numbers, none)


def _with(earlier: Numbers, renumbered: Numbers, more: Numbers) -> Numbers:
    moved = renumbered[earlier]
    return np.sort(np.concatenate([moved[moved >= 0], more]))


def _edges_after(earlier: EdgeTable, places: Numbers, new: EdgeTable) -> EdgeTable:
    """The edges of fences that were there, at `places`, and of those that are new (-1), in their order."""
    stays = np.flatnonzero(places >= 0)
    counts, firsts, kept = earlier.of(places[stays])
    starts, all_counts = np.empty(len(places), dtype=np.int64), np.empty(len(places), dtype=np.int64)
    starts[stays], all_counts[stays] = firsts, counts
    starts[places < 0], all_counts[places < 0] = new.starts + kept.shape[1], new.counts
    return EdgeTable(np.concatenate([kept, new.edges], axis=1), starts, all_counts)
