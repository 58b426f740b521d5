"""The H3 cells that fences touch, and which of them lie wholly inside: large cells in the middle, small ones along the edges."""

import math
from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geofences.cells import RESOLUTION
from geofences.positions import METRES_PER_DEGREE

LEVELS: tuple[int, ...] = (5, 7, 9)
"""H3 resolutions of the cells of covers, 253, 5.2 and 0.11 km2: a look at a level costs as much as many cells less are worth."""

COARSEST: int = 4
MOST_BEGUN_CELLS: float = 30.0
"""A cover is begun at the coarsest resolution of which the fence needs this many cells."""

MAX_EDGE_CELLS: int = 3_000
"""A fence with longer edges than this many cells (900 km) has cells of the next level along them, 7 times as wide; and so on."""

MAX_COVER_LATITUDE_DEG: float = 85.0
MAX_COVER_LONGITUDE_DEG: float = 179.5
"""Beyond these a cell of the fence may hold a pole or straddle the antimeridian, and its outline in degrees is not its shape."""

CELL_GROWTH: float = 1.01
"""Cells are grown by this factor about their centre before they are compared with a fence. H3 draws a cell's edges as great circles, the
comparison as straight lines in degrees; up to 85 degrees of latitude they part by less than 0.00001 of the cell's radius (measured)."""

PARENT_GROWTH: float = 1.4
"""A parent cell grown by this holds its descendants, grown; H3 reckons with 1.4 for all generations (CHILD_SCALE_FACTOR, polyfill.c)."""

CELL_AREA_M2: float = 105_332.5
"""Mean area of a resolution 9 cell (h3geo.org, table of cell statistics); a resolution has a seventh of the cells of the next."""

CELL_WIDTH_M: float = 300.0
"""Rounded-down distance between two opposite edges of a resolution 9 cell."""

Cells = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Outlines = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Covers:
    """Cells of some fences, one row each: every position in a cell that is `inside` is inside the fence; others have to be asked.

    `cells` are of one of LEVELS each, and no cell of a fence lies in another one of it. `numbers` are places in the fences given;
    `uncovered` those that have no cover.
    """

    cells: Cells
    numbers: Numbers
    inside: NDArray[np.bool_]
    uncovered: Numbers


def covers_of(fences: Outlines) -> Covers:
    """The covers of the prepared outlines of fences: a position inside a fence always lies in a cell of its cover.

    Fences that are longer than any country or too near a pole or the antimeridian have none.
    """
    begins, ends = np.array([_resolutions(fence) for fence in fences.tolist()], dtype=np.int64).reshape(-1, 2).T
    open_cells, open_numbers = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    cells, numbers, flags = [open_cells], [open_numbers], [np.empty(0, dtype=np.bool_)]
    for resolution in range(COARSEST, RESOLUTION):
        more_cells, more_numbers = _flooded(fences, np.flatnonzero(begins == resolution), resolution)
        open_cells, open_numbers = np.concatenate([open_cells, more_cells]), np.concatenate([open_numbers, more_numbers])
        outlines = _outlines_of(open_cells, PARENT_GROWTH)
        whole = shapely.contains_properly(fences[open_numbers], outlines)
        level = next(level for level in LEVELS if level >= resolution)
        touched = ~whole & shapely.intersects(fences[open_numbers], outlines)
        asked = touched & (ends[open_numbers] == resolution)
        settled, owners = _descendants(open_cells[whole], open_numbers[whole], level)
        cells += [settled, open_cells[asked]]
        numbers += [owners, open_numbers[asked]]
        flags += [np.ones(len(settled), dtype=np.bool_), np.zeros(int(asked.sum()), dtype=np.bool_)]
        finer = touched & ~asked
        open_cells, open_numbers = _descendants(open_cells[finer], open_numbers[finer], resolution + 1)
    outlines = _outlines_of(open_cells, CELL_GROWTH)
    touched = shapely.intersects(fences[open_numbers], outlines)
    cells.append(open_cells[touched])
    numbers.append(open_numbers[touched])
    flags.append(shapely.contains_properly(fences[open_numbers[touched]], outlines[touched]))
    return Covers(np.concatenate(cells), np.concatenate(numbers), np.concatenate(flags), np.flatnonzero(begins < 0))


def at_level(cells: Cells, level: int) -> Cells:
    """The ancestors of resolution 9 cells: three bits a digit, finest last, 7 where there is no digit; the resolution from bit 52."""
    blank = (1 << 3 * (15 - level)) - 1
    kept = cells & np.uint64(~(0xF << 52) & 0xFFFF_FFFF_FFFF_FFFF)
    return kept | np.uint64(level << 52) | np.uint64(blank)


def levels_of(cells: Cells) -> tuple[int, ...]:
    """The resolutions that are among these cells."""
    return tuple(np.unique((cells >> np.uint64(52)) & np.uint64(0xF)).tolist())


def _resolutions(fence: Polygon | MultiPolygon) -> tuple[int, int]:
    """The resolutions at which the cover of a fence is begun and ended, -1 = it gets none."""
    west, south, east, north = fence.bounds
    if max(-south, north) > MAX_COVER_LATITUDE_DEG or max(-west, east) > MAX_COVER_LONGITUDE_DEG:
        return -1, -1
    along = fence.length * METRES_PER_DEGREE / CELL_WIDTH_M
    ends = next((level for level in reversed(LEVELS) if along <= MAX_EDGE_CELLS * math.sqrt(7.0) ** (RESOLUTION - level)), -1)
    nearest_equator = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    cells = along + fence.area * METRES_PER_DEGREE**2 * math.cos(math.radians(nearest_equator)) / CELL_AREA_M2
    coarser = math.ceil(math.log(max(cells, 1.0) / MOST_BEGUN_CELLS, 7.0))
    # Cells of the cover, grown, must keep off the antimeridian.
    room_m = (180.0 - max(-west, east)) * METRES_PER_DEGREE * math.cos(math.radians(max(-south, north) + 1.0))
    coarser = min(coarser, math.floor(math.log(room_m / (4.0 * CELL_WIDTH_M), math.sqrt(7.0))))
    begins = min(max(RESOLUTION - coarser, COARSEST), RESOLUTION - 1)
    return (begins, ends) if begins <= ends else (-1, -1)


def _flooded(fences: Outlines, numbers: Numbers, resolution: int) -> tuple[Cells, Numbers]:
    """Every cell that, grown, touches a fence: that of a corner of each part, and from there neighbour by neighbour.

    A part of a fence hangs together, so the cells it lies in do. H3's own fill ("overlap", 4.5) is not used: it leaves out a cell
    whose centre is in a hole that lies wholly inside the cell.
    """
    parts, owners = shapely.get_parts(fences[numbers], return_index=True)
    corners = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(parts), 0))
    frontier = {
        (h3.latlng_to_cell(lat, lon, resolution), number)
        for (lon, lat), number in zip(corners.tolist(), numbers[owners].tolist(), strict=True)
    }
    touching, seen = set(frontier), set(frontier)
    while frontier:
        around = list({(near, number) for cell, number in frontier for near in h3.grid_disk(cell, 1)} - seen)
        seen.update(around)
        asked, asked_numbers = np.array(around, dtype=np.uint64).reshape(-1, 2).T
        hit = shapely.intersects(fences[asked_numbers.astype(np.int64)], _outlines_of(asked, PARENT_GROWTH))
        frontier = {around[place] for place in np.flatnonzero(hit).tolist()}
        touching |= frontier
    cells, found = np.array(sorted(touching), dtype=np.uint64).reshape(-1, 2).T
    return cells, found.astype(np.int64)


def _descendants(cells: Cells, numbers: Numbers, resolution: int) -> tuple[Cells, Numbers]:
    children = [h3.cell_to_children(cell, resolution) for cell in cells.tolist()]
    counts = np.array([len(born) for born in children], dtype=np.int64)
    return np.array([child for born in children for child in born], dtype=np.uint64), np.repeat(numbers, counts)


def _outlines_of(cells: Cells, growth: float) -> Outlines:
    """The grown outline of each cell; one that stands there more than once is drawn once."""
    drawn, places = np.unique(cells, return_inverse=True)
    return np.asarray(_grown_outlines(drawn, growth)[places])


def _grown_outlines(cells: Cells, growth: float) -> Outlines:
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
    outlines: Outlines = shapely.polygons(shapely.linearrings(grown, indices=owner))
    return outlines
