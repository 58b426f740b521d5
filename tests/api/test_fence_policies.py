"""The policy of a kind of fences over HTTP becomes one message of the fleet's log; what cannot be is told at once."""

import msgspec
import pytest

from stream.codec import decode
from stream.fence_messages import FencePolicyPut
from stream.live.keys import fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import FencePolicyView, FenceView
from stream.log import SHARDS


def said(redis):
    """Every message that stands in the log."""
    return [
        decode(entry.payload)
        for shard in range(SHARDS)
        for where, fields in redis.xrange(log_key(shard))
        for entry in unpack(where, fields)
    ]


def test_a_policy_is_put_for_a_fleet_and_a_kind(client, two_fleets):
    body = {"fields": {"exit_hold_s": 60, "passages": False}}
    assert client.put("/v1/geofence-policies/gate?fleet_id=north", json=body).status_code == 202
    (message,) = said(two_fleets.redis)
    assert isinstance(message, FencePolicyPut)
    assert (message.fleet_id, message.kind, message.fields) == ("north", "gate", body["fields"])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"hold": 3}, "bad_policy"), ({"enter_fixes": 0}, "bad_policy"), ({"dwell_s": "long"}, "bad_type"), ({"passages": 1}, "bad_policy")],
)
def test_a_policy_that_cannot_be_is_refused_with_the_reason(client, two_fleets, fields, reason):
    answer = client.put("/v1/geofence-policies/gate?fleet_id=north", json={"fields": fields})
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert said(two_fleets.redis) == []


def test_policies_in_force_are_listed_with_the_usual_one_and_since_when(client, two_fleets):
    for kind in ("yard", "gate"):
        two_fleets.redis.hset(fleet_key("fences", "north"), f"a {kind}", msgspec.json.encode(FenceView(f"a {kind}", kind, None, {})))
    view = FencePolicyView({"exit_hold_s": 60.0, "passages": False}, two_fleets.noon_us)
    two_fleets.redis.hset(fleet_key("fence_policies", "north"), "gate", msgspec.json.encode(view))
    told = client.get("/v1/geofence-policies?fleet_id=north").json()
    usual = told["usual"]
    assert (usual["exit_hold_s"], usual["enter_fixes"], usual["passages"]) == (20.0, 2, True)
    gate, yard = (item for item in told["items"] if item["kind"] in {"gate", "yard"})
    assert gate["fields"] == {**usual, "exit_hold_s": 60.0, "passages": False}
    assert (gate["put"], gate["since"], gate["fences"]) == (["exit_hold_s", "passages"], "2026-05-28T20:27:00Z", 1)
    assert (yard["fields"], yard["put"], yard["since"], yard["fences"]) == (usual, [], None, 1)
    assert client.get("/v1/geofence-policies?fleet_id=nowhere").status_code == 404
    assert {item["fleet_id"] for item in client.get("/v1/geofence-policies").json()["items"]} >= {"north"}


def test_a_refused_policy_names_the_field(client, two_fleets):
    answer = client.put("/v1/geofence-policies/gate?fleet_id=north", json={"fields": {"exit_m": 5, "hold": 3}})
    assert "hold is no field" in answer.json()["detail"]
