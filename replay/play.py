"""Plays entries into a log at their pace: the loop, with clock, sleep, keyboard, log and screen passed in."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from replay.encoded import EncodedEntry
from replay.pace import Pace

CHUNK = 2_000
"""Entries appended at once at most: about 20 ms of work, so that keys are answered."""

LONGEST_SLEEP_S, SHORTEST_SLEEP_S = 0.05, 0.01
"""The one so that keys are answered; the other so that a busy day goes in chunks and not entry by entry."""

LOOK_EVERY, LOOK_EVERY_S = 10_000, 0.25
"""Entries, and seconds, after which it is asked how far the engine is."""

SKIP_US = 600_000_000


class Engine(NamedTuple):
    """How far the engine is: entries that it has not taken yet, and log time from its now to the last entry (None before its first)."""

    behind: int
    lag_us: int | None


class Log(Protocol):
    """Where entries go."""

    def append(self, entries: Sequence[EncodedEntry]) -> None:
        """Append them in this order."""

    def engine(self) -> Engine:
        """How far the engine is with them."""
        ...


class State(NamedTuple):
    """What there is to see."""

    log_us: int
    """When the last entry was received."""
    appended: int
    per_s: float
    """Entries a second, over the last two."""
    speed: float
    paused: bool
    held: bool
    """Waiting for the engine, because it is too far behind."""
    lag_us: int | None


@dataclass(slots=True)
class Player:
    """Plays rounds of a day, until it is told to stop."""

    log: Log
    pace: Pace
    clock: Callable[[], float]
    """Seconds, of any beginning."""
    sleep: Callable[[float], object]
    keys: Callable[[], str]
    """The keys that were pressed since it was asked last."""
    show: Callable[[State], None]
    most_behind: int = 200_000
    """Entries that the engine may be behind."""
    stopped: bool = False
    appended: int = 0
    log_us: int = 0
    _looked: tuple[int, float] = (0, float("-inf"))
    _engine: Engine = Engine(0, None)
    _held: bool = False
    _counts: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=9))

    def stop(self) -> None:
        """End after what is in hand."""
        self.stopped = True

    def play(self, entries: Iterable[EncodedEntry], from_us: int) -> None:
        """Play a round: what was received up to `from_us` at once, then the rest at its pace."""
        now_s, chunk = self.clock(), list[EncodedEntry]()
        self.pace.begin(from_us)
        self._counts.append((now_s, self.appended))
        target_us = self.pace.target_us(now_s)
        for entry in entries:
            if entry.received_us > target_us or len(chunk) >= CHUNK:
                self._append(chunk)
                chunk = []
                target_us = self._wait(entry.received_us)
                if self.stopped:
                    return
            chunk.append(entry)
        self._append(chunk)
        self._look(self.clock())

    def _append(self, chunk: Sequence[EncodedEntry]) -> None:
        if chunk:
            self.log.append(chunk)
            self.appended += len(chunk)
            self.log_us = chunk[-1].received_us

    def _wait(self, moment_us: int) -> int:
        """Wait until an entry may go, or until stopped; returns up to where it may go now."""
        while True:
            now_s = self.clock()
            if moment_us > self.pace.from_us:
                self.pace.start(now_s)
            for key in self.keys():
                self._press(key, now_s)
            if self._held or self.appended - self._looked[0] >= LOOK_EVERY or now_s - self._looked[1] >= LOOK_EVERY_S:
                self._look(now_s)
            target_us = self.pace.target_us(now_s)
            if self.stopped or (moment_us <= target_us and not self._held):
                return target_us
            self.sleep(min(max(self.pace.due_in_s(moment_us, now_s), SHORTEST_SLEEP_S), LONGEST_SLEEP_S))

    def _press(self, key: str, now_s: float) -> None:
        match key:
            case " ":
                self.pace.toggle(now_s)
            case "+" | "=":
                self.pace.scale(2.0, now_s)
            case "-" | "_":
                self.pace.scale(0.5, now_s)
            case "f":
                self.pace.skip(SKIP_US, now_s)
            case "q":
                self.stop()

    def _look(self, now_s: float) -> None:
        self._engine, self._looked = self.log.engine(), (self.appended, now_s)
        self._held = self._engine.behind + LOOK_EVERY > self.most_behind
        if now_s - self._counts[-1][0] >= LOOK_EVERY_S:
            self._counts.append((now_s, self.appended))
        first_s, first = self._counts[0]
        per_s = (self.appended - first) / (now_s - first_s) if now_s > first_s else 0.0
        self.show(State(self.log_us, self.appended, per_s, self.pace.speed, self.pace.paused, self._held, self._engine.lag_us))
