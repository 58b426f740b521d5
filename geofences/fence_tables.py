"""What an index knows of the outlines of its fences; of those that stay, it is taken from the tables before."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.covers import covers_of, levels_of
from geofences.edge_grid import MOST_EDGE_PIECES, grid_entries, squares_long
from geofences.edges import edges_of
from geofences.place_table import Numbers, PlaceTable, table_of

Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class FenceTables:
    """By fence number: prepared outlines, their edges (`edges_of`) and bounds (west, south, east, north); and where to look for them.

    `covered` finds fences by H3 cell (a detail: is the cell inside?), of one of `levels`; those `uncovered` are found by `tree`. `grid`
    finds edges near a path (a detail: bounds of them); fences that `sprawl` are in no square of it.
    """

    outlines: Objects
    edges: Objects
    bounds: NDArray[np.float64]
    covered: PlaceTable
    levels: tuple[int, ...]
    uncovered: Numbers
    tree: shapely.STRtree
    grid: PlaceTable
    sprawl: Numbers


def tables_after(earlier: FenceTables, places: Numbers, outlines: Objects) -> FenceTables:
    """The tables of some outlines. `places`: the number that each had in the earlier tables, -1 = it is new."""
    new, stays = np.flatnonzero(places < 0), np.flatnonzero(places >= 0)
    renumbered = np.full(len(earlier.outlines), -1, dtype=np.int64)
    renumbered[places[stays]] = stays
    outlines = outlines.copy()
    outlines[stays] = earlier.outlines[places[stays]]
    shapely.prepare(outlines[new])
    edges, bounds = np.empty(len(outlines), dtype=np.object_), np.empty((len(outlines), 4))
    edges[stays], bounds[stays] = earlier.edges[places[stays]], earlier.bounds[places[stays]]
    bounds[new] = shapely.bounds(outlines[new])
    for number, drawn in zip(new.tolist(), edges_of(outlines[new]), strict=True):
        edges[number] = drawn
    covers = covers_of(outlines[new])
    covered = earlier.covered.changed(renumbered, covers.cells, new[covers.numbers], covers.inside)
    uncovered = _with(earlier.uncovered, renumbered, new[covers.uncovered])
    long = np.array([squares_long(*edges[number][[1, 0, 3, 2]]).sum() for number in new.tolist()])
    near = new[long <= MOST_EDGE_PIECES]
    grid = earlier.grid.changed(renumbered, *grid_entries(edges[near].tolist(), near))
    sprawl = _with(earlier.sprawl, renumbered, new[long > MOST_EDGE_PIECES])
    tree = shapely.STRtree(outlines[uncovered])
    return FenceTables(outlines, edges, bounds, covered, levels_of(covered.places), uncovered, tree, grid, sprawl)


def no_tables() -> FenceTables:
    """The tables of no fences."""
    nothing, numbers = np.empty(0, dtype=np.object_), np.empty(0, dtype=np.int64)
    places, boxes = np.empty(0, dtype=np.uint64), np.empty((0, 4))
    covered = table_of(places, numbers, np.empty(0, dtype=np.bool_))
    return FenceTables(nothing, nothing, boxes, covered, (), numbers, shapely.STRtree([]), table_of(places, numbers, boxes), numbers)


def _with(earlier: Numbers, renumbered: Numbers, more: Numbers) -> Numbers:
    moved = renumbered[earlier]
    return np.sort(np.concatenate([moved[moved >= 0], more]))
