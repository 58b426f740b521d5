"""What travels through the flow as one item: a stretch of one fleet's log, its pings in columns."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from msgspec import Struct

from eta_models.columns import Cells, Floats, Ints
from stream.messages import AnyMessage


@dataclass(frozen=True, slots=True)
class Pings:
    """Judged pings, one row each, in log order. Times are microseconds since 1970 UTC; an absent speed, heading or accuracy is NaN.

    `vehicle` holds numbers into `names`, so that ids are looked up once a vehicle and not once a ping. `no_speed` and `no_heading` are the
    log positions of those that lost an impossible one; they stay as they are when rows are taken.
    """

    position: Ints
    received_us: Ints
    at_us: Ints
    vehicle: Ints
    lat: Floats
    lon: Floats
    speed_mps: Floats
    heading_deg: Floats
    accuracy_m: Floats
    cell: Cells
    names: Sequence[str]
    no_speed: Ints
    no_heading: Ints

    def __len__(self) -> int:
        return len(self.position)

    def take(self, rows: Ints | slice) -> "Pings":
        """The pings of `rows`, in that order."""
        return Pings(
            self.position[rows],
            self.received_us[rows],
            self.at_us[rows],
            self.vehicle[rows],
            self.lat[rows],
            self.lon[rows],
            self.speed_mps[rows],
            self.heading_deg[rows],
            self.accuracy_m[rows],
            self.cell[rows],
            self.names,
            self.no_speed,
            self.no_heading,
        )


def joined_pings(parts: Sequence[Pings]) -> Pings:
    """Pings of consecutive stretches as one; a vehicle may have several numbers then."""
    first = np.cumsum([0, *(len(part.names) for part in parts)]).tolist()
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Pings) if field.name != "names"
    }
    columns["vehicle"] = np.concatenate([part.vehicle + more for part, more in zip(parts, first, strict=False)])
    return Pings(**columns, names=[name for part in parts for name in part.names])


def no_pings() -> Pings:
    """Pings without a row."""
    whole, real = np.empty(0, np.int64), np.empty(0, np.float64)
    return Pings(whole, whole, whole, whole, real, real, real, real, real, np.empty(0, np.uint64), (), whole, whole)


class Notice(Struct, frozen=True):
    """A message other than a ping, with its place in the log."""

    position: int
    received_us: int
    at_us: int
    message: AnyMessage

    @property
    def vehicle_id(self) -> str | None:
        """The vehicle that it is about; None = it concerns the fleet."""
        return getattr(self.message, "vehicle_id", None)


class Refusal(Struct, frozen=True):
    """An input that was not applied: a dead letter. `head` is the beginning of what came, where bytes came."""

    position: int
    received_us: int
    reason: str
    kind: str = ""
    vehicle_id: str = ""
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class FleetBatch:
    """A stretch of one fleet's log: positions rise within `pings` and within `notices`; together they are the stretch."""

    fleet_id: str
    pings: Pings
    notices: Sequence[Notice]
    refusals: Sequence[Refusal] = ()

    def __len__(self) -> int:
        """How many log entries it holds."""
        return len(self.pings) + len(self.notices) + len(self.refusals)

    @property
    def last(self) -> int:
        """Position of its last entry; -1 of none."""
        ends = [int(self.pings.position[-1])] if len(self.pings) else []
        ends += [self.notices[-1].position] if self.notices else []
        return max((*ends, *(refusal.position for refusal in self.refusals)), default=-1)

    def without(self, places: Ints, reason: str, head: bytes = b"") -> "FleetBatch":
        """The same, with the pings at `places` refused."""
        p = self.pings
        of = zip(p.position[places].tolist(), p.received_us[places].tolist(), p.vehicle[places].tolist(), strict=True)
        refused = [Refusal(position, received_us, reason, "ping", p.names[vehicle], head) for position, received_us, vehicle in of]
        gone, kept = p.position[places], np.delete(np.arange(len(p)), places)
        lost = np.setdiff1d(p.no_speed, gone), np.setdiff1d(p.no_heading, gone)
        pings = replace(p.take(kept), no_speed=lost[0], no_heading=lost[1])
        return FleetBatch(self.fleet_id, pings, self.notices, [*self.refusals, *refused])

    def after(self, position: int) -> "FleetBatch | None":
        """What of the stretch lies behind a log position; None when nothing does."""
        first = int(np.searchsorted(self.pings.position, position, side="right"))
        notices = [notice for notice in self.notices if notice.position > position]
        refusals = [refusal for refusal in self.refusals if refusal.position > position]
        pings = self.pings if first == 0 else self.pings.take(slice(first, None))
        return FleetBatch(self.fleet_id, pings, notices, refusals) if len(pings) or notices or refusals else None

    def until(self, position: int) -> "FleetBatch | None":
        """The rest of it: what does not lie behind the position; None when all does."""
        p = self.pings
        count = int(np.searchsorted(p.position, position, side="right"))
        lost = p.no_speed[p.no_speed <= position], p.no_heading[p.no_heading <= position]
        pings = replace(p.take(slice(count)), no_speed=lost[0], no_heading=lost[1])
        notices = [notice for notice in self.notices if notice.position <= position]
        refusals = [refusal for refusal in self.refusals if refusal.position <= position]
        return FleetBatch(self.fleet_id, pings, notices, refusals) if count or notices or refusals else None


def joined(batches: Sequence[FleetBatch]) -> FleetBatch:
    """Consecutive stretches of a fleet as one."""
    if len(batches) == 1:
        return batches[0]
    pings = joined_pings([batch.pings for batch in batches])
    notices = [notice for batch in batches for notice in batch.notices]
    return FleetBatch(batches[0].fleet_id, pings, notices, [refusal for batch in batches for refusal in batch.refusals])
