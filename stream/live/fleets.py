"""Fleets of the live system: opened from their checkpoints, and dressed with what their stretches change in Redis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from traceback import format_tb

import msgspec
import structlog

from eta_models.columns import MISSING
from stream.apply import Applied, joined_applied
from stream.batches import FleetBatch, Refusal
from stream.fault import fault
from stream.fleet import FleetState
from stream.flow import Fleets
from stream.live.apiece import say_not_shown
from stream.live.changes import Changes
from stream.live.checkpointer import Checkpointer
from stream.live.describe import totals
from stream.live.orders import Order, orders_of, position_text
from stream.live.priors import Priors
from stream.live.resume_file import Rewound
from stream.live.settings import LiveSettings
from stream.live.shown import Shown
from stream.live.solver import Solver
from stream.live.writer import Guard, Writer
from stream.outputs import Numbered

NO_CHECKPOINT = "it has no checkpoint, and Redis has had something of it"

SHOW_AGAIN_US = 30_000_000
"""Log time after which a present that could not be shown is tried anew."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveApplied(Applied):
    """What a stretch gave, and the orders to write it."""

    orders: list[Order]


@dataclass(slots=True)
class _Open:
    """What is kept of an open fleet besides its state."""

    guard: Guard
    shown: Shown
    again: list[Numbered]
    """Events that Redis may have lost while nobody ran."""
    behind: bool = False
    """Whether it still reads what Redis has had already."""
    not_before_us: int = MISSING
    """Nothing could be shown at all; it is tried again, with everything, from this log time on."""


@dataclass(slots=True, kw_only=True)
class LiveFleets(Fleets):
    """`Fleets` whose outputs go to Redis."""

    live: LiveSettings
    writer: Writer
    solver: Solver
    keeper: Checkpointer
    priors: Priors = field(init=False)
    took_over: bool = False
    """Whether somebody who died has left in Redis what is shown. After a clean end everything is written anew."""
    listed: Mapping[str, int] = field(default_factory=dict)
    """Position that the checkpoint of a fleet must have at least: log before it is not read."""
    told: dict[str, _Open] = field(default_factory=dict)

    def open(self, fleet_id: str) -> FleetState:
        """The fleet as its last checkpoint has it, and how far Redis has it. Raises `Rewound`, `UnusableCheckpoint`."""
        state = Fleets.open(self, fleet_id)
        if state.position < (expected := self.listed.get(fleet_id, -1)):
            raise Rewound(fleet_id, state.position, expected)
        guard = self.writer.open(fleet_id)
        again = [event for event in state.recent if event.sequence >= guard.sequence]
        written, own = guard.position, position_text(state.position)
        self.told[fleet_id] = _Open(replace(guard), Shown(), again, behind=written > own)
        self.keeper.opened(state)
        if written and state.position < 0:
            log.warning("rebuilding", fleet=fleet_id, why=f"{NO_CHECKPOINT}: the fleet is made anew from what the log still holds")
        say = "fleet_caught_up" if written == own else "fleet_behind" if written > own else "redis_behind"
        log.info(say if state.position >= 0 else "fleet_opened", fleet=fleet_id, entries=state.received, said_again=len(again))
        return state

    def __post_init__(self) -> None:
        """Say what fails, and know what fleets are to begin with."""
        self.failed = _say_failed
        self.priors = Priors(self.writer.redis, self.live)

    def keep(self, state: FleetState, kept_us: int) -> int:
        """Offer the state to the keeper, when all that it gave is in Redis."""
        self.alive()
        written = state.position >= 0 and self.writer.is_written(state.fleet_id, state.position)
        if written and self.keeper.offer(state):
            self.past(state.fleet_id).checkpoint(state.position)
        return kept_us

    def end(self, state: FleetState) -> None:
        """What waits for its tick is read again by whoever goes on."""
        self.waiting.pop(state.fleet_id, None)

    def close(self, state: FleetState) -> None:
        """The last checkpoint."""
        if state.position >= 0 and self.writer.is_written(state.fleet_id, state.position):
            self.keeper.close(state)

    def step(self, state: FleetState, batch: FleetBatch) -> Applied | None:
        """Apply a stretch, and say what it changes in Redis."""
        rest, told = self.due(state, batch), self.told[state.fleet_id]
        applied = None if rest is None else self._apply(state, rest, told)
        if rest is None or applied is None:
            return None
        self.priors.offer(state)
        here = position_text(applied.position)
        catching_up = here <= told.guard.position or here < told.guard.reaching
        changes = Changes(totals=msgspec.json.encode(totals(state))) if catching_up else _changes(state, rest, told)
        if told.behind and not catching_up:
            told.behind = False
            self.keeper.soon(state.fleet_id)
        if changes.replace and told.guard.writes:
            _retire(changes, self.writer.present(state.fleet_id))
        orders = orders_of(applied, told.again, changes, self.live, self.writer.by)
        told.again = []
        self.solver.take([] if catching_up else state.questions)
        state.questions = []
        return LiveApplied(**{name: getattr(applied, name) for name in Applied.__dataclass_fields__}, orders=orders)

    def _apply(self, state: FleetState, rest: FleetBatch, told: _Open) -> Applied | None:
        """Apply a stretch; what Redis has had of it first.

        A fleet that was rebuilt from a log without its beginning counts fewer events than Redis has: it goes on counting where Redis
        is, else the next ones would be taken for those that were written long ago.
        """
        guard = told.guard
        had = rest.until(int(guard.position) - 1) if position_text(state.position) < guard.position else None
        before = None if had is None else self.past(state.fleet_id).apply(state, had)
        if before is not None and len(had or ()) == len(rest):
            return before
        if guard.sequence > state.sequence:
            log.warning("events_lost", fleet=state.fleet_id, count=guard.sequence - state.sequence)
            state.sequence = guard.sequence
        elif self.took_over and position_text(state.position) == guard.position >= guard.reaching and told.shown.whole:
            told.shown.know(state)
        left = rest.after(state.position)
        parts = [before, None if left is None else self.past(state.fleet_id).apply(state, left)]
        return joined_applied([part for part in parts if part is not None])


def _changes(state: FleetState, batch: FleetBatch, told: _Open) -> Changes:
    """What to show; where that fails as a whole, nothing but the counts until later: events and dead letters are written all the same."""
    if state.now_us >= told.not_before_us:
        try:
            return told.shown.changes(state, batch)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (it would be raised again after every restart)
            say_not_shown("the fleet", state.fleet_id, error)
            told.shown, told.not_before_us = Shown(), state.now_us + SHOW_AGAIN_US
    return Changes(totals=msgspec.json.encode(totals(state)))


def _say_failed(refusal: Refusal, error: BaseException) -> None:
    """Where, and not what the error says: that may be something of a message."""
    about = {"position": refusal.position, "kind": refusal.kind, "vehicle": refusal.vehicle_id, "fault": fault(error).decode()}
    log.error("entry_failed", **about, trace="".join(format_tb(error.__traceback__)))


def _retire(changes: Changes, present: Mapping[str, Sequence[str]]) -> None:
    """What stood there before a restart and is no more."""
    for kind, names in present.items():
        if kind == "orders":
            changes.old_orders = sorted(set(names) - set(changes.orders))
        else:
            changes.removals[kind] = sorted(set(names) - {str(name) for name in changes.puts.get(kind, [])[::2]})
