"""Looks for what could be done about exceptions, beside the flow: a question is taken at a tick, its answer goes into the log.

The flow never waits for it. What it thinks about is a copy of the fleet, so nothing it does can be seen until the answer is read again,
like any other message.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from redis import Redis
from redis.exceptions import RedisError

from stream.fault import fault
from stream.fleet import Question
from stream.live.append import SCRIPT_WHEN_FULL, Message, calls
from stream.live.keys import FLEETS, answer_key
from stream.live.settings import LiveSettings
from stream.live.views import FleetEntry
from stream.reassign.ask import MOST_ASKED, answers, replied
from stream.reassign.policy import ReassignPolicy
from stream.road_times import RoadTimes

KEPT_S = 600
"""An answer can be fetched for ten minutes."""

MOST_WAITING = 4
"""Questions of a fleet that wait: each holds a copy of the fleet."""

log = structlog.get_logger()

_entry = msgspec.json.Decoder(FleetEntry)


def _worst(question: Question) -> float:
    return max(trouble.worst for trouble in question.troubles)


@dataclass(slots=True)
class Solver:
    """One question at a time. Of what a fleet asks meanwhile those with the worst troubles wait, and go first.

    What is let go is not asked again for ten minutes, so only the least may be.
    """

    redis: Redis
    settings: LiveSettings
    policy: Callable[[str], ReassignPolicy]
    roads: RoadTimes | None = None
    """Whom to ask how long ways take that nobody has driven."""
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "solver"))
    waiting: dict[str, list[Question]] = field(default_factory=dict)
    asked: deque[Question] = field(default_factory=lambda: deque(maxlen=MOST_ASKED))
    """What somebody waits for goes first."""
    doing: Future[None] | None = None

    def take(self, questions: list[Question]) -> None:
        """Questions of a fleet; begins when nothing else is being solved. Call it at every stretch, with nothing too."""
        for question in questions:
            if question.asked is not None:
                self.asked.append(question)
                continue
            known = [*self.waiting.pop(question.tried.fleet_id, []), question]
            self.waiting[question.tried.fleet_id] = sorted(known, key=_worst, reverse=True)[:MOST_WAITING]
        if (self.waiting or self.asked) and (self.doing is None or self.doing.done()):
            self.doing = self.thread.submit(self._solve, self.asked.popleft() if self.asked else self._next())

    def _next(self) -> Question:
        """Fleets take turns."""
        fleet_id = next(iter(self.waiting))
        first, *rest = self.waiting.pop(fleet_id)
        if rest:
            self.waiting[fleet_id] = rest
        return first

    def end(self) -> None:
        """Wait for the one that is being solved; nobody reads the others any more."""
        self.waiting.clear()
        self.asked.clear()
        self.thread.shutdown()

    def _solve(self, question: Question) -> None:
        """A question on which it fails is told of, and asked again in its time: no stop is late for it that would not be anyway."""
        fleet_id, question.tried.roads = question.tried.fleet_id, self.roads
        try:
            if question.asked is not None:
                self.redis.set(answer_key(fleet_id, question.asked.question_id), replied(self.policy(fleet_id), question), ex=KEPT_S)
            else:
                self._append(question, answers(self.policy(fleet_id), question))
        except RedisError as error:
            log.warning("redis_away", error=type(error).__name__, doing="proposals")
        except Exception as error:  # noqa: BLE001 (nothing that it thinks may harm the flow)
            log.error("proposals_failed", fleet=fleet_id, fault=fault(error).decode())

    def _append(self, question: Question, found: list[bytes]) -> None:
        """Into the log of the fleet; in a played one they are received at its own time."""
        fleet_id = question.tried.fleet_id
        known: Any = self.redis.hget(FLEETS, fleet_id)
        received_us = question.tried.now_us if known is not None and _entry.decode(known).driven else None
        messages = [Message(fleet_id, payload, received_us) for payload in found]
        for call in calls(messages, self.settings.time_zone, shards=self.settings.shards):
            self.redis.eval(SCRIPT_WHEN_FULL, len(call.keys), *call.keys, *call.args)
        log.info("proposals_made", fleet=fleet_id, exceptions=len(question.troubles), answered=len(found))
