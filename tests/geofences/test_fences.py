"""What makes a fence, what is repaired, and what is refused with which reason."""

import math

import pytest
import shapely

from geofences.fences import InvalidFence, fence_of

SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def test_a_polygon_with_a_hole_becomes_a_fence():
    hole = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]]
    fence = fence_of("depot", polygon(SQUARE, hole), kind="hub", name="Depot")
    assert (fence.fence_id, fence.kind, fence.name) == ("depot", "hub", "Depot")
    assert fence.geometry.equals(shapely.box(0, 0, 1, 1) - shapely.box(0.4, 0.4, 0.6, 0.6))


def test_a_multipolygon_keeps_its_parts_and_a_height_is_dropped():
    high = [[*position, 30.0] for position in SQUARE]
    far = [[lon + 5.0, lat] for lon, lat in SQUARE]
    fence = fence_of("two", {"type": "MultiPolygon", "coordinates": [[high], [far]]})
    assert len(fence.geometry.geoms) == 2
    assert not fence.geometry.has_z
    assert fence.kind == "zone"
    assert fence.name is None


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "must be a Polygon, MultiPolygon, Point, LineString or MultiLineString and was None"),
        ({"type": "MultiPoint", "coordinates": [[0.0, 0.0]]}, "was 'MultiPoint'"),
        ({"type": "Polygon"}, "polygon 0 must be a list"),
        ({"type": "MultiPolygon", "coordinates": []}, "its coordinates must be a list"),
        (polygon(), "polygon 0 must be a list with something in it"),
        (polygon([]), "ring 0 of polygon 0 must be a list with something in it"),
        (
            polygon(SQUARE[:2] + SQUARE[:1]),
            "ring 0 of polygon 0 must have 3 different positions or more and has 2 at longitude 0",
        ),
        (polygon(SQUARE, SQUARE[:2]), "ring 1 of polygon 0 must have 3 different positions or more and has 2"),
        (polygon([[3.0, 3.0]] * 4), "has 1 at longitude 3, latitude 3"),
        (polygon([[0.0, math.nan], *SQUARE]), "not a finite"),
        (polygon([[math.inf, 0.0], *SQUARE]), "not a finite"),
        (polygon([[10**400, 0], *SQUARE]), "not a finite"),
        (polygon([[True, 0.0], *SQUARE]), "not a finite"),
        (polygon([["0", 0.0], *SQUARE]), "not a finite"),
        (polygon([[0.0], *SQUARE]), "not a finite"),
        (polygon([[0.0, 0.0], [0.0, 90.5], [1.0, 0.0], [0.0, 0.0]]), "latitude 90.5: outside"),
        (polygon([[0.0, 0.0], [180.5, 0.0], [1.0, 1.0], [0.0, 0.0]]), "longitude 180.5"),
        (
            polygon([[0.0, 0.0], [180.0, 0.0], [90.0, 1.0], [0.0, 0.0]]),
            "half way round the globe from longitude 0, latitude 0",
        ),
        (
            polygon([[-100.0, 0.0], [0.0, 0.0], [100.0, 0.0], [0.0, 1.0], [-100.0, 0.0]]),
            "spans 200 degrees of longitude",
        ),
        (polygon([[0.0, 60.0], [100.0, 60.0], [-160.0, 60.0], [-60.0, 60.0], [0.0, 60.0]]), "spans 360 degrees of longitude"),
        (polygon([[-180.0, -60.0], [180.0, -60.0], [180.0, 60.0], [-180.0, 60.0], [-180.0, -60.0]]), "encloses no area"),
        (
            polygon([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
            "self-intersection at longitude 0.5, latitude 0.5",
        ),
        (polygon([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]), "encloses no area"),
        (polygon(SQUARE, [[lon + 5.0, lat] for lon, lat in SQUARE]), "hole lies outside shell at longitude 5"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}, "which side is inside cannot be told"),
    ],
)
def test_an_unusable_geometry_is_refused_with_its_reason(geometry, reason):
    with pytest.raises(InvalidFence) as refused:
        fence_of("yard", geometry)
    assert refused.value.fence_id == "yard"
    assert reason in refused.value.reason
    assert str(refused.value) == f"fence 'yard': {refused.value.reason}"


@pytest.mark.parametrize("fence_id", ["", "-a", "a b", "a/b", "é", "a" * 65, "a\n"])
def test_an_id_that_would_not_fit_in_a_key_is_refused(fence_id):
    with pytest.raises(InvalidFence, match="its id must match"):
        fence_of(fence_id, polygon(SQUARE))


def test_a_ring_that_touches_itself_is_repaired_without_changing_its_area():
    figure = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    fence = fence_of("touching", polygon(figure))
    assert shapely.is_valid(fence.geometry)
    assert fence.geometry.area == pytest.approx(1.0)


def test_a_spike_without_area_is_cut_off():
    fence = fence_of("spike", polygon([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    assert fence.geometry.equals(shapely.box(0, 0, 1, 1))


def test_a_large_outline_is_not_repaired_where_more_than_a_yard_is_in_doubt():
    lobe = 0.0012  # 0.01 % of the area, but 8,000 m2
    ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [-lobe, 1.0], [0.0, 1.0 + lobe], [0.0, 0.0]]
    with pytest.raises(InvalidFence, match=r"cannot be told: self-intersection at longitude 0, latitude 1$"):
        fence_of("zone", polygon(ring))
    lobe /= 4.0
    ring[3:5] = [[-lobe, 1.0], [0.0, 1.0 + lobe]]
    fence = fence_of("zone", polygon(ring))
    assert fence.geometry.is_valid
    assert fence.repairs == ("polygon 0 was repaired, which changed its area by 1112.7 m2: self-intersection at longitude 0, latitude 1",)


def test_an_open_ring_is_closed_and_repeated_positions_are_left_out():
    fence = fence_of("open", polygon([SQUARE[0], *SQUARE[:4], SQUARE[3]]))
    assert fence.geometry.equals_exact(shapely.Polygon(SQUARE))
    assert fence.repairs == ("ring 0 of polygon 0 was not closed and was closed at longitude 0, latitude 0",)


def test_which_way_a_ring_winds_does_not_matter():
    hole = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]]
    areas = {fence_of("yard", polygon(shell, inner)).geometry.area for shell in (SQUARE, SQUARE[::-1]) for inner in (hole, hole[::-1])}
    assert areas == {0.96}


def test_an_area_across_the_antimeridian_is_taken_when_it_is_cut_there():
    halves = {"type": "MultiPolygon", "coordinates": [[shapely_ring(179.0, 180.0)], [shapely_ring(-180.0, -179.0)]]}
    fence = fence_of("fiji", halves)
    assert shapely.intersects_xy(fence.geometry, [179.9, -179.9, 0.0], [0.5, 0.5, 0.5]).tolist() == [True, True, False]


@pytest.mark.parametrize("first", range(4))
def test_an_area_drawn_across_the_antimeridian_is_cut_there_with_its_hole_wherever_it_begins(first):
    shell = [[179.0, 0.0], [-179.0, 0.0], [-179.0, 1.0], [179.0, 1.0]]
    shell = [*shell[first:], *shell[:first], shell[first]]
    hole = [[-179.6, 0.4], [-179.4, 0.4], [-179.4, 0.6], [-179.6, 0.4]]
    fence = fence_of("fiji", polygon(shell, hole))
    cut = shapely.MultiPolygon([shapely.box(179.0, 0.0, 180.0, 1.0), shapely.box(-180.0, 0.0, -179.0, 1.0) - shapely.Polygon(hole)])
    assert fence.geometry.is_valid
    assert fence.geometry.equals(cut)
    assert fence.repairs == ("it was cut at the antimeridian",)


def test_a_ring_round_a_pole_is_refused():
    ring = [[lon, 80.0] for lon in (0.0, 50.0, 100.0, 150.0, -160.0, -110.0, -60.0)]
    with pytest.raises(InvalidFence, match=r"spans|goes round a pole"):
        fence_of("arctic", polygon([*ring, ring[0]]))


def shapely_ring(west, east):
    return [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
