"""The engine ends where it may: in the midst of a read, of a write or of a checkpoint, and goes on as if nothing had been."""

import random
from threading import Timer

import numpy as np
import pytest

from stream.events import RECENT
from stream.live import orders
from stream.live.embedded import EmbeddedServer
from stream.live.keys import DEAD, fleet_key
from stream.live.run import run as run_to_its_end
from stream.live.server import connect
from stream.live.views import FIX
from stream.log import shard_of

FLEETS = ("depot", "port", "north")


class Crash(Exception):
    """The process is gone."""


class Dying:
    """A writer whose process dies at its n-th write, when a share of that is in Redis."""

    def __init__(self, writer, calls, share):
        self.writer, self.calls, self.share = writer, calls, share

    def write(self, orders):
        self.calls -= 1
        self.writer.write(orders[: round(self.share * len(orders))] if self.calls == 0 else orders)
        if self.calls == 0:
            raise Crash


class Watch:
    """What readers see meanwhile: no vehicle and no fleet ever goes back."""

    def __init__(self, client):
        self.client, self.newest, self.looks = client, {}, 0

    def look(self):
        self.looks += 1
        for fleet_id in FLEETS:
            fixes = self.client.hgetall(fleet_key("fixes", fleet_id))
            seen = {(fleet_id, name): np.frombuffer(raw, FIX)["at_us"][0] for name, raw in fixes.items()}
            seen[fleet_id, "position"] = self.client.hget(fleet_key("fleet", fleet_id), "position") or b""
            assert all(seen[name] >= self.newest[name] for name in self.newest if name[0] == fleet_id)
            self.newest.update(seen)


@pytest.fixture
def at_once(request, monkeypatch):
    """How many bytes there are in a call."""
    monkeypatch.setattr(orders, "AT_ONCE", request.param)


@pytest.mark.parametrize(("seed", "at_once"), [(0, 400_000), (1, 400_000), (2, 100), (3, 100)], indirect=["at_once"])
def test_wherever_it_ends_everything_is_told_once_and_nothing_goes_back(run, logs, drive, settings, client, hurry, seed, at_once):
    draw, watch, rest = random.Random(seed), Watch(client), {fleet_id: list(drive) for fleet_id in FLEETS}
    own, crashes, began = settings.model_copy(update={"batch": 30}), 0, set()
    while any(rest.values()):
        for fleet_id in FLEETS:
            for _ in range(draw.randrange(4)):
                count = draw.randrange(1, 30)
                logs.append(fleet_id, rest[fleet_id][:count])
                del rest[fleet_id][:count]
        polls = iter([False] * draw.randrange(1, 6))

        def polled(polls=polls):
            watch.look()
            if next(polls, True):
                raise Crash

        one = run(settings=own, polled=polled)
        began.add(one.began[shard_of("depot")])
        if draw.random() < 0.6:
            one.sink.writer = Dying(one.sink.writer, draw.randrange(1, 4), draw.random())
        try:
            one.to_end()
        except Crash:
            crashes += 1
    run(settings=own, polled=watch.look).to_end()
    assert all(logs.are_whole(fleet_id) for fleet_id in FLEETS)
    refused = sum(sum(logs.plainly(fleet_id)[1].refused.values()) for fleet_id in FLEETS)
    assert client.xlen(DEAD) == refused + len(FLEETS)
    assert crashes > 3
    assert watch.looks > 10
    assert len(began) > 2


@pytest.mark.parametrize("at_once", [1], indirect=True)
def test_a_present_that_was_half_written_does_not_go_back_when_it_is_read_again_in_other_pieces(run, logs, road, settings, client, at_once):
    own, watch = settings.model_copy(update={"batch": 30}), Watch(client)
    for second in range(10):
        logs.append("depot", [road.ping(second, 10 * second)])
    polls = iter(range(100))

    def more():
        if next(polls) == 1:
            for second in range(10, 40):
                logs.append("depot", [road.ping(second, 10 * second)])

    first = run(settings=own, polled=more)
    first.sink.writer = Dying(first.sink.writer, 2, 0.4)
    with pytest.raises(Crash):
        first.to_end()
    watch.look()
    assert watch.newest["depot", b"v1"] == road.us(39)
    run(settings=own, polled=watch.look).to_end()
    watch.look()
    assert logs.present("depot")["fixes"].keys() == {b"v1"}


def test_a_redis_that_comes_back_without_its_last_writes_gets_them_again(run, logs, drive, moment):
    """Of the log as well: what the engine had read of it counts, as if nothing had been lost."""
    turns, before, told = iter(range(1_000)), [], []

    def polled():
        turn = next(turns)
        if turn < 6:
            logs.append("depot", drive[20 * turn : 20 * turn + 20])
        if turn == 3:
            before.append(moment())
        if turn == 6:
            told.extend(logs.events("depot"))
            before[0].come_back()
            assert len(logs.events("depot")) < len(told)
            logs.append("depot", drive[120:])

    run(polled=polled).to_end()
    after = logs.events("depot")
    assert after[: len(told)] == told
    assert [number for number, _ in after] == list(range(len(after)))
    assert len(after) > len(told)


def test_an_engine_that_ends_right_when_redis_lost_something_does_not_take_it_along(run, logs, drive, moment):
    logs.append("depot", drive[:100])
    turns, before, told = iter(range(1_000)), [], []

    def polled():
        turn = next(turns)
        if turn == 1:
            before.append(moment())
            logs.append("depot", drive[100:200])
        if turn == 3:
            told.extend(logs.events("depot"))
            before[0].come_back()
            assert len(logs.events("depot")) < len(told)
        if turn == 2:
            logs.append("depot", drive[200:201])

    run(polled=polled).to_end()
    assert told == logs.events("depot")
    assert len(told) > 5


def test_what_a_redis_lost_while_nobody_ran_is_said_again(run, logs, drive, moment, settings, client):
    logs.append("depot", drive[:-60])
    run().to_end()
    before = moment()
    logs.append("depot", drive[-60:-1])
    run().to_end()
    told, present = logs.events("depot"), logs.present("depot")
    before.come_back()
    assert 0 < len(told) - len(logs.events("depot")) <= RECENT
    logs.append("depot", [(3_000, b'{"type":"x","fleet_id":"depot"}')])
    turns = iter(range(100))
    assert run_to_its_end(settings, client, range(16), 0, lambda: next(turns) > 5) == 0
    assert logs.events("depot") == told
    assert logs.present("depot") == present


def test_a_server_that_is_started_anew_in_the_midst_is_nothing_but_a_wait(run, logs, road, drive, settings, tmp_path_factory):
    server, polls = EmbeddedServer(tmp_path_factory.mktemp("s")), iter(range(1_000))
    server.start()
    later = Timer(0.3, server.start)

    def polled():
        if next(polls) == 3:
            server.stop()
            later.start()

    with connect(server.url) as client, connect(server.url) as other:
        own = type(logs)(other, road)
        for first in range(0, len(drive), 10):
            own.append("depot", drive[first : first + 10])
        run(client, settings.model_copy(update={"batch": 20}), polled=polled).to_end()
        later.join()
        assert own.are_whole("depot")
    server.stop()
