"""Runs a recorded day through the flow, or through the plain loop that must give the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from replay.spool import Spool
from replay.timeline import Timeline, batches
from stream.apply import Applied
from stream.batches import FleetBatch
from stream.checkpoints import Checkpoints
from stream.flow import Fleets, build_flow
from stream.fleet import FleetState
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
        """Add another process's report; they ran side by side, so the longer time counts."""
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
    """One process's part of a run: the timeline, where outputs go, and the fleets as they become known."""

    line: Timeline
    settings: Mapping[str, FleetSettings]
    spool: Spool
    progress: Progress = ignore
    checkpoints: Checkpoints | None = None
    checkpoint_every_us: int = 1_800_000_000
    only: Sequence[str] | None = None
    """Fleets to run; None = all."""
    batch: int = BATCH
    states: dict[str, FleetState] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)

    def fleets(self) -> Fleets:
        """How this run makes its fleets."""
        return Fleets(self._settings, self.checkpoints, self.checkpoint_every_us, self._is_given, self._opened)

    def _settings(self, fleet_id: str) -> FleetSettings:
        return self.settings[fleet_id]

    def _opened(self, state: FleetState) -> None:
        self.states[state.fleet_id] = state

    def _is_given(self, state: FleetState) -> bool:
        return self.given.get(state.fleet_id, -1) >= state.position

    def take(self, applied: Applied) -> None:
        """Keep what a stretch gave."""
        self.spool.put(applied)
        self.given[applied.fleet_id] = applied.position

    def stretches(self, fleets: Sequence[str] | None) -> Iterator[list[FleetBatch]]:
        """The judged stretches of `fleets`."""
        policy = next(iter(self.settings.values())).judge
        return batches(policy, self.line, self.batch, fleets)

    def report(self, seconds: float) -> RunReport:
        """What was done."""
        report = RunReport(seconds)
        for state in self.states.values():
            part = RunReport(0.0, state.received, state.pings, state.kept_late, state.scalar_rows, Counter(state.refused))
            report.add(part)
        return report


def run_loop(run: DayRun) -> RunReport:
    """The plain loop: the oracle."""
    started, fleets = perf_counter(), run.fleets()
    kept: dict[str, int] = {}
    for stretch in run.stretches(run.only):
        given = []
        for batch in stretch:
            state = run.states.get(batch.fleet_id) or fleets.open(batch.fleet_id)
            kept[batch.fleet_id] = fleets.keep(state, kept.get(batch.fleet_id, state.now_us))
            if (applied := fleets.step(state, batch)) is not None:
                run.take(applied)
                given.append(applied)
        run.progress(sum(map(len, stretch)), given)
    return run.report(perf_counter() - started)


def run_flow(run: DayRun) -> RunReport:
    """The same through Bytewax, in this process."""
    started = perf_counter()
    run_main(build_flow("replay", DaySource(run), DaySink(run), run.fleets()))
    return run.report(perf_counter() - started)


class DaySource(FixedPartitionedSource[FleetBatch, None]):
    """A day as a Bytewax source; a lane is the fleets of some shards. It always begins at the start: fleets skip what they have."""

    def __init__(self, run: DayRun, lanes: int = 1) -> None:
        self.run, self.lanes = run, lanes

    def list_parts(self) -> list[str]:
        """The names of the lanes."""
        return [f"lane-{lane:02d}" for lane in range(self.lanes)]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_Lane":  # noqa: ARG002
        """One lane."""
        lane = int(for_part.removeprefix("lane-"))
        mine = self.run.only if self.run.only is not None else self.run.line.fleet_ids
        return _Lane(self.run.stretches([fleet_id for fleet_id in mine if shard_of(fleet_id) % self.lanes == lane]))


class _Lane(StatefulSourcePartition[FleetBatch, None]):
    def __init__(self, stretches: Iterator[list[FleetBatch]]) -> None:
        self._stretches = stretches

    def next_batch(self) -> list[FleetBatch]:
        return next(self._stretches)

    def snapshot(self) -> None:
        return None


class DaySink(DynamicSink[tuple[str, Applied]]):
    """Where a day's outputs go: the spool, and whoever watches the progress."""

    def __init__(self, run: DayRun) -> None:
        self.run = run

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_Out":  # noqa: ARG002
        """The part of one worker."""
        return _Out(self.run)


class _Out(StatelessSinkPartition[tuple[str, Applied]]):
    def __init__(self, run: DayRun) -> None:
        self._run = run

    def write_batch(self, items: list[tuple[str, Applied]]) -> None:
        given = [applied for _, applied in items]
        for applied in given:
            self._run.take(applied)
        self._run.progress(sum(applied.entries for applied in given), given)
