"""The plain twins of the path geometry against the columns of `positions`."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geofences.paths import Passing, metres_between, passing
from geofences.positions import METRES_PER_DEGREE, distance_m, entry_fraction, exit_fraction

LATITUDES, LONGITUDES = st.floats(-90.0, 90.0), st.floats(-180.0, 180.0)
NEAR = st.one_of(st.floats(-0.02, 0.02), st.integers(-4, 4).map(lambda step: step / 1000.0))
RADII = st.one_of(st.floats(0.0, 2_000.0), st.sampled_from([0.0, 1.0, METRES_PER_DEGREE / 1000.0]))


@st.composite
def paths_by_a_place(draw):
    """A path and a place near it, sometimes on both sides of the antimeridian."""
    lat, lon = draw(st.floats(-85.0, 85.0)), draw(st.one_of(LONGITUDES, st.sampled_from([-180.0, 179.995, 0.0])))
    lat0, lon0, lat1, lon1 = lat + draw(NEAR), lon + draw(NEAR), lat + draw(NEAR), lon + draw(NEAR)
    wrapped = [(end + 180.0) % 360.0 - 180.0 for end in (lon0, lon1)]
    return (lat0, wrapped[0], lat1, wrapped[1]), lat, lon


def assert_twins(twin, fraction, path, lat, lon, radius_m):
    """The same answer, unless a radius of a billionth more or less gives another one: there rounding decides."""
    less, more = (float(fraction(*path, lat, lon, radius_m * factor)) for factor in (1.0 - 1e-9, 1.0 + 1e-9))
    assume(less == pytest.approx(more, abs=1e-4, nan_ok=True))
    column, plain = float(fraction(*path, lat, lon, radius_m)), twin(passing(path, lat, lon), radius_m)
    if plain is None:
        assert math.isnan(column)
    else:
        assert 0.0 <= plain <= 1.0
        assert plain == pytest.approx(column, abs=1e-6)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_plain_metres_are_those_of_the_columns(lat1, lon1, lat2, lon2):
    column = float(distance_m(lat1, lon1, lat2, lon2))
    assume(column < 2.0e7)  # at the antipode both lose their digits
    assert metres_between(lat1, lon1, lat2, lon2) == pytest.approx(column, rel=1e-9, abs=1e-6)


@given(st.floats(-85.0, 85.0), LONGITUDES, NEAR, NEAR)
def test_plain_metres_keep_their_digits_on_short_ways(lat, lon, north, east):
    column = float(distance_m(lat, lon, lat + north, lon + east))
    assert metres_between(lat, lon, lat + north, lon + east) == pytest.approx(column, rel=1e-9, abs=1e-6)
    assert metres_between(lat, lon, lat, lon) == 0.0


@given(paths_by_a_place(), RADII)
def test_a_plain_entry_is_that_of_the_columns(place, radius_m):
    assert_twins(Passing.entry, entry_fraction, *place, radius_m)


@given(paths_by_a_place(), RADII)
def test_a_plain_exit_is_that_of_the_columns(place, radius_m):
    assert_twins(Passing.exit, exit_fraction, *place, radius_m)


@given(paths_by_a_place())
def test_the_ends_of_a_passing_lie_as_far_away_as_on_the_globe(place):
    path, lat, lon = place
    assume(abs(lat) < 70.0)
    seen = passing(path, lat, lon)
    assert seen.start_m == pytest.approx(float(distance_m(path[0], path[1], lat, lon)), rel=2e-3, abs=1e-3)
    assert seen.end_m == pytest.approx(float(distance_m(path[2], path[3], lat, lon)), rel=2e-3, abs=1e-3)


def test_a_path_straight_through_a_place_enters_and_leaves_where_one_thinks():
    degree = 1_000.0 / METRES_PER_DEGREE
    seen = passing((10.0 - degree, 20.0, 10.0 + degree, 20.0), 10.0, 20.0)
    assert (seen.start_m, seen.end_m) == pytest.approx((1_000.0, 1_000.0))
    assert seen.entry(500.0) == pytest.approx(0.25)
    assert seen.exit(500.0) == pytest.approx(0.75)


def test_a_path_beside_a_place_neither_enters_nor_leaves():
    seen = Passing(-1_000.0, 300.0, 1_000.0, 300.0)
    assert seen.entry(299.0) is None
    assert seen.exit(299.0) is None
    assert seen.entry(301.0) is not None


def test_a_path_that_begins_inside_is_in_at_once_and_one_that_ends_inside_does_not_leave():
    assert Passing(0.0, 10.0, 500.0, 0.0).entry(50.0) == 0.0
    assert Passing(500.0, 0.0, 0.0, 10.0).exit(50.0) is None
    assert Passing(500.0, 0.0, 0.0, 10.0).entry(50.0) == pytest.approx(0.9, abs=0.01)


def test_a_vehicle_that_does_not_move_is_in_or_out():
    assert (Passing(30.0, 40.0, 30.0, 40.0).entry(50.0), Passing(30.0, 40.0, 30.0, 40.0).exit(50.0)) == (0.0, None)
    assert (Passing(30.0, 40.0, 30.0, 40.0).entry(49.0), Passing(30.0, 40.0, 30.0, 40.0).exit(49.0)) == (None, None)


def test_a_path_across_the_antimeridian_is_as_short_as_it_looks():
    seen = passing((0.0, 179.99, 0.0, -179.99), 0.0, 180.0)
    assert seen.start_m == pytest.approx(0.01 * METRES_PER_DEGREE)
    assert seen.entry(100.0) == pytest.approx(0.5 - 100.0 / (0.02 * METRES_PER_DEGREE))
