"""Files of fences: ids for all, one bad feature does not spoil the others, and the recorded cities are read whole."""

import json

import pytest
import shapely
from shapely.geometry import shape

from geofences.fence_files import InvalidFenceFile, read_fences
from geofences.fences import ALWAYS_US, FENCE_ID, FOR_EVER_US

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


def test_circles_corridors_validity_and_scope_are_read_from_the_properties():
    yard = feature({"type": "Point", "coordinates": [13.4, 52.5]}, "yard", radius_m=80, tags=["night"], vehicle_ids=["v1"])
    road = feature({"type": "LineString", "coordinates": [[13.4, 52.5], [13.5, 52.5]]}, "road", width_m=60.0, vehicle_tags=["bus"])
    market = feature(fence_id="market", valid_from="2025-10-09T08:00:00+02:00", valid_until="2025-10-10T00:00:00Z")
    (one, two, three), refused = read_fences(collection(yard, road, market))
    assert not refused
    assert (one.drawn.radius_m, one.tags, one.vehicle_ids, one.valid_from_us, one.valid_until_us) == (
        80,
        ("night",),
        ("v1",),
        ALWAYS_US,
        FOR_EVER_US,
    )
    assert (two.drawn.width_m, two.vehicle_tags) == (60.0, ("bus",))
    assert (three.valid_from_us, three.valid_until_us) == (1_759_989_600_000_000, 1_760_054_400_000_000)


@pytest.mark.parametrize(
    "wrong", [{"tags": "night"}, {"vehicle_ids": [7]}, {"valid_from": "2025-10-09T08:00:00"}, {"valid_until": 7}, {"radius_m": 9}]
)
def test_properties_that_cannot_be_meant_refuse_their_feature_only(wrong):
    fences, (flaw,) = read_fences(collection(feature(fence_id="bad", **wrong), feature(fence_id="good")))
    assert ([fence.fence_id for fence in fences], flaw.fence_id) == (["good"], "bad")
    assert next(iter(wrong)) in flaw.reason


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
    said = [fence.repairs for fence in fences if fence.repairs]
    assert len(said) == 3
    assert all("was repaired, which changed its area by 0.0 m2: ring self-intersection at longitude -122." in note for (note,) in said)
