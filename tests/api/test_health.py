"""Ready or not, and why not; and what a monitor reads."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.read_health import in_words, shards_in
from stream.live.keys import HEARTBEATS


def test_it_is_ready_when_every_shard_has_a_process_that_was_heard_of(client, two_fleets):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "problems": []})


def test_a_process_that_is_silent_is_named_with_the_shards_that_nobody_works_on(client, present):
    present.beat("stream-0", "0-7")
    present.beat("stream-8", "8-15", age_s=12)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    silent, idle = answer.json()["problems"]
    assert re.fullmatch(r"process stream-8 \(shards 8-15\) was last heard of 1\d s ago", silent)
    assert (answer.json()["status"], idle) == ("unavailable", "no stream process is at work on shards 8-15")


def test_without_any_stream_process_it_is_not_ready(client, present):
    present.redis.delete(HEARTBEATS)
    present.beat("api", "")
    assert client.get("/readyz").json()["problems"] == ["no stream process is at work on shards 0-15"]


@pytest.mark.parametrize(
    ("words", "shards"), [("0-3,8", {0, 1, 2, 3, 8}), ("5", {5}), ("", set()), ("x-y, 2", {2}), ("0-99999999999", set(range(100)))]
)
def test_shards_are_read_from_words_and_what_cannot_be_read_names_none(words, shards):
    assert shards_in(words) == shards


@pytest.mark.parametrize(("shards", "words"), [({0, 1, 2, 8}, "0-2, 8"), ({3}, "3"), (set(), "")])
def test_shards_are_told_as_ranges(shards, words):
    assert in_words(shards) == words


def test_metrics_are_what_redis_holds_in_a_form_that_prometheus_reads(client, two_fleets):
    two_fleets.put_fleet("live", driven=False, now_us=two_fleets.clock_us() - 4_000_000)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert 4.0 <= found.pop(("fleetcast_lag_seconds", "live")) < 10.0
    assert ("fleetcast_lag_seconds", "north") not in found
    assert found["fleetcast_log_messages_total", "3"] == 120
    assert found["fleetcast_events_total", "north"] == 7
    assert found["fleetcast_events_kept",] == 3
    assert found["fleetcast_refused_total", "", "api", "bad_json"] == 5
    assert found["fleetcast_refused_total", "engine", "north", "teleport"] == 3
    assert found["fleetcast_restarts_total", "stream-0"] == 2
    assert 0.0 <= found["fleetcast_heartbeat_age_seconds", "stream-0"] < 5.0
    assert found["fleetcast_open_exceptions", "north"] == 1
    assert found["fleetcast_sse_clients",] == 0


def test_the_address_itself_leads_to_the_pages(client):
    assert client.get("/", follow_redirects=False).headers["location"] == "/docs"
