"""Cells against the string interface of H3."""

import h3
import numpy as np

from geofences.cells import RESOLUTION, cell_name, cells_of, coarse


def test_cells_are_those_of_h3_in_every_quarter_of_the_earth():
    rng = np.random.default_rng(3)
    lat, lon = rng.uniform(-90.0, 90.0, 500), rng.uniform(-180.0, 180.0, 500)
    cells = cells_of(lat, lon)
    assert cells.dtype == np.uint64
    assert [cell_name(cell) for cell in cells.tolist()] == [h3.latlng_to_cell(*at, RESOLUTION) for at in zip(lat, lon, strict=True)]


def test_no_positions_have_no_cells():
    none = cells_of(np.empty(0), np.empty(0))
    assert none.shape == (0,)
    assert none.dtype == np.uint64


def test_a_numpy_cell_is_named_and_coarsened_like_a_plain_one():
    cell = cells_of(np.array([40.7128]), np.array([-74.0060]))[0]
    assert cell_name(cell) == cell_name(int(cell)) == h3.latlng_to_cell(40.7128, -74.0060, 9)
    assert cell_name(coarse(cell, 6)) == h3.latlng_to_cell(40.7128, -74.0060, 6)
    assert coarse(int(cell), RESOLUTION) == int(cell)
