"""Where a vehicle was and what an order was about can be taken out of all that is kept, and the rest goes on as before."""

import pickle
import struct
import zlib

import msgspec
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from eta_models.columns import MISSING
from eta_models.model import ModelPolicy
from geofences.positions import METRES_PER_DEGREE
from replay.__main__ import app
from replay.archive import Archive
from replay.read_day import read_day
from replay.record import Recorder
from stream import messages as m
from stream.checkpoint import _MAGIC, _SUM_BYTES
from stream.codec import encode
from stream.live.keys import DEAD, EVENTS, fleet_key, log_key
from stream.live.ownership import own
from stream.live.views import FIX, Heartbeat
from stream.log import shard_of
from stream.proposal_messages import ProposalAccepted


@pytest.fixture
def day(road):
    """Two vehicles drive; v2 brings order order-seven, with a proof; v1's stops are of other orders. Some inputs of v1 are refused."""
    mine = road.stops((6,), "b", order_ref="order-seven", customer_ref="anna", metadata={"door": "left"})
    proof = m.ProofOfDelivery(recipient="Anna", lat=road.lat(6_000), lon=-78.9)
    return road.log(
        [road.plan(road.stops(range(1, 4), order_ref="o1")), road.go(), road.square("f1", 5, 500, 1_500)],
        [road.plan([*mine, *road.stops((7,), "b", order_ref="o8")], second=6, route_id="r2", vehicle_id="v2")],
        [road.go(7, route_id="r2", vehicle_id="v2")],
        road.drive(10, 600, 0, 2_400, step=20),
        road.drive(10, 700, 4_000, 6_100, "v2", step=20),
        road.say(m.StopCompleted, 720, visit_id="b6", route_id="r2", vehicle_id="v2", proof=proof),
        [road.ping(30, 90_000), (32, b'{"vehicle_id":"v1","lat":42.9')],
        [(31, encode(road.ping(31, 10)[1]).replace(b'"lat":42', b'"lat":142'))],
        [(33, encode(road.ping(33, 40)[1]).replace(b'"v1"', b'"\\u00761"'))],
    )  # fmt: skip


@pytest.fixture
def archive(client, settings, tmp_path):
    def recorded():
        one = Recorder.begin(client, settings, Archive(tmp_path / "kept"), Heartbeat(7, 0, 0), lambda: 1, lambda: 1.0)
        one.read()
        one.close()

    return recorded


@pytest.fixture
def forget(redis_url, settings, monkeypatch, tmp_path):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("FLEETCAST_STATE_DIR", str(settings.state_dir))

    def run(*args, code=0):
        done = CliRunner().invoke(app, ["forget", "--fleet", "depot", *args, "--archive", str(tmp_path / "kept")])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return run


@pytest.fixture
def everything(client, settings, tmp_path):
    """All that is kept anywhere, as bytes; of the checkpoint what is inside."""
    read = {b"stream": client.xrange, b"hash": client.hgetall, b"string": client.get}
    read[b"zset"] = lambda key: client.zrange(key, 0, -1)

    def kept():
        texts = {key: pickle.dumps(read[client.type(key)](key)) for key in client.scan_iter()}
        texts |= {path.name: pickle.dumps(pl.read_parquet(path).rows()) for path in (tmp_path / "kept").glob("*/*/*.parquet")}
        texts["state"] = zlib.decompress((settings.state_dir / "checkpoints/depot.checkpoint").read_bytes()[len(_MAGIC) + _SUM_BYTES :])
        return texts

    return kept


def places_of(pings, known):
    """Latitudes by which a place would be known, as text and as eight bytes; not those that are the plan's as well."""
    found = {ping.lat for ping in pings if len(str(ping.lat)) > 10 and str(ping.lat).encode() not in known}
    return {str(lat).encode() for lat in found} | {struct.pack("<d", lat) for lat in found}


def test_where_a_vehicle_was_is_nowhere_any_more(run, logs, day, client, archive, forget, everything):
    logs.append("depot", day)
    run().to_end()
    archive()
    pings = [message for _, message in day if isinstance(message, m.Ping) and message.vehicle_id == "v1"]
    others = [message for _, message in day if isinstance(message, m.Ping) and message.vehicle_id == "v2"]
    known = b"".join(encode(message) for _, message in day if not isinstance(message, m.Ping | bytes))
    gone, kept = places_of(pings, known), places_of(others, known)
    before = everything()
    assert len([place for place in gone if any(place in text for text in before.values())]) > 20
    assert any(struct.pack("<d", pings[-1].lat) in text for text in (before["state"], before[b"fc1:fixes:depot"]))
    count = len(logs.entries("depot"))
    said = forget("--vehicle", "v1")
    assert "what remains" in said
    left = everything()
    assert not [(name, place) for place in gone for name, text in left.items() if place in text]
    assert all(any(place in text for text in left.values()) for place in kept if len(place) > 8)
    assert len(logs.entries("depot")) == count
    assert not [letter for _, letter in client.xrange(DEAD) if letter[b"v"] == b"v1" or b'"v1"' in letter[b"h"]]
    assert not [event for _, event in client.xrange(EVENTS) if b'"v1"' in event[b"d"]]
    assert [event for _, event in client.xrange(EVENTS) if b'"v2"' in event[b"d"]]
    assert client.hkeys(fleet_key("fixes", "depot")) == [b"v2"]
    assert "0 messages" in forget("--vehicle", "v1")


def test_the_fleet_goes_on_and_the_archive_is_still_one(run, logs, day, road, client, archive, forget, tmp_path):
    logs.append("depot", day)
    run().to_end()
    archive()
    forget("--vehicle", "v1")
    log = read_day(tmp_path / "kept")
    assert len(log.log) == len(day)
    assert log.notes == ["1 times something was taken out on request"]
    one = run()
    logs.append("depot", road.log(road.drive(800, 900, 2_500, 3_100, step=20)))
    one.to_end()
    fix = one.keeper.checkpoints.read("depot", ModelPolicy()).vehicles
    assert fix.at_us[0] == road.us(900)
    told = [msgspec.json.decode(event[b"d"])["type"] for _, event in client.xrange(EVENTS) if b'"v1"' in event[b"d"]]
    assert "fleetcast.stop_arrived.v1" in told
    archive()
    assert len(read_day(tmp_path / "kept").log) == len(day) + len(road.log(road.drive(800, 900, 2_500, 3_100, step=20)))


def test_before_it_is_heard_of_again_a_forgotten_vehicle_has_no_place(run, logs, day, client, archive, forget, road):
    logs.append("depot", day)
    run().to_end()
    archive()
    forget("--vehicle", "v1")
    logs.append("depot", road.ticks(800, 860))
    one = run()
    one.to_end()
    stored = client.hgetall(fleet_key("fixes", "depot"))
    assert b"v1" not in stored or np.frombuffer(stored[b"v1"], FIX)["at_us"][0] == MISSING


def test_an_order_is_nowhere_any_more_but_its_visit_is(run, logs, day, client, archive, forget, everything, tmp_path):
    logs.append("depot", day)
    run().to_end()
    archive()
    words, before = (b"order-seven", b"anna", b"Anna"), everything()
    assert all(any(word in text for text in before.values()) for word in words)
    assert "11 km" in forget("--order", "order-seven")
    left = everything()
    assert not [(name, word) for word in words for name, text in left.items() if word in text]
    routes = client.hgetall(fleet_key("routes", "depot"))
    assert b'"b6"' in routes[b"r2"]
    assert b'"o8"' in routes[b"r2"]
    assert b'"lat":43.0,' in routes[b"r2"]
    (plan,) = [message for _, message in read_day(tmp_path / "kept").log.spoken(["route_published"]) if message.route_id == "r2"]
    assert [(stop.order_ref, stop.lat) for stop in plan.stops] == [(None, 43.0), ("o8", 42.9 + 7_000 / METRES_PER_DEGREE)]
    (done,) = [message for _, message in read_day(tmp_path / "kept").log.spoken(["stop_completed"])]
    assert done.proof is None
    run().to_end()


def test_an_order_on_its_way_is_not_forgotten(run, logs, day, archive, forget):
    logs.append("depot", day)
    run().to_end()
    archive()
    assert "still open" in forget("--order", "o8", code=2)


def test_it_waits_for_nobody_who_works(run, logs, day, settings, archive, forget, tmp_path):
    logs.append("depot", day)
    run().to_end()
    archive()
    with own(settings.state_dir / "locks", [shard_of("depot")]):
        assert "end the engine first" in forget("--vehicle", "v1", code=2)
    assert "say either --vehicle" in forget(code=2)
    assert "must be ids" in forget("--vehicle", "..", code=2)


def test_what_comes_while_the_log_is_written_anew_stays(logs, day, client, road, forget, run, archive, monkeypatch):
    from replay import forget_redis

    logs.append("depot", day)
    run().to_end()
    archive()
    forgotten = forget_redis._forgotten

    def meanwhile(*args):
        monkeypatch.setattr(forget_redis, "_forgotten", forgotten)
        found = forgotten(*args)
        logs.append("depot", road.drive(800, 820, 0, 10, "v3"))
        return found

    monkeypatch.setattr(forget_redis, "_forgotten", meanwhile)
    last = client.xinfo_stream(log_key(shard_of("depot")))["last-generated-id"]
    forget("--vehicle", "v1")
    assert client.xinfo_stream(log_key(shard_of("depot")))["last-generated-id"] > last
    assert len([entry for entry in logs.entries("depot") if b'"v3"' in entry.payload]) == 3


@pytest.fixture
def handed(run, logs, road, settings):
    """v1 breaks down at an odd place with goods on board; v2 fetches them there, as a proposal says, and delivers."""
    solving, odd = settings.model_copy(update={"proposals": True}), 1_503.7
    mine = [road.stop(n, visit_id=f"a{n}", service_s=60.0, window_end=road.at(300 * n), order_ref="o9") for n in (3, 4)]
    second = {"vehicle_id": "v2", "route_id": "r2"}
    theirs = [road.stop(n, visit_id=f"b{n}", kind="pickup", service_s=60.0) for n in (5, 6)]
    puts = [road.say(m.VehiclePut, 0, vehicle_id=vehicle, capacity=20.0) for vehicle in ("v1", "v2")]
    plans = [road.plan(mine), road.plan(theirs, **second), road.go(1), road.go(1, **second)]
    drives = [*road.drive(2, 202, 0, odd), *road.drive(2, 202, 0, 1_400, "v2")]

    def play(until):
        logs.append("depot", road.log(puts, plans, drives, road.say(m.VehicleDown, 205)))
        run(settings=solving).to_end()
        logs.append("depot", [road.say(ProposalAccepted, 215, exception_id="depot:vehicle_down:v1", number=1, by="ann")])
        run(settings=solving).to_end()
        away = [*road.drive(220, 300, 1_400, 1_480, "v2", step=20), *road.drive(320, 900, 1_490, 4_100, "v2", step=20)]
        logs.append("depot", [*(line for line in away if line[0] <= until), road.say(m.Tick, until + 30)])
        run(settings=solving).to_end()
        return {str(road.lat(odd)).encode(), struct.pack("<d", road.lat(odd))}

    return play


def test_where_others_fetched_goods_from_a_vehicle_is_forgotten_too(handed, archive, forget, everything):
    gone = handed(900)
    archive()
    assert any(place in everything()["state"] for place in gone)
    forget("--vehicle", "v1")
    assert not [(name, place) for name, text in everything().items() for place in gone if place in text]


def test_the_place_where_the_goods_of_an_order_changed_vehicles_is_forgotten_with_it(handed, archive, forget, tmp_path):
    handed(900)
    archive()
    forget("--order", "o9")
    (made,) = [message for _, message in read_day(tmp_path / "kept").log.spoken(["proposals_made"])]
    calls = [call for proposal in made.proposals for call in (*proposal.handovers, *(s for c in proposal.changes for s in c.added))]
    assert {(call.lat, call.lon) for call in calls} == {(42.9, -78.9)}


def test_a_vehicle_to_which_somebody_is_on_the_way_is_not_forgotten(handed, archive, forget):
    handed(220)
    archive()
    assert "on the way to fetch goods from v1" in forget("--vehicle", "v1", code=2)
