"""Circles and corridors against distances on the sphere: who is nearer than the radius, or than half the width, is inside."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofences.geojson import InvalidOutline
from geofences.positions import METRES_PER_DEGREE, distance_m
from geofences.shapes import shape_of

LATITUDES = st.floats(-80.0, 80.0)
LONGITUDES = st.floats(-180.0, 180.0)


def point(lon, lat):
    return {"type": "Point", "coordinates": [lon, lat]}


def line(*positions):
    return {"type": "LineString", "coordinates": [list(position) for position in positions]}


def scattered(lon, lat, reach_m, seed, count=400):
    """Positions around a place, with longitudes in -180..180."""
    rng = np.random.default_rng(seed)
    north, east = rng.uniform(-1.0, 1.0, (2, count)) * reach_m / METRES_PER_DEGREE
    return np.clip(lat + north, -90.0, 90.0), (lon + east / math.cos(math.radians(lat)) + 180.0) % 360.0 - 180.0


@given(LONGITUDES, LATITUDES, st.floats(5.0, 100_000.0), st.integers(0, 2**32))
def test_a_circle_holds_who_is_nearer_than_its_radius_wherever_it_lies(lon, lat, radius_m, seed):
    circle = shape_of(point(lon, lat), radius_m).geometry
    lats, lons = scattered(lon, lat, 1.3 * radius_m, seed)
    off = distance_m(lat, lon, lats, lons)
    inside = shapely.intersects_xy(circle, lons, lats)
    assert circle.is_valid
    assert not inside[off > radius_m * 1.001 + 0.01].any()
    # Sides are chords: between two corners they lie nearer to the centre; straight lines in degrees part from great circles too.
    assert inside[off < radius_m * 0.993].all()


@settings(max_examples=30)
@given(LONGITUDES, LATITUDES, st.floats(0.0, 360.0), st.floats(5.0, 2_000.0), st.integers(0, 2**32))
def test_a_corridor_holds_who_is_nearer_to_its_line_than_half_its_width(lon, lat, bearing, width_m, seed):
    length = 5_000.0 / METRES_PER_DEGREE
    end = ((lon + length * math.sin(bearing) / math.cos(math.radians(lat)) + 180.0) % 360.0 - 180.0, lat + length * math.cos(bearing))
    corridor = shape_of(line((lon, lat), end), None, width_m).geometry
    lats, lons = scattered(lon, lat, 6_000.0, seed)
    # The nearest of many places along the line, 10 m apart.
    shares = np.linspace(0.0, 1.0, 501)[:, np.newaxis]
    east = (end[0] - lon + 180.0) % 360.0 - 180.0
    off = distance_m(lat + shares * (end[1] - lat), lon + shares * east, lats, lons).min(axis=0)
    inside = shapely.intersects_xy(corridor, lons, lats)
    assert corridor.is_valid
    assert not inside[off > width_m / 2.0 * 1.01 + 5.1].any()
    assert inside[off < width_m / 2.0 * 0.98 - 1.3].all()


def test_a_corridor_across_a_continent_is_as_wide_in_the_north_as_in_the_south():
    corridor = shape_of(line((10.0, 36.0), (11.0, 70.0)), None, 2_000.0).geometry
    for lat in (36.1, 45.0, 60.0, 69.9):
        middle = 10.0 + (lat - 36.0) / 34.0
        for off_m, there in ((-1_040.0, False), (-960.0, True), (960.0, True), (1_040.0, False)):
            lon = middle + off_m / METRES_PER_DEGREE / math.cos(math.radians(lat))
            assert shapely.intersects_xy(corridor, lon, lat) == there


def test_several_lines_make_one_corridor_and_a_winding_one_has_no_gaps():
    across = [[[13.0, 52.0], [13.1, 52.05]], [[13.05, 52.0], [13.05, 52.05]]]
    assert shape_of({"type": "MultiLineString", "coordinates": across}, None, 100.0).geometry.geom_type == "Polygon"
    walk = np.array([13.0, 52.0]) + np.cumsum(np.random.default_rng(3).normal(0.0, 3e-4, (3_000, 2)), axis=0)
    corridor = shape_of(line(*walk.tolist()), None, 50.0).geometry
    assert corridor.is_valid
    assert corridor.geom_type == "Polygon"
    assert shapely.intersects_xy(corridor, walk[:, 0], walk[:, 1]).all()


def test_a_circle_and_a_corridor_across_the_antimeridian_are_cut_there():
    for shape in (shape_of(point(179.999, -17.0), 1_000.0), shape_of(line((179.99, -17.0), (-179.99, -17.0)), None, 500.0)):
        assert shape.repairs == ("it was cut at the antimeridian",)
        assert shape.geometry.is_valid
        assert shapely.intersects_xy(shape.geometry, [179.999, -179.999, 0.0], [-17.0, -17.0, -17.0]).tolist() == [True, True, False]
        assert (shape.geometry.bounds[0], shape.geometry.bounds[2]) == (-180.0, 180.0)


@pytest.mark.parametrize(
    ("drawn", "metres", "reason"),
    [
        (point(13.0, 52.0), {}, "a Point needs radius_m of 5 to 100,000 m and had None"),
        (point(13.0, 52.0), {"radius_m": 4.9}, "had 4.9"),
        (point(13.0, 52.0), {"radius_m": True}, "had True"),
        (point(13.0, 52.0), {"radius_m": math.nan}, "had nan"),
        (point(13.0, 52.0), {"radius_m": 100_001.0}, "had 100001.0"),
        (point(13.0, 52.0), {"radius_m": 10.0, "width_m": 10.0}, "width_m is for a LineString or MultiLineString, not for a Point"),
        (point(13.0, 92.0), {"radius_m": 10.0}, "its coordinates holds longitude 13, latitude 92: outside"),
        (point(13.0, 89.9), {"radius_m": 12_000.0}, "around longitude 13, latitude 89.9 reaches over a pole"),
        (line((13.0, 52.0), (14.0, 52.0)), {}, "a LineString needs width_m of 5 to 20,000 m and had None"),
        (line((13.0, 52.0), (14.0, 52.0)), {"width_m": 10.0, "radius_m": 10.0}, "radius_m is for a Point, not for a LineString"),
        (line((13.0, 52.0), (13.0, 52.0)), {"width_m": 10.0}, "line 0 must have 2 different positions or more and has 1 at longitude 13"),
        (line((13.0, 52.0), (13.0, 86.0)), {"width_m": 10.0}, "line 0 comes to longitude 13, latitude 86: too near a pole"),
        (line((0.0, 52.0), (180.0, 52.0)), {"width_m": 10.0}, "line 0 goes half way round the globe"),
        (line(*[(13.0 + i % 2 / 1e3, 52.0 + i / 1e6) for i in range(10_001)]), {"width_m": 10.0}, "it has 10,001 positions"),
        ({"type": "MultiLineString", "coordinates": [[[1.0, 2.0], [2.0, 3.0]], []]}, {"width_m": 10.0}, "line 1 must be a list"),
        ({"type": "Polygon", "coordinates": []}, {"radius_m": 10.0}, "radius_m is for a Point, not for a Polygon"),
    ],
)
def test_a_shape_that_cannot_be_meant_is_refused_with_the_reason_and_the_place(drawn, metres, reason):
    with pytest.raises(InvalidOutline) as refused:
        shape_of(drawn, **metres)
    assert reason in str(refused.value)
