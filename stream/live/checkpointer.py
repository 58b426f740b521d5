"""Checkpoints of a live system: taken between two stretches, made durable by a thread, staggered so that not all fleets come at once."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from zlib import crc32

import structlog

from stream.checkpoint import Captured, capture, seal
from stream.checkpoints import Checkpoints
from stream.fleet import FleetState
from stream.live.memory import GIVE_BACK_EVERY_S, TOGETHER_S, give_back

log = structlog.get_logger()


@dataclass(slots=True)
class Checkpointer:
    """`kept` is told of every fleet and position that became durable; `now_s` is a steady clock."""

    checkpoints: Checkpoints
    every_s: float
    now_s: Callable[[], float]
    kept: Callable[[str, int], None]
    free: Callable[[], None] = give_back
    """Gives back what a checkpoint needed and nobody needs any more."""
    freed_s: float = -GIVE_BACK_EVERY_S
    due_s: dict[str, float] = field(default_factory=dict)
    writing: dict[str, Future[None]] = field(default_factory=dict)
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "checkpoint"))

    def opened(self, state: FleetState) -> None:
        """A fleet has been opened, from its checkpoint or new; its first checkpoint is due at a moment of its own."""
        if state.position >= 0:
            self.kept(state.fleet_id, state.position)
        self.due_s[state.fleet_id] = self.now_s() + self.every_s * (0.5 + crc32(state.fleet_id.encode()) % 1000 / 2000)

    def soon(self, fleet_id: str) -> None:
        """A fleet has read much of its log again: the next checkpoint is due at once, so that nobody has to read all of that once more."""
        self.due_s[fleet_id] = self.now_s()

    def offer(self, state: FleetState) -> bool:
        """Take a checkpoint when one is due; returns whether it was. The one before is durable then.

        All that the fleet gave so far must have been written. Raises what the last write raised.
        """
        before = self.writing.get(state.fleet_id)
        late_s = self.now_s() - self.due_s[state.fleet_id]
        if late_s < 0 or (before is not None and not before.done()):
            return False
        if before is not None:
            before.result()
        # In step with the first one: fleets that drift would come at once some time, and need memory for all of them.
        self.due_s[state.fleet_id] += self.every_s * (late_s // self.every_s + 1)
        self.writing[state.fleet_id] = self.thread.submit(self._write, state.fleet_id, state.position, capture(state))
        return True

    def close(self, state: FleetState) -> None:
        """Take the last checkpoint, and wait for it."""
        if (before := self.writing.get(state.fleet_id)) is not None:
            before.result()
        self._write(state.fleet_id, state.position, capture(state))

    def _write(self, fleet_id: str, position: int, captured: Captured) -> None:
        sealed = seal(captured)
        captured.clear()
        try:
            self.checkpoints.put(fleet_id, sealed)
        except OSError as error:
            # The log is kept for as long: nothing is lost but room, and the disk may take the next one.
            log.error("checkpoint_not_kept", fleet=fleet_id, why=str(error))
            return
        self.kept(fleet_id, position)
        del sealed
        if not self._more_to_come() or self.now_s() - self.freed_s >= GIVE_BACK_EVERY_S:
            self.freed_s = self.now_s()
            self.free()

    def _more_to_come(self) -> bool:
        """Whether another checkpoint is due shortly: it would need the same room again, and what was given back before it stays taken."""
        now_s = self.now_s()
        return any(now_s <= due_s < now_s + TOGETHER_S for due_s in list(self.due_s.values()))
