"""The H3 cells of positions: the grid that fences are looked up in and speeds are learnt by."""

from itertools import repeat

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

RESOLUTION: int = 9
"""H3 resolution of every cell of a position: hexagons of about 0.105 km2 and 200 m edges (h3geo.org, table of cell statistics)."""

FINE_RESOLUTION: int = 10
"""Of the cells that draw the corridor of a leg: 130 m across, the width of a street and its noise."""


def cells_of(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The resolution 9 cell of each position.

    lat and lon in degrees, one dimension, same length, already judged: H3 answers a latitude of 91 with a valid wrong cell and raises
    only on NaN and infinity.
    """
    found = map(h3.latlng_to_cell, lat.tolist(), lon.tolist(), repeat(RESOLUTION))
    return np.fromiter(found, dtype=np.uint64, count=len(lat))


def fine_cells_of(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The same at `FINE_RESOLUTION`."""
    found = map(h3.latlng_to_cell, lat.tolist(), lon.tolist(), repeat(FINE_RESOLUTION))
    return np.fromiter(found, dtype=np.uint64, count=len(lat))


def disk(cell: int, steps: int) -> list[int]:
    """A cell and all within so many steps of it."""
    return list(h3.grid_disk(cell, steps))


def cells_between(start: int, end: int, most: int) -> list[int]:
    """The cells on the straight way between two, without them; none where they are more than `most` apart, or H3 knows no way."""
    try:
        apart = h3.grid_distance(start, end)
        return list(h3.grid_path_cells(start, end))[1:-1] if 1 < apart <= most else []
    except Exception:  # noqa: BLE001 - around a pentagon H3 finds no way, and says so with errors of many classes
        return []


def cell_name(cell: int) -> str:
    """The cell as H3 writes it: 15 lower-case hexadecimal digits, as in 892a100d2c3ffff."""
    return f"{int(cell):x}"


def area_cell(lat: float, lon: float, resolution: int) -> int:
    """The cell of one place at a coarser resolution, found directly: a cell's parent is another one for places near its edge."""
    return int(h3.latlng_to_cell(lat, lon, resolution))


def cell_number(name: str, resolution: int) -> int | None:
    """The number of a cell that is written as H3 writes it; None for a text that names no cell of this resolution."""
    try:
        number = int(h3.str_to_int(name))
    except ValueError:
        return None
    return number if h3.is_valid_cell(number) and h3.get_resolution(number) == resolution else None


def cell_ring(cell: str) -> list[tuple[float, float]]:
    """The outline of a cell by its name: closed, anticlockwise, in (lon, lat) degrees as GeoJSON has it (RFC 7946, 3.1.6).

    Raises `ValueError` for a text that names no cell. A cell across the antimeridian has longitudes of both signs, as H3 gives them.
    """
    number = h3.str_to_int(cell)
    if not h3.is_valid_cell(number):
        raise ValueError(f"{cell!r} names no H3 cell")
    ring = [(float(lon), float(lat)) for lat, lon in h3.cell_to_boundary(number)]
    return [*ring, ring[0]]
