"""Runs a recorded day through the flow, or through the plain loop that must give the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter

from replay.models import leave_model
from replay.recorded import Recorded
from replay.spool import Spool
from replay.start import Start
from stream.apply import Applied
from stream.batches import FleetBatch
from stream.checkpoints import Checkpoints
from stream.doors import CallSink, Flow, LaneSource, run_here
from stream.fleet import FleetState
from stream.flow import Fleets, build_flow
from stream.log import shard_of
from stream.settings import FleetSettings

Progress = Callable[[int, list[Applied]], None]
"""Called with how many log entries were taken since the last call, and what they gave."""

BATCH = 10_000
"""Log entries a stretch: long enough that columns pay, short enough for a lively progress bar."""


@dataclass(slots=True)
class RunReport:
    """What a run did, summed over fleets."""

    seconds: float = 0.0
    received: int = 0
    pings: int = 0
    kept_late: int = 0
    scalar_rows: int = 0
    """Looks at single rows: events, arrivals, publications. The rest went through in columns."""
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, other: "RunReport") -> None:
        """Add another fleet's or process's report; processes ran side by side, so the longer time counts."""
        self.seconds = max(self.seconds, other.seconds)
        self.received += other.received
        self.pings += other.pings
        self.kept_late += other.kept_late
        self.scalar_rows += other.scalar_rows
        self.refused.update(other.refused)


def ignore(_entries: int, _given: list[Applied]) -> None:
    """A progress that nobody watches."""


@dataclass(slots=True)
class DayRun:
    """One process's part of a run: the day, where outputs go, and the fleets as they become known."""

    day: Recorded
    settings: Mapping[str, FleetSettings]
    spool: Spool
    progress: Progress = ignore
    checkpoints: Checkpoints | None = None
    checkpoint_every_us: int = 1_800_000_000
    only: Sequence[str] | None = None
    """Fleets to run; None = all."""
    batch: int = BATCH
    start: Start = field(default_factory=Start)
    models: Path | None = None
    """Folder into which every fleet leaves what it learned."""
    states: dict[str, FleetState] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)

    @property
    def mine(self) -> Sequence[str]:
        """The fleets to run."""
        return self.day.fleet_ids if self.only is None else self.only

    def fleets(self) -> Fleets:
        """How this run makes its fleets."""
        fleets = Fleets(self.settings.__getitem__, self.checkpoints, self.checkpoint_every_us, self._is_given, self._opened)
        fleets.begin = self.start
        return fleets

    def _opened(self, state: FleetState) -> None:
        self.states[state.fleet_id] = state

    def _is_given(self, state: FleetState) -> bool:
        return self.given.get(state.fleet_id, -1) >= state.position

    def take(self, given: list[Applied]) -> None:
        """Keep what stretches gave, and tell whoever watches."""
        for applied in given:
            self.spool.put(applied)
            self.given[applied.fleet_id] = applied.position
        self.progress(sum(applied.entries for applied in given), given)

    def stretches(self, fleets: Sequence[str] | None) -> Iterator[list[FleetBatch]]:
        """The judged stretches of `fleets`."""
        policy = next(iter(self.settings.values())).judge
        return self.day.stretches(policy, self.batch, fleets)

    def flow(self, lanes: int = 1) -> Flow:
        """The flow of this run; a lane is the fleets of some shards, and may be read by another process of a cluster."""
        parts = {lane: [fleet_id for fleet_id in self.mine if shard_of(fleet_id) % lanes == lane] for lane in range(lanes)}
        source = LaneSource({f"lane-{lane:02d}": partial(self.stretches, fleets) for lane, fleets in parts.items()})
        return build_flow("replay", source, CallSink(self.take), self.fleets())

    def look_at_checkpoints(self) -> None:
        """Raises `UnusableCheckpoint` here, because what a step raises is told of by Bytewax too, in the words of Rust."""
        if self.checkpoints is not None:
            for fleet_id in self.mine:
                self.checkpoints.read(fleet_id, self.settings[fleet_id].model)

    def report(self, seconds: float) -> RunReport:
        """What was done, when the run has come to its end."""
        report = RunReport(seconds)
        for state in self.states.values():
            if self.models is not None:
                leave_model(self.models, state)
            report.add(RunReport(0.0, state.received, state.pings, state.kept_late, state.scalar_rows, Counter(state.refused)))
        return report


def run_loop(run: DayRun) -> RunReport:
    """The plain loop: the oracle."""
    started, fleets = perf_counter(), run.fleets()
    kept: dict[str, int] = {}
    for stretch in run.stretches(run.only):
        for batch in stretch:
            state = run.states.get(batch.fleet_id) or fleets.open(batch.fleet_id)
            kept[batch.fleet_id] = fleets.keep(state, kept.get(batch.fleet_id, state.now_us))
            applied = fleets.step(state, batch)
            run.take([] if applied is None else [applied])
    for state in run.states.values():
        run.take([rest] if (rest := fleets.end(state)) is not None else [])
    return run.report(perf_counter() - started)


def run_flow(run: DayRun) -> RunReport:
    """The same through Bytewax, in this process."""
    started = perf_counter()
    run.look_at_checkpoints()
    run_here(run.flow())
    return run.report(perf_counter() - started)
