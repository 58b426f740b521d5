"""The index against asking shapely about every fence, wherever on the earth and whatever the fences are."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofences.cells import cells_of
from geofences.fence_files import read_fences
from geofences.fence_index import DuplicateFence, FenceIndex
from geofences.fences import Fence, InvalidFence, fence_of


def box_fence(fence_id, west, south, east, north):
    return Fence(fence_id, "zone", None, shapely.box(west, south, east, north))


def located(index, lat, lon):
    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    return index.locate(cells_of(lat, lon), lat, lon)


def names(index, lat, lon):
    """The fence ids at each position."""
    rows, numbers = located(index, lat, lon)
    return [{index.fence_ids[number] for number in numbers[rows == row]} for row in range(len(lat))]


def assert_equals_brute_force(index, fences, lat, lon):
    """How many pairs there were; a fresh copy of each geometry has nothing prepared."""
    geometries = {fence.fence_id: shapely.from_wkb(shapely.to_wkb(fence.geometry)) for fence in fences}
    inside = np.array([shapely.intersects_xy(geometries[fence_id], lon, lat) for fence_id in index.fence_ids]).T
    rows, numbers = located(index, lat, lon)
    expected_rows, expected_numbers = np.nonzero(inside)
    assert rows.dtype == numbers.dtype == np.int64
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(numbers, expected_numbers)
    return len(rows)


def positions_around(fences, count, rng):
    """Positions across the fences' bounds, and some on and within metres of their edges."""
    geometries = np.array([fence.geometry for fence in fences])
    west, south, east, north = shapely.total_bounds(geometries)
    corners = shapely.get_coordinates(geometries)
    corners = corners[rng.integers(0, len(corners), count)]
    near = corners + rng.normal(0.0, 1e-5, corners.shape)
    lon = np.concatenate([rng.uniform(west, east, count), corners[:, 0], near[:, 0]])
    lat = np.concatenate([rng.uniform(south, north, count), corners[:, 1], near[:, 1]])
    return np.clip(lat, -90.0, 90.0), np.clip(lon, -180.0, 180.0)


@pytest.mark.parametrize("file", ["albany", "austin", "nyc_taxi_zones", "san-francisco"])
def test_the_index_agrees_with_brute_force_in_the_recorded_cities(shared_data, file):
    fences, _ = read_fences((shared_data / "geofences" / f"{file}.geojson").read_bytes())
    lat, lon = positions_around(fences, 8_000, np.random.default_rng(11))
    assert assert_equals_brute_force(FenceIndex(fences), fences, lat, lon) > 8_000


@st.composite
def drawn_fences(draw):
    """One to four overlapping star-shaped outlines with or without a hole, from a metre to some kilometres wide, anywhere."""
    lat = draw(st.floats(-89.0, 89.0))
    lon = draw(st.floats(-179.5, 179.5))
    fences = []
    for number in range(draw(st.integers(1, 4))):
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        reach = 10.0 ** draw(st.floats(-5.0, -1.5))
        rings = [star(rng, lat, lon, reach, draw(st.integers(3, 12)))]
        if draw(st.booleans()):
            rings.append(star(rng, lat, lon, reach * draw(st.floats(0.01, 0.3)), draw(st.integers(3, 6)))[::-1])
        try:
            fences.append(fence_of(f"f{number}", {"type": "Polygon", "coordinates": rings}))
        except InvalidFence:
            continue
    return fences


def star(rng, lat, lon, reach, corners):
    angles = (np.arange(corners) + rng.uniform(0.0, 0.7, corners)) * 2.0 * math.pi / corners
    arms = reach * rng.uniform(0.5, 1.0, corners)
    wide = max(math.cos(math.radians(lat)), 0.02)
    ring = [[lon + r * math.cos(a) / wide, lat + r * math.sin(a)] for a, r in zip(angles.tolist(), arms.tolist(), strict=True)]
    return [*ring, ring[0]]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_fences(), st.integers(0, 2**32))
def test_the_index_agrees_with_brute_force_on_drawn_fences(fences, seed):
    if fences:
        lat, lon = positions_around(fences, 300, np.random.default_rng(seed))
        assert_equals_brute_force(FenceIndex(fences), fences, lat, lon)


def test_a_position_on_an_edge_or_corner_is_in_every_fence_that_meets_there():
    index = FenceIndex(
        [box_fence("a", 0.0, 0.0, 0.01, 0.01), box_fence("east", 0.01, 0.0, 0.02, 0.01), box_fence("north", 0.0, 0.01, 0.01, 0.02)]
    )
    assert names(index, [0.005, 0.01, 0.01], [0.01, 0.005, 0.01]) == [{"a", "east"}, {"a", "north"}, {"a", "east", "north"}]


def test_the_edge_of_a_hole_is_inside_and_the_hole_is_not():
    ring = shapely.box(10.0, 50.0, 10.1, 50.1) - shapely.box(10.04, 50.04, 10.06, 50.06)
    index = FenceIndex([Fence("ring", "zone", None, ring)])
    assert names(index, [50.05, 50.04, 50.02], [10.05, 10.05, 10.05]) == [set(), {"ring"}, {"ring"}]


def test_a_fence_smaller_than_a_cell_is_found():
    index = FenceIndex([box_fence("door", 13.4, 52.5, 13.40001, 52.50001)])
    assert names(index, [52.500005, 52.50002], [13.400005, 13.4]) == [{"door"}, set()]


def test_a_country_is_covered_with_large_cells_and_exact():
    fences = [
        box_fence("country", -10.0, 40.0, 5.0, 52.0),
        box_fence("town", 0.0, 45.0, 0.1, 45.1),
        box_fence("abroad", 20.0, 40.0, 30.0, 50.0),
    ]
    index = FenceIndex(fences)
    rng = np.random.default_rng(5)
    lat = np.concatenate([rng.uniform(38.0, 54.0, 2_000), rng.uniform(44.95, 45.15, 2_000), [40.0, 52.0]])
    lon = np.concatenate([rng.uniform(-12.0, 32.0, 2_000), rng.uniform(-0.05, 0.15, 2_000), [5.0, -10.0]])
    assert assert_equals_brute_force(index, fences, lat, lon) > 2_000


def test_fences_at_the_poles_and_at_the_antimeridian_are_exact():
    halves = shapely.MultiPolygon([shapely.box(179.99, -17.0, 180.0, -16.9), shapely.box(-180.0, -17.0, -179.99, -16.9)])
    fences = [
        box_fence("pole", 0.0, 89.99, 90.0, 90.0),
        Fence("fiji", "zone", None, halves),
        box_fence("svalbard", 15.0, 84.99, 15.2, 85.01),
        *(box_fence(f"east-{east}", east - 0.3, 84.9, east, 84.95) for east in (179.5, 179.9, 179.99)),
    ]
    index = FenceIndex(fences)
    assert names(index, [89.995, 89.995, -16.95, -16.95, -16.95], [45.0, -45.0, 179.995, -179.995, 0.0]) == [
        {"pole"},
        set(),
        {"fiji"},
        {"fiji"},
        set(),
    ]
    rng = np.random.default_rng(6)
    lat = np.concatenate([rng.uniform(84.98, 85.02, 500), rng.uniform(-17.05, -16.85, 500), rng.uniform(84.89, 84.96, 2_000)])
    lon = np.concatenate([rng.uniform(14.95, 15.25, 500), rng.uniform(179.98, 180.0, 500), rng.uniform(179.1, 180.0, 2_000)])
    lon[500::2] *= -1.0
    lon[1_000:] = np.abs(lon[1_000:])
    assert assert_equals_brute_force(index, fences, lat, lon) > 100


def test_an_index_without_fences_and_a_batch_without_rows_answer_nothing():
    for index in (FenceIndex([]), FenceIndex([box_fence("a", 0, 0, 1, 1)]), FenceIndex([box_fence("country", 0, 0, 20, 20)])):
        rows, numbers = located(index, [], [])
        assert rows.shape == numbers.shape == (0,)
    rows, numbers = located(FenceIndex([]), [1.0, 2.0], [1.0, 2.0])
    assert rows.shape == numbers.shape == (0,)


def test_fence_numbers_do_not_depend_on_the_order_fences_came_in():
    fences = [box_fence(fence_id, 0.0, 0.0, 0.1, 0.1) for fence_id in ("b", "a", "c")]
    one, other = FenceIndex(fences), FenceIndex(fences[::-1])
    assert one.fence_ids == other.fence_ids == ["a", "b", "c"]
    assert [column.tolist() for column in located(one, [0.05, 0.05], [0.05, 0.5])] == [[0, 0, 0], [0, 1, 2]]


def test_an_id_given_twice_is_refused():
    with pytest.raises(DuplicateFence, match="'a' is given twice"):
        FenceIndex([box_fence("a", 0, 0, 1, 1), box_fence("a", 2, 2, 3, 3)])


def test_an_index_made_from_an_earlier_one_answers_like_a_new_one():
    before = [box_fence("kept", 0.0, 0.0, 0.1, 0.1), box_fence("moved", 0.0, 0.0, 0.1, 0.1), box_fence("gone", 0.0, 0.0, 0.1, 0.1)]
    after = [box_fence("kept", 0.0, 0.0, 0.1, 0.1), box_fence("moved", 0.05, 0.05, 0.15, 0.15), box_fence("new", 0.0, 0.1, 0.1, 0.2)]
    index = FenceIndex(after, earlier=FenceIndex(before))
    lat, lon = positions_around(before + after, 1_000, np.random.default_rng(9))
    assert_equals_brute_force(index, after, lat, lon)
    for mine, fresh in zip(located(index, lat, lon), located(FenceIndex(after), lat, lon), strict=True):
        np.testing.assert_array_equal(mine, fresh)


def test_outlines_that_stay_are_taken_from_the_earlier_index_and_moved_ones_are_not():
    kept, moved = box_fence("kept", 0.0, 0.0, 0.1, 0.1), box_fence("moved", 0.0, 0.0, 0.1, 0.1)
    before = FenceIndex([kept, moved])
    assert names(before, [0.05, 0.15], [0.05, 0.05]) == [{"kept", "moved"}, set()]
    after = FenceIndex([box_fence("kept", 0.0, 0.0, 0.1, 0.1), box_fence("moved", 0.0, 0.0, 0.1, 0.2)], earlier=before)
    assert after._known.tables.outlines[0] is before._known.tables.outlines[0]
    assert names(after, [0.05, 0.15], [0.05, 0.05]) == [{"kept", "moved"}, {"moved"}]


ANYWHERE = ((0.0, 0.0), (52.5, 13.4), (-17.0, 179.9), (-17.0, -179.999), (84.95, 20.0), (45.0, -100.0))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 40), st.booleans()), max_size=12), st.integers(0, 2**32))
def test_fences_put_and_removed_one_by_one_leave_the_index_of_those_that_remain(changes, seed):
    fences, index = {}, FenceIndex([])
    for fence_id, shape, is_put in changes:
        lat, lon = ANYWHERE[shape % len(ANYWHERE)]
        drawn = {"type": "Point", "coordinates": [lon + shape / 1e3 if lon < 100.0 else lon, lat]}
        fences |= {fence_id: fence_of(fence_id, drawn, radius_m=50.0 * 1.2**shape)} if is_put else {}
        if not is_put:
            fences.pop(fence_id, None)
        index = FenceIndex(fences.values(), index)
    fresh = FenceIndex(fences.values())
    assert index.fence_ids == fresh.fence_ids
    if fences:
        lat, lon = positions_around(list(fences.values()), 60, np.random.default_rng(seed))
        paths = lat, lon, np.clip(np.roll(lat, 1), lat - 0.02, lat + 0.02), np.clip(np.roll(lon, 1), lon - 0.02, lon + 0.02)
        assert_equals_brute_force(index, list(fences.values()), lat, lon)
        for one, other in zip(index.crossed(*paths), fresh.crossed(*paths), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_batch_cut_in_pieces_is_located_the_same():
    fences = [box_fence("town", 0.0, 0.0, 0.1, 0.1), box_fence("country", -5.0, -5.0, 5.0, 5.0)]
    index = FenceIndex(fences)
    rng = np.random.default_rng(8)
    lat, lon = rng.uniform(-0.1, 0.2, 300), rng.uniform(-0.1, 0.2, 300)
    rows, numbers = located(index, lat, lon)
    pieces = [(start, located(index, lat[start : start + 7], lon[start : start + 7])) for start in range(0, 300, 7)]
    np.testing.assert_array_equal(rows, np.concatenate([start + piece[0] for start, piece in pieces]))
    np.testing.assert_array_equal(numbers, np.concatenate([piece[1] for _, piece in pieces]))


def test_an_index_that_was_never_asked_leaves_no_trace_in_those_after_it():
    first = FenceIndex([box_fence("a", 0.0, 0.0, 0.1, 0.1)])
    assert names(first, [0.05], [0.05]) == [{"a"}]
    index = first
    for number in range(50):
        index = FenceIndex([*index._given, box_fence(f"b{number:02d}", 0.0, 0.0, 0.1, 0.1)], index)
        assert index._earlier is first
    assert names(index, [0.05], [0.05]) == [{"a", *(f"b{number:02d}" for number in range(50))}]
    assert index._known.tables.outlines[0] is first._known.tables.outlines[0]
    assert index._earlier is None
