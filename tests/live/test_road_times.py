"""Road times over HTTP: what OSRM and Valhalla are asked, what they answer, and what counts when they do not."""

import json
import math
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from stream.live.road_times import REST_S, RoadServer, road_server
from stream.live.settings import LiveSettings

LAT, LON = np.array([52.50, 52.51, 52.52]), np.array([13.40, 13.45, 13.40])
NO_WAY = (52.52, 13.4)
PLACE = re.compile(r"^(-?\d+\.\d+),(-?\d+\.\d+)$")


def seconds(start, end):
    """What the server thinks of a way; nobody gets to `NO_WAY`."""
    return None if end == NO_WAY else round(1e4 * (abs(start[0] - end[0]) + 2.0 * abs(start[1] - end[1])), 1)


class Protocols(BaseHTTPRequestHandler):
    """Both as their documentation has them: OSRM's table service v1, Valhalla's matrix service."""

    def do_GET(self):
        self.server.asked.append(self.path)
        parts = urlsplit(self.path)
        _, table, version, profile, places = parts.path.split("/")
        if (table, version, profile) != ("table", "v1", "driving"):
            return self.say(400, {"code": "InvalidUrl", "message": "URL string malformed"})
        found = [PLACE.match(place) for place in places.split(";")]
        asked = {name: values[0] for name, values in parse_qs(parts.query, separator="&").items()}
        if len(found) > 100:
            return self.say(400, {"code": "TooBig", "message": "Too many table coordinates"})
        at = [(float(match[2]), float(match[1])) for match in found]
        starts, ends = ([at[int(i)] for i in asked[name].split(";")] for name in ("sources", "destinations"))
        return self.say(
            200, {"code": "Ok", "durations": [[seconds(a, b) for b in ends] for a in starts], "sources": [], "destinations": []}
        )

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(self.path)
        if self.path != "/sources_to_targets" or asked["costing"] != "auto" or self.headers["Content-Type"] != "application/json":
            return self.say(400, {"error_code": 106, "error": "Try any of: '/sources_to_targets'", "status_code": 400})
        starts, ends = ([(place["lat"], place["lon"]) for place in asked[name]] for name in ("sources", "targets"))
        table = [
            [{"distance": 1.0, "time": seconds(a, b), "from_index": i, "to_index": j} for j, b in enumerate(ends)]
            for i, a in enumerate(starts)
        ]
        short = {"durations": [[seconds(a, b) for b in ends] for a in starts], "distances": []}
        return self.say(200, {"sources_to_targets": short if self.server.short else table, "units": "kilometers"})

    def say(self, status, document):
        self.server.hold.wait()
        body = self.server.spoil(json.dumps(document).encode())
        self.send_response(status if not self.server.status else self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture
def server():
    """A server on a port of its own, which can be told to fail."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Protocols)
    made.asked, made.hold, made.spoil, made.status, made.short = [], threading.Event(), lambda body: body, None, False
    made.hold.set()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.hold.set()
    made.shutdown()
    made.server_close()
    thread.join()


class Clock:
    now_s = 1_000.0

    def __call__(self):
        return self.now_s


def asking(server, engine="osrm", timeout_s=5.0):
    profile = {"osrm": "driving", "valhalla": "auto"}[engine]
    return RoadServer(engine, f"http://127.0.0.1:{server.server_address[1]}", profile, timeout_s, Clock())


def table(roads, starts=(0, 1), ends=(0, 1, 2)):
    return roads.matrix(LAT, LON, np.array(starts), np.array(ends))


WANTED = [[seconds((LAT[a], LON[a]), (LAT[b], LON[b])) or (0.0 if a == b else math.nan) for b in (0, 1, 2)] for a in (0, 1)]


@pytest.mark.parametrize(("engine", "short"), [("osrm", False), ("valhalla", False), ("valhalla", True)])
def test_both_are_asked_in_their_own_protocol_and_null_is_no_way(server, engine, short):
    server.short = short
    roads = asking(server, engine)
    np.testing.assert_allclose(table(roads), WANTED)
    assert np.isnan(table(roads)[:, 2]).all()
    assert roads.source == engine


def test_what_is_known_is_not_asked_again_for_an_hour(server):
    roads = asking(server)
    table(roads)
    table(roads, (1,), (0,))
    assert len(server.asked) == 1
    roads.clock.now_s += 3_601.0
    table(roads)
    assert len(server.asked) == 2


def test_many_places_are_asked_for_in_parts_that_servers_take(server):
    lat, lon = 50.0 + 0.01 * np.arange(120), np.full(120, 8.0)
    found = asking(server).matrix(lat, lon, np.arange(120), np.arange(3))
    assert found.shape == (120, 3)
    assert found[119, 0] == pytest.approx(1.19e4)
    assert len(server.asked) == 3


FAILURES = {
    "answered 503": lambda server: setattr(server, "status", 503),
    "cannot be read": lambda server: setattr(server, "spoil", lambda body: body[:-5]),
    "answered no object": lambda server: setattr(server, "spoil", lambda _: b"[1]"),
    "answered InvalidQuery": lambda server: setattr(server, "spoil", lambda _: b'{"code":"InvalidQuery"}'),
    "answered no table": lambda server: setattr(server, "spoil", lambda _: b'{"code":"Ok"}'),
    "answered a table of another size": lambda server: setattr(server, "spoil", lambda _: b'{"code":"Ok","durations":[[1.0]]}'),
    "did not answer in time": lambda server: server.hold.clear(),
}


@pytest.mark.parametrize("why", FAILURES)
def test_a_server_that_fails_is_left_alone_for_a_minute_and_it_is_said_why(server, why):
    FAILURES[why](server)
    roads = asking(server, timeout_s=0.3)
    assert np.isnan(table(roads)).all()
    assert roads.source.startswith(f"models: osrm {why}")
    asked = len(server.asked)
    table(roads)
    assert len(server.asked) == asked
    server.hold.set()
    server.status, server.spoil = None, lambda body: body
    roads.clock.now_s += REST_S
    np.testing.assert_allclose(table(roads), WANTED)
    assert roads.source == "osrm"


def test_a_server_that_is_not_there_is_said_to_be_away(server):
    roads = RoadServer("osrm", "http://127.0.0.1:1", "driving", 1.0, Clock())
    assert np.isnan(table(roads)).all()
    assert roads.source.startswith("models: osrm cannot be read")


def test_without_an_address_nobody_is_asked_and_each_engine_has_its_usual_profile(tmp_path):
    assert road_server(LiveSettings(state_dir=tmp_path), Clock()) is None
    told = {"road_times_url": "http://roads", "state_dir": tmp_path}
    assert road_server(LiveSettings(**told), Clock()).profile == "driving"
    assert road_server(LiveSettings(**told, road_times_engine="valhalla"), Clock()).profile == "auto"
