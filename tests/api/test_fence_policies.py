"""The policy of a kind of fences over HTTP becomes one message of the fleet's log; what cannot be is told at once."""

import pytest

from stream.codec import decode
from stream.fence_messages import FencePolicyPut
from stream.live.keys import log_key
from stream.live.log_entry import unpack
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


def test_a_refused_policy_names_the_field(client, two_fleets):
    answer = client.put("/v1/geofence-policies/gate?fleet_id=north", json={"fields": {"exit_m": 5, "hold": 3}})
    assert "hold is no field" in answer.json()["detail"]
