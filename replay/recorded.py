"""A recorded day as what everything else here takes: a log that can be cut."""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from stream.batches import FleetBatch
from stream.judge_policy import JudgePolicy
from stream.messages import AnyMessage


class Recorded(Protocol):
    """A day as a log: from a folder of tables, or from the log that a live system kept."""

    @property
    def fleet_ids(self) -> list[str]:
        """All fleets, sorted."""
        ...

    def __len__(self) -> int:
        """Entries, ticks among them."""
        ...

    def span_us(self) -> tuple[int, int]:
        """When the first and the last entry were received."""
        ...

    def spoken(self, kinds: Collection[str]) -> Iterator[tuple[int, AnyMessage]]:
        """The messages of these types (no pings, no ticks), not judged, in any order, with when each was received."""
        ...

    def stretches(self, policy: JudgePolicy, size: int, only: Sequence[str] | None) -> Iterator[list[FleetBatch]]:
        """The log cut every `size` entries, judged, a batch a fleet."""
        ...
