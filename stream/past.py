"""What a fleet was taken through since its last checkpoint: should a stretch fail, its state can be had again as it was before."""

from collections.abc import Callable
from dataclasses import dataclass, field

from stream.apart import Told, apply_apart, without_set_aside
from stream.apply import Applied, Failed, apply, joined_applied
from stream.batches import FleetBatch, joined
from stream.checkpoint import recall, remember
from stream.fleet import FleetState
from stream.settings import FleetSettings

MOST = 500_000
"""Entries that are kept; where no checkpoint comes the state is captured then."""

FEW, MANY = 500, 64
"""So many stretches in a row of fewer entries than `FEW` are joined: arrays of ten rows take three times the room of what is in them, and
thousands of them, freed with the next checkpoint, leave memory full of holes."""

AT_ONCE = 50_000
"""Entries that are applied again at once: a second or two."""


class TooOld(Exception):
    """The last checkpoint was not kept, and what came before this one is not known any more."""


@dataclass(slots=True)
class Past:
    """Of one fleet. `opened` gives its last checkpoint, else a new fleet; `told` and `alive` are those of `apply_apart`."""

    settings: FleetSettings
    opened: Callable[[], FleetState]
    told: Told
    alive: Callable[[], None]
    captured: bytes = b""
    """The state as it was at `captured_at`, where `older` does not begin at a checkpoint."""
    captured_at: int = -1
    begins: int = -1
    """Position behind which `older` begins; and `since`."""
    since_begins: int = -1
    older: list[FleetBatch] = field(default_factory=list)
    since: list[FleetBatch] = field(default_factory=list)
    small: int = 0
    """How many of the last of `since` are small, and not joined yet."""
    entries: int = 0

    def checkpoint(self, position: int) -> None:
        """A checkpoint of the state at a position was taken just now; the one before it should be durable."""
        self.begins, self.since_begins = self.since_begins, position
        self.older, self.since, self.small, self.entries = self.since, [], 0, 0
        if self.captured_at < self.begins:
            self.captured = b""

    def apply(self, state: FleetState, batch: FleetBatch) -> Applied:
        """Apply a stretch; an entry that fails costs itself and nothing else."""
        todo, given = [batch], list[Applied]()
        while todo:
            part, *rest = without_set_aside(state, todo.pop())
            todo += reversed(rest)
            given.append(self._apply(state, part))
        return given[0] if len(given) == 1 else joined_applied(given)

    def _apply(self, state: FleetState, batch: FleetBatch) -> Applied:
        sequence = state.sequence
        try:
            applied = apply(self.settings, state, batch)
        except Failed:
            self._go_back(state)  # where it cannot, a restart can: the log is read again from the checkpoint on
            state.sequence = sequence
            applied = apply_apart(self.settings, state, batch, self.told, self.alive)
            self._begin(state)
            return applied
        self._note(batch)
        if self.entries > MOST:
            self._begin(state)
        return applied

    def _note(self, batch: FleetBatch) -> None:
        self.since.append(batch)
        self.entries += len(batch)
        self.small = self.small + 1 if len(batch) < FEW else 0
        if self.small == MANY:
            self.since[-MANY:] = [joined(self.since[-MANY:])]
            self.small = 0

    def _begin(self, state: FleetState) -> None:
        self.captured, self.captured_at = remember(state), state.position
        self.begins = self.since_begins = state.position
        self.older, self.since, self.small, self.entries = [], [], 0, 0

    def _go_back(self, state: FleetState) -> None:
        """Make the state what it was behind the last stretch that was applied. Raises `TooOld`."""
        known = recall(self.captured, self.settings.model) if self.captured else self.opened()
        if known.position < self.begins:
            raise TooOld(f"the checkpoint of fleet {known.fleet_id!r} ends at {known.position}, what was kept begins at {self.begins}")
        rest = [part for batch in (*self.older, *self.since) if (part := batch.after(known.position)) is not None]
        while rest:
            self.alive()
            some, size = list[FleetBatch](), 0
            while rest and size < AT_ONCE:
                some.append(rest.pop(0))
                size += len(some[-1])
            apply(self.settings, known, joined(some))
        state.become(known)
