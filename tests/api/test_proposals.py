"""Proposals over HTTP: shown, accepted while they fit, refused with the reason when they do not; and questions to the engine."""

import threading
from datetime import timedelta

import msgspec
import pytest

from stream.live.keys import FLEETS, answer_key, fleet_key, log_key
from stream.live.views import ProposalsView
from stream.moments import instant
from stream.proposals import Proposal, RouteChange

EXCEPTION = "north:late_risk:v3"


def proposal(present, number=1, before=("v2", "v3", "v4"), holds_s=60.0):
    change = RouteChange(route_id="r1", vehicle_id="van-1", before_visit_ids=list(before), visit_ids=["v3", "v2", "v4"])
    return Proposal(
        number=number, kind="resequence", changes=[change], visits=[], vehicles=[], drive_added_s=12.0, late_before_s=900.0,
        late_after_s=0.0, saved_visit_ids=["v3"], late_visit_ids=[], holds_until=instant(present.noon_us) + timedelta(seconds=holds_s),
    )  # fmt: skip


@pytest.fixture
def offered(two_fleets):
    """A function that puts proposals for the open exception of `north` there."""

    def put(*proposals):
        view = ProposalsView(EXCEPTION, two_fleets.noon_us, two_fleets.noon_us + 10**9, list(proposals))
        two_fleets.redis.hset(fleet_key("proposals", "north"), EXCEPTION, msgspec.json.encode(view))

    return put


def accepted(present):
    lines = [fields[b"m"] for shard in range(16) for _, fields in present.redis.xrange(log_key(shard))]
    return [msgspec.json.decode(line) for line in lines]


def test_proposals_of_an_exception_are_shown_ranked(client, two_fleets, offered):
    offered(proposal(two_fleets), proposal(two_fleets, 2))
    found = client.get(f"/v1/exceptions/{EXCEPTION}/proposals").json()
    assert [one["number"] for one in found["proposals"]] == [1, 2]
    assert found["proposals"][0]["changes"][0]["visit_ids"] == ["v3", "v2", "v4"]
    assert found["actionable_until"] == "2026-05-28T20:43:40Z"


def test_an_exception_carries_its_proposals_in_short_and_where_they_are(client, two_fleets, offered):
    assert client.get(f"/v1/exceptions/{EXCEPTION}").json()["proposals_href"] is None
    offered(proposal(two_fleets), proposal(two_fleets, 2))
    found = client.get(f"/v1/exceptions/{EXCEPTION}").json()
    (listed,) = [one for one in client.get("/v1/exceptions").json()["items"] if one["exception_id"] == EXCEPTION]
    assert found["proposals"] == listed["proposals"]
    assert [(one["number"], one["saved_visit_ids"]) for one in found["proposals"]] == [(1, ["v3"]), (2, ["v3"])]
    assert found["actionable_until"] == "2026-05-28T20:43:40Z"
    assert client.get(found["proposals_href"]).json()["proposals"][0]["changes"]


def test_an_exception_without_proposals_has_none_to_show(client, two_fleets):
    assert client.get(f"/v1/exceptions/{EXCEPTION}/proposals").status_code == 404


def test_a_proposal_that_fits_is_accepted_into_the_log(client, two_fleets, offered):
    offered(proposal(two_fleets))
    taken = client.post(f"/v1/exceptions/{EXCEPTION}/proposals/1:accept", json={"by": "ann"})
    assert taken.status_code == 202
    (message,) = accepted(two_fleets)
    assert (message["type"], message["exception_id"], message["number"], message["by"]) == ("proposal_accepted", EXCEPTION, 1, "ann")


@pytest.mark.parametrize(
    ("offer", "status"),
    [({"number": 2}, 404), ({"before": ("v1", "v2")}, 409), ({"holds_s": -1.0}, 409), ({"before": ("v9", "v2", "v3", "v4")}, 202)],
)
def test_a_proposal_that_is_not_there_or_does_not_fit_is_refused(client, two_fleets, offered, offer, status):
    offered(proposal(two_fleets, **offer))
    answer = client.post(f"/v1/exceptions/{EXCEPTION}/proposals/1:accept", json={"by": "ann"})
    assert answer.status_code == status
    assert len(accepted(two_fleets)) == (status == 202)
    if status == 409:
        assert answer.json()["reason"] == "stale_proposal"
        assert answer.json()["type"] == "stale-proposal"


def test_nobody_but_the_engine_makes_proposals(client, two_fleets):
    body = {"type": "proposals_made", "fleet_id": "north", "at": "2026-05-28T20:27:00Z", "exception_id": EXCEPTION, "made_for": 1}
    assert client.post("/v1/events", json={**body, "proposals": []}).json()["accepted"] == 0


DELAY = {"fleet_id": "north", "changes": [{"change": "delay", "vehicle_id": "van-1", "delay_s": 60.0}]}


def test_a_question_waits_for_the_answer_of_the_engine(client, two_fleets):
    engine = threading.Timer(0.2, lambda: two_fleets.redis.set(answer_key("north", "q1"), b'{"question_id":"q1"}'))
    engine.start()
    answer = client.post("/v1/what-if", json=DELAY)
    engine.join()
    assert (answer.status_code, answer.json()) == (200, {"question_id": "q1"})
    assert [message["type"] for message in accepted(two_fleets)] == ["what_if_asked"]


def test_an_answer_that_takes_too_long_has_an_address(client, two_fleets, monkeypatch):
    monkeypatch.setattr("api.questions.PATIENCE_S", 0.1)
    stop = {"stop_id": "s", "lat": 52.5, "lon": 13.4, "seq": 1}
    later = client.post("/v1/orders:candidates", params={"fleet_id": "north"}, json={"stop": stop})
    assert later.status_code == 202
    assert client.get(later.json()["href"]).status_code == 404
    two_fleets.redis.set(answer_key("north", later.json()["question_id"]), b'{"candidates":[]}')
    assert client.get(later.json()["href"]).json() == {"candidates": []}


@pytest.mark.parametrize(
    "changes", [[], [{"change": "fly"}], [{"change": "traffic", "factor": 1000.0}], [{"change": "delay", "delay_s": -1.0}]]
)
def test_a_question_that_cannot_be_asked_is_refused_with_the_reason(client, two_fleets, changes):
    answer = client.post("/v1/what-if", json={"fleet_id": "north", "changes": changes})
    assert answer.status_code == 422
    assert answer.json()["reason"]


def test_a_question_may_go_to_the_only_fleet_although_its_day_is_played(client, two_fleets, monkeypatch):
    monkeypatch.setattr("api.questions.PATIENCE_S", 0.05)
    entry = msgspec.json.decode(two_fleets.redis.hget(FLEETS, "north"))
    two_fleets.redis.delete(FLEETS)
    two_fleets.redis.hset(FLEETS, "north", msgspec.json.encode({**entry, "driven": True}))
    assert client.post("/v1/what-if", json={"changes": DELAY["changes"]}).status_code == 202
