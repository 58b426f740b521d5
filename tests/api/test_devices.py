"""Devices and apps that people already have: recorded requests, byte for byte, at the time at which they were recorded."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from api.devices import without_key
from stream.codec import Rejected, decode
from stream.live.keys import DEAD, FLEETS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import FleetEntry
from stream.log import SHARDS, shard_of
from stream.messages import Ping
from stream.moments import micros

RECORDED = sorted(Path(__file__).with_name("recorded").glob("*.json"))
NOW = "2025-06-15T03:03:00Z"
LOCATION: dict[str, Any] = {"_type": "location", "tst": 1749956579, "lat": 52.5, "lon": 13.4}
QUERY = "id=van-1&lat=52.5&lon=13.4&timestamp=1749956579"


def micros_of(text: str) -> int:
    return micros(datetime.fromisoformat(text))


def drive(redis: Redis, fleet_id: str = "depot", now: str = NOW) -> None:
    """A fleet whose time is given from outside: what is received now is received then."""
    redis.hset(FLEETS, fleet_id, json.dumps({"time_zone": "UTC", "driven": True, "shard": shard_of(fleet_id)}))
    redis.hset(fleet_key("fleet", fleet_id), "now_us", micros_of(now))


def pings(redis: Redis) -> list[Ping]:
    found = []
    for shard in range(SHARDS):
        for stream_id, fields in redis.xrange(log_key(shard)):
            for entry in unpack(stream_id, fields):
                message = decode(entry.payload)
                assert isinstance(message, Ping)
                found.append(message)
    return found


def reasons(redis: Redis) -> list[str]:
    return [letter[b"r"].decode() for _, letter in redis.xrange(DEAD)]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_request_is_the_ping_that_it_means(client: TestClient, redis: Redis, path: Path) -> None:
    seen = json.loads(path.read_text())
    drive(redis, now=seen["received"])
    headers = {"Content-Type": seen.get("content_type", "text/plain"), **seen.get("headers", {})}
    answer = client.request(seen["method"], f"{seen['path']}?{seen['query']}", content=seen["body"], headers=headers)
    assert answer.is_success, answer.text
    assert reasons(redis) == []
    (ping,) = pings(redis)
    expected = {**dict.fromkeys(("speed_mps", "heading_deg", "accuracy_m", "seq")), "fleet_id": "depot", **seen["ping"]}
    expected["at"] = datetime.fromisoformat(expected["at"])
    assert {name: getattr(ping, name) for name in expected} == expected


def test_every_protocol_has_a_recorded_request() -> None:
    kinds = {path.stem.partition("_")[0] for path in RECORDED}
    assert kinds == {"osmand", "traccar", "owntracks"}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("lat=1&lon=2", "missing_field"),
        ("id=van-1&timestamp=1749956579&cell=257,02,16,2224", "missing_field"),
        ("id=van%201&lat=52.5&lon=13.4&timestamp=1749956579", "bad_id"),
        ("id=van-1&lat=north&lon=13.4&timestamp=1749956579", "bad_type"),
        ("id=van-1&lat=nan&lon=13.4&timestamp=1749956579", "bad_type"),
        ("id=van-1&lat=52.5&lon=13.4&timestamp=2025-06-15+03%3A02%3A59", "naive_time"),
        ("id=van-1&lat=52.5&lon=13.4&timestamp=yesterday", "bad_type"),
        ("id=van-1&lat=52.5&lon=13.4&timestamp=1", "ts_range"),
        (QUERY + "&valid=false", "accuracy"),
        (QUERY + "&accuracy=-1", "accuracy"),
        ("id=van-1&lat=0&lon=0&timestamp=1749956579", "null_island"),
        ("&".join(f"a{number}=1" for number in range(200)), "too_large"),
    ],
)
def test_what_a_device_sends_in_vain_is_a_dead_letter_and_yet_answered(client: TestClient, redis: Redis, query: str, reason: str) -> None:
    drive(redis)
    answer = client.get(f"/v1/devices/osmand/depot?{query}")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert [item["reason"] for item in answer.json()["refused"]] == reasons(redis) == [reason]


def test_a_time_with_an_offset_keeps_its_plus_in_a_query(client: TestClient, redis: Redis) -> None:
    drive(redis)
    client.get("/v1/devices/osmand/depot?id=van-1&lat=52.5&lon=13.4&timestamp=2025-06-15T05:02:59+02:00")
    assert micros(pings(redis)[0].at) == micros_of("2025-06-15T03:02:59Z")


def test_several_locations_in_one_json_are_several_pings(client: TestClient, redis: Redis) -> None:
    drive(redis)
    coords = {"latitude": 52.5, "longitude": 13.4, "speed": 3, "heading": 1, "accuracy": 5}
    locations = [{"timestamp": f"2025-06-15T03:02:5{number}Z", "coords": coords} for number in range(3)]
    answer = client.post("/v1/devices/osmand/depot", json={"location": [*locations, 7], "device_id": 12})
    assert answer.json()["accepted"] == 3
    assert {ping.vehicle_id for ping in pings(redis)} == {"12"}
    assert reasons(redis) == ["missing_field"]


def test_an_event_of_traccar_is_ignored_and_the_answer_says_so(client: TestClient, redis: Redis) -> None:
    drive(redis)
    event = {"event": {"id": 7, "type": "geofenceEnter"}, "position": {"latitude": 1.0}, "device": {"uniqueId": "van-12"}}
    answer = client.post("/v1/devices/traccar/depot", json=event)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    assert "Events of Traccar are not used" in answer.json()["ignored"]
    assert (pings(redis), reasons(redis)) == ([], [])


def test_a_position_that_traccar_calls_invalid_is_refused(client: TestClient, redis: Redis) -> None:
    drive(redis)
    position = {"fixTime": "2025-06-15T03:02:59.000+00:00", "latitude": 52.5, "longitude": 13.4, "valid": False}
    answer = client.post("/v1/devices/traccar/depot", json={"position": position, "device": {"uniqueId": "van-12"}})
    assert [item["reason"] for item in answer.json()["refused"]] == ["accuracy"]
    assert "not valid" in answer.json()["refused"][0]["detail"]
    client.post("/v1/devices/traccar/depot", json={"position": {**position, "valid": True}, "device": {"uniqueId": "van-12"}})
    assert len(pings(redis)) == 1


@pytest.mark.parametrize(
    ("query", "headers", "more", "vehicle_id"),
    [
        ("?u=jane&d=phone", {"X-Limit-U": "other", "X-Limit-D": "device"}, {"topic": "owntracks/a/b"}, "jane-phone"),
        ("?d=van-7", {}, {"tid": "JJ"}, "van-7"),
        ("", {"X-Limit-D": "van-8"}, {"topic": "owntracks/a/b"}, "van-8"),
        ("", {}, {"topic": "owntracks/a/b", "tid": "JJ"}, "a-b"),
    ],
)
def test_an_owntracks_device_is_named_by_address_headers_or_topic(
    client: TestClient, redis: Redis, query: str, headers: dict[str, str], more: dict[str, str], vehicle_id: str
) -> None:
    drive(redis)
    answer = client.post(f"/v1/devices/owntracks/depot{query}", json={**LOCATION, **more}, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"[]")
    assert [ping.vehicle_id for ping in pings(redis)] == [vehicle_id]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b'{"_type":"transition","event":"enter","tst":1749956579}', []),
        (b'{"_type":"lwt","tst":1749956579}', []),
        (b'{"_type":"encrypted","data":"AAAA"}', ["unknown_type"]),
        (b'{"_type":"location","tst":1749956579,"lat":52.5,"lon":13.4}', ["missing_field"]),
        (b"", ["empty"]),
        (b"[]", ["bad_type"]),
    ],
)
def test_owntracks_hears_an_empty_list_whatever_it_said(client: TestClient, redis: Redis, body: bytes, refused: list[str]) -> None:
    drive(redis)
    answer = client.post("/v1/devices/owntracks/depot", content=body)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"[]", "application/json")
    assert (pings(redis), reasons(redis)) == ([], refused)


def test_the_fleet_is_in_the_address_or_the_only_live_one(client: TestClient, redis: Redis) -> None:
    none = client.get(f"/v1/devices/osmand?{QUERY}")
    assert (none.status_code, "behind its address" in none.json()["detail"]) == (422, True)
    drive(redis)
    assert client.get(f"/v1/devices/osmand/depot?{QUERY}").json()["accepted"] == 1
    assert client.get(f"/v1/devices/osmand?{QUERY}").status_code == 422  # nobody means a day that is played
    drive(redis, "hub")
    assert client.get(f"/v1/devices/osmand?{QUERY}&fleet_id=hub").json()["accepted"] == 1
    redis.hset(FLEETS, "live", msgspec.json.encode(FleetEntry("UTC", False, shard_of("live"))))
    client.app.state.log.fleets.clear()
    client.app.state.log._looked_s = -10.0
    now = f"id=van-9&lat=42.9&lon=-78.9&timestamp={time.time_ns() // 1_000_000}"
    assert client.get(f"/v1/devices/osmand?{now}").json()["accepted"] == 1
    assert client.get(f"/v1/devices/osmand/no%20good?{QUERY}").status_code == 422
    assert sorted(ping.fleet_id for ping in pings(redis)) == ["depot", "hub", "live"]


def test_a_device_may_bring_its_key_in_the_address_as_password_or_as_header(
    client: TestClient, redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    drive(redis)
    key = client.headers.pop("X-API-Key")
    quoted = key.replace(" ", "%20")
    answers = [
        client.get(f"/v1/devices/osmand/depot/{quoted}?{QUERY}"),
        client.post("/v1/devices/owntracks/depot", json={**LOCATION, "tid": "JJ"}, auth=("anybody", key)),
        client.get(f"/v1/devices/osmand/depot?{QUERY}", headers={"Authorization": f"Bearer {key}"}),
        client.get(f"/v1/devices/osmand/depot?{QUERY}", headers={"X-API-Key": key}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    refused = [
        client.get(f"/v1/devices/osmand/depot?{QUERY}"),
        client.get(f"/v1/devices/osmand/depot/secret-of-nobody?{QUERY}"),
        client.post("/v1/devices/owntracks/depot", json=LOCATION, auth=("anybody", "secret-of-nobody")),
        client.post("/v1/devices/traccar/depot", json={}, headers={"Authorization": "Basic !"}),
    ]
    assert [answer.status_code for answer in refused] == [401] * 4
    assert refused[0].headers["www-authenticate"].startswith("Basic")
    assert len(pings(redis)) == 4
    told = capsys.readouterr()
    assert not any(word in told.out + told.err for word in (key, quoted, "secret-of-nobody"))


def test_a_path_is_logged_without_its_key() -> None:
    assert without_key("/v1/devices/osmand/depot/secret") == "/v1/devices/osmand/depot/-"
    assert without_key("/v1/devices/osmand/depot/secret/more") == "/v1/devices/osmand/depot/-"
    for path in ("/v1/devices/osmand/depot", "/v1/vehicles/a/b/c/d"):
        assert without_key(path) == path


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["1e400", "2025-06-15T03:02:59Z"])
NAMES = ["location", "coords", "timestamp", "latitude", "longitude", "speed", "device_id", "position", "device", "uniqueId", "fixTime"]
NAMES += ["event", "_type", "tst", "lat", "lon", "vel", "topic", "id", "valid", "accuracy"]
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6))
LIKELY = st.fixed_dictionaries(
    {"_type": st.just("location"), "position": JSON, "device": JSON, "location": JSON, "tst": VALUES, "lat": VALUES}
)
BODIES = st.binary(max_size=60) | (JSON | LIKELY).map(lambda value: json.dumps(value).encode())
FORMS = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=8), max_size=6)
KINDS = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["osmand", "traccar", "owntracks"]), BODIES, FORMS, KINDS)
def test_no_device_hears_a_500(client: TestClient, redis: Redis, protocol: str, body: bytes, form: dict[str, str], kind: str) -> None:
    drive(redis)
    answer = client.post(f"/v1/devices/{protocol}/depot", content=body, params=form, headers={"Content-Type": kind})
    assert answer.status_code == (202 if protocol == "traccar" else 200)
    assert not any(isinstance(ping, Rejected) for ping in pings(redis))


def test_a_device_that_sends_a_megabyte_is_a_413(client: TestClient, redis: Redis) -> None:
    drive(redis)
    for protocol in ("osmand", "traccar", "owntracks"):
        assert client.post(f"/v1/devices/{protocol}/depot", content=b"x" * 1_100_000).status_code == 413
