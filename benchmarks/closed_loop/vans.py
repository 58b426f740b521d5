"""Vans that follow the plan in force, in a made city: what is accepted changes where they go and what becomes late.

The streets, traffic, doors and door work are those of `fleetcast-replay make-day`; the engine sees pings and messages only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from replay.make_day.city import City
from replay.make_day.doors import DEPOT, REST, Door
from replay.make_day.parameters import Parameters
from replay.make_day.paths import Kerb, Piece, position, way
from replay.make_day.plan import Visit
from replay.make_day.seeding import between, factor
from replay.make_day.traffic import Traffic

PING_S = 15.0
SIGMA_M = 6.0


@dataclass
class World:
    """What is the same for all vans of a day. `visits` are all calls by id, also those that proposals add."""

    seed: int
    city: City
    traffic: Traffic
    parameters: Parameters
    visits: dict[str, Visit] = field(default_factory=dict)
    nodes: dict[tuple[float, float], Kerb] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Where each crossing is, as a place on one of its streets."""
        streets = self.city.streets
        for edge in np.flatnonzero(streets.open).tolist():
            for along in (0.0, float(streets.length_m[edge])):
                self.nodes.setdefault(_rounded(position(streets, Kerb(edge, along))), Kerb(edge, along))

    def luck(self, *names: str) -> np.random.Generator:
        """The same for the same things, whatever is accepted."""
        return np.random.default_rng([self.seed, *(crc32(name.encode()) for name in names)])

    def kerb_at(self, piece: Piece, otherwise: Kerb) -> Kerb:
        return self.nodes.get(_rounded((piece.to_x, piece.to_y)), otherwise)


def _rounded(place: tuple[float, float]) -> tuple[float, float]:
    return round(place[0], 1), round(place[1], 1)


@dataclass
class Call:
    """A visit that was made: by whom, when the van came, when the work was done."""

    visit_id: str
    vehicle_id: str
    came_s: float
    done_s: float


@dataclass
class Van:
    """A van and its driver. `orders` says which visits the plan has for it now, in order."""

    world: World
    vehicle_id: str
    orders: Callable[[], list[str]]
    clock_s: float
    kerb: Kerb
    breaks_after: int = 10_000
    """Visits until it breaks down, on the way to the next."""
    on_board: set[str] = field(default_factory=set)
    done: dict[str, Call] = field(default_factory=dict)
    down_s: float | None = None
    target: str | None = None
    path: list[tuple[float, float, float]] = field(default_factory=list)
    pinged_s: float = -1e9
    legs: int = 0
    noise: float = 1.0

    def __post_init__(self) -> None:
        luck = self.world.luck(self.vehicle_id)
        p = self.world.parameters.drive
        self.speed, self.service = factor(luck, p.driver_speed_sigma), factor(luck, p.driver_service_sigma)
        self.path.append((self.clock_s, *position(self.world.city.streets, self.kerb)))

    def advance(self, until_s: float) -> Iterator[Call]:
        """Live on until a moment, or a little longer: what was begun is finished. Gives the calls that were made."""
        while self.clock_s < until_s:
            if self.down_s is not None:
                self._stand(until_s - self.clock_s)
                return
            following = next((name for name in self.orders() if name not in self.done), None)
            if following is None:
                self._stand(min(30.0, until_s - self.clock_s + 1.0))
                continue
            if following != self.target:
                self.target, self.legs = following, self.legs + 1
                luck = self.world.luck(self.vehicle_id, str(self.legs))
                self.noise = factor(luck, self.world.parameters.drive.leg_sigma) * self.speed
            door = self.world.visits[following].door
            pieces = way(self.world.city.streets, self.kerb, door.kerb, self.world.parameters.city)
            if len(self.done) >= self.breaks_after and pieces:
                self.down_s = self.clock_s
            elif len(pieces) > 1:
                self._drive(pieces[0])
            else:
                self._arrive(pieces, door)
                yield self._serve(following)

    def _stand(self, seconds: float) -> None:
        self._go(self.path[-1][1], self.path[-1][2], seconds)

    def _go(self, x: float, y: float, seconds: float) -> None:
        self.clock_s += seconds
        self.path.append((self.clock_s, x, y))

    def _drive(self, piece: Piece) -> None:
        """One street, and the light at its end."""
        world, p = self.world, self.world.parameters
        luck = world.luck(self.vehicle_id, str(self.legs), f"{piece.to_x:.0f}.{piece.to_y:.0f}")
        slow = world.traffic.slowdown(self.clock_s, piece.x, piece.y, piece.zone, piece.road)
        crossing_s = p.city.junction_s if piece.junction else 0.0
        self._go(piece.to_x, piece.to_y, piece.length_m / piece.speed_mps * slow * self.noise + crossing_s)
        if piece.junction and luck.random() < p.drive.light_share:
            self._stand(between(luck, p.drive.light_s))
        self.kerb = world.kerb_at(piece, self.kerb)

    def _arrive(self, pieces: list[Piece], door: Door) -> None:
        p = self.world.parameters.drive
        for piece in pieces:
            self._drive(piece._replace(junction=False))
            self._stand(min(p.parking_m, piece.length_m) / p.parking_mps * 0.5)
        self.kerb = door.kerb

    def _serve(self, visit_id: str) -> Call:
        """Walk, wait for a hard window, do the work, and get back in."""
        world, visit, p = self.world, self.world.visits[visit_id], self.world.parameters.drive
        luck, came_s = world.luck(visit_id), self.clock_s
        if visit.kind == "handover":
            self._stand(between(luck, (200.0, 400.0)))
        elif visit.door.place in {DEPOT, REST}:
            self._stand(between(luck, p.unload_s if visit.door.place == DEPOT else p.lunch_s))
        else:
            self._stand(between(luck, p.walk_s))
            if visit.window_start_s is not None and not visit.soft:
                self._stand(max(visit.window_start_s - self.clock_s, 0.0))
            self._stand(self._work_s(visit, luck))
        call = self.done[visit_id] = Call(visit_id, self.vehicle_id, came_s, self.clock_s)
        self._stand(between(luck, p.unpark_s))
        self.target = None
        return call

    def _work_s(self, visit: Visit, luck: np.random.Generator) -> float:
        p, place = self.world.parameters.drive, visit.door.place
        median_s = p.service_median[place] * (p.demand_base + p.demand_each * min(visit.demand, p.demand_most))
        hood = self.world.city.neighbourhoods[visit.door.hood].service_factor
        return median_s * hood * self.service * factor(luck, p.service_sigma[place])

    def pings(self, until_s: float) -> Iterator[tuple[float, float, float]]:
        """Time and place of every fix that is due."""
        first = max(self.pinged_s + PING_S, self.path[0][0])
        times = np.arange(first, until_s, PING_S)
        if not len(times):
            return
        self.pinged_s = float(times[-1])
        t, x, y = (np.array(column) for column in zip(*self.path, strict=True))
        noise = np.random.default_rng([self.world.seed, crc32(self.vehicle_id.encode()), int(first)]).normal(0.0, SIGMA_M, (2, len(times)))
        places = np.interp(times, t, x) + noise[0], np.interp(times, t, y) + noise[1]
        yield from zip(times.tolist(), *(column.tolist() for column in places), strict=True)
        keep = max(int(np.searchsorted(t, self.pinged_s)) - 1, 0)
        self.path = self.path[keep:]
