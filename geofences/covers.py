"""The H3 cells that one fence touches, and which of them lie wholly inside it."""

import math
from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.cells import RESOLUTION
from geofences.fences import Fence
from geofences.positions import METRES_PER_DEGREE

MAX_COVER_CELLS: int = 200_000
"""A fence estimated to need more cells than this (about 20,000 km2) gets no cover; its outline is asked directly."""

MAX_COVER_LATITUDE_DEG: float = 85.0
MAX_COVER_LONGITUDE_DEG: float = 179.5
"""Beyond these a cell of the fence may hold a pole or straddle the antimeridian, and its outline in degrees is not its shape. A parent
cell at 85 degrees is up to 0.13 degrees of longitude wide."""

CELL_GROWTH: float = 1.01
"""Cells are grown by this factor about their centre before they are compared with a fence. H3 draws a cell's edges as great circles, the
comparison as straight lines in degrees; up to 85 degrees of latitude they part by less than 0.00001 of the cell's radius (measured)."""

PARENT_RESOLUTION: int = 8
PARENT_GROWTH: float = 1.4
"""A parent cell grown by this holds its children, grown; H3 reckons with 1.4 for all generations (CHILD_SCALE_FACTOR, polyfill.c)."""

CELL_AREA_M2: float = 105_332.5
"""Mean area of a resolution 9 cell (h3geo.org, table of cell statistics)."""

CELL_WIDTH_M: float = 300.0
"""Rounded-down distance between two opposite edges of a resolution 9 cell."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Cells of one fence: `cells` uint64, ascending; `inside` bool, same length: every position in that cell is inside the fence."""

    cells: NDArray[np.uint64]
    inside: NDArray[np.bool_]


def cover_of(fence: Fence) -> Cover | None:
    """The cover of a fence, or None for one that is too large or too near a pole or the antimeridian to be covered.

    A position inside the fence always lies in a cell of its cover.
    """
    if not _can_be_covered(fence):
        return None
    shapely.prepare(fence.geometry)
    parents = _parents_touching(fence)
    whole = shapely.contains_properly(fence.geometry, _grown_outlines(parents, PARENT_GROWTH))
    sure, asked = _children(parents[whole]), _children(parents[~whole])
    outlines = _grown_outlines(asked, CELL_GROWTH)
    touched = shapely.intersects(fence.geometry, outlines)
    inside = shapely.contains_properly(fence.geometry, outlines[touched])
    cells = np.concatenate([sure, asked[touched]])
    flags = np.concatenate([np.ones(len(sure), dtype=np.bool_), inside])
    order = np.argsort(cells)
    return Cover(cells[order], flags[order])


def _parents_touching(fence: Fence) -> NDArray[np.uint64]:
    """Every parent cell that, grown, touches the fence: those of its corners, and from there neighbour by neighbour.

    Each part of a fence hangs together, so the cells it lies in do. H3's own fill ("overlap", 4.5) is not used: it leaves out a cell
    whose centre is in a hole that lies wholly inside the cell.
    """
    corners = shapely.get_coordinates(fence.geometry).tolist()
    frontier = {h3.latlng_to_cell(lat, lon, PARENT_RESOLUTION) for lon, lat in corners}
    touching, seen = set(frontier), set(frontier)
    while frontier:
        around = {near for cell in frontier for near in h3.grid_disk(cell, 1)} - seen
        seen |= around
        asked = np.array(list(around), dtype=np.uint64)
        frontier = set(asked[shapely.intersects(fence.geometry, _grown_outlines(asked, PARENT_GROWTH))].tolist())
        touching |= frontier
    return np.array(sorted(touching), dtype=np.uint64)


def _children(parents: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return np.array([child for parent in parents.tolist() for child in h3.cell_to_children(parent, RESOLUTION)], dtype=np.uint64)


def _can_be_covered(fence: Fence) -> bool:
    west, south, east, north = fence.geometry.bounds
    if max(-south, north) > MAX_COVER_LATITUDE_DEG or max(-west, east) > MAX_COVER_LONGITUDE_DEG:
        return False
    nearest_equator = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    area_m2 = fence.geometry.area * METRES_PER_DEGREE**2 * math.cos(math.radians(nearest_equator))
    cells_along_edge = fence.geometry.length * METRES_PER_DEGREE / CELL_WIDTH_M
    return bool(area_m2 / CELL_AREA_M2 + cells_along_edge <= MAX_COVER_CELLS)


def _grown_outlines(cells: NDArray[np.uint64], growth: float) -> NDArray[np.object_]:
    """The cells' outlines as polygons in degrees (lon, lat), grown about their centres."""
    corners = [h3.cell_to_boundary(cell) for cell in cells.tolist()]
    if not corners:
        return np.empty(0, dtype=np.object_)
    counts = np.array([len(outline) for outline in corners], dtype=np.int64)
    owner = np.repeat(np.arange(len(counts)), counts)
    lat_lon = np.array([corner for outline in corners for corner in outline], dtype=np.float64)
    lon_lat = lat_lon[:, ::-1]
    centre = np.add.reduceat(lon_lat, np.cumsum(counts) - counts, axis=0) / counts[:, np.newaxis]
    grown = centre[owner] + (lon_lat - centre[owner]) * growth
    outlines: NDArray[np.object_] = shapely.polygons(shapely.linearrings(grown, indices=owner))
    return outlines
