"""What the planner publishes for a vehicle: its routes, their order, planned times and windows, blind to the time of day."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from replay.make_day.city import BUSINESS, City
from replay.make_day.doors import REST, Door, depot_door, draw_doors, rest_door
from replay.make_day.ordering import order_stops
from replay.make_day.parameters import Parameters, PlanParameters
from replay.make_day.paths import travel_matrix
from replay.make_day.seeding import between

HOUR_S = 3600.0
NOON_S = 12 * HOUR_S
SKILLS = ("fridge", "tail_lift", "two_person")


@dataclass(frozen=True)
class Visit:
    """One row of the plan; times are seconds of the local day. `soft`: a van that is early does not wait for the window."""

    door: Door
    kind: str
    service_s: float
    priority: int = 0
    demand: int = 0
    order_ref: str | None = None
    soft: bool = False
    planned_s: float = 0.0
    window_start_s: float | None = None
    window_end_s: float | None = None


@dataclass(frozen=True)
class Route:
    """Visits in order, the depot last. `long`: the driver has a lunch, as a row of the plan or taken without one."""

    route_id: str
    published_s: float
    departs_s: float
    visits: tuple[Visit, ...]
    long: bool


@dataclass(frozen=True)
class Duty:
    """What one vehicle has to do today, and what is known of it."""

    vehicle_id: str
    driver_id: str
    capacity: float
    skills: tuple[str, ...]
    shift_start_s: float
    shift_end_s: float
    routes: tuple[Route, ...]


def plan_duty(rng: Generator, city: City, fleet_id: str, vehicle: int, one_route: bool, parameters: Parameters) -> Duty:
    """The day of vehicle number `vehicle`; `one_route` keeps it from reloading. The first vehicle calls at one stop twice."""
    p = parameters.plan
    vehicle_id = f"{fleet_id}-v{vehicle + 1:03d}"
    waves = 2 if rng.random() < p.two_wave_share and not one_route else 1
    late = waves == 1 and rng.random() < p.late_shift_share
    departs_s = round(between(rng, p.departs_late_h if late else p.departs_early_h) * 12) * HOUR_S / 12
    routes: list[Route] = []
    for wave in range(1, waves + 1):
        count = int(rng.integers(*(p.wave_stops if waves == 2 else p.stops), endpoint=True))
        twice = rng.random() < p.twice_share or (vehicle == 0 and wave == 1)
        routes.append(_route(rng, city, fleet_id, f"{vehicle_id}-r{wave}", (departs_s, count, twice, wave < waves), parameters))
        departs_s = routes[-1].visits[-1].planned_s + p.reload_s
    heaviest = max(sum(visit.demand for visit in route.visits) for route in routes)
    skills = tuple(skill for skill in SKILLS if rng.random() < p.skill_share)
    start_s = _up_to(routes[0].departs_s - between(rng, p.shift_before_s), p.window_round_s)
    end_s = _up_to(routes[-1].visits[-1].planned_s + between(rng, p.shift_after_s), p.window_round_s)
    capacity = _up_to(heaviest * p.capacity_factor, p.capacity_step)
    return Duty(vehicle_id, f"{vehicle_id}-driver", capacity, skills, start_s, end_s, tuple(routes))


def _up_to(value: float, step: float) -> float:
    """The next multiple of `step` that is not below `value`."""
    return math.ceil(value / step) * step


def _route(rng: Generator, city: City, fleet_id: str, route_id: str, task: tuple[float, int, bool, bool], parameters: Parameters) -> Route:
    """One route; `task` is departure, number of customers, whether one is called at twice, whether the van reloads after it."""
    departs_s, count, twice, reloads = task
    p = parameters.plan
    depot = depot_door(city, fleet_id, p)
    doors = draw_doors(rng, city, count - twice, parameters.city.neighbourhood_sigma, route_id, p)
    seconds = travel_matrix(city.streets, [depot.kerb, *(door.kerb for door in doors)], parameters.city)
    visits = [_visit(rng, doors[row - 1], p) for row in order_stops(seconds)]
    if twice:
        visits = _call_again(rng, visits, p)
    visits.append(Visit(depot, "hub", p.reload_s if reloads else p.hub_service_s))
    timed = _time(rng, city, departs_s, visits, parameters, windows=False)
    is_long = timed[-1].planned_s - departs_s > p.break_after_h * HOUR_S
    if is_long and rng.random() < p.break_row_share:
        at = next(
            k for k, visit in enumerate(timed) if visit.planned_s > max(NOON_S, departs_s + p.break_from_h * HOUR_S) or visit.kind == "hub"
        )
        hood = visits[max(at - 1, 0)].door.hood
        visits.insert(at, Visit(rest_door(rng, city, hood, parameters.city.neighbourhood_sigma, route_id, p), "break", p.break_s))
    published_s = departs_s - round(between(rng, p.published_before_s))
    return Route(route_id, published_s, departs_s, tuple(_time(rng, city, departs_s, visits, parameters, windows=True)), is_long)


def _visit(rng: Generator, door: Door, p: PlanParameters) -> Visit:
    """A customer's order at `door`."""
    kind = "pickup" if rng.random() < p.pickup_share else "delivery"
    priority = int(rng.choice(len(p.priority_shares), p=p.priority_shares))
    demand = int(rng.integers(*(p.business_demand if door.place == BUSINESS else p.home_demand), endpoint=True))
    return Visit(door, kind, p.service_s[door.place], priority, demand, f"{door.stop_id}-o1")


def _call_again(rng: Generator, visits: list[Visit], p: PlanParameters) -> list[Visit]:
    """The same door once more, to collect: a business of the first part of the route if there is one, well apart."""
    early = range(max(len(visits) - p.twice_apart - 1, 1) // 2)
    first = next((k for k in early if visits[k].door.place == BUSINESS), len(early) // 2)
    again = replace(visits[first], kind="pickup", order_ref=f"{visits[first].door.stop_id}-o2")
    at = int(rng.integers(first + p.twice_apart + 1, len(visits) + 1))
    return [*visits[:at], again, *visits[at:]]


def _time(rng: Generator, city: City, departs_s: float, visits: list[Visit], parameters: Parameters, windows: bool) -> list[Visit]:
    """The visits with their planned arrival and, if asked for, a window; a plan that is early for a window waits for it."""
    p = parameters.plan
    kerbs = [visits[-1].door.kerb, *(visit.door.kerb for visit in visits)]
    legs = np.diagonal(travel_matrix(city.streets, kerbs, parameters.city), 1) * p.travel_factor
    clock_s = departs_s
    timed: list[Visit] = []
    for leg_s, visit in zip(legs.tolist(), visits, strict=True):
        clock_s = float(round(clock_s + leg_s + (p.travel_fixed_s if leg_s > 5.0 else 0.0)))
        timed.append(replace(visit, planned_s=clock_s))
        if windows and visit.door.place < REST and visit.kind != "hub":
            timed[-1] = _promise(rng, timed[-1], p)
        clock_s = max(clock_s, timed[-1].window_start_s or 0.0) + visit.service_s
    return timed


def _promise(rng: Generator, visit: Visit, p: PlanParameters) -> Visit:
    """The visit with a window of two ends, only a latest time, or neither."""
    if rng.random() < p.windowed_share:
        length_s = float(rng.choice(p.window_h, p=p.window_weights)) * HOUR_S
        start_s = visit.planned_s - between(rng, p.window_before) * length_s
        start_s = round(start_s / p.window_round_s) * p.window_round_s
        return replace(visit, window_start_s=start_s, window_end_s=start_s + length_s, soft=bool(rng.random() < p.soft_share))
    if rng.random() < p.open_end_share:
        latest_s = visit.planned_s + between(rng, p.open_slack_h) * HOUR_S
        return replace(visit, window_end_s=round(latest_s / p.window_round_s) * p.window_round_s)
    return visit
