"""Batches over HTTP: everything sent is in the log or in the dead letters, and the answer says which."""

import json
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from api.auth import fingerprint
from api.ingest_bodies import MOST_ITEMS
from stream.codec import Rejected, decode
from stream.intake import Entry
from stream.live.keys import API_KEYS, COUNTS, DEAD, FLEETS, REFUSED, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.log import SHARDS, shard_of
from stream.messages import Ping


def ping(**fields: Any) -> dict[str, Any]:
    fix = {"at": int(time.time() * 1000), "vehicle_id": "bus-1", "lat": 42.9, "lon": -78.9}
    return {"type": "ping", "fleet_id": "nfta", **fix, **fields}


def entries(redis: Redis) -> list[Entry]:
    """What stands in the log, shard by shard."""
    found: list[Entry] = []
    for shard in range(SHARDS):
        for stream_id, fields in redis.xrange(log_key(shard)):
            found += unpack(stream_id, fields)
    return found


def dead(redis: Redis) -> list[dict[str, str]]:
    return [{key.decode(): value.decode(errors="replace") for key, value in letter.items()} for _, letter in redis.xrange(DEAD)]


def test_a_ping_is_answered_and_stands_in_the_log_as_it_was_sent(client: TestClient, redis: Redis) -> None:
    sent = json.dumps(ping(seq=7)).encode()
    answer = client.post("/v1/pings:batch", content=b"[" + sent + b"]")
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "refused": []})
    (entry,) = entries(redis)
    assert entry.payload == sent
    assert abs(entry.received_us - time.time_ns() // 1000) < 10_000_000
    known = json.loads(redis.hget(FLEETS, "nfta"))
    assert known == {"time_zone": "UTC", "driven": False, "shard": shard_of("nfta")}


def test_a_batch_is_taken_item_by_item(client: TestClient, redis: Redis) -> None:
    batch = [ping(seq=0), ping(lat=99), ping(seq=2), {"lat": 1}, 7, ping(vehicle_id="no good"), ping(at=1)]
    answer = client.post("/v1/pings:batch", json=batch).json()
    assert answer["accepted"] == 2
    assert [(item["index"], item["reason"]) for item in answer["refused"]] == [
        (1, "lat_range"),
        (3, "missing_field"),
        (4, "bad_type"),
        (5, "bad_id"),
        (6, "ts_range"),
    ]
    assert all(item["meaning"] and item["remedy"] for item in answer["refused"])
    messages = [decode(entry.payload) for entry in entries(redis)]
    assert [message.seq for message in messages if isinstance(message, Ping)] == [0, 2]
    assert [(letter["r"], letter["b"]) for letter in dead(redis)] == [(item["reason"], "api") for item in answer["refused"]]
    first = {**dead(redis)[0], "t": "", "h": ""}
    assert first == {"f": "nfta", "r": "lat_range", "k": "ping", "v": "bus-1", "t": "", "h": "", "b": "api"}
    assert redis.hgetall(REFUSED) == {item["reason"].encode(): b"1" for item in answer["refused"]}


def test_a_batch_of_which_nothing_is_good_is_a_202_all_the_same(client: TestClient, redis: Redis) -> None:
    answer = client.post("/v1/pings:batch", json=[ping(lon=400)] * 3)
    assert (answer.status_code, answer.json()["accepted"], len(answer.json()["refused"])) == (202, 0, 3)
    assert not entries(redis)
    assert redis.hget(REFUSED, "lon_range") == b"3"


def test_a_batch_as_large_as_it_may_be_keeps_its_order(client: TestClient, redis: Redis) -> None:
    batch = [ping(seq=number, fleet_id=f"fleet-{number % 5}") for number in range(MOST_ITEMS)]
    assert client.post("/v1/pings:batch", json=batch).json()["accepted"] == MOST_ITEMS
    seen: dict[str, list[int]] = {}
    for message in (decode(entry.payload) for entry in entries(redis)):
        assert isinstance(message, Ping)
        seen.setdefault(message.fleet_id, []).append(message.seq or 0)
    assert seen == {f"fleet-{number}": list(range(number, MOST_ITEMS, 5)) for number in range(5)}
    assert sum(int(count) for count in redis.hvals(COUNTS)) == MOST_ITEMS


def test_one_more_is_a_413_that_is_counted(client: TestClient, redis: Redis) -> None:
    answer = client.post("/v1/pings:batch", content=b"[" + b"0," * MOST_ITEMS + b"0]")
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert dead(redis)[0]["r"] == "too_large"


def test_lines_are_taken_with_a_fleet_for_all_of_them(client: TestClient, redis: Redis) -> None:
    fixes = [{key: value for key, value in ping(seq=number).items() if key not in {"type", "fleet_id"}} for number in range(3)]
    lines = "\n".join(map(json.dumps, fixes)) + "\n"
    answer = client.post("/v1/pings:batch?fleet_id=depot", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json() == {"accepted": 3, "refused": []}
    assert {message.fleet_id for message in (decode(entry.payload) for entry in entries(redis))} == {"depot"}


@pytest.mark.parametrize("body", [b"", b"nonsense", b"17", b"[1,", b"\xff\xfe"])
@pytest.mark.parametrize("path", ["/v1/pings:batch", "/v1/events", "/v1/routes"])
def test_a_body_that_cannot_be_read_is_a_422_and_a_dead_letter(client: TestClient, redis: Redis, path: str, body: bytes) -> None:
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (letter,) = dead(redis)
    assert (letter["r"], letter["h"]) == (answer.json()["reason"], body.decode(errors="replace"))


def test_events_of_every_type_but_tick_are_taken(client: TestClient, redis: Redis) -> None:
    now = int(time.time() * 1000)
    down = {"type": "vehicle_down", "fleet_id": "nfta", "at": now, "vehicle_id": "bus-1"}
    answer = client.post(
        "/v1/events", json=[down, ping(), {"type": "tick", "fleet_id": "nfta", "at": now}, {"fleet_id": "nfta", "at": now}]
    )
    assert answer.json()["accepted"] == 2
    assert [item["reason"] for item in answer.json()["refused"]] == ["unknown_type", "missing_field"]
    assert client.post("/v1/events?fleet_id=nfta", json={"type": "vehicle_up", "at": now, "vehicle_id": "bus-1"}).json()["accepted"] == 1
    assert len(entries(redis)) == 3


def test_a_route_is_taken_without_its_type(client: TestClient, redis: Redis) -> None:
    stop = {"stop_id": "s1", "lat": 42.9, "lon": -78.9, "seq": 1}
    route = {"at": int(time.time() * 1000), "route_id": "r1", "vehicle_id": "bus-1", "stops": [stop]}
    assert client.post("/v1/routes?fleet_id=nfta", json=route).json() == {"accepted": 1, "refused": []}
    refused = client.post("/v1/routes?fleet_id=nfta", json=[{**route, "stops": []}, {**route, "stops": [{**stop, "radius_m": 1}]}]).json()
    assert [item["reason"] for item in refused["refused"]] == ["missing_field", "bad_radius"]
    assert not isinstance(decode(entries(redis)[0].payload), Rejected)


def test_the_same_key_is_answered_again_and_appended_once(client: TestClient, redis: Redis) -> None:
    body = json.dumps([ping(), ping(lat=99)])
    first, again = (client.post("/v1/pings:batch", content=body, headers={"Idempotency-Key": "batch-1"}) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert (len(entries(redis)), len(dead(redis))) == (1, 1)
    client.post("/v1/pings:batch", content=body, headers={"Idempotency-Key": "batch-2"})
    assert len(entries(redis)) == 2
    assert client.post("/v1/pings:batch", content=b"[]", headers={"Idempotency-Key": "batch-1"}).status_code == 422
    (lifetime,) = {redis.ttl(key) > 500 for key in redis.scan_iter("fc1:once:*")}
    assert lifetime


def test_the_keys_of_two_callers_are_two(client: TestClient, redis: Redis) -> None:
    redis.hset(API_KEYS, fingerprint("another"), "another")
    for key in (client.headers["X-API-Key"], "another"):
        answer = client.post("/v1/pings:batch", json=[ping(vehicle_id=key[0])], headers={"Idempotency-Key": "1", "X-API-Key": key})
        assert answer.json()["accepted"] == 1
    assert len(entries(redis)) == 2


def test_a_key_whose_request_failed_may_be_used_again(client: TestClient, redis: Redis) -> None:
    redis.set(COUNTS, "no hash")
    body, once = json.dumps([ping()]), {"Idempotency-Key": "batch-1"}
    assert client.post("/v1/pings:batch", content=body, headers=once).status_code == 503
    redis.delete(COUNTS)
    assert client.post("/v1/pings:batch", content=body, headers=once).json()["accepted"] == 1
    assert len(entries(redis)) == 1


def test_a_request_without_a_key_is_not_taken(client: TestClient, redis: Redis) -> None:
    for path in ("/v1/pings:batch", "/v1/events", "/v1/routes"):
        assert client.post(path, json=[ping()], headers={"X-API-Key": "wrong"}).status_code == 401
    assert not entries(redis)


def test_a_full_redis_is_a_503_and_takes_nothing(client: TestClient, redis: Redis) -> None:
    redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 1_000)
    try:
        answer = client.post("/v1/pings:batch", json=[ping()])
    finally:
        redis.config_set("maxmemory", 0)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert not entries(redis)


def test_a_redis_that_fills_up_between_two_looks_is_a_503_too(client: TestClient, redis: Redis) -> None:
    assert client.post("/v1/pings:batch", json=[ping()]).status_code == 202
    redis.config_set("maxmemory", 1)
    try:
        answers = [client.post("/v1/pings:batch", json=[ping()], headers=more) for more in ({}, {"Idempotency-Key": "1"})]
    finally:
        redis.config_set("maxmemory", 0)
    assert [answer.status_code for answer in answers] == [503, 503]
    assert len(entries(redis)) == 1


def test_in_a_driven_fleet_now_is_the_time_that_its_player_has_come_to(client: TestClient, redis: Redis) -> None:
    played_us = 1_200_000_000_000_000
    redis.hset(FLEETS, "taxis", json.dumps({"time_zone": "UTC", "driven": True, "shard": shard_of("taxis")}))
    assert client.post("/v1/pings:batch", json=[ping(fleet_id="taxis")]).status_code == 503
    redis.hset(fleet_key("fleet", "taxis"), "now_us", played_us)
    batch = [ping(fleet_id="taxis"), ping(fleet_id="taxis", at=played_us // 1000), *[ping() for _ in range(3)]]
    answer = client.post("/v1/pings:batch", json=batch).json()
    assert [(item["index"], item["reason"]) for item in answer["refused"]] == [(0, "ts_future")]
    received = {decode(entry.payload).fleet_id: entry.received_us for entry in entries(redis)}
    assert received["taxis"] == played_us
    assert received["nfta"] > played_us
    assert dead(redis)[0]["t"] == str(played_us)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(ping())) | st.text(max_size=4), inner, max_size=6),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())
PLACES = st.sampled_from(
    [
        ("POST", "/v1/pings:batch?fleet_id=nfta"),
        ("POST", "/v1/events"),
        ("POST", "/v1/routes?fleet_id=nfta"),
        ("PUT", "/v1/vehicles/bus-1?fleet_id=nfta"),
        ("PUT", "/v1/geofences/yard?fleet_id=nfta"),
        ("POST", "/v1/exceptions/nfta:late_risk:v1:acknowledge"),
    ]
)
KINDS = st.sampled_from(["application/json", "application/x-ndjson", "text/plain"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLACES, BODIES, KINDS)
def test_no_body_is_a_500_and_every_item_is_accounted_for(
    client: TestClient, redis: Redis, place: tuple[str, str], body: bytes, kind: str
) -> None:
    before = len(entries(redis)) + redis.xlen(DEAD)
    answer = client.request(*place, content=body, headers={"Content-Type": kind})
    assert answer.status_code in {202, 404, 413, 422}
    items = len(answer.json()["refused"]) + answer.json()["accepted"] if answer.status_code == 202 else int(answer.status_code == 422)
    assert len(entries(redis)) + redis.xlen(DEAD) == before + items
