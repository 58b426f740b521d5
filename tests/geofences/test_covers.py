"""That a cell, drawn in degrees and grown a little, really holds every position H3 puts in it: covers stand on that."""

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from geofences.cells import RESOLUTION, cells_of
from geofences.covers import (
    CELL_GROWTH,
    COARSEST,
    LEVELS,
    MAX_COVER_LATITUDE_DEG,
    PARENT_GROWTH,
    _grown_outlines,
    at_level,
    covers_of,
    levels_of,
)


def scattered(count, *, seed):
    """Positions all over what is covered, many of them at its northern rim, where degrees are most crooked."""
    rng = np.random.default_rng(seed)
    share = np.where(rng.random(count) < 0.5, rng.uniform(-1.0, 1.0, count), rng.uniform(0.95, 1.0, count))
    return share * MAX_COVER_LATITUDE_DEG, rng.uniform(-170.0, 170.0, count)


def covers(*outlines):
    fences = np.array([*outlines, None], dtype=np.object_)[:-1]
    shapely.prepare(fences)
    return covers_of(fences)


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


@pytest.mark.parametrize("resolution", range(COARSEST, RESOLUTION))
def test_a_grown_cell_holds_its_descendants_of_every_generation(resolution):
    lat, lon = scattered(1_500, seed=3)
    cells = at_level(cells_of(lat, lon), resolution)
    rim = [min(set(h3.cell_to_children(cell, resolution + 1)) - {h3.cell_to_center_child(cell, resolution + 1)}) for cell in cells.tolist()]
    while h3.get_resolution(rim[0]) < RESOLUTION:  # the child that is furthest out, again and again
        rim = [furthest(child, cell) for child, cell in zip(rim, cells.tolist(), strict=True)]
    rim = np.concatenate([cells_of(lat, lon), np.array(rim, dtype=np.uint64)])
    grown = _grown_outlines(np.concatenate([cells, cells]), PARENT_GROWTH)
    assert np.all(shapely.contains_properly(grown, _grown_outlines(rim, CELL_GROWTH)))


def furthest(cell, ancestor):
    lat, lon = h3.cell_to_latlng(ancestor)
    return max(h3.cell_to_children(cell), key=lambda child: h3.great_circle_distance(h3.cell_to_latlng(child), (lat, lon)))


@pytest.mark.parametrize("level", LEVELS)
def test_an_ancestor_by_bits_is_the_one_that_h3_names(level):
    cells = cells_of(*scattered(500, seed=4))
    assert at_level(cells, level).tolist() == [h3.cell_to_parent(cell, level) for cell in cells.tolist()]
    assert levels_of(at_level(cells, level)) == (level,)


def test_a_cover_flags_only_cells_that_lie_inside():
    outline = shapely.box(8.0, 47.0, 8.2, 47.15) - shapely.box(8.1, 47.05, 8.1001, 47.0501)
    cover = covers(outline)
    assert levels_of(cover.cells) == (7, 9)
    assert 0.3 < cover.inside.mean() < 0.97
    whole = shapely.contains(outline, _grown_outlines(cover.cells, 1.0))
    assert np.all(whole[cover.inside])
    assert len(set(cover.cells.tolist())) == len(cover.cells)


def test_a_region_is_covered_with_few_cells_and_each_place_by_one_of_them():
    cover = covers(shapely.box(0.0, 45.0, 1.5, 46.0))
    assert levels_of(cover.cells) == LEVELS
    assert len(cover.cells) < 15_000  # of 120,000 of the finest
    rng = np.random.default_rng(5)
    cells = cells_of(rng.uniform(45.0, 46.0, 3_000), rng.uniform(0.0, 1.5, 3_000))
    assert np.all(sum(np.isin(at_level(cells, level), cover.cells).astype(int) for level in LEVELS) == 1)


def test_a_hole_around_the_middle_of_a_cell_does_not_lose_the_rest_of_that_cell():
    # H3's own fill (4.5.0, "overlap") leaves this cell out.
    cell = int(cells_of(np.array([52.5]), np.array([13.4]))[0])
    lat, lon = h3.cell_to_latlng(cell)
    hole = shapely.box(lon - 2e-4, lat - 1e-4, lon + 2e-4, lat + 1e-4)
    cover = covers(shapely.box(lon - 0.03, lat - 0.02, lon + 0.03, lat + 0.02) - hole)
    assert cover.inside[cover.cells == cell].tolist() == [False]


def test_a_hole_smaller_than_a_cell_leaves_that_cell_to_be_asked():
    cover = covers(shapely.box(8.0, 47.0, 8.2, 47.15) - shapely.box(8.1, 47.05, 8.1001, 47.0501))
    hole = cells_of(np.array([47.05005]), np.array([8.10005]))[0]
    assert not cover.inside[cover.cells == hole].any()
    assert hole in cover.cells


def test_fences_covered_together_have_the_covers_they_have_alone():
    outlines = [shapely.Point(13.4 + i / 100, 52.5).buffer(0.002 * 3**i) for i in range(6)]
    together = covers(*outlines)
    for number, outline in enumerate(outlines):
        alone, mine = covers(outline), together.numbers == number
        both = [sorted(zip(cells.tolist(), inside.tolist(), strict=True)) for cells, inside in (
            (alone.cells, alone.inside), (together.cells[mine], together.inside[mine]))]  # fmt: skip
        assert both[0] == both[1]


def test_the_larger_a_fence_the_larger_the_cells_along_its_edges():
    state, country = shapely.box(0.0, 40.0, 3.0, 43.0), shapely.box(0.0, 40.0, 30.0, 60.0)
    for outline, finest in ((state, 7), (country, 5)):
        cover = covers(outline)
        assert max(levels_of(cover.cells)) == finest
        assert len(cover.cells) < 30_000
        assert np.all(shapely.contains(outline, _grown_outlines(cover.cells, 1.0))[cover.inside])


def test_fences_longer_than_a_country_or_near_a_pole_or_the_antimeridian_have_no_cover():
    comb = shapely.union_all([shapely.box(0.0, lat, 30.0, lat + 0.02) for lat in np.arange(40.0, 50.0, 0.04).tolist()])
    far = [comb, shapely.box(0, 84.9, 0.1, 85.1), shapely.box(179.5, 0, 179.6, 0.1), shapely.box(-180, 0, -179.9, 0.1)]
    near = covers(*far, shapely.box(179.4, 84.9, 179.5, 85.0))
    assert near.uncovered.tolist() == [0, 1, 2, 3]
    assert set(near.numbers.tolist()) == {4}
