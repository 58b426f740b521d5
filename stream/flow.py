"""The dataflow, on one page. Bytewax only carries it: every step is in `stream.apply`, and a plain loop over it gives the same bytes.

    log -> stretches of fleets' logs, judged -> keyed by fleet -> the fleet's state machine -> what it gave

Step ids are storage keys in Bytewax's recovery store: a test freezes them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import Sink

from eta_models.columns import MISSING
from eta_models.model import EtaModel, ModelPolicy
from stream.apart import Told
from stream.apply import Applied
from stream.batches import FleetBatch, joined
from stream.checkpoints import Checkpoints
from stream.fleet import FleetState
from stream.messages import Tick
from stream.past import Past
from stream.settings import FleetSettings
from stream.thin import thin

STEP_IDS = ("log", "by_fleet", "fleet", "out")


@dataclass(slots=True)
class Fleets:
    """How fleets are made: their settings, and where their checkpoints are kept (None = nowhere)."""

    settings: Callable[[str], FleetSettings]
    checkpoints: Checkpoints | None = None
    checkpoint_every_us: int = 1_800_000_000
    """Log time between two checkpoints of a fleet."""
    is_given: Callable[[FleetState], bool] = lambda _: True
    """Whether all that a fleet gave so far is safe with its readers: a checkpoint must not be newer than that."""

    opened: Callable[[FleetState], None] = lambda _: None
    """Told of every fleet that is opened."""

    begin: Callable[[ModelPolicy, FleetState], None] = lambda *_: None
    """What a new fleet begins with besides nothing: the same whenever it is begun."""

    failed: Told = lambda *_: None
    """Told of every entry on which the engine failed, and of the error."""
    alive: Callable[[], None] = lambda: None
    """Called in between whenever something takes long."""
    pasts: dict[str, Past] = field(default_factory=dict)
    waiting: dict[str, list[FleetBatch]] = field(default_factory=dict)
    """What stands behind the last tick of fleets whose fixes are thinned."""

    def open(self, fleet_id: str) -> FleetState:
        """The fleet as its last checkpoint has it, else a new one."""
        state = self._last(fleet_id)
        self.opened(state)
        return state

    def _last(self, fleet_id: str) -> FleetState:
        policy = self.settings(fleet_id).model
        saved = self.checkpoints.read(fleet_id, policy) if self.checkpoints else None
        if saved is not None:
            return saved
        state = FleetState(fleet_id, EtaModel(policy))
        self.begin(policy, state)
        return state

    def past(self, fleet_id: str) -> Past:
        """What the fleet was taken through since its last checkpoint."""
        if fleet_id not in self.pasts:
            self.pasts[fleet_id] = Past(self.settings(fleet_id), partial(self._last, fleet_id), self.failed, self.alive)
        return self.pasts[fleet_id]

    def keep(self, state: FleetState, kept_us: int) -> int:
        """Write a checkpoint when one is due; returns the log time of the last one."""
        due = self.checkpoints is not None and state.now_us - kept_us >= self.checkpoint_every_us
        if not due or not self.is_given(state):
            return kept_us
        assert self.checkpoints is not None
        self.checkpoints.write(state)
        self.past(state.fleet_id).checkpoint(state.position)
        return state.now_us

    def due(self, state: FleetState, batch: FleetBatch) -> FleetBatch | None:
        """What is to be applied now of what the fleet has not had: all, or, while fixes are thinned, what lies before the last tick."""
        waiting = self.waiting.setdefault(state.fleet_id, [])
        rest = batch.after(waiting[-1].last if waiting else state.position)
        if rest is None:
            return None
        if state.thins and not any(isinstance(notice.message, Tick) for notice in rest.notices):
            waiting.append(rest)
            return None
        ready, waits = thin(self.settings(state.fleet_id).thin, state, joined([*waiting, rest]))
        self.waiting[state.fleet_id] = [] if waits is None else [waits]
        return ready

    def step(self, state: FleetState, batch: FleetBatch) -> Applied | None:
        """Apply what is due of a stretch; None when it has had all of it, or nothing is due."""
        due = self.due(state, batch)
        return None if due is None else self.past(state.fleet_id).apply(state, due)

    def end(self, state: FleetState) -> Applied | None:
        """The log has come to its end: what waits for a tick is applied without it."""
        rest = self.waiting.pop(state.fleet_id, None)
        return self.past(state.fleet_id).apply(state, joined(rest)) if rest else None

    def close(self, state: FleetState) -> None:
        """No more will come."""


class FleetLogic(StatefulBatchLogic[FleetBatch, Applied, str]):
    """One fleet inside Bytewax. Its snapshot is only its name: state is kept by checkpoints, truth by the log."""

    def __init__(self, fleets: Fleets, fleet_id: str | None) -> None:
        self.fleets = fleets
        self.state = fleets.open(fleet_id) if fleet_id else None
        self.kept_us = self.state.now_us if self.state else MISSING

    def on_batch(self, values: list[FleetBatch]) -> tuple[Iterable[Applied], bool]:
        """Apply stretches; a checkpoint is written before them, when what was given last has left."""
        if self.state is None:
            self.state = self.fleets.open(values[0].fleet_id)
            self.kept_us = self.state.now_us
        self.kept_us = self.fleets.keep(self.state, self.kept_us)
        given = [self.fleets.step(self.state, batch) for batch in values]
        return [applied for applied in given if applied is not None], StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[Applied], bool]:
        """What waited is applied, and the fleet is told."""
        if self.state is None:
            return [], StatefulBatchLogic.RETAIN
        rest = self.fleets.end(self.state)
        self.fleets.close(self.state)
        return [] if rest is None else [rest], StatefulBatchLogic.RETAIN

    def snapshot(self) -> str:
        """The fleet's name."""
        return self.state.fleet_id if self.state else ""


def build_flow(name: str, source: Source[FleetBatch], sink: Sink[tuple[str, Applied]], fleets: Fleets) -> Dataflow:
    """The flow from a source of stretches to a sink of what they gave; live and replay differ in these two only."""
    flow = Dataflow(name)
    log = op.input("log", flow, source)
    keyed = op.key_on("by_fleet", log, lambda batch: batch.fleet_id)
    given = op.stateful_batch("fleet", keyed, lambda resumed: FleetLogic(fleets, resumed))
    op.output("out", given, sink)
    return flow
