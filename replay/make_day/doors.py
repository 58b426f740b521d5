"""Whom a route serves: doors in a few neighbourhoods next to each other, some in one building, one called at twice."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from replay.make_day.city import APARTMENT, BUSINESS, HOUSE, City, beside, kerb_near
from replay.make_day.parameters import PlanParameters
from replay.make_day.paths import Kerb
from replay.make_day.seeding import between

DEPOT, REST = 3, 4
"""Places that are no customer's, after `city.HOUSE, APARTMENT, BUSINESS`."""


@dataclass(frozen=True)
class Door:
    """One address: `x, y` is the published position in local metres, `kerb` where a van stands for it."""

    stop_id: str
    customer_ref: str | None
    place: int
    hood: int
    kerb: Kerb
    x: float
    y: float
    radius_m: float


def depot_door(city: City, fleet_id: str, p: PlanParameters) -> Door:
    """The depot: the same for every route of the fleet."""
    x, y = beside(city.streets, city.depot, p.depot_off_m)
    return Door(f"{fleet_id}-depot", None, DEPOT, -1, city.depot, x, y, p.hub_radius_m)


def rest_door(rng: Generator, city: City, hood: int, spread: float, route_id: str, p: PlanParameters) -> Door:
    """A place to have lunch, in the neighbourhood that is served around noon."""
    where = city.neighbourhoods[hood]
    kerb = kerb_near(rng, city.streets, where.line_i, where.line_j, spread)
    x, y = beside(city.streets, kerb, _side_m(rng, p))
    return Door(f"{route_id}-rest", None, REST, hood, kerb, x, y, p.radius_m[BUSINESS])


def draw_doors(rng: Generator, city: City, count: int, spread: float, route_id: str, p: PlanParameters) -> list[Door]:
    """`count` customers of one route, in no order; `spread` is the sigma of a neighbourhood in grid lines."""
    territory = _territory(rng, city, p)
    weights = rng.dirichlet(np.full(len(territory), 3.0))
    doors: list[Door] = []
    for number in range(1, count + 1):
        stop_id, customer = f"{route_id}-s{number:02d}", f"c{int(rng.integers(1_000_000)):06d}"
        if doors and rng.random() < p.same_building_share:
            doors.append(_same_building(rng, doors[-1], stop_id, customer, p))
        else:
            hood = territory[int(rng.choice(len(territory), p=weights))]
            doors.append(_door(rng, city, hood, spread, (stop_id, customer), p))
    return doors


def _territory(rng: Generator, city: City, p: PlanParameters) -> list[int]:
    """A neighbourhood and the ones nearest to it."""
    lines = np.array([(hood.line_i, hood.line_j) for hood in city.neighbourhoods])
    anchor = lines[int(rng.integers(len(lines)))]
    nearest = np.argsort(np.hypot(*(lines - anchor).T), kind="stable")
    return [int(hood) for hood in nearest[: int(rng.integers(p.territory[0], p.territory[1] + 1))]]


def _door(rng: Generator, city: City, hood: int, spread: float, names: tuple[str, str], p: PlanParameters) -> Door:
    where = city.neighbourhoods[hood]
    place = (HOUSE, APARTMENT, BUSINESS)[int(rng.choice(3, p=where.place_shares))]
    kerb = kerb_near(rng, city.streets, where.line_i, where.line_j, spread)
    x, y = beside(city.streets, kerb, _side_m(rng, p))
    return Door(*names, place, hood, kerb, x, y, p.radius_m[place])


def _side_m(rng: Generator, p: PlanParameters) -> float:
    """Metres from the middle of the street to a door, on either side."""
    return between(rng, p.kerb_m) * float(rng.choice((-1.0, 1.0)))


def _same_building(rng: Generator, door: Door, stop_id: str, customer: str, p: PlanParameters) -> Door:
    """Another customer in the building of `door`."""
    angle, off = between(rng, (0.0, 2 * np.pi)), between(rng, (0.0, p.same_building_m))
    x, y = door.x + off * float(np.cos(angle)), door.y + off * float(np.sin(angle))
    place = APARTMENT if door.place == HOUSE else door.place
    return Door(stop_id, customer, place, door.hood, door.kerb, x, y, p.radius_m[place])
