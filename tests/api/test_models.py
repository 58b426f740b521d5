"""`/v1/models`: what the engine wrote about models, and what is done with a challenger, as messages in the log."""

import msgspec
import pytest

from stream.live.keys import fleet_key, log_key
from stream.live.views import ModelsView, ModelView

FIRST = ModelView("first", None, {}, 0, 1_200, 0, 81.234, 0.8012, 80.06, 101.23, 0.3127)
BOLD = ModelView("bold", "9f" * 32, {"learning_rate": 0.1}, 1_780_000_000_000_000, 700, 0, 79.9, 0.79)


def test_both_models_of_a_fleet_are_shown(client, two_fleets):
    view = ModelsView(1_780_000_100_000_000, FIRST, BOLD)
    two_fleets.redis.hset(fleet_key("models", "north"), "models", msgspec.json.encode(view))
    (found,) = client.get("/v1/models", params={"fleet_id": "north"}).json()["items"]
    assert found["champion"] == {
        "name": "first", "model_sha256": None, "settings": {}, "since": None, "questions": 1_200, "resets": 0, "mae_s": 81.2,
        "coverage": 0.801, "p50_mae_s": 80.1, "plain_mae_s": 101.2, "late_skill": 0.313,
    }  # fmt: skip
    assert (found["challenger"]["name"], found["challenger"]["settings"]) == ("bold", {"learning_rate": 0.1})
    assert client.get("/v1/models", params={"fleet_id": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("PUT", "/v1/models/bold", {"settings": {"learning_rate": 0.1}}, "challenger_put"),
        ("POST", "/v1/models/bold:promote", {"keep": False}, "model_promoted"),
        ("DELETE", "/v1/models/bold", None, "challenger_dropped"),
    ],
)
def test_what_is_done_with_a_challenger_is_a_message_in_the_log(client, two_fleets, method, path, body, kind):
    answer = client.request(method, path, params={"fleet_id": "north"}, json=body)
    assert answer.status_code == 202, answer.text
    (line,) = [fields[b"m"] for shard in range(16) for _, fields in two_fleets.redis.xrange(log_key(shard))]
    message = msgspec.json.decode(line)
    assert (message["type"], message["model_ref"]) == (kind, "bold")


def test_a_field_that_there_is_not_is_refused(client, two_fleets):
    answer = client.put("/v1/models/bold", params={"fleet_id": "north"}, json={"colour": 1})
    assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_field")
