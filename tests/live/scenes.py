"""Readers, orders to write, clocks of one's own, and a Redis that goes away, loses answers and goes back in time."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.apply import Applied
from stream.batches import Refusal
from stream.live import engine
from stream.live.changes import Changes
from stream.live.marks import Resume
from stream.live.orders import orders_of
from stream.live.reader import Reader
from stream.live.writer import Writer
from stream.log import SHARDS
from stream.outputs import ESTIMATE, Numbered


class LosesReplies:
    """A client that sends a pipeline, or the first commands of it, and then hears nothing more, so many times.

    Of a transaction Redis does all or nothing.
    """

    def __init__(self, redis: Redis, times: int = 1, sends: int | None = None) -> None:
        self.redis, self.times, self.sends = redis, times, sends

    def __getattr__(self, name: str) -> Any:
        return getattr(self.redis, name)

    def pipeline(self, **more: Any) -> Any:
        pipe = self.redis.pipeline(**more)
        execute = pipe.execute

        def lose() -> Any:
            if not self.times:
                return execute()
            self.times -= 1
            if not more.get("transaction", True):
                pipe.command_stack = pipe.command_stack[: self.sends]
            if pipe.command_stack and self.sends != 0:
                execute()
            raise RedisConnectionError("the line is dead")

        pipe.execute = lose
        return pipe


@pytest.fixture
def loses_replies(client: Redis) -> Callable[..., LosesReplies]:
    return lambda **more: LosesReplies(client, **more)


class Moment:
    """All keys of a server as they were: what a server that lost its last writes comes back with."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.held = {key: redis.dump(key) for key in redis.scan_iter()}

    def come_back(self) -> None:
        self.redis.flushall()
        for key, value in self.held.items():
            self.redis.restore(key, 0, value)


@pytest.fixture
def moment(client: Redis) -> Callable[[], Moment]:
    return lambda: Moment(client)


class Clock:
    """A steady clock that moves when it is told to, or when somebody waits; `then` is what happens meanwhile."""

    def __init__(self):
        self.now_s, self.waits, self.then = 100.0, 0, lambda: None

    def wait(self, seconds):
        self.now_s += seconds
        self.waits += 1
        assert self.waits < 100, "waits for ever"
        self.then()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def writer(client, clock):
    """A writer that has opened fleet f1: `writer(by)`."""

    def made(by="us", redis=client, fleets=("f1",)):
        one = Writer(redis, by, lambda: clock.now_s, clock.wait)
        for fleet_id in fleets:
            one.open(fleet_id)
        return one

    return made


@pytest.fixture
def order(settings):
    """What to write of the entries up to a position: events by number, dead letters by position; one call, or `many` of them."""

    def made(position, events=(), dead=(), fleet_id="f1", by="us", now_us=1_000, again=(), many=False, **changes):
        numbered = [event if isinstance(event, Numbered) else Numbered(5, event, "eta_updated", b"event %d" % event) for event in events]
        refusals = [Refusal(place, 5, "stale", "ping", "v1", b"{") for place in dead]
        applied = Applied(fleet_id, position, now_us, 1, numbered, 0, np.empty(0, ESTIMATE), [], refusals)
        found = orders_of(applied, again, Changes(totals=b"t%d" % position, **changes), settings, by)
        return found if many else found[0]

    return made


class Time:
    """The clocks of the engine, which go as fast as they are told to; waiting takes no time."""

    def __init__(self, step_s):
        self.now_s, self.step_s = 1_000.0, step_s

    def monotonic(self):
        self.now_s += self.step_s
        return self.now_s

    def time_ns(self):
        return round(self.monotonic() * 1e9)

    def sleep(self, _):
        assert self.now_s < 1e7, "waits for ever"
        self.monotonic()


@pytest.fixture
def hurry(monkeypatch):
    """Every look at the clock is half a minute later than the last: checkpoints are due at every turn."""
    monkeypatch.setattr(engine, "time", Time(30.0))


@pytest.fixture
def reader(client, settings):
    """A reader of all shards, or of those given, from the beginning or from where it is told; `gaps` are those it told of."""

    def made(resume=None, redis=client, gap=None, **more):
        own = settings.model_copy(update=more)
        gaps = []
        points = resume or {shard: Resume("0-0", 0) for shard in range(SHARDS)}
        one = Reader.at(redis, own, points, lambda _: None, gap or (lambda *told: gaps.append(told)), time.monotonic)
        return one, gaps

    return made
