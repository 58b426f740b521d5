"""Cells against the string interface of H3."""

from itertools import pairwise

import h3
import numpy as np
import pytest

from geofences.cells import RESOLUTION, area_cell, cell_name, cell_ring, cells_of


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


def test_a_numpy_cell_is_named_like_a_plain_one():
    cell = cells_of(np.array([40.7128]), np.array([-74.0060]))[0]
    assert cell_name(cell) == cell_name(int(cell)) == h3.latlng_to_cell(40.7128, -74.0060, 9)


@pytest.mark.parametrize("resolution", [0, 6, RESOLUTION, 15])
def test_the_area_of_a_place_is_the_cell_of_that_resolution_it_lies_in(resolution):
    for lat, lon in np.random.default_rng(4).uniform([-90.0, -180.0], [90.0, 180.0], (200, 2)).tolist():
        area = area_cell(lat, lon, resolution)
        assert type(area) is int
        assert cell_name(area) == h3.latlng_to_cell(lat, lon, resolution)


def test_at_their_own_resolution_areas_are_the_cells_of_positions():
    lat, lon = np.random.default_rng(5).uniform([[-90.0], [-180.0]], [[90.0], [180.0]], (2, 200))
    assert [area_cell(*at, RESOLUTION) for at in zip(lat.tolist(), lon.tolist(), strict=True)] == cells_of(lat, lon).tolist()


def test_the_area_of_a_place_near_an_edge_is_not_always_the_parent_of_its_cell():
    lat, lon = np.random.default_rng(6).uniform([[40.0], [-75.0]], [[41.0], [-74.0]], (2, 5_000))
    found = zip(lat.tolist(), lon.tolist(), cells_of(lat, lon).tolist(), strict=True)
    other = sum(cell_name(area_cell(y, x, 6)) != h3.cell_to_parent(cell_name(cell), 6) for y, x, cell in found)
    assert 0 < other < 500


def test_the_outline_of_a_cell_is_closed_anticlockwise_and_lon_before_lat():
    ring = cell_ring("892a100d2c3ffff")
    assert ring[0] == ring[-1]
    assert [(lat, lon) for lon, lat in ring[:-1]] == list(h3.cell_to_boundary("892a100d2c3ffff"))
    assert sum(x * v - u * y for (x, y), (u, v) in pairwise(ring)) > 0


@pytest.mark.parametrize("name", ["", "8", "zz", "892a100d2c3fffff", "115283473ffffff"])
def test_what_names_no_cell_has_no_outline(name):
    with pytest.raises(ValueError):
        cell_ring(name)
