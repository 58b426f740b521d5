"""What makes a fence, what is repaired, and what is refused with which reason."""

import json
import math

import pytest
import shapely
from shapely.geometry import shape

from geofences.fences import FENCE_ID, InvalidFence, InvalidFenceFile, fence_of, read_fences

SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def collection(*features):
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def feature(geometry=None, fence_id=None, **properties):
    head = {} if fence_id is None else {"id": fence_id}
    return head | {"type": "Feature", "geometry": geometry or polygon(SQUARE), "properties": properties}


def ids_of(*features):
    fences, refused = read_fences(collection(*features))
    assert not refused
    return [fence.fence_id for fence in fences]


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
        (None, "must be a Polygon or a MultiPolygon and was None"),
        ({"type": "Point", "coordinates": [0.0, 0.0]}, "was 'Point'"),
        ({"type": "Polygon"}, "polygon 0 must be a list"),
        ({"type": "MultiPolygon", "coordinates": []}, "its coordinates must be a list"),
        (polygon(), "polygon 0 must be a list with something in it"),
        (polygon([]), "ring 0 of polygon 0 must be a list with something in it"),
        (polygon(SQUARE[:2] + SQUARE[:1]), "must have 4 positions or more and has 3"),
        (polygon(SQUARE[:4]), "ring 0 of polygon 0 is not closed"),
        (polygon(SQUARE, SQUARE[:3]), "ring 1 of polygon 0 must have 4 positions"),
        (polygon([[0.0, math.nan], *SQUARE]), "not a finite"),
        (polygon([[math.inf, 0.0], *SQUARE]), "not a finite"),
        (polygon([[10**400, 0], *SQUARE]), "not a finite"),
        (polygon([[True, 0.0], *SQUARE]), "not a finite"),
        (polygon([["0", 0.0], *SQUARE]), "not a finite"),
        (polygon([[0.0], *SQUARE]), "not a finite"),
        (polygon([[0.0, 0.0], [0.0, 90.5], [1.0, 0.0], [0.0, 0.0]]), "latitude 90.5: outside"),
        (polygon([[0.0, 0.0], [180.5, 0.0], [1.0, 1.0], [0.0, 0.0]]), "longitude 180.5"),
        (polygon([[-179.0, 0.0], [179.0, 0.0], [179.0, 1.0], [-179.0, 0.0]]), "spans 358 degrees of longitude"),
        (polygon([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), "Self-intersection[0.5 0.5]"),
        (polygon([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]), "encloses no area"),
        (polygon([[3.0, 3.0]] * 4), "encloses no area"),
        (polygon(SQUARE, [[lon + 5.0, lat] for lon, lat in SQUARE]), "Hole lies outside shell"),
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


def test_an_area_across_the_antimeridian_is_taken_when_it_is_cut_there():
    halves = {"type": "MultiPolygon", "coordinates": [[shapely_ring(179.0, 180.0)], [shapely_ring(-180.0, -179.0)]]}
    fence = fence_of("fiji", halves)
    assert shapely.intersects_xy(fence.geometry, [179.9, -179.9, 0.0], [0.5, 0.5, 0.5]).tolist() == [True, True, False]


def shapely_ring(west, east):
    return [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]


def test_ids_come_from_the_feature_then_its_properties_then_its_name():
    assert ids_of(
        feature(fence_id=17, name="Ignored"),
        feature(id="Yard_2.b:c", name="Ignored"),
        feature(name="Downtown/Civic Center"),
        feature(name="Señor Café"),
        feature(name="東京"),
        feature(),
        feature(fence_id="north east"),
    ) == ["17", "Yard_2.b:c", "downtown-civic-center", "senor-cafe", "fence-5", "fence-6", "north-east"]


def test_ids_are_made_unique_and_those_given_keep_their_own():
    assert ids_of(feature(name="Yard"), feature(name="Yard"), feature(fence_id="yard"), feature(fence_id="yard")) == [
        "yard-2",
        "yard-3",
        "yard",
        "yard-4",
    ]
    long = ids_of(feature(name="a" * 80), feature(name="a" * 80))
    assert long == ["a" * 64, "a" * 62 + "-2"]


def test_kind_and_name_are_kept():
    fences, _ = read_fences(collection(feature(kind="hub", name="Main"), feature(kind=None, name="  ")))
    assert [(fence.kind, fence.name) for fence in fences] == [("hub", "Main"), ("zone", None)]


def test_a_bad_feature_is_refused_and_the_others_are_read():
    bow_tie = polygon([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    document = json.dumps({"type": "FeatureCollection", "features": [feature(bow_tie, "bow"), feature(fence_id="good"), "no feature"]})
    fences, refused = read_fences(document.encode())
    assert [fence.fence_id for fence in fences] == ["good"]
    assert [flaw.fence_id for flaw in refused] == ["bow", "fence-3"]


@pytest.mark.parametrize(
    "text",
    [b"", "{", "[]", '{"type": "Feature"}', '{"type": "FeatureCollection", "features": {}}', b"\xff\xfe\xff", "[" * 100_000],
)
def test_a_text_that_is_no_collection_is_refused_as_a_whole(text):
    with pytest.raises(InvalidFenceFile, match=r"^the fences "):
        read_fences(text)


def test_a_byte_order_mark_is_no_flaw():
    assert len(read_fences("\ufeff" + collection(feature()))[0]) == 1
    assert len(read_fences(b"\xef\xbb\xbf" + collection(feature()).encode())[0]) == 1


@pytest.mark.parametrize(("file", "count"), [("albany", 24), ("austin", 70), ("nyc_taxi_zones", 263), ("san-francisco", 37)])
def test_every_fence_of_the_recorded_cities_is_read(shared_data, file, count):
    fences, refused = read_fences((shared_data / "geofences" / f"{file}.geojson").read_bytes())
    assert not refused
    assert len({fence.fence_id for fence in fences}) == len(fences) == count
    assert all(FENCE_ID.fullmatch(fence.fence_id) and shapely.is_valid(fence.geometry) for fence in fences)


def test_the_three_self_touching_rings_of_san_francisco_are_repaired_and_keep_their_area(shared_data):
    text = (shared_data / "geofences" / "san-francisco.geojson").read_bytes()
    drawn = [shape(feature["geometry"]) for feature in json.loads(text)["features"]]
    fences, _ = read_fences(text)
    broken = {fence.fence_id: (fence.geometry, was) for fence, was in zip(fences, drawn, strict=True) if not shapely.is_valid(was)}
    assert set(broken) == {"marina", "downtown-civic-center", "north-beach"}
    for repaired, was in broken.values():
        assert repaired.area == pytest.approx(was.area, rel=1e-12)
