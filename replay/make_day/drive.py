"""What really happens: the van's true path through the day's traffic, and what comes of every visit."""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from replay.make_day.city import BUSINESS, City
from replay.make_day.doors import DEPOT, REST, Door
from replay.make_day.parameters import DriveParameters, Parameters
from replay.make_day.paths import Kerb, Piece, position, way
from replay.make_day.plan import HOUR_S, Duty, Route, Visit
from replay.make_day.seeding import between, factor
from replay.make_day.streets import Floats
from replay.make_day.traffic import Traffic

HOME_REASONS = ("not_home", "refused", "address_not_found", "no_access")
BUSINESS_REASONS = ("closed", "refused", "no_access", "damaged")
DOWN_REASONS = ("engine", "flat_tyre", "accident", "battery")


@dataclass(frozen=True)
class Call:
    """What came of a visit, in seconds of the local day: stood still, began to serve, was done with the work."""

    parked_s: float
    served_s: float
    done_s: float
    outcome: str
    reason: str | None = None


@dataclass(frozen=True)
class Run:
    """What came of a route: one call a visit, in order; shorter than the plan when the van broke down."""

    route: Route
    started_s: float
    ended_s: float
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Driven:
    """A van's day: the true path (`t_s` rising, straight and even between its points), its runs, and its breakdown, if any."""

    t_s: Floats
    x: Floats
    y: Floats
    runs: tuple[Run, ...]
    down_s: float | None = None
    down_reason: str | None = None


@dataclass
class Van:
    """A van on its way: the path so far, and who drives it. The only mutable thing here; it does not outlive `drive_duty`."""

    city: City
    traffic: Traffic
    parameters: Parameters
    rng: Generator
    speed_factor: float
    service_factor: float
    stands: Kerb
    t_s: list[float] = field(default_factory=list)
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    @property
    def clock_s(self) -> float:
        """Seconds of the local day."""
        return self.t_s[-1]

    def stand(self, duration_s: float) -> None:
        """Stays where it is."""
        if duration_s > 0.0:
            self.go(self.x[-1], self.y[-1], duration_s)

    def go(self, x: float, y: float, duration_s: float) -> None:
        """Moves in a straight line."""
        self.t_s.append(self.t_s[-1] + duration_s)
        self.x.append(x)
        self.y.append(y)


def drive_duty(rng: Generator, city: City, traffic: Traffic, duty: Duty, breaks_down: bool, parameters: Parameters) -> Driven:
    """Drives all routes of the vehicle; a van that breaks down does so on its first route and stays there."""
    p = parameters.drive
    speed, service = factor(rng, p.driver_speed_sigma), factor(rng, p.driver_service_sigma)
    van = Van(city, traffic, parameters, rng, speed, service, city.depot)
    for path, value in zip((van.t_s, van.x, van.y), (duty.routes[0].departs_s, *position(city.streets, city.depot)), strict=True):
        path.append(value)
    van.stand(min(float(rng.exponential(p.departure_delay_s)), p.departure_delay_max_s))
    runs = []
    for route in duty.routes:
        breaks_at = int(between(rng, p.breakdown_at) * len(route.visits)) if breaks_down else len(route.visits)
        runs.append(_run(van, route, breaks_at, reloads=route is not duty.routes[-1]))
    path_s, x, y = np.asarray(van.t_s), np.asarray(van.x), np.asarray(van.y)
    if not breaks_down:
        return Driven(path_s, x, y, tuple(runs))
    return Driven(path_s, x, y, tuple(runs), van.clock_s, str(rng.choice(DOWN_REASONS)))


def _run(van: Van, route: Route, breaks_at: int, reloads: bool) -> Run:
    """Drives one route, up to the middle of the leg to visit number `breaks_at`."""
    p, rng = van.parameters.drive, van.rng
    van.stand(route.departs_s - van.clock_s)
    started_s = van.clock_s
    lunch_s = max(between(rng, p.lunch_h) * HOUR_S, route.departs_s + van.parameters.plan.break_from_h * HOUR_S)
    lunches = route.long and all(visit.kind != "break" for visit in route.visits)
    pause_at = int(rng.integers(1, len(route.visits))) if rng.random() < p.pause_share else -1
    calls: list[Call] = []
    for number, visit in enumerate(route.visits):
        if number == breaks_at:
            _leg(van, visit.door, half=True)
            return Run(route, started_s, van.clock_s, tuple(calls))
        _leg(van, visit.door, half=False)
        calls.append(_call(van, visit, reloads))
        if visit.kind == "hub":
            break
        if lunches and van.clock_s > lunch_s:
            van.stand(between(rng, p.lunch_s))
            lunches = False
        elif number == pause_at:
            van.stand(between(rng, p.pause_s))
        van.stand(between(rng, p.unpark_s))
    return Run(route, started_s, calls[-1].done_s, tuple(calls))


def _leg(van: Van, door: Door, half: bool) -> None:
    """Drives to where the van stands for `door`, or half of the way; not at all if it stands there already."""
    p, rng, streets = van.parameters.drive, van.rng, van.city.streets
    if door.kerb.edge == van.stands.edge and abs(door.kerb.along_m - van.stands.along_m) <= p.parking_off_m:
        return
    length = float(streets.length_m[door.kerb.edge])
    along = min(max(door.kerb.along_m + between(rng, (-p.parking_off_m, p.parking_off_m)), 0.0), length)
    place = Kerb(door.kerb.edge, along)
    pieces = way(streets, van.stands, place, van.parameters.city)
    noise = factor(rng, p.leg_sigma) * van.speed_factor
    for piece in pieces[: (len(pieces) + 1) // 2] if half else pieces[:-1]:
        _drive(van, piece, noise)
    if not half:
        _park(van, pieces[-1], noise)
        van.stands = place


def _drive(van: Van, piece: Piece, noise: float) -> None:
    """Over one piece, and the light at its end."""
    p, rng = van.parameters.drive, van.rng
    slow = van.traffic.slowdown(van.clock_s, piece.x, piece.y, piece.zone, piece.road)
    junction_s = van.parameters.city.junction_s if piece.junction else 0.0
    van.go(piece.to_x, piece.to_y, piece.length_m / piece.speed_mps * slow * noise + junction_s)
    if piece.junction and rng.random() < p.light_share:
        van.stand(between(rng, p.light_s))


def _park(van: Van, piece: Piece, noise: float) -> None:
    """The last piece, its last metres crawled."""
    p = van.parameters.drive
    crawl_m = min(p.parking_m, piece.length_m)
    share = 1.0 - crawl_m / piece.length_m
    x, y = piece.x + share * (piece.to_x - piece.x), piece.y + share * (piece.to_y - piece.y)
    if share > 0.0:
        _drive(van, piece._replace(to_x=x, to_y=y, length_m=piece.length_m - crawl_m), noise)
    van.go(piece.to_x, piece.to_y, crawl_m / p.parking_mps)


def _call(van: Van, visit: Visit, reloads: bool) -> Call:
    """What is done at a visit: walk, wait for a hard window, serve or fail, or have lunch, or unload."""
    p, rng, place = van.parameters.drive, van.rng, visit.door.place
    parked_s = van.clock_s
    if place == DEPOT:
        van.stand(between(rng, p.reload_s if reloads else p.unload_s))
        return Call(parked_s, parked_s, van.clock_s, "completed")
    if place == REST:
        van.stand(between(rng, p.lunch_s))
        return Call(parked_s, parked_s, van.clock_s, "completed")
    van.stand(between(rng, p.walk_s))
    if visit.window_start_s is not None and not visit.soft:
        van.stand(visit.window_start_s - van.clock_s)
    served_s = van.clock_s
    if rng.random() < p.failed_share:
        van.stand(between(rng, p.failed_s))
        reasons = BUSINESS_REASONS if place == BUSINESS else HOME_REASONS
        return Call(parked_s, served_s, van.clock_s, "failed", str(rng.choice(reasons)))
    van.stand(_service_s(van, visit, p))
    return Call(parked_s, served_s, van.clock_s, "completed")


def _service_s(van: Van, visit: Visit, p: DriveParameters) -> float:
    """True service seconds: by place, neighbourhood, driver, and a little by how much there is to carry."""
    place = visit.door.place
    median_s = p.service_median[place] * (p.demand_base + p.demand_each * min(visit.demand, p.demand_most))
    hood = van.city.neighbourhoods[visit.door.hood].service_factor
    return median_s * hood * van.service_factor * factor(van.rng, p.service_sigma[place])
