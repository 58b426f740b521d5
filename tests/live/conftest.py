"""The live engine under test: logs of driven fleets in a real server, the engine in this process, and what a plain loop gives."""

import importlib.util
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.exceptions import RedisError

from eta_models.model import EtaModel
from stream import messages as m
from stream.apply import apply
from stream.batches import FleetBatch, no_pings
from stream.codec import encode
from stream.doors import run_here
from stream.fleet import FleetState
from stream.intake import read_entries
from stream.live import engine
from stream.live.append import SCRIPT, Message, calls
from stream.live.checkpointer import Checkpointer
from stream.live.keys import COUNTS, EVENTS, OF_A_FLEET, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.server import connect
from stream.live.settings import LiveSettings
from stream.live.shown import Shown
from stream.log import shard_of
from stream.settings import FleetSettings

TESTS = Path(__file__).resolve().parent.parent


def load(path: str) -> ModuleType:
    """A module of another folder of tests: none of them is a package."""
    spec = importlib.util.spec_from_file_location(f"borrowed_{Path(path).stem}", TESTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_stream = load("stream/conftest.py")
road, fleet = _stream.road, _stream.fleet
_scenes = load("live/scenes.py")
loses_replies, moment, clock, hurry = _scenes.loses_replies, _scenes.moment, _scenes.clock, _scenes.hurry
writer, order, reader = _scenes.writer, _scenes.order, _scenes.reader


@pytest.fixture(scope="session")
def stories() -> ModuleType:
    """Drawn logs, as the cuts of the plain engine are tested with."""
    return load("stream/stories.py")


@pytest.fixture(scope="session")
def entries_of() -> Callable[..., Any]:
    """Lines of a road as entries of a log."""
    return _stream.entries_of


@pytest.fixture
def settings(tmp_path: Path) -> LiveSettings:
    return LiveSettings(state_dir=tmp_path, linger_ms=0, proposals=False)


@dataclass
class Run:
    """One start of the engine on some shards; it ends when it has read all that is in them."""

    settings: LiveSettings
    redis: Redis
    shards: Sequence[int] = range(16)
    polled: Callable[[], None] = lambda: None
    """Called before every read; it may raise, as a crash does."""
    began: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "Checkpointer", lambda *args: setattr(self, "keeper", Checkpointer(*args)) or self.keeper)
            self.engine = engine.build_engine(self.settings, self.redis, self.shards, 0, self._stopping)
        steps = self.engine.flow.substeps
        self.source, self.sink = steps[0].source, steps[-1].sink
        self.reader = self.source.reader
        self.began = dict(self.reader.last_ids)
        self.end_s = time.monotonic() + 30

    def _stopping(self) -> bool:
        assert time.monotonic() < self.end_s, "the engine does not come to its end"
        self.polled()
        try:
            counts: Any = self.redis.hgetall(COUNTS)
        except RedisError:
            return False
        return all(self.reader.counts[shard] >= int(counts.get(b"%d" % shard, 0)) for shard in self.shards)

    def to_end(self) -> "Run":
        run_here(self.engine.flow)
        self.engine.finish()
        return self


class Logs:
    """The logs in Redis, and what stands beside them."""

    def __init__(self, redis: Redis, road: Any) -> None:
        self.redis, self.road = redis, road

    def append(self, fleet_id: str, lines: Iterable[tuple[float, Any]]) -> None:
        """Lines of a road as messages of a driven fleet, each received at its second."""
        said = [
            (
                second,
                message.replace(b"depot", fleet_id.encode())
                if isinstance(message, bytes)
                else encode(msgspec.structs.replace(message, fleet_id=fleet_id)),
            )
            for second, message in lines
        ]
        self.send([Message(fleet_id, payload, self.road.us(second)) for second, payload in said], driven=True)

    def send(self, messages: Sequence[Message], **more: Any) -> None:
        for call in calls(messages, **more):
            self.redis.eval(SCRIPT, len(call.keys), *call.keys, *call.args)

    def entries(self, fleet_id: str) -> list[Any]:
        """What the log of a fleet's shard holds."""
        answer: Any = self.redis.xrange(log_key(shard_of(fleet_id)))
        return [entry for stream_id, fields in answer for entry in unpack(stream_id, fields)]

    def plainly(self, fleet_id: str, settings: FleetSettings = FleetSettings()) -> tuple[list[tuple[int, bytes]], FleetState]:  # noqa: B008
        """The events that a plain loop over the log gives, with their numbers, and the state at its end."""
        state, events = FleetState(fleet_id, EtaModel(settings.model)), []
        for batch in read_entries(settings.judge, self.entries(fleet_id)):
            if batch.fleet_id == fleet_id:
                events += [(event.sequence, event.payload) for event in apply(settings, state, batch).events]
        return events, state

    def events(self, fleet_id: str) -> list[tuple[int, bytes]]:
        """The events of a fleet in Redis, in the order in which readers get them."""
        answer: Any = self.redis.xrange(EVENTS)
        return [(int(event[b"s"]), event[b"d"]) for _, event in answer if event[b"f"] == fleet_id.encode()]

    def are_whole(self, fleet_id: str) -> bool:
        """Whether events, their order and the present of a fleet are those that a plain loop over its log gives."""
        events, state = self.plainly(fleet_id)
        told, present = self.events(fleet_id), self.present(fleet_id)
        assert [number for number, _ in told] == list(range(len(events)))
        assert told == events
        assert len({msgspec.json.decode(payload)["id"] for _, payload in events}) == len(events)
        changes = Shown().changes(state, FleetBatch(fleet_id, no_pings(), []))
        for kind in ("fixes", "vehicles", "routes", "etas", "visits", "fences", "proposals"):
            stands = [part.encode() if isinstance(part, str) else part for part in changes.puts.get(kind, [])]
            assert present[kind] == (dict(zip(stands[::2], stands[1::2], strict=True)) or None), kind
        assert present["orders"] == (sorted((order.encode(), 0.0) for order in changes.orders) or None)
        return len(events) >= 8

    def present(self, fleet_id: str, without: Iterable[str] = ("fleet", "cells")) -> dict[str, Any]:
        """All that stands in Redis of a fleet."""
        read = {b"hash": self.redis.hgetall, b"string": self.redis.get, b"none": lambda _: None}
        read[b"zset"] = lambda key: self.redis.zrange(key, 0, -1, withscores=True)
        keys = {kind: fleet_key(kind, fleet_id) for kind in OF_A_FLEET if kind not in without}
        return {kind: read[self.redis.type(key)](key) for kind, key in keys.items()}


@pytest.fixture
def client(redis: Redis, redis_url: str) -> Redis:
    """The engine's own client of an empty server."""
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def logs(client: Redis, road: Any) -> Logs:
    return Logs(client, road)


@pytest.fixture
def run(settings: LiveSettings, client: Redis) -> Callable[..., Run]:
    """Build the engine: `run(shards=..., ...)`. Each start is another process, so the threads of the one before are at their end."""
    started = list[Run]()

    def start(redis: Redis = client, settings: LiveSettings = settings, **more: Any) -> Run:
        for one in started:
            one.keeper.thread.shutdown()
            one.source.chores.aside.__self__.end()
        started.append(Run(settings, redis, **more))
        return started[-1]

    return start


@pytest.fixture
def drive(road: Any) -> list[tuple[float, Any]]:
    """Half an hour of one fleet: a late stop, a fence, a stop that goes to another vehicle, a driver who says so himself, and junk."""
    late = road.stops(range(1, 6), window_end=road.at(900))
    return road.log(
        [road.plan(late), road.go(), road.square("f1", 5, 2_500, 4_500)],
        [road.plan(road.stops((6, 7), "b", order_ref="o1"), second=6, route_id="r2", vehicle_id="v2")],
        road.drive(10, 1_200, 0, 4_400, step=20),
        road.say(m.StopReassigned, 300, visit_id="a5", to_vehicle_id="v2", to_route_id="r2"),
        road.go(310, route_id="r2", vehicle_id="v2"),
        road.drive(310, 900, 4_000, 6_100, "v2", step=20),
        road.say(m.StopCompleted, 700, visit_id="a2"),
        [road.ping(405, 90_000), (401, b'{"type":"ping"}'), (402, b'{"type":"x","fleet_id":"depot"}')],
        road.say(m.RouteEnded, 1_300),
    )
