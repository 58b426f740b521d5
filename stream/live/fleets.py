"""Fleets of the live system: opened from their checkpoints, and dressed with what their stretches change in Redis."""

from dataclasses import dataclass, field

import structlog

from stream.apply import Applied
from stream.batches import FleetBatch
from stream.fleet import FleetState
from stream.flow import Fleets
from stream.live.checkpointer import Checkpointer
from stream.live.orders import Order, order_of, position_text
from stream.live.settings import LiveSettings
from stream.live.shown import Changes, Shown
from stream.live.writer import Guard, Writer
from stream.outputs import Numbered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LiveApplied(Applied):
    """What a stretch gave, and the order to write it."""

    order: Order


@dataclass(slots=True)
class _Open:
    """What is kept of an open fleet besides its state."""

    guard: Guard
    shown: Shown
    again: list[Numbered]
    """Events that Redis may have lost while nobody ran."""


@dataclass(slots=True, kw_only=True)
class LiveFleets(Fleets):
    """`Fleets` whose outputs go to Redis."""

    live: LiveSettings
    writer: Writer
    keeper: Checkpointer
    told: dict[str, _Open] = field(default_factory=dict)

    def open(self, fleet_id: str) -> FleetState:
        """The fleet as its last checkpoint has it, and how far Redis has it."""
        state = Fleets.open(self, fleet_id)
        guard = self.writer.open(fleet_id)
        again = [event for event in state.recent if event.sequence >= guard.sequence]
        self.told[fleet_id] = _Open(Guard(guard.position, guard.sequence, guard.writes), Shown(), again)
        self.keeper.opened(state)
        written, own = guard.position, position_text(state.position)
        say = "fleet_caught_up" if written == own else "fleet_behind" if written > own else "redis_behind"
        log.info(say if state.position >= 0 else "fleet_opened", fleet=fleet_id, entries=state.received, said_again=len(again))
        return state

    def keep(self, state: FleetState, kept_us: int) -> int:
        """Offer the state to the keeper, when all that it gave is in Redis."""
        if state.position >= 0 and self.writer.is_written(state.fleet_id, state.position):
            self.keeper.offer(state)
        return kept_us

    def close(self, state: FleetState) -> None:
        """The last checkpoint."""
        if state.position >= 0 and self.writer.is_written(state.fleet_id, state.position):
            self.keeper.close(state)

    def step(self, state: FleetState, batch: FleetBatch) -> Applied | None:
        """Apply a stretch, and say what it changes in Redis."""
        rest = batch.after(state.position)
        applied = None if rest is None else Fleets.step(self, state, rest)
        if rest is None or applied is None:
            return None
        told = self.told[state.fleet_id]
        catching_up = position_text(applied.position) <= told.guard.position
        changes = Changes() if catching_up else told.shown.changes(state, rest)
        order = order_of(applied, told.again, changes, self.live, self.writer.by)
        told.again = []
        return LiveApplied(**{name: getattr(applied, name) for name in Applied.__dataclass_fields__}, order=order)
