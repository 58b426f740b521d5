"""Without a key nothing is told: of every route that there is, except those that say whether the process is well."""

import pytest
from fastapi.testclient import TestClient

from api.auth import TRUSTED_S, fingerprint
from stream.live.keys import API_KEYS

PUBLIC = {"/healthz", "/readyz"}


@pytest.fixture
def stranger(app):
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_every_route_but_health_asks_for_a_key(stranger, two_fleets):
    paths = stranger.get("/openapi.json").json()["paths"]
    asked = [(method, path) for path, methods in paths.items() for method in methods if path not in PUBLIC]
    assert len(asked) > 20
    for method, path in asked:
        answer = stranger.request(method, path.replace("{fleet}", "north"))
        assert answer.status_code == 401, f"{method} {path} gave {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"]
    assert all(stranger.get(path).status_code == 200 for path in PUBLIC)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "another"}, {"X-API-Key": ""}, {"X-API-Key": "\xe9\xff"}, {"Authorization": "Bearer another"},
        {"Authorization": "Basic a-key-of-the-tests"}, {"Authorization": "Bearer"}, {"Authorization": "a-key-of-the-tests"},
    ],
)  # fmt: skip
def test_a_key_that_is_not_known_opens_nothing(stranger, headers):
    assert stranger.get("/v1/fleets", headers={name: value.encode("latin-1") for name, value in headers.items()}).status_code == 401


def test_the_hash_of_a_key_is_no_key(stranger, present):
    assert stranger.get("/v1/fleets", headers={"X-API-Key": fingerprint(present.key)}).status_code == 401


def test_a_key_opens_as_header_and_as_bearer_token_and_never_in_the_query(stranger, present):
    assert stranger.get("/v1/fleets", headers={"X-API-Key": present.key}).status_code == 200
    assert stranger.get("/v1/fleets", headers={"Authorization": f"Bearer {present.key}"}).status_code == 200
    for name in ("key", "api_key", "X-API-Key", "token"):
        assert stranger.get("/v1/fleets", params={name: present.key}).status_code == 401


def test_a_key_that_is_taken_back_opens_nothing_when_it_is_looked_up_again(client, present, monkeypatch):
    assert client.get("/v1/fleets").status_code == 200
    present.redis.hdel(API_KEYS, fingerprint(present.key))
    assert client.get("/v1/fleets").status_code == 200
    monkeypatch.setattr(client.app.state.keys, "_names", {})
    assert client.get("/v1/fleets").status_code == 401


def test_a_key_is_trusted_for_a_moment_only():
    assert 0 < TRUSTED_S <= 2


def test_a_key_that_is_not_known_is_looked_up_every_time(stranger, present):
    asked = {"X-API-Key": "made-later"}
    assert stranger.get("/v1/fleets", headers=asked).status_code == 401
    present.redis.hset(API_KEYS, fingerprint("made-later"), "later")
    assert stranger.get("/v1/fleets", headers=asked).status_code == 200


def test_the_page_says_how_to_send_the_key(stranger):
    page = stranger.get("/openapi.json").json()
    assert page["paths"]["/v1/fleets"]["get"]["security"]
    assert {scheme["type"] for scheme in page["components"]["securitySchemes"].values()} >= {"apiKey", "http"}
