"""That a cell, drawn in degrees and grown a little, really holds every position H3 puts in it: the cover stands on that."""

import h3.api.basic_int as h3
import numpy as np
import shapely

from geofences.cells import RESOLUTION, cells_of
from geofences.covers import CELL_GROWTH, MAX_COVER_LATITUDE_DEG, PARENT_GROWTH, PARENT_RESOLUTION, _grown_outlines, cover_of
from geofences.fences import Fence


def scattered(count, *, seed):
    """Positions all over what is covered, many of them at its northern rim, where degrees are most crooked."""
    rng = np.random.default_rng(seed)
    share = np.where(rng.random(count) < 0.5, rng.uniform(-1.0, 1.0, count), rng.uniform(0.95, 1.0, count))
    return share * MAX_COVER_LATITUDE_DEG, rng.uniform(-179.0, 179.0, count)


def test_a_grown_cell_holds_its_positions_with_room_to_spare():
    lat, lon = scattered(20_000, seed=1)
    cells = cells_of(lat, lon)
    # Half of the growth is enough: the other half is margin.
    assert np.all(shapely.intersects_xy(_grown_outlines(cells, 1.0 + (CELL_GROWTH - 1.0) / 2.0), lon, lat))


def test_positions_at_the_very_corners_of_cells_lie_in_the_grown_cell():
    lat, lon = scattered(2_000, seed=2)
    corners = np.array([corner for cell in cells_of(lat, lon).tolist() for corner in h3.cell_to_boundary(cell)])
    middles = (corners + np.roll(corners, 1, axis=0)) / 2.0
    near = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1) < 0.2
    for at in (corners, middles[near]):
        owners = cells_of(at[:, 0], at[:, 1])
        assert np.all(shapely.intersects_xy(_grown_outlines(owners, 1.0 + (CELL_GROWTH - 1.0) / 10.0), at[:, 1], at[:, 0]))


def test_a_grown_parent_holds_its_descendants():
    lat, lon = scattered(3_000, seed=3)
    for cell in cells_of(lat, lon).tolist():
        parent = h3.cell_to_parent(cell, PARENT_RESOLUTION)
        children = np.array(h3.cell_to_children(parent, RESOLUTION), dtype=np.uint64)
        grown = _grown_outlines(np.array([parent], dtype=np.uint64), PARENT_GROWTH)
        assert np.all(shapely.contains_properly(grown, _grown_outlines(children, CELL_GROWTH)))


def test_a_cover_flags_only_cells_that_lie_inside():
    fence = Fence("yard", "zone", None, shapely.box(8.0, 47.0, 8.2, 47.15) - shapely.box(8.1, 47.05, 8.1001, 47.0501))
    cover = cover_of(fence)
    assert cover is not None
    assert np.all(np.diff(cover.cells.astype(np.int64)) > 0)
    assert 0.8 < cover.inside.mean() < 0.97
    whole = shapely.contains(fence.geometry, _grown_outlines(cover.cells, 1.0))
    assert np.all(whole[cover.inside])


def test_a_hole_around_the_middle_of_a_cell_does_not_lose_the_rest_of_that_cell():
    # H3's own fill (4.5.0, "overlap") leaves this cell out.
    cell = int(cells_of(np.array([52.5]), np.array([13.4]))[0])
    lat, lon = h3.cell_to_latlng(cell)
    hole = shapely.box(lon - 2e-4, lat - 1e-4, lon + 2e-4, lat + 1e-4)
    cover = cover_of(Fence("yard", "zone", None, shapely.box(lon - 0.03, lat - 0.02, lon + 0.03, lat + 0.02) - hole))
    assert cover is not None
    assert cover.inside[cover.cells == cell].tolist() == [False]


def test_a_hole_smaller_than_a_cell_leaves_that_cell_to_be_asked():
    fence = Fence("yard", "zone", None, shapely.box(8.0, 47.0, 8.2, 47.15) - shapely.box(8.1, 47.05, 8.1001, 47.0501))
    cover = cover_of(fence)
    assert cover is not None
    hole = cells_of(np.array([47.05005]), np.array([8.10005]))[0]
    assert not cover.inside[cover.cells == hole].any()
    assert hole in cover.cells


def test_fences_too_large_or_near_a_pole_or_the_antimeridian_have_no_cover():
    outlines = [
        shapely.box(0, 40, 5, 45),
        shapely.box(0, 84.9, 0.1, 85.1),
        shapely.box(179.5, 0, 179.6, 0.1),
        shapely.box(-180, 0, -179.9, 0.1),
    ]
    assert [cover_of(Fence("far", "zone", None, outline)) for outline in outlines] == [None] * 4
    assert cover_of(Fence("near", "zone", None, shapely.box(179.4, 84.9, 179.5, 85.0))) is not None
