"""A tiny fleet on a straight road: stops 1 km apart, messages by the second, and whatever log is made of them played through the engine."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from eta_models.model import EtaModel
from geofences.positions import METRES_PER_DEGREE
from stream import messages as m
from stream.apply import Applied, apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.moments import micros
from stream.planned_stop import PlannedStop
from stream.settings import FleetSettings
from stream.visits import VisitState

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FLEET, LAT, LON = "depot", 42.9, -78.9
STEP_S = 10
Line = tuple[float, m.AnyMessage]  # a message and the second at which it was received


class Road:
    """Makes messages. Times are seconds from nine o'clock, places metres along the road, from the depot northwards."""

    start_us = micros(START)

    def at(self, second: float) -> datetime:
        return START + timedelta(seconds=second)

    def us(self, second: float) -> int:
        return self.start_us + round(second * 1e6)

    def lat(self, metres: float) -> float:
        return LAT + metres / METRES_PER_DEGREE

    def ping(self, second: float, metres: float, vehicle: str = "v1", received: float | None = None, **more: object) -> Line:
        fields = {"lat": self.lat(metres), "lon": LON, **more}
        return (second if received is None else received), m.Ping(fleet_id=FLEET, at=self.at(second), vehicle_id=vehicle, **fields)

    def drive(self, start: float, end: float, from_m: float, to_m: float, vehicle: str = "v1", step: float = STEP_S) -> list[Line]:
        """Fixes every `step` seconds from one moment and place to another."""
        seconds = np.arange(start, end + 0.001, step).tolist()
        return [self.ping(s, from_m + (to_m - from_m) * (s - start) / max(end - start, 1e-9), vehicle) for s in seconds]

    def stop(self, number: int, **more: object) -> PlannedStop:
        """Stop `number` lies so many kilometres up the road, and is called after it: stop s1, visit a1."""
        fields = {"stop_id": f"s{number}", "visit_id": f"a{number}", "seq": number, "lat": self.lat(1000.0 * number), "lon": LON, **more}
        return PlannedStop(**fields)

    def stops(self, numbers: Iterable[int] = range(1, 6), prefix: str = "a", **more: object) -> list[PlannedStop]:
        return [self.stop(number, visit_id=f"{prefix}{number}", **more) for number in numbers]

    def plan(self, stops: Sequence[PlannedStop] | None = None, second: float = 0, **more: object) -> Line:
        return self.say(m.RoutePublished, second, **{"stops": self.stops() if stops is None else stops, **more})

    def say(self, kind: type, second: float, received: float | None = None, **fields: object) -> Line:
        """Any message; those about a vehicle are about v1 and route r1 unless told otherwise."""
        known = {"vehicle_id": "v1", "route_id": "r1", **fields}
        used = {name: value for name, value in known.items() if name in kind.__struct_fields__}
        return (second if received is None else received), kind(fleet_id=FLEET, at=self.at(second), **used)

    def go(self, second: float = 0, received: float | None = None, **more: object) -> Line:
        return self.say(m.RouteStarted, second, received, **more)

    def square(self, fence_id: str, second: float, from_m: float, to_m: float) -> Line:
        """A fence around a piece of the road."""
        south, north, west, east = self.lat(from_m), self.lat(to_m), LON - 0.005, LON + 0.005
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return self.say(m.FencePut, second, fence_id=fence_id, geometry={"type": "Polygon", "coordinates": [ring]})

    def ticks(self, start: float, end: float) -> list[Line]:
        return [self.say(m.Tick, s) for s in np.arange(start, end + 0.001, STEP_S).tolist()]

    def log(self, *parts: Line | list[Line], ticks: bool = True) -> list[Line]:
        """Everything in the order of receipt, with a tick every ten seconds, behind what came at the same moment."""
        lines = [line for part in parts for line in (part if isinstance(part, list) else [part])]
        if ticks and lines:
            seconds = [second for second, _ in lines]
            lines += self.ticks(min(seconds) // STEP_S * STEP_S + STEP_S, max(seconds) // STEP_S * STEP_S + STEP_S)
        return sorted(lines, key=lambda line: line[0])


def entries_of(lines: Iterable[Line | tuple[float, bytes]], first: int = 0) -> list[Entry]:
    """The lines as entries of a log: bytes through the codec."""
    return [
        Entry(first + i, Road.start_us + round(second * 1e6), said if isinstance(said, bytes) else encode(said))
        for i, (second, said) in enumerate(lines)
    ]


class Played:
    """A fleet, and everything it gave so far."""

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        self.state = FleetState(FLEET, EtaModel(settings.model))
        self.parts: list[Applied] = []
        self.position = 0

    def play(self, lines: Sequence[Line | tuple[float, bytes]], cuts: Sequence[int] = ()) -> "Played":
        """Apply the lines in one batch, or cut before the given places."""
        entries = entries_of(lines, self.position)
        self.position += len(entries)
        edges = [0, *sorted(set(cuts)), len(entries)]
        for start, end in pairwise(edges):
            for batch in read_entries(self.settings.judge, entries[start:end]):
                if batch.fleet_id == FLEET:
                    self.parts.append(apply(self.settings, self.state, batch))
        return self

    @property
    def events(self) -> list[dict]:
        return [msgspec.json.decode(event.payload) for part in self.parts for event in part.events]

    def told(self, kind: str, **data: object) -> list[dict]:
        """Events of a kind, in order, whose data has these values."""
        found = [event for event in self.events if event["type"] == f"fleetcast.{kind}.v1"]
        return [event for event in found if all(event["data"].get(name) == value for name, value in data.items())]

    def visits(self, kind: str) -> list[str]:
        """The visits that events of a kind are about, in order."""
        return [event["data"]["visit_id"] for event in self.told(kind)]

    @property
    def reasons(self) -> list[str]:
        return [refusal.reason for part in self.parts for refusal in part.refusals]

    @property
    def estimates(self) -> np.ndarray:
        return np.concatenate([part.estimates for part in self.parts])

    def visit(self, visit_id: str) -> dict[str, object]:
        """All that is known of a visit; times in seconds from the start."""
        row = self.state.visit_rows[visit_id]
        values = {name: getattr(self.state.visits, name)[row].item() for name in self.state.visits.FIELDS}
        times = {name[:-3] + "_s": (value - Road.start_us) / 1e6 for name, value in values.items() if name.endswith("_us")}
        return {**values, **times, "state": VisitState(values["state"]).name, "row": row}

    def vehicle(self, vehicle_id: str = "v1") -> dict[str, object]:
        """All that is known of a vehicle, None for a NaN."""
        row = self.state.vehicle_rows[vehicle_id]
        values = {name: getattr(self.state.vehicles, name)[row].tolist() for name in self.state.vehicles.FIELDS}
        return {name: value if value == value else None for name, value in values.items()}

    def bytes(self) -> tuple[object, ...]:
        """All that a stretch of log gives, to be compared with another way of taking it."""
        events = [(event.now_us, event.sequence, event.kind, event.payload) for part in self.parts for event in part.events]
        refusals = [refusal for part in self.parts for refusal in part.refusals]
        visits = [visit for part in self.parts for visit in part.visits]
        s = self.state
        counts = (s.received, s.refused, s.kept_late, s.now_us, s.position, s.sequence, s.estimates_made, s.beside_made)
        beside = np.concatenate([part.beside for part in self.parts]).tobytes()
        return events, self.estimates.tobytes(), beside, refusals, visits, counts


@pytest.fixture(scope="session")
def road() -> Road:
    return Road()


@pytest.fixture(scope="session")
def fleet() -> Callable[..., Played]:
    """A fleet that has seen nothing yet, with the usual settings or others."""
    return lambda settings=FleetSettings(): Played(settings)  # noqa: B008 - frozen


@pytest.fixture(scope="session", name="entries_of")
def lines_as_entries() -> Callable[..., list[Entry]]:
    """Lines of a road as entries of a log."""
    return entries_of
