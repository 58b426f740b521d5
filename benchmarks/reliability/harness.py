"""What the reliability commands share: a made log, somebody who watches what readers see, and the plain loop that knows what is right."""

import argparse
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]


import numpy as np
from delivery_pings import fixes, plans
from redis import Redis
from redis.exceptions import RedisError

from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import EVENTS, fleet_key
from stream.live.server import connect
from stream.live.signs import left_to_take
from stream.live.views import FIX
from stream.log import SHARDS, shard_of

START_US = 1_700_000_000_000_000
JUNK = (
    b"{",
    b'{"type":"ping"}',
    b'{"type":"x","fleet_id":"%b"}',
    b'{"type":"ping","fleet_id":"%b","at":5,"vehicle_id":"v1","lat":1e9,"lon":0}',
)


def arguments(text: str | None, **numbers: int) -> argparse.Namespace:
    """The options of a command: a seed, which is printed, and whole numbers with their defaults."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    return args


def result(name: str, *, good: bool, **figures: object) -> int:
    """The one line of a command, and its exit code."""
    shown = ", ".join(
        f"{key.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{key.replace('_', ' ')} {value}"
        for key, value in figures.items()
    )
    print(f"{'PASS' if good else 'FAIL'} {name}: {shown}", flush=True)
    return 0 if good else 1


def fleets(count: int) -> list[str]:
    """Names of fleets, each in a shard of its own while there are enough, in turn of the lower and the upper half."""
    names = sorted((f"fleet-{i}" for i in range(200)), key=lambda name: (shard_of(name) % (SHARDS // 2), shard_of(name)))
    first = list({shard_of(name): name for name in reversed(names)}.values())[::-1]
    return first[:count]


def made_log(seed: int, names: Sequence[str], messages: int, vehicles: int, stops: int = 10) -> Iterator[list[Message]]:
    """About so many messages of driven fleets: plans, pings every 5 s, ticks, and junk; a list a second of log time."""
    draw, sent, second = random.Random(seed), 0, 0
    opening = [Message(name, plan, START_US) for name in names for plan in plans(name, vehicles, stops, START_US)]
    yield opening
    sent += len(opening)
    streams = [fixes(name, vehicles, START_US, 10**9, 5.0, seed + i) for i, name in enumerate(names)]
    while sent < messages:
        said = [
            Message(name, ping, at_us)
            for name, stream in zip(names, streams, strict=True)
            for at_us, pings in (next(stream),)
            for ping in pings
        ]
        at_us, second = START_US + 1_000_000 * second, second + 1
        if second % 10 == 0:
            said += [Message(name, b'{"type":"tick","fleet_id":"%b","at":%d}' % (name.encode(), at_us // 1000), at_us) for name in names]
        if draw.random() < 0.2:
            name, junk = draw.choice(names), draw.choice(JUNK)
            said.append(Message(name, junk % name.encode() if b"%b" in junk else junk, at_us))
        sent += len(said)
        yield said


def append(redis: Redis, messages: Sequence[Message], *, driven: bool = True) -> None:
    """Into the log."""
    for call in calls(messages, driven=driven):
        redis.eval(SCRIPT, len(call.keys), *call.keys, *call.args)


def patiently(call: Callable[[], Any], within_s: float = 120.0) -> Any:
    """What a call gives as soon as Redis answers."""
    end_s = time.monotonic() + within_s
    while True:
        try:
            return call()
        except (RedisError, OSError):
            if time.monotonic() > end_s:
                raise
            time.sleep(0.02)


def wait_until(true: Callable[[], object], within_s: float = 120.0) -> float:
    """Seconds until it is so. Raises SystemExit when it does not become so."""
    began_s = time.monotonic()
    while not patiently(true):
        if time.monotonic() - began_s > within_s:
            raise RuntimeError(f"FAIL: waited {within_s:.0f} s in vain")
        time.sleep(0.005)
    return time.monotonic() - began_s


def drained(redis: Redis) -> bool:
    """Whether the engines have taken all that is in the log."""
    return left_to_take(redis) == 0


@dataclass
class Watcher:
    """A process that subscribes to events and polls the live view of all vehicles, until it is told to end."""

    url: str
    names: Sequence[str]
    stop: Event = field(default_factory=multiprocessing.Event)
    answers: Any = field(default_factory=multiprocessing.Queue)
    workers: list[multiprocessing.Process] = field(default_factory=list)

    def start(self) -> "Watcher":
        """Begin: one process reads events, another polls."""
        for work in (subscribe, poll):
            self.workers.append(
                multiprocessing.Process(target=work, args=(self.url, list(self.names), self.stop, self.answers), daemon=True)
            )
            self.workers[-1].start()
        return self

    def end(self) -> tuple[list[tuple[str, int, bytes]], int, int]:
        """Events as they were heard (fleet, number, text), vehicles read, and how often one had gone back."""
        self.stop.set()
        got = dict(self.answers.get(timeout=120) for _ in self.workers)
        for worker in self.workers:
            worker.join()
        return got["events"], *got["reads"]


def subscribe(url: str, _names: Sequence[str], stop: Event, answers: Any) -> None:
    """Read every event once, as it comes."""
    heard, last, quiet = [], "0-0", False
    with connect(url) as redis:
        while not quiet or not stop.is_set():
            try:
                answer: Any = redis.xread({EVENTS: last}, count=5_000, block=200)
            except (RedisError, OSError):
                time.sleep(0.05)
                continue
            quiet = not answer
            for _, entries in answer:
                last = entries[-1][0].decode()
                heard += [(fields[b"f"].decode(), int(fields[b"s"]), fields[b"d"]) for _, fields in entries]
    answers.put(("events", heard))


def poll(url: str, names: Sequence[str], stop: Event, answers: Any) -> None:
    """Read where all vehicles are, again and again: none may go back."""
    newest: dict[tuple[str, bytes], int] = {}
    reads = backwards = 0
    with connect(url) as redis:
        while not stop.is_set():
            for name in names:
                try:
                    found: Any = redis.hgetall(fleet_key("fixes", name))
                except (RedisError, OSError):
                    time.sleep(0.05)
                    continue
                times = np.frombuffer(b"".join(found.values()), FIX)["at_us"].tolist() if found else []
                for vehicle, at_us in zip(found, times, strict=True):
                    reads += 1
                    backwards += at_us < newest.get((name, vehicle), at_us)
                    newest[name, vehicle] = at_us
            time.sleep(0.02)
    answers.put(("reads", (reads, backwards)))


def kill(child: subprocess.Popen[bytes]) -> None:
    """With -9, and not before it is gone."""
    child.send_signal(signal.SIGKILL)
    child.wait()
