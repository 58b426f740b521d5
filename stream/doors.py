"""The two ends of a flow that is fed from an iterator and read by a function: how a recorded day goes in and out."""

from collections.abc import Callable, Iterator, Mapping

from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from stream.apply import Applied
from stream.batches import FleetBatch

Flow = Dataflow
"""What `run_here` runs."""

Lane = Callable[[], Iterator[list[FleetBatch]]]
"""Opens the stretches of some fleets, from the start of their log."""


class LaneSource(FixedPartitionedSource[FleetBatch, None]):
    """Lanes as partitions. A lane always begins at the start: a fleet that resumed from a checkpoint skips what it has had."""

    def __init__(self, lanes: Mapping[str, Lane]) -> None:
        self._lanes = lanes

    def list_parts(self) -> list[str]:
        """The names of the lanes."""
        return sorted(self._lanes)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_OpenLane":  # noqa: ARG002 (Bytewax names them)
        """One lane."""
        return _OpenLane(self._lanes[for_part]())


class _OpenLane(StatefulSourcePartition[FleetBatch, None]):
    def __init__(self, stretches: Iterator[list[FleetBatch]]) -> None:
        self._stretches = stretches

    def next_batch(self) -> list[FleetBatch]:
        return next(self._stretches)

    def snapshot(self) -> None:
        return None


class CallSink(DynamicSink[tuple[str, Applied]]):
    """Hands what every stretch gave to a function, on the worker where its fleet lives."""

    def __init__(self, take: Callable[[list[Applied]], None]) -> None:
        self._take = take

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_Out":  # noqa: ARG002 (Bytewax names them)
        """The part of one worker."""
        return _Out(self._take)


class _Out(StatelessSinkPartition[tuple[str, Applied]]):
    def __init__(self, take: Callable[[list[Applied]], None]) -> None:
        self._take = take

    def write_batch(self, items: list[tuple[str, Applied]]) -> None:
        self._take([applied for _, applied in items])


def run_here(flow: Flow) -> None:
    """Run a flow to its end in this thread; an error in a step is raised as itself, not as Bytewax wraps it."""
    try:
        run_main(flow)  # type: ignore[no-untyped-call]
    except BytewaxRuntimeError as error:
        raise error.__cause__ or error from None
