"""Distances against known ones and their laws; crossings of a circle against walking the path in small steps."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geofences.positions import EARTH_RADIUS_M, METRES_PER_DEGREE, bearing_deg, distance_m, entry_fraction, exit_fraction

LATITUDES = st.floats(-90.0, 90.0)
LONGITUDES = st.floats(-180.0, 180.0)
STEPS = 20_001


def columns(count: int, *, seed: int = 7) -> list[NDArray[np.float64]]:
    """Two positions and a stop near the path between them, for each of count rows; some across the antimeridian."""
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(-70.0, 70.0, count), rng.choice([-180.0, -74.0, 0.0, 179.999], count)
    near = [rng.uniform(-0.01, 0.01, count) for _ in range(4)]
    wrapped = [(lon + shift + 180.0) % 360.0 - 180.0 for shift in near[2:]]
    return [lat + near[0], wrapped[0], lat + near[1], wrapped[1], lat, lon, rng.uniform(20.0, 900.0, count)]


def walked(row: list[float]) -> tuple[float, float]:
    """(entry, exit) of one path by looking at STEPS points of it, in the plane the functions describe."""
    lat0, lon0, lat1, lon1, lat, lon, radius_m = row
    t = np.linspace(0.0, 1.0, STEPS)
    east = [math.remainder(end - lon, 360.0) * math.cos(math.radians(lat)) * METRES_PER_DEGREE for end in (lon0, lon1)]
    north = [(end - lat) * METRES_PER_DEGREE for end in (lat0, lat1)]
    x, y = east[0] + t * (east[1] - east[0]), north[0] + t * (north[1] - north[0])
    inside = np.flatnonzero(np.hypot(x, y) <= radius_m)
    if len(inside) == 0:
        return math.nan, math.nan
    return float(t[inside[0]]), math.nan if inside[-1] == STEPS - 1 else float(t[inside[-1]])


def test_a_degree_along_the_equator_and_along_a_meridian_is_111195_m():
    assert abs(METRES_PER_DEGREE - 111_195.08) < 0.01
    assert distance_m(0.0, 10.0, 0.0, 11.0) == pytest.approx(METRES_PER_DEGREE, rel=1e-12)
    assert distance_m(44.5, 10.0, 45.5, 10.0) == pytest.approx(METRES_PER_DEGREE, rel=1e-12)


def test_new_york_to_london_is_5570_km_and_starts_north_east():
    assert distance_m(40.7128, -74.0060, 51.5074, -0.1278) == pytest.approx(5_570_222, abs=500)
    assert bearing_deg(40.7128, -74.0060, 51.5074, -0.1278) == pytest.approx(51.21, abs=0.01)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_distance_is_the_same_both_ways_and_at_most_half_round_the_earth(lat1, lon1, lat2, lon2):
    there, back = float(distance_m(lat1, lon1, lat2, lon2)), float(distance_m(lat2, lon2, lat1, lon1))
    assert there == pytest.approx(back, rel=1e-12, abs=1e-9)
    assert 0.0 <= there <= math.pi * EARTH_RADIUS_M
    assert distance_m(lat1, lon1, lat1, lon1) == 0.0


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_no_detour_is_shorter(lat1, lon1, lat2, lon2, lat3, lon3):
    direct = distance_m(lat1, lon1, lat3, lon3)
    assert direct <= distance_m(lat1, lon1, lat2, lon2) + distance_m(lat2, lon2, lat3, lon3) + 0.2


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_distance_agrees_with_the_angle_between_two_vectors(lat1, lon1, lat2, lon2):
    vectors = [
        np.array([math.cos(p) * math.cos(q), math.cos(p) * math.sin(q), math.sin(p)])
        for p, q in ((math.radians(lat1), math.radians(lon1)), (math.radians(lat2), math.radians(lon2)))
    ]
    angle = math.atan2(float(np.linalg.norm(np.cross(*vectors))), float(np.dot(*vectors)))
    assert distance_m(lat1, lon1, lat2, lon2) == pytest.approx(angle * EARTH_RADIUS_M, abs=0.2)


def test_both_sides_of_the_antimeridian_are_neighbours():
    assert distance_m(0.0, 179.9, 0.0, -179.9) == pytest.approx(0.2 * METRES_PER_DEGREE, rel=1e-9)
    assert distance_m(12.0, 180.0, 12.0, -180.0) == 0.0
    assert bearing_deg(0.0, 179.9, 0.0, -179.9) == pytest.approx(90.0)
    assert entry_fraction(0.0, 179.99, 0.0, -179.99, 0.0, 180.0, 200.0) == pytest.approx(0.5 - 200.0 / (0.02 * METRES_PER_DEGREE))
    assert exit_fraction(0.0, -179.99, 0.0, 179.99, 0.0, 180.0, 200.0) == pytest.approx(0.5 + 200.0 / (0.02 * METRES_PER_DEGREE))


def test_a_path_on_the_far_side_of_the_earth_does_not_cross_the_stop():
    assert np.isnan(entry_fraction(0.0, 179.0, 0.0, -179.0, 0.0, 0.0, 5_000.0))
    assert np.isnan(exit_fraction(0.0, 179.0, 0.0, -179.0, 0.0, 0.0, 5_000.0))


def test_antipodes_are_half_round_the_earth_though_the_haversine_rounds_above_one():
    assert distance_m(-82.62476569148495, -43.6348285657198, 82.62476569148495, 136.3651714342802) == math.pi * EARTH_RADIUS_M


@pytest.mark.parametrize(("lat", "lon", "bearing"), [(1.0, 0.0, 0.0), (0.0, 1.0, 90.0), (-1.0, 0.0, 180.0), (0.0, -1.0, 270.0)])
def test_the_four_directions(lat, lon, bearing):
    assert bearing_deg(0.0, 0.0, lat, lon) == pytest.approx(bearing, abs=1e-12)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_bearing_is_never_360(lat1, lon1, lat2, lon2):
    assert 0.0 <= bearing_deg(lat1, lon1, lat2, lon2) < 360.0
    assert 0.0 <= bearing_deg(lat1, lon1, lat1 + 1e-9, lon1 - 1e-300) < 360.0


def test_a_bearing_to_the_same_position_is_north():
    assert bearing_deg(52.5, 13.4, 52.5, 13.4) == 0.0


def test_entry_and_exit_agree_with_walking_the_path():
    rows = columns(1_000)
    entries, exits = entry_fraction(*rows), exit_fraction(*rows)
    expected = np.array([walked([float(column[i]) for column in rows]) for i in range(1_000)])
    for found, seen in ((entries, expected[:, 0]), (exits, expected[:, 1])):
        # A path may graze the circle for less than one step of the walk.
        differing = np.isnan(found) != np.isnan(seen)
        assert np.all(np.isnan(seen[differing]))
        assert np.all((exits - entries)[differing] < 1.0 / (STEPS - 1))
        both = ~np.isnan(found) & ~np.isnan(seen)
        assert both.sum() > 200
        assert np.abs(found[both] - seen[both]).max() <= 1.0 / (STEPS - 1)


def test_a_path_through_the_stop_enters_and_leaves_symmetrically():
    reach = 500.0 / METRES_PER_DEGREE
    assert entry_fraction(10.0 - reach, 5.0, 10.0 + reach, 5.0, 10.0, 5.0, 100.0) == pytest.approx(0.4)
    assert exit_fraction(10.0 - reach, 5.0, 10.0 + reach, 5.0, 10.0, 5.0, 100.0) == pytest.approx(0.6)


@pytest.mark.parametrize("lat", [0.0, -45.0, 70.0])
def test_the_circle_is_the_one_distance_m_means_within_one_part_in_ten_thousand(lat):
    angle = np.linspace(0.0, 2.0 * np.pi, 360)
    start_lat, start_lon = lat + 0.05 * np.sin(angle), 10.0 + 0.05 * np.cos(angle) / math.cos(math.radians(lat))
    entry = entry_fraction(start_lat, start_lon, lat, 10.0, lat, 10.0, 1_000.0)
    found = distance_m(start_lat + entry * (lat - start_lat), start_lon + entry * (10.0 - start_lon), lat, 10.0)
    assert np.abs(found - 1_000.0).max() < 0.1


def test_a_path_that_starts_inside_is_inside_at_once_and_one_that_ends_inside_never_leaves():
    assert entry_fraction(10.0, 5.0, 10.1, 5.0, 10.0, 5.0, 100.0) == 0.0
    assert exit_fraction(10.0, 5.0, 10.1, 5.0, 10.0, 5.0, 100.0) == pytest.approx(100.0 / (0.1 * METRES_PER_DEGREE))
    assert np.isnan(exit_fraction(10.1, 5.0, 10.0, 5.0, 10.0, 5.0, 100.0))


def test_a_vehicle_that_stands_still_enters_only_where_it_stands():
    assert entry_fraction(10.0, 5.0, 10.0, 5.0, 10.0, 5.0, 100.0) == 0.0
    assert np.isnan(entry_fraction(10.1, 5.0, 10.1, 5.0, 10.0, 5.0, 100.0))
    assert np.isnan(exit_fraction(10.1, 5.0, 10.1, 5.0, 10.0, 5.0, 100.0))


def test_a_path_that_ends_on_the_circle_it_touches_has_an_entry_whatever_rounding_says():
    # The discriminant of the first rounds below zero, the fraction of the second above one.
    paths = np.array(
        [
            [-0.010349058443180738, -0.016083677156912758, 0.0022090023550571485, -0.01411887583716156, 1589.0486851503974],
            [0.017029037925168775, -0.0015728006487224755, 0.01578059106770242, -0.005294133102331795, 1850.8383519334889],
        ]
    )
    lat0, lon0, lat1, lon1, radius_m = paths.T
    assert entry_fraction(lat0, lon0, lat1, lon1, 0.0, 0.0, radius_m).tolist() == [1.0, 1.0]
    assert exit_fraction(lat1, lon1, lat0, lon0, 0.0, 0.0, radius_m).tolist() == [0.0, 0.0]


NEARBY = st.floats(-0.02, 0.02)


@given(NEARBY, NEARBY, NEARBY, NEARBY, st.floats(1.0, 1_500.0))
def test_a_path_from_outside_to_inside_always_has_an_entry_and_its_way_back_an_exit(lat0, lon0, lat1, lon1, radius_m):
    def inside(lat: float, lon: float) -> bool:
        return bool(entry_fraction(lat, lon, lat, lon, 0.0, 0.0, radius_m) == 0.0)

    assume(not inside(lat0, lon0) and inside(lat1, lon1))
    entry = float(entry_fraction(lat0, lon0, lat1, lon1, 0.0, 0.0, radius_m))
    back = float(exit_fraction(lat1, lon1, lat0, lon0, 0.0, 0.0, radius_m))
    assert 0.0 < entry <= 1.0
    assert back == 1.0 - entry
    at = [start + entry * (end - start) for start, end in ((lat0, lat1), (lon0, lon1))]
    assert math.hypot(*at) * METRES_PER_DEGREE == pytest.approx(radius_m, abs=1e-5)


FUNCTIONS: list[tuple[Callable[..., NDArray[np.float64]], int]] = [
    (distance_m, 4),
    (bearing_deg, 4),
    (entry_fraction, 7),
    (exit_fraction, 7),
]


@pytest.mark.parametrize(("function", "arguments"), FUNCTIONS)
def test_a_row_has_the_same_bits_alone_and_among_a_thousand(function, arguments):
    rows = columns(1_000)[:arguments]
    together = function(*rows)
    assert together.shape == (1_000,)
    alone = np.array([function(*(column[i : i + 1] for column in rows))[0] for i in range(1_000)])
    scalars = np.array([float(function(*(float(column[i]) for column in rows))) for i in range(1_000)])
    assert alone.tobytes() == together.tobytes() == scalars.tobytes()
    for length in (2, 3, 5, 7, 9, 17, 33, 65):
        assert function(*(column[3 : 3 + length] for column in rows)).tobytes() == together[3 : 3 + length].tobytes()


@pytest.mark.parametrize(("function", "arguments"), FUNCTIONS)
def test_strided_and_broadcast_inputs_have_the_bits_of_plain_ones(function, arguments):
    rows = columns(999)[:arguments]
    assert function(*(column[::-3] for column in rows)).tobytes() == function(*rows)[::-3].tobytes()
    table = function(*(column[:20, np.newaxis] for column in rows[:2]), *(column[:30] for column in rows[2:]))
    assert table.shape == (20, 30)
    plain = [np.repeat(column[:20], 30) for column in rows[:2]] + [np.tile(column[:30], 20) for column in rows[2:]]
    assert table.tobytes() == function(*plain).tobytes()


@pytest.mark.parametrize(("function", "arguments"), FUNCTIONS)
def test_a_nan_stays_in_its_row(function, arguments):
    rows = columns(200)[:arguments]
    clean = function(*rows)
    for spoilt in range(arguments):
        with_nan = [column.copy() for column in rows]
        with_nan[spoilt][::2] = np.nan
        found = function(*with_nan)
        assert np.all(np.isnan(found[::2]))
        assert found[1::2].tobytes() == clean[1::2].tobytes()
