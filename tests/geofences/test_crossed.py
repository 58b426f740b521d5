"""Fences between two fixes, and how far off a fence is: against shapely and distances on the sphere."""

import math

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geofences.cells import cells_of
from geofences.edge_grid import GRID_LAT_DEG, MOST_PATH_PIECES
from geofences.edges import EDGES_AT_ONCE, edges_of
from geofences.fence_index import FenceIndex
from geofences.fences import Fence, fence_of
from geofences.positions import METRES_PER_DEGREE, distance_m


def circle(fence_id, lon, lat, radius_m):
    return fence_of(fence_id, {"type": "Point", "coordinates": [lon, lat]}, radius_m=radius_m)


def turned(lon):
    return (lon + 180.0) % 360.0 - 180.0


def expected(index, fences, lat0, lon0, lat1, lon1, around):
    """Pairs by shapely, with longitudes counted on from `around` so that nothing is cut there."""
    x0, x1 = (around + turned(lon - around) for lon in (lon0, lon1))
    lines = shapely.linestrings(np.stack([x0, lat0, x1, lat1], axis=1).reshape(-1, 2, 2))
    pairs = set()
    for fence in fences:
        whole = shapely.union_all([shapely.transform(part, lambda at: np.column_stack([around + turned(at[:, 0] - around), at[:, 1]]))
                                   for part in parts_off(fence.geometry)])  # fmt: skip
        ends = shapely.intersects_xy(fence.geometry, lon0, lat0) | shapely.intersects_xy(fence.geometry, lon1, lat1)
        hits = np.flatnonzero(shapely.intersects(whole, lines) & ~ends)
        pairs |= {(row, index.fence_ids.index(fence.fence_id)) for row in hits.tolist()}
    return pairs


def parts_off(geometry):
    """The parts of an area, moved off the antimeridian by less than a millimetre so that both its sides stay on their side."""
    off = 180.0 - 1e-9
    return shapely.get_parts(shapely.transform(geometry, lambda at: np.column_stack([np.clip(at[:, 0], -off, off), at[:, 1]])))


@settings(max_examples=60)
@given(st.floats(-80.0, 80.0), st.sampled_from([0.0, 13.4, 179.995, -179.999, 180.0, -97.0]), st.floats(0.001, 0.3), st.integers(0, 2**32))
def test_every_fence_that_a_path_runs_through_is_found_wherever_it_is(lat, lon, reach, seed):
    rng = np.random.default_rng(seed)
    wide = math.cos(math.radians(lat))
    places = rng.uniform(-reach, reach, (12, 2))
    fences = [circle(f"f{i}", turned(lon + x / wide), lat + y, 10.0 ** rng.uniform(1.0, 4.0)) for i, (x, y) in enumerate(places.tolist())]
    index = FenceIndex(fences)
    lat0, lat1 = lat + rng.uniform(-reach, reach, (2, 150))
    lon0, lon1 = turned(lon + rng.uniform(-reach, reach, (2, 150)) / wide)
    near = rng.random(150) < 0.5
    lat1, lon1 = np.where(near, lat0 + (lat1 - lat) / 50.0, lat1), np.where(near, turned(lon0 + turned(lon1 - lon) / 50.0), lon1)
    rows, numbers, enters, leaves = index.crossed(lat0, lon0, lat1, lon1)
    assert set(zip(rows.tolist(), numbers.tolist(), strict=True)) == expected(index, fences, lat0, lon0, lat1, lon1, lon)
    assert np.all((enters >= 0.0) & (enters <= leaves) & (leaves <= 1.0))
    order = rows * len(fences) + numbers
    assert np.all(np.diff(order) > 0)
    # At both fractions the path is on the edge.
    for share in (enters, leaves):
        there = lat0[rows] + share * (lat1 - lat0)[rows], turned(lon0[rows] + share * turned(lon1 - lon0)[rows])
        assert np.all(index.edge_m(numbers, *there) < 0.01)


def test_a_path_through_a_circle_is_told_where_it_comes_in_and_goes_out():
    index = FenceIndex([circle("yard", 13.4, 52.5, 100.0)])
    step = 1_000.0 / METRES_PER_DEGREE
    rows, numbers, enters, leaves = index.crossed(*(np.array([value]) for value in (52.5 - step, 13.4, 52.5 + step, 13.4)))
    assert (rows.tolist(), numbers.tolist()) == ([0], [0])
    assert [enters[0], leaves[0]] == pytest.approx([0.45, 0.55], abs=1e-6)


def test_a_path_that_begins_or_ends_inside_does_not_run_through():
    index = FenceIndex([circle("yard", 13.4, 52.5, 100.0)])
    off = np.array([-1_000.0, 0.0, 0.0, -1_000.0, 500.0]) / METRES_PER_DEGREE
    on = np.array([0.0, 1_000.0, 10.0, 1_000.0, 1_000.0]) / METRES_PER_DEGREE
    lon = np.full(5, 13.4)
    assert index.crossed(52.5 + off, lon, 52.5 + on, lon)[0].tolist() == [3]
    first, last = index.edge_crossings(np.zeros(5, dtype=np.int64), 52.5 + off, lon, 52.5 + on, lon)
    assert first.tolist() == pytest.approx([0.9, 0.1, math.nan, 0.45, math.nan], abs=1e-6, nan_ok=True)
    assert last.tolist() == pytest.approx([0.9, 0.1, math.nan, 0.55, math.nan], abs=1e-6, nan_ok=True)


def test_a_hole_and_several_parts_are_told_from_the_first_entry_to_the_last_exit():
    ring = shapely.box(0.0, 0.0, 0.01, 0.01) - shapely.box(0.004, 0.004, 0.006, 0.006)
    parts = shapely.MultiPolygon([ring, shapely.box(0.02, 0.0, 0.021, 0.01)])
    index = FenceIndex([Fence("ring", "zone", None, parts)])
    through = (np.array([0.005, 0.005]), np.array([-0.01, 0.0045]), np.array([0.005, 0.005]), np.array([0.03, 0.0055]))
    rows, _, enters, leaves = index.crossed(*through)
    assert rows.tolist() == [0]  # the second path stays in the hole
    assert [enters[0], leaves[0]] == pytest.approx([0.25, 0.775])
    assert index.outside_m(np.array([0]), np.array([0.005]), np.array([0.005]))[0] == pytest.approx(0.001 * METRES_PER_DEGREE, rel=1e-6)


def test_long_paths_and_sprawling_fences_are_found_too():
    ladder = shapely.box(0.0, 40.0, 80.0, 60.0) - shapely.union_all(
        [shapely.box(0.1, lat, 79.9, lat + 0.4) for lat in np.arange(40.1, 59.0, 0.5)]
    )
    fences = [Fence("sprawl", "zone", None, ladder), circle("yard", 13.4, 52.5, 100.0)]
    index = FenceIndex(fences)
    assert len(index._known.tables.sprawl) == 1
    step = 2.0 * MOST_PATH_PIECES * GRID_LAT_DEG
    lat0, lat1 = np.array([52.5 - step, 52.45, 39.0]), np.array([52.5 + step, 52.55, 61.0])
    rows, numbers, _, _ = index.crossed(lat0, np.full(3, 13.4), lat1, np.full(3, 13.4))
    pairs = [(row, index.fence_ids[number]) for row, number in zip(rows.tolist(), numbers.tolist(), strict=True)]
    assert pairs == [(row, fence_id) for row, fence_id in (
        (0, "sprawl"), (0, "yard"), (1, "yard"), (2, "sprawl"), (2, "yard")) if (row, fence_id) in set(pairs)]  # fmt: skip
    assert {(0, "yard"), (1, "yard"), (2, "yard"), (2, "sprawl")} <= set(pairs)


@given(
    st.floats(-75.0, 75.0),
    st.sampled_from([0.0, 13.4, 179.999, -97.0]),
    st.floats(10.0, 1_000.0),
    st.floats(0.0, 360.0),
    st.floats(0.0, 3_000.0),
)
def test_who_is_outside_a_circle_is_as_far_off_as_the_centre_less_the_radius(lat, lon, radius_m, bearing, off_m):
    index = FenceIndex([circle("yard", lon, lat, radius_m)])
    north, east = off_m * math.cos(math.radians(bearing)), off_m * math.sin(math.radians(bearing))
    at_lat = np.array([lat + north / METRES_PER_DEGREE])
    at_lon = turned(np.array([lon + east / METRES_PER_DEGREE / math.cos(math.radians(lat))]))
    beyond = float(distance_m(lat, lon, at_lat, at_lon)[0]) - radius_m
    outside = float(index.outside_m(np.array([0]), at_lat, at_lon)[0])
    assert outside == pytest.approx(max(beyond, 0.0), abs=1.0 + 0.003 * abs(beyond))
    assert (outside == 0.0) or beyond > -0.6 - 0.006 * radius_m


def test_pairs_cut_in_pieces_have_the_same_bits_however_many_edges_they_have():
    rng = np.random.default_rng(7)
    many = Fence("many", "zone", None, shapely.Point(13.4, 52.5).buffer(0.01, quad_segs=EDGES_AT_ONCE // 8))
    fences = [many, *(circle(f"f{i}", 13.4 + i / 100, 52.5, 300.0) for i in range(5))]
    index = FenceIndex(fences)
    numbers = rng.integers(0, 6, 24)
    lat0, lat1 = rng.uniform(52.48, 52.52, (2, 24))
    lon0, lon1 = rng.uniform(13.38, 13.46, (2, 24))
    whole = index.outside_m(numbers, lat0, lon0), *index.edge_crossings(numbers, lat0, lon0, lat1, lon1)
    for row in range(24):
        here = slice(row, row + 1)
        alone = (
            index.outside_m(numbers[here], lat0[here], lon0[here]),
            *index.edge_crossings(*(c[here] for c in (numbers, lat0, lon0, lat1, lon1))),
        )
        assert [column[row].tobytes() for column in whole] == [column.tobytes() for column in alone]


def test_nothing_asked_is_nothing_answered():
    none, places = np.empty(0), np.empty(0, dtype=np.int64)
    for index in (FenceIndex([]), FenceIndex([circle("yard", 13.4, 52.5, 100.0)])):
        assert [len(column) for column in index.crossed(none, none, none, none)] == [0, 0, 0, 0]
        assert len(index.outside_m(places, none, none)) == 0
        assert [len(column) for column in index.edge_crossings(places, none, none, none, none)] == [0, 0]
    assert FenceIndex([]).crossed(*(np.array([1.0]) for _ in range(4)))[0].tolist() == []
    assert edges_of(np.array([shapely.box(0, 0, 1, 1)])).edges.shape == (4, 4)


@settings(max_examples=60)
@given(st.floats(-80.0, 80.0), st.sampled_from([0.0, 13.4, 179.995, -179.999, -97.0]), st.integers(0, 2**32))
def test_what_is_beside_a_short_path_is_all_that_can_be_different_at_its_end(lat, lon, seed):
    rng = np.random.default_rng(seed)
    wide = math.cos(math.radians(lat))
    places = rng.uniform(-0.02, 0.02, (15, 2))
    fences = [circle(f"f{i}", turned(lon + x / wide), lat + y, 10.0 ** rng.uniform(1.0, 4.0)) for i, (x, y) in enumerate(places.tolist())]
    index = FenceIndex(fences)
    lat0, lon0 = lat + rng.uniform(-0.02, 0.02, 200), turned(lon + rng.uniform(-0.02, 0.02, 200) / wide)
    lat1, lon1 = lat0 + rng.uniform(-0.002, 0.002, 200), turned(lon0 + rng.uniform(-0.004, 0.004, 200))
    short = index.is_short(np.stack([lon0, lat0]), np.stack([lon1, lat1]))
    paths = [column[short] for column in (lat0, lon0, lat1, lon1)]
    starts, ends = ({*zip(*(c.tolist() for c in index.locate(cells_of(*at), *at)), strict=True)} for at in (paths[:2], paths[2:]))
    rows, numbers, _, _ = index.met(*paths)
    found = index.beside(np.stack(paths[1::-1]), np.stack(paths[:1:-1]))
    pairs = list(zip(found.rows.tolist(), found.numbers.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert {pair for pair, at in zip(pairs, found.first.tolist(), strict=True) if at == at} == {
        *zip(rows.tolist(), numbers.tolist(), strict=True)
    }
    assert {pair for pair, inside in zip(pairs, found.inside.tolist(), strict=True) if inside} == ends & set(pairs)
    assert ends - set(pairs) == starts - set(pairs)


CORNERS = st.tuples(st.integers(0, 8), st.integers(0, 8))


@settings(max_examples=150)
@given(st.lists(CORNERS, min_size=3, max_size=9, unique=True), st.booleans(), st.sampled_from([1.0, 0.3, 0.1]), st.floats(-80.0, 80.0))
def test_a_path_that_ends_on_a_corner_or_an_edge_ends_inside(corners, holed, size, lat):
    # On a coarse lattice, most positions lie on a line through two corners.
    size /= 4_000.0
    drawn = shapely.MultiPoint([(13.4 + x * size, lat + y * size) for x, y in corners]).convex_hull
    assume(drawn.area > 0.1 * size**2)  # three in a row make none, or by rounding a splinter
    shape = drawn - shapely.affinity.scale(drawn, 0.5, 0.5) if holed else drawn
    index = FenceIndex([Fence("one", "zone", None, shape), Fence("many", "zone", None, shape.segmentize(size / 30.0))])
    lattice = np.array([(13.4 + x * size / 2.0, lat + y * size / 2.0) for x in range(-1, 18) for y in range(-1, 18)]).T
    for known in (index, FenceIndex([Fence("one", "zone", None, shape)])):
        found = known.beside(np.roll(lattice, 7, axis=1) + size / 9.0, lattice)
        outlines = [index._known.tables.outlines[index.fence_ids.index(known.fence_ids[number])] for number in found.numbers.tolist()]
        assert found.inside.tolist() == shapely.intersects_xy(outlines, *lattice[:, found.rows]).tolist()


@settings(max_examples=40)
@given(st.floats(-80.0, 80.0), st.floats(-179.9, 179.9), st.integers(0, 2**32))
def test_what_is_clear_around_a_position_holds_no_edge(lat, lon, seed):
    rng = np.random.default_rng(seed)
    fences = [
        circle(f"f{i}", lon + rng.uniform(-0.02, 0.02), lat + rng.uniform(-0.02, 0.02), 10.0 ** rng.uniform(1.0, 4.0)) for i in range(8)
    ]
    lats, lons = lat + rng.uniform(-0.02, 0.02, 100), lon + rng.uniform(-0.02, 0.02, 100)
    index, at = FenceIndex(fences), np.stack([lons, lats])
    edges = shapely.union_all([fence.geometry.boundary for fence in fences])
    boxes, wider = index.clear(lats, lons), index.beside(at, at).boxes
    assert not (np.isnan(wider) & ~np.isnan(boxes)).any()
    for west, south, east, north in (found[:, ~np.isnan(found[0])] for found in (boxes, wider)):
        assert not shapely.intersects(shapely.box(west, south, east, north), edges).any()
    for found in (boxes, wider):
        known = ~np.isnan(found[0])
        assert ((found[:2] < at) & (at < found[2:]))[:, known].all()


def test_where_a_fence_is_larger_than_countries_nothing_is_known_to_be_clear():
    at = np.array([52.6]), np.array([13.4])
    yard, large = circle("yard", 13.4, 52.5, 100.0), Fence("large", "zone", None, shapely.box(-170.0, -60.0, 170.0, 60.0))
    for fences, known in (([yard], True), ([yard, large], False)):
        index = FenceIndex(fences)
        assert np.isfinite(index.clear(*at)).all() == index.is_short(np.stack(at), np.stack(at)).all() == known
