"""Logs are lines of JSON, and neither places nor secrets are in them."""

import json
import subprocess
import sys

import pytest

from stream.live.logs import HIDDEN, redact

SPEAKER = """
import logging, warnings
import structlog
from stream.live.logs import start_logging

start_logging("info", "api")
log = structlog.get_logger()
log.info("accepted", fleet_id="nfta", lat=42.886447, nested={"lon": -78.878369, "pings": [{"authorization": "planted-1"}]})
log.debug("never seen")
logging.getLogger("uvicorn.access").info("GET /?id=7&lat=%s&lon=%s&token=planted-2", 42.886447, -78.878369)
logging.getLogger("anybody").warning("Authorization: Bearer planted-3-planted-3")
log.warning("redis://user:planted-4@host:6379 is away", payload=b'{"lat": 42.886447}')
warnings.warn("password=planted-5")
try:
    secret_of_a_local = "planted-6"
    raise ValueError('no such stop: {"type": "ping", "lat": 42.886447, "lon": -78.878369}')
except ValueError:
    log.exception("failed")
"""


def test_planted_places_and_secrets_do_not_come_out_of_any_logger():
    run = subprocess.run([sys.executable, "-c", SPEAKER], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["info", "info", "warning", "warning", "warning", "error"]
    assert all({"time", "level", "process", "event"} <= set(line) for line in lines)
    assert {line["process"] for line in lines} == {"api"}
    assert not run.stdout
    for planted in ("planted", "42.88", "78.87"):
        assert planted not in run.stderr
    assert lines[0]["fleet_id"] == "nfta"
    assert "ValueError: no such stop" in lines[-1]["exception"]


@pytest.mark.parametrize("name", ["lat", "LON", "key", "api_key", "client_token", "password", "Authorization", "x-api-key", "payload"])
def test_the_value_of_a_secret_name_is_hidden_wherever_it_stands(name: str):
    assert redact(None, "info", {name: "planted"}) == {name: HIDDEN}
    assert redact(None, "info", {"deep": [{"er": {name: 7}}]}) == {"deep": [{"er": {name: HIDDEN}}]}


@pytest.mark.parametrize(
    "text",
    [
        "h6pWc0G2n4vXk9TQz1LrYb7sMfJd3aUe8oViRlKqNwA",
        "0123456789abcdef0123456789abcdef",
        "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ",
    ],
)
def test_what_looks_like_a_key_is_hidden_without_a_name(text: str):
    assert redact(None, "info", {"event": f"took {text} in"}) == {"event": f"took {HIDDEN} in"}


@pytest.mark.parametrize(
    "text",
    [
        "nfta:exception_opened:late_risk:f01-v010-r1-s12:1",
        "File site-packages/Starlette1/middleware/exceptions",
        "1732.5 ms for 1,000 entries of shard 07",
        "unix://state/redis.sock",
    ],
)
def test_what_people_need_to_read_stays(text: str):
    assert redact(None, "info", {"event": text, "took_ms": 1.5, "fine": None}) == {"event": text, "took_ms": 1.5, "fine": None}
