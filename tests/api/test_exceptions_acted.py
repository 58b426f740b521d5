"""What dispatchers do with exceptions over HTTP becomes messages; lists can be narrowed, and a misspelt kind is told."""

import msgspec
import pytest

from stream.codec import decode
from stream.exception_messages import ExceptionAssigned, ExceptionNoted, ExceptionSnoozed, PolicyPut
from stream.live.keys import log_key
from stream.live.log_entry import unpack
from stream.log import SHARDS
from stream.moments import instant

NAME = "north:late_risk:v3"


def only(redis):
    """The one message that stands in the log."""
    entries = [entry for shard in range(SHARDS) for where, fields in redis.xrange(log_key(shard)) for entry in unpack(where, fields)]
    ((message,),) = [[decode(entry.payload) for entry in entries]]
    return message


@pytest.mark.parametrize(
    ("deed", "body", "kind"),
    [
        ("assign", {"by": "ada", "to": "ben"}, ExceptionAssigned),
        ("snooze", {"by": "ada", "until": "2026-05-28T21:00:00Z"}, ExceptionSnoozed),
        ("note", {"by": "ada", "text": "will wait"}, ExceptionNoted),
    ],
)
def test_a_deed_is_one_message_about_the_exception(client, two_fleets, deed, body, kind):
    assert client.post(f"/v1/exceptions/{NAME}:{deed}", json=body).status_code == 202
    said = only(two_fleets.redis)
    assert (type(said), said.exception_id, said.by, said.fleet_id) == (kind, NAME, "ada", "north")


@pytest.mark.parametrize(
    ("deed", "body", "status"),
    [
        ("assign", {"by": "ada"}, 422),
        ("snooze", {"by": "ada", "until": "soon"}, 422),
        ("note", {"text": "by nobody"}, 422),
        ("note", {"by": "ada", "text": "x" * 300}, 422),
        ("forget", {"by": "ada"}, 404),
    ],
)
def test_a_deed_that_cannot_be_is_refused(client, two_fleets, deed, body, status):
    assert client.post(f"/v1/exceptions/{NAME}:{deed}", json=body).status_code in {status, 405}


def test_a_policy_is_put_for_a_fleet_and_a_kind_that_exists(client, two_fleets):
    assert client.put("/v1/policies/stalled?fleet_id=north", json={"fields": {"limit_s": 600, "on": True}}).status_code == 202
    said = only(two_fleets.redis)
    assert isinstance(said, PolicyPut)
    assert (said.kind, said.fields) == ("stalled", {"limit_s": 600, "on": True})
    assert client.put("/v1/policies/staled?fleet_id=north", json={"fields": {}}).status_code == 422


@pytest.mark.parametrize("query", ["kind=late_risks", "kind=LATE_RISK", "severity=terrible", "vehicle_id=no%20id", "priority=high"])
def test_a_filter_that_names_nothing_is_told_and_not_silently_empty(client, two_fleets, query):
    assert client.get(f"/v1/exceptions?{query}").status_code == 422


def told(present, name, since_us, **data):
    """An open exception whose newest event says all this."""
    kind = name.split(":")[1]
    event = present.event("west", "exception_opened", 1, exception_id=name, exception_kind=kind, **data)
    present.redis.hset("fc1:exceptions:west", name, event)
    present.redis.zadd("fc1:open:west", {name: since_us})


@pytest.fixture
def west(present):
    """A fleet with three exceptions."""
    present.put_fleet("west")
    told(present, "west:stalled:v1", present.noon_us, severity="high", priority=0, vehicle_id="v1", status="open")
    told(
        present,
        "west:late_risk:a1",
        present.noon_us + 1,
        severity="high",
        priority=5,
        vehicle_id="v2",
        status="assigned",
        assigned_to="ben",
    )
    told(present, "west:early_risk:a2", present.noon_us + 2, severity="low", priority=1, vehicle_id="v1", status="open")
    return present


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["early_risk", "late_risk", "stalled"]),
        ("severity=high", ["late_risk", "stalled"]),
        ("vehicle_id=v1", ["early_risk", "stalled"]),
        ("priority=1", ["early_risk", "late_risk"]),
        ("priority=1&severity=high", ["late_risk"]),
        ("kind=stalled&vehicle_id=v2", []),
    ],
)
def test_exceptions_are_narrowed_by_severity_vehicle_and_priority(client, west, query, found):
    assert [one["kind"] for one in client.get(f"/v1/exceptions?{query}").json()["items"]] == found


def test_a_narrowed_list_comes_page_by_page(client, west):
    first = client.get("/v1/exceptions?severity=high&limit=1").json()
    second = client.get(f"/v1/exceptions?severity=high&limit=1&cursor={first['next_cursor']}").json()
    assert [one["kind"] for page in (first, second) for one in page["items"]] == ["late_risk", "stalled"]
    assert second["next_cursor"] is None


def test_a_document_has_life_clock_harm_and_evidence(client, present):
    present.put_fleet("west")
    clock = {"opened_at": instant(present.noon_us), "acknowledged_at": None, "acted_at": instant(present.noon_us), "closed_at": None}
    told(present, "west:late_risk:a1", present.noon_us, clock=clock, harm=[{"visit_id": "a1", "late_min": 7.5}], harm_min=7.5)
    found = client.get("/v1/exceptions/west:late_risk:a1").json()
    assert found["clock"]["acted_at"] == msgspec.to_builtins(instant(present.noon_us))
    assert (found["harm"], found["harm_min"], found["state"]) == ([{"visit_id": "a1", "late_min": 7.5}], 7.5, "open")
