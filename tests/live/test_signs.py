"""Signs of life, of engines from Redis and of the API from its answers."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import msgspec
import pytest

from stream.live import signs
from stream.live.keys import COUNTS, FLEETS, HEARTBEATS, fleet_key
from stream.live.server import connect
from stream.live.signs import ask, health, heartbeats, left_to_take
from stream.live.supervisor import Unheard
from stream.live.views import Heartbeat, Totals


class Answers(BaseHTTPRequestHandler):
    """Says what it was asked for."""

    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def port():
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        answering = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        answering.start()
        yield server.server_port
        server.shutdown()
        answering.join()


def test_an_engine_is_known_by_its_number_and_others_heartbeats_say_nothing(redis):
    sign = heartbeats(redis)
    assert sign(7) is None
    for name, beat in (("a", Heartbeat(7, 1_000, 0)), ("b", Heartbeat(8, 2_000, 0))):
        redis.hset(HEARTBEATS, name, msgspec.json.encode(beat))
    assert (sign(7), sign(8), sign(9)) == (1_000, 2_000, None)


def test_without_a_server_nobody_knows():
    with pytest.raises(Unheard):
        heartbeats(connect("redis://127.0.0.1:1"))(7)


def test_the_api_is_asked_now_and_then_and_its_newest_answer_counts(port, monkeypatch):
    monkeypatch.setattr(signs, "ASK_EVERY_S", 0.05)
    sign = health("127.0.0.1", port)
    first = sign(7)
    assert first is not None
    assert sign(7) == first
    monkeypatch.setattr(signs, "ASK_EVERY_S", 0.0)
    assert sign(7) > first


def test_an_api_that_does_not_answer_gives_no_sign():
    assert health("127.0.0.1", 1)(7) is None


def test_an_answer_is_its_status_and_its_text(port):
    assert ask("127.0.0.1", port, "/readyz") == (503, "/readyz")
    assert ask("127.0.0.1", 1, "/readyz")[0] == 0


def test_what_no_engine_has_taken_is_counted(redis):
    assert left_to_take(redis) == 0
    redis.hset(COUNTS, mapping={"1": 70, "2": 30})
    redis.hset(FLEETS, mapping={"nfta": "{}", "sure": "{}"})
    redis.hset(fleet_key("fleet", "nfta"), "totals", msgspec.json.encode(Totals(60, 0, 0, {}, {}, 0, 0, 0)))
    assert left_to_take(redis) == 40
