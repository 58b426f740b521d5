"""Vehicles, fences and acknowledgements: one message each."""

import json
import time
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from redis import Redis

from stream.codec import Rejected, decode
from stream.exception_messages import ExceptionAcknowledged
from stream.fence_facts import fence_from
from stream.live.describe import fence_view
from stream.live.keys import DEAD, FLEETS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import FenceView, FleetEntry
from stream.log import SHARDS
from stream.messages import AnyMessage, FencePut, FenceRemoved, VehiclePut
from stream.moments import micros

PLAYED_US = 1_200_000_000_000_000
SQUARE = {"type": "Polygon", "coordinates": [[[13.0, 52.0], [13.1, 52.0], [13.1, 52.1], [13.0, 52.0]]]}


def messages(redis: Redis) -> list[tuple[int, AnyMessage]]:
    """What stands in the log, and when it was received."""
    found = []
    for shard in range(SHARDS):
        for stream_id, fields in redis.xrange(log_key(shard)):
            for entry in unpack(stream_id, fields):
                message = decode(entry.payload)
                assert not isinstance(message, Rejected)
                found.append((entry.received_us, message))
    return found


def only(redis: Redis) -> AnyMessage:
    ((_, message),) = messages(redis)
    return message


def test_a_vehicle_is_put_under_the_id_of_the_address(client: TestClient, redis: Redis) -> None:
    answer = client.put("/v1/vehicles/van-9?fleet_id=depot", json={"driver_id": "d7", "capacity": 40, "skills": ["cold"]})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "refused": []})
    put = only(redis)
    assert isinstance(put, VehiclePut)
    assert (put.fleet_id, put.vehicle_id, put.driver_id, put.capacity, put.skills) == ("depot", "van-9", "d7", 40.0, ["cold"])
    assert abs(micros(put.at) - time.time_ns() // 1000) < 10_000_000


def test_a_vehicle_says_itself_when_and_where_it_belongs(client: TestClient, redis: Redis) -> None:
    at = int(time.time() * 1000) - 60_000
    assert client.put("/v1/vehicles/van-9", json={"at": at, "fleet_id": "depot", "vehicle_id": "van-9"}).status_code == 202
    put = only(redis)
    assert (put.fleet_id, micros(put.at)) == ("depot", at * 1000)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"capacity": -1}, "value_range"),
        ({"colour": "red"}, "unknown_field"),
        ({"skills": "cold"}, "bad_type"),
        ({"shift_start": "2026-05-01T10:00:00Z", "shift_end": "2026-05-01T09:00:00Z"}, "bad_window"),
        ({"vehicle_id": "van-8"}, "bad_id"),
        ({"fleet_id": "no good"}, "bad_id"),
        ([{}, {}], "bad_type"),
        ([1], "bad_type"),
    ],
)
def test_a_vehicle_that_cannot_be_is_a_422_and_a_dead_letter(client: TestClient, redis: Redis, body: Any, reason: str) -> None:
    answer = client.put("/v1/vehicles/van-9?fleet_id=depot", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert answer.json()["remedy"]
    ((_, letter),) = redis.xrange(DEAD)
    assert letter[b"r"] == reason.encode()
    assert not messages(redis)


def test_without_a_fleet_the_only_one_is_meant_and_else_the_answer_says_what_to_do(client: TestClient, redis: Redis) -> None:
    none = client.put("/v1/vehicles/van-9", json={})
    assert (none.status_code, "There is no fleet yet" in none.json()["detail"]) == (422, True)
    client.put("/v1/vehicles/van-9?fleet_id=depot", json={})
    assert only(redis).fleet_id == "depot"
    time.sleep(1.1)  # fleets are looked at once a second
    assert client.put("/v1/vehicles/van-9", json={}).status_code == 202
    client.put("/v1/vehicles/van-9?fleet_id=hub", json={})
    time.sleep(1.1)
    several = client.put("/v1/vehicles/van-9", json={})
    assert (several.status_code, "?fleet_id=" in several.json()["detail"]) == (422, True)


def test_without_a_fleet_a_day_that_is_played_alone_is_meant_but_not_by_devices(client: TestClient, redis: Redis) -> None:
    entry = FleetEntry("UTC", driven=True, shard=0)
    redis.hset(FLEETS, "sample", msgspec.json.encode(entry))
    redis.hset(fleet_key("fleet", "sample"), "now_us", 1_700_000_000_000_000)
    assert client.put("/v1/geofences/yard", json=SQUARE).status_code == 202
    assert only(redis).fleet_id == "sample"
    device = client.get("/v1/devices/osmand?id=van-1&lat=52&lon=13&timestamp=1700000000")
    assert (device.status_code, "played sample" in device.json()["detail"], "/FLEET" in device.json()["detail"]) == (422, True, True)
    redis.hset(FLEETS, "other", msgspec.json.encode(entry))
    time.sleep(1.1)  # fleets are looked at once a second
    several = client.put("/v1/geofences/yard", json=SQUARE)
    assert (several.status_code, "played other, sample" in several.json()["detail"]) == (422, True)


def test_a_fence_is_put_as_a_geometry_or_as_a_feature(client: TestClient, redis: Redis) -> None:
    assert client.put("/v1/geofences/yard?fleet_id=depot", json=SQUARE).status_code == 202
    feature = {"type": "Feature", "id": 7, "geometry": SQUARE, "properties": {"kind": "hub", "name": "The yard", "colour": "red"}}
    assert client.put("/v1/geofences/yard?fleet_id=depot", json=feature).status_code == 202
    nameless = {"type": "Feature", "geometry": SQUARE, "properties": None}
    assert client.put("/v1/geofences/yard?fleet_id=depot", json=nameless).status_code == 202
    puts = [message for _, message in messages(redis)]
    assert all(isinstance(put, FencePut) and put.fence_id == "yard" and put.geometry == SQUARE for put in puts)
    assert [(put.kind, put.name) for put in puts if isinstance(put, FencePut)] == [("zone", None), ("hub", "The yard"), ("zone", None)]


CIRCLE = {"type": "Point", "coordinates": [13.0, 52.0]}


def test_a_circle_for_some_vehicles_and_for_a_time_is_put_as_a_feature(client: TestClient, redis: Redis) -> None:
    scope = {"vehicle_ids": ["van-9"], "vehicle_tags": ["cold chain"], "tags": ["night"], "valid_until": "2030-01-01T00:00:00Z"}
    feature = {"type": "Feature", "geometry": CIRCLE, "properties": {"radius_m": 80, "width_m": None, "valid_from": None, **scope}}
    answer = client.put("/v1/geofences/yard?fleet_id=depot", json=feature)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "refused": []})
    put = only(redis)
    assert isinstance(put, FencePut)
    assert (put.geometry, put.radius_m, put.tags, put.vehicle_ids, put.vehicle_tags) == (CIRCLE, 80.0, ["night"], ["van-9"], ["cold chain"])
    assert (put.valid_from, micros(put.valid_until)) == (None, 1_893_456_000_000_000)


def test_what_is_repaired_of_a_fence_is_said(client: TestClient) -> None:
    ring = SQUARE["coordinates"][0][:-1]  # type: ignore[index]
    answer = client.put("/v1/geofences/yard?fleet_id=depot", json={"type": "Polygon", "coordinates": [ring]})
    assert answer.status_code == 202
    assert answer.json()["repaired"] == ["ring 0 of polygon 0 was not closed and was closed at longitude 13, latitude 52"]


@pytest.mark.parametrize(
    ("body", "reason", "place"),
    [
        ({**SQUARE, "coordinates": [[[13, 52], [14, 53], [14, 52], [13, 53]]]}, "bad_fence", "at longitude 13.5, latitude 52.5"),
        (CIRCLE, "bad_fence", "a Point needs radius_m"),
        ({"type": "Feature", "geometry": SQUARE, "properties": {"radius_m": 80}}, "bad_fence", "radius_m is for a Point"),
        ({"type": "Feature", "geometry": SQUARE, "properties": {"vehicle_ids": ["a b"]}}, "bad_id", "id"),
        ({"type": "Feature", "geometry": SQUARE, "properties": {"valid_from": 2**40, "valid_until": 2**40 - 1}}, "bad_window", "validity"),
        ({"type": "Feature", "properties": {}}, "missing_field", "geometry"),
        ({"type": "Feature", "geometry": SQUARE, "properties": {"kind": 5}}, "bad_type", "kind"),
    ],
)
def test_a_bad_fence_is_refused_with_the_reason_and_the_place(client: TestClient, redis: Redis, body: Any, reason: str, place: str) -> None:
    answer = client.put("/v1/geofences/yard?fleet_id=depot", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert place in answer.json()["detail"]
    assert not messages(redis)


def test_a_fence_is_taken_away(client: TestClient, redis: Redis) -> None:
    assert client.delete("/v1/geofences/yard?fleet_id=depot").status_code == 202
    removed = only(redis)
    assert isinstance(removed, FenceRemoved)
    assert (removed.fleet_id, removed.fence_id) == ("depot", "yard")


@pytest.fixture
def fleets(redis: Redis) -> Redis:
    """Two fleets that somebody plays, and an exception in one of them."""
    for fleet_id in ("north", "south"):
        redis.hset(FLEETS, fleet_id, json.dumps({"time_zone": "UTC", "driven": True, "shard": 0}))
        redis.hset(fleet_key("fleet", fleet_id), "now_us", PLAYED_US)
    redis.hset(fleet_key("exceptions", "north"), "north:late_risk:v3", b"{}")
    return redis


def test_fences_are_listed_as_geojson(client: TestClient, fleets: Redis) -> None:
    for fleet_id, fence_id in (("south", "a"), ("north", "b"), ("north", "a")):
        fence = FenceView(fence_id, "zone", None, SQUARE)
        fleets.hset(fleet_key("fences", fleet_id), fence_id, msgspec.json.encode(fence))
    answer = client.get("/v1/geofences")
    assert answer.headers["content-type"] == "application/geo+json"
    listed = answer.json()
    assert listed["type"] == "FeatureCollection"
    assert [(one["properties"]["fleet_id"], one["id"]) for one in listed["features"]] == [("north", "a"), ("north", "b"), ("south", "a")]
    assert listed["features"][0]["geometry"] == SQUARE
    assert {listed["features"][0]["properties"][name] for name in ("drawn", "valid_from", "valid_until")} == {None}
    assert client.get("/v1/geofences", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert len(client.get("/v1/geofences?fleet_id=south").json()["features"]) == 1
    assert client.get("/v1/geofences?fleet_id=west").status_code == 404


def test_an_exception_is_acknowledged_at_the_time_of_its_fleet(client: TestClient, fleets: Redis) -> None:
    answer = client.post("/v1/exceptions/north:late_risk:v3:acknowledge", json={"by": "ada"})
    assert answer.status_code == 202
    ((received_us, seen),) = messages(fleets)
    assert isinstance(seen, ExceptionAcknowledged)
    assert (seen.fleet_id, seen.exception_id, seen.by) == ("north", "north:late_risk:v3", "ada")
    assert micros(seen.at) == received_us == PLAYED_US


@pytest.mark.parametrize(
    ("exception_id", "body", "status"),
    [
        ("north:late_risk:v99", {"by": "ada"}, 404),
        ("north:late_risk:v3", {}, 422),
        ("north:late_risk:v3", {"by": 7}, 422),
        ("north:late_risk:v3", {"by": "a" * 300}, 422),
        ("north:late_risk:v3", {"by": "ada", "why": "?"}, 422),
        ("north:late_risk:v3", [], 422),
    ],
)
def test_an_acknowledgement_needs_an_exception_and_a_name(
    client: TestClient, fleets: Redis, exception_id: str, body: Any, status: int
) -> None:
    answer = client.post(f"/v1/exceptions/{exception_id}:acknowledge", content=json.dumps(body))
    assert answer.status_code == status
    assert not messages(fleets)


def test_a_fence_that_was_made_of_something_else_shows_what_was_drawn(client: TestClient, fleets: Redis) -> None:
    body = {"fleet_id": "north", "at": 0, "fence_id": "yard", "geometry": CIRCLE, "radius_m": 80, "tags": ["night"], "valid_until": 2**40}
    put = decode(msgspec.json.encode({"type": "fence_put", **body}))
    assert isinstance(put, FencePut)
    fleets.hset(fleet_key("fences", "north"), "yard", msgspec.json.encode(fence_view(fence_from(put))))
    (feature,) = client.get("/v1/geofences?fleet_id=north").json()["features"]
    properties = feature["properties"]
    assert (feature["geometry"]["type"], len(feature["geometry"]["coordinates"][0])) == ("Polygon", 33)
    assert properties["drawn"] == {"geometry": CIRCLE, "radius_m": 80.0, "width_m": None}
    assert (properties["tags"], properties["valid_from"], properties["valid_until"][:4]) == (["night"], None, "2004")
    assert (properties["vehicle_ids"], properties["repairs"]) == ([], [])
