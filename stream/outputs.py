"""What a stretch of log gives: events, estimates, dead letters. Everything carries the log position that caused it."""

from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from eta_models.columns import Floats, Ints
from stream.batches import Refusal

ESTIMATE = np.dtype([("made_us", "<i8"), ("visit", "<i8"), ("p10_us", "<i8"), ("p50_us", "<i8"), ("p90_us", "<i8"), ("p_late", "<f8")])
"""One internal estimate: when it was made, the visit's running number, the quantiles of its arrival, the probability of being late."""

Estimated = NDArray[np.void]


class Event(Struct, frozen=True):
    """Something that left the flow, before it has its place in the order. `key` makes its id unique within fleet and kind."""

    kind: str
    key: str
    subject: str
    occurred_us: int
    detected_us: int
    data: dict[str, object]

    def again(self, number: int | str) -> "Event":
        """The same with an id of its own, for what can be said of a subject more than once."""
        return replace(self, key=f"{self.key}:{number}")


class Numbered(Struct, frozen=True):
    """An event in its place: `now_us` and `sequence` order the events of a fleet, `payload` is its JSON."""

    now_us: int
    sequence: int
    kind: str
    payload: bytes


class NamedVisit(Struct, frozen=True):
    """What a visit's running number stands for: told once, so that estimates can travel as numbers."""

    number: int
    vehicle_id: str
    route_id: str
    visit_id: str
    stop_id: str
    seq: int


@dataclass(slots=True)
class Outputs:
    """Collected while a stretch is applied; in log order once `finish` of `events.py` has run."""

    events: list[tuple[int, Event]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    visits: list[NamedVisit] = field(default_factory=list)
    estimate_positions: list[Ints] = field(default_factory=list)
    estimates: list[Estimated] = field(default_factory=list)
    beside_positions: list[Ints] = field(default_factory=list)
    beside: list[Estimated] = field(default_factory=list)
    """What a challenger answered; nobody is told."""
    kept_late: int = 0
    at: int = -1
    """Position of the one entry that is being looked at, -1 = of many at once: where to search should it fail."""

    def emit(self, position: int, event: Event) -> None:
        """An event caused by the entry at `position`."""
        self.events.append((position, event))

    def estimate(self, positions: Ints, made_us: Ints, visit: Ints, quantiles_us: tuple[Ints, Ints, Ints], p_late: Floats) -> None:
        """Estimates caused by the entries at `positions`, one row each."""
        self.estimate_positions.append(positions)
        self.estimates.append(_rows(made_us, visit, quantiles_us, p_late))

    def estimate_beside(self, positions: Ints, made_us: Ints, visit: Ints, quantiles_us: tuple[Ints, Ints, Ints], p_late: Floats) -> None:
        """The same of a challenger."""
        self.beside_positions.append(positions)
        self.beside.append(_rows(made_us, visit, quantiles_us, p_late))

    def ordered_estimates(self) -> Estimated:
        """All estimates in log order."""
        return _ordered(self.estimate_positions, self.estimates)

    def ordered_beside(self) -> Estimated:
        """All estimates of a challenger in log order."""
        return _ordered(self.beside_positions, self.beside)


def _rows(made_us: Ints, visit: Ints, quantiles_us: tuple[Ints, Ints, Ints], p_late: Floats) -> Estimated:
    rows = np.empty(len(made_us), dtype=ESTIMATE)
    rows["made_us"], rows["visit"], rows["p_late"] = made_us, visit, p_late
    rows["p10_us"], rows["p50_us"], rows["p90_us"] = quantiles_us
    return rows


def _ordered(positions: list[Ints], parts: list[Estimated]) -> Estimated:
    if not parts:
        return np.empty(0, dtype=ESTIMATE)
    return np.concatenate(parts)[np.argsort(np.concatenate(positions), kind="stable")]
