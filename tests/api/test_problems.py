"""Whatever goes wrong leaves as a problem, and never as a stack trace; odd input is no reason to fail."""

import asyncio
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.app import create_app
from api.edge import Edge
from stream.live.server import connect_async
from stream.live.settings import LiveSettings


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("DELETE", "/v1/fleets", 405, "method-not-allowed"),
        ("GET", "/v1/vehicles?limit=0", 422, "invalid"),
        ("GET", "/v1/vehicles?limit=1e999", 422, "invalid"),
        ("GET", "/v1/vehicles?cursor=%00", 422, "invalid"),
        ("GET", "/v1/vehicles?fleet_id=a%00b", 422, "invalid"),
        ("GET", "/v1/exceptions?status=some", 422, "invalid"),
        ("GET", "/v1/stream?last_event_id=yesterday", 422, "invalid"),
        ("GET", "/v1/stream?kind=A-B", 422, "invalid"),
        ("POST", "/v1/orders/etas", 400, "bad-request"),
    ],
)
def test_a_refusal_is_a_problem_with_a_type_to_compare(client, present, method, path, status, kind):
    answer = client.request(method, path)
    told = answer.json()
    assert (answer.status_code, told["status"], told["type"]) == (status, status, kind)
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["title"]
    assert told["detail"]


def test_a_refused_value_is_not_repeated(client, present):
    assert "52.5163" not in client.get("/v1/vehicles?limit=52.5163&cursor=52.5163").text


def test_what_may_be_asked_instead_is_said_with_a_405(client, present):
    assert "GET" in client.delete("/v1/fleets").headers["allow"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_10_mb_is_refused_whether_or_not_its_length_was_said(client, present, chunked):
    body = (b" " * 1_000_000 for _ in range(11)) if chunked else b" " * 10_000_001
    answer = client.post("/v1/orders/etas", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert answer.json()["type"] == "too-large"


def test_without_redis_every_question_is_answered_with_503_and_the_process_lives_on(tmp_path):
    nowhere = f"unix://{tmp_path}/nothing.sock"
    app = create_app(LiveSettings(redis_url=nowhere, state_dir=tmp_path), connect_async(nowhere))
    with TestClient(app, headers={"X-API-Key": "k"}, raise_server_exceptions=False) as client:
        answer = client.get("/v1/fleets")
        assert (answer.status_code, answer.json()["type"], answer.headers["retry-after"]) == (503, "unavailable", "1")
        assert client.get("/metrics").status_code == 503
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["problems"][0] == "Redis does not answer: ConnectionError"


def test_what_fails_inside_is_told_without_its_words_and_logged_with_them(client, two_fleets):
    two_fleets.redis.hset("fc1:vehicles:north", "van-1", b"{secret words")
    with capture_logs() as logs:
        answer = client.get("/v1/vehicles/van-1")
    assert (answer.status_code, answer.json()["type"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [line["error"] for line in logs if line["event"] == "request_failed"] == ["DecodeError"]


def test_the_log_of_a_request_names_its_route_and_not_what_was_asked(client, two_fleets):
    with capture_logs() as logs:
        client.get("/v1/vehicles/van-1?fleet_id=north&token=hush")
    (line,) = [line for line in logs if line["event"] == "request"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/vehicles/{vehicle_id}", 200)
    assert set(line) == {"event", "log_level", "method", "route", "status", "ms"}


ODD = st.one_of(st.text(max_size=80), st.sampled_from(["\0", "a\0b", "..", "%2e%2e", "-", ":", "a:b", "'", "{", "\U0001f69a", "a" * 5_000]))
HUGE = st.one_of(st.integers().map(str), st.just("9" * 500), st.sampled_from(["-0", "1e5", "0x10", " 1", "1_0", "NaN", ""]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["vehicles/{}", "routes/{}", "visits/{}/eta", "orders/{}/eta", "exceptions/{}", "vehicles", "exceptions"]),
    name=ODD,
    params=st.fixed_dictionaries({}, optional={"fleet_id": ODD, "limit": HUGE, "cursor": ODD, "status": ODD, "kind": ODD}),
)
@example(path="exceptions", name="", params={"cursor": "WzllOTk5LCJhIl0"})  # [9e999,"a"]
@example(path="exceptions", name="", params={"cursor": "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5LCJhIl0"})  # an integer of 24 digits
@example(path="vehicles", name="", params={"cursor": "WyJhIiwiYiIsImMiXQ"})  # ["a","b","c"]
@example(path="vehicles", name="", params={"cursor": "WyJcdWQ4MDAiLCJiIl0"})  # half of a surrogate pair
def test_odd_input_is_refused_or_not_found_and_never_a_failure(client, two_fleets, path, name, params):

    encoded = quote(name.encode("utf-8", "replace"), safe="")
    clean = {key: value.encode("utf-8", "replace") for key, value in params.items()}
    answer = client.get(f"/v1/{path.format(encoded)}", params=clean)
    assert answer.status_code in {200, 404, 409, 422}, answer.text


def test_a_listener_that_is_let_go_for_reading_nothing_is_no_failure():
    async def stalls(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise TimeoutError

    async def sent(message):
        pass

    with capture_logs() as logs:
        asyncio.run(Edge(stalls)({"type": "http", "method": "GET"}, sent, sent))
    assert [line["event"] for line in logs] == ["listener_dropped", "request"]
