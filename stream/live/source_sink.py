"""The two ends of the live flow: the log of some shards comes in, what it gave goes to Redis."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from redis.exceptions import RedisError

from stream.apply import Applied
from stream.batches import FleetBatch, no_pings
from stream.live.chores import Chores
from stream.live.fleets import LiveApplied
from stream.live.patience import passes
from stream.live.reader import Reader
from stream.live.writer import Writer

log = structlog.get_logger()

IDLE_S = 0.1
"""How long a read waits at most where nothing comes: ten wake-ups a second cost nothing, and an entry ends the wait at once."""
LOOK_US = 5_000_000
"""How often is looked whether Redis still has what was written of late: well within what the writer keeps."""
NUDGE_US = 60_000_000
"""Fleets of which nothing comes any more are offered for their checkpoint so often."""


@dataclass(slots=True)
class LogSource(FixedPartitionedSource[FleetBatch, None]):
    """All shards of the process as one partition. Bytewax keeps no position of it: checkpoints do, with the log behind them."""

    reader: Reader
    chores: Chores
    stopping: Callable[[], bool]
    wait: Callable[[float], None]
    mend: Callable[[], None]

    def list_parts(self) -> list[str]:
        """One part."""
        return ["shards"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_Log":  # noqa: ARG002 (Bytewax names them)
        """The one part."""
        return _Log(self.reader, self.chores, self.stopping, self.wait, self.mend)


@dataclass(slots=True)
class _Log(StatefulSourcePartition[FleetBatch, None]):
    reader: Reader
    chores: Chores
    stopping: Callable[[], bool]
    wait: Callable[[float], None]
    mend: Callable[[], None]
    failures: int = 0
    nudged_us: int = 0
    looked_us: int = 0

    def next_batch(self) -> list[FleetBatch]:
        """The next stretches; while Redis is away there are none, and nothing is lost by it."""
        if self.stopping():
            self.mend()
            raise StopIteration
        if self.failures or not 0 <= self.chores.now_us() - self.looked_us < LOOK_US:
            self.looked_us = self.chores.now_us()
            self.mend()
        try:
            self.chores.run()
            found = self.reader.read(IDLE_S)
        except RedisError as error:
            if not passes(error):
                raise
            self.failures += 1
            log.warning("redis_away", error=type(error).__name__, failures=self.failures)
            self.wait(min(0.01 * 2 ** min(self.failures, 7), 1.0))
            return []
        self.failures = 0
        return [*found, *self._nudges()]

    def _nudges(self) -> list[FleetBatch]:
        """Empty stretches: at the start for all fleets that have a checkpoint, so that what is wrong with one shows at once; then for
        those that wait for one, so that they do not hold the log for ever.
        """
        now_us = self.chores.now_us()
        if 0 <= now_us - self.nudged_us < NUDGE_US:
            return []
        first, self.nudged_us = not self.nudged_us, now_us
        names = [fleet_id for marks in self.reader.marks.values() for fleet_id in (marks.kept if first else marks.waiting())]
        return [FleetBatch(fleet_id, no_pings(), []) for fleet_id in names]

    def snapshot(self) -> None:
        return None


@dataclass(slots=True)
class RedisSink(DynamicSink[tuple[str, Applied]]):
    """Everything that stretches gave, written before the next is taken."""

    writer: Writer

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_Out":  # noqa: ARG002 (Bytewax names them)
        """The part of the one worker."""
        return _Out(self.writer)


@dataclass(slots=True)
class _Out(StatelessSinkPartition[tuple[str, Applied]]):
    writer: Writer

    def write_batch(self, items: list[tuple[str, Applied]]) -> None:
        self.writer.write([order for _, applied in items if isinstance(applied, LiveApplied) for order in applied.orders])
