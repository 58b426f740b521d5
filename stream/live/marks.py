"""How far each shard may forget its log: to where every fleet in it has a durable checkpoint. Pure."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stream.live.log_entry import id_before, id_of


@dataclass(frozen=True, slots=True)
class Resume:
    """Where reading a shard begins again: behind this stream id, and the number its next message should have (-1 = not known)."""

    stream_id: str = "0-0"
    count: int = -1
    fleets: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Position of the checkpoint of each fleet that has one: who finds an older one, or none, must begin further back."""


@dataclass(slots=True)
class Marks:
    """Of one shard: where reads began, and for each fleet the last position handed on and the last one that is durable."""

    begun: Resume
    starts: list[tuple[int, int]] = field(default_factory=list)
    """Position and number of the first message of every read since the resume point."""
    handed: dict[str, int] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)
    """A fleet's checkpoint, or what came before its first message."""
    kept: dict[str, int] = field(default_factory=dict)
    """Positions of checkpoints."""
    last: int = -1
    after: int = -1
    """Number of the message behind the last one."""

    def __post_init__(self) -> None:
        self.kept.update(self.begun.fleets)

    def read(self, first: int, count: int, last: int, after: int) -> None:
        """A read brought messages from position `first` (number `count`) to position `last`; the next one has the number `after`."""
        self.starts.append((first, count))
        self.last, self.after = last, after

    def hand(self, fleet_id: str, first: int, last: int) -> None:
        """Messages of a fleet went into the flow."""
        self.durable.setdefault(fleet_id, first - 1)
        self.handed[fleet_id] = last

    def keep(self, fleet_id: str, position: int) -> None:
        """The fleet is durable up to a position."""
        self.durable[fleet_id] = max(position, self.durable.get(fleet_id, -1))
        self.kept[fleet_id] = max(position, self.kept.get(fleet_id, -1))

    def waiting(self) -> list[str]:
        """Fleets that were handed more than is durable."""
        return [fleet_id for fleet_id, position in self.handed.items() if position > self.durable[fleet_id]]

    def resume(self) -> Resume:
        """Where to begin again; older starts are forgotten."""
        waiting = self.waiting()
        if not waiting and self.last >= 0:
            self.starts.clear()
            self.begun = Resume(id_of(self.last), self.after, dict(self.kept))
            return self.begun
        known = min((self.durable[fleet_id] for fleet_id in waiting), default=self.last)
        place = bisect_right(self.starts, known + 1, key=lambda start: start[0]) - 1
        if place < 0:
            self.begun = replace(self.begun, fleets=dict(self.kept))
        else:
            del self.starts[:place]
            self.begun = Resume(id_before(self.starts[0][0]), self.starts[0][1], dict(self.kept))
        return self.begun
