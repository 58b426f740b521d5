"""Makes a delivery day: every fleet's city, plan, drive and observation, written as the files of a recorded day."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from replay.make_day.city import draw_city
from replay.make_day.drive import drive_duty
from replay.make_day.fences import fence_features
from replay.make_day.observe import observe
from replay.make_day.parameters import FROZEN, Parameters
from replay.make_day.plan import plan_duty
from replay.make_day.press import press
from replay.make_day.seeding import Draw, generator
from replay.make_day.tables import Setting, Tables, arrival_rows, ping_table, route_rows, status_rows, vehicle_row
from replay.make_day.traffic import Traffic, draw_traffic
from replay.make_day.write import write_description, write_tables

FIRST_DATE = date(2026, 1, 5)
DATES = 360


class ImpossibleDay(ValueError):
    """A day that cannot be made: says which number was what."""


@dataclass(frozen=True)
class MadeDay:
    """How much was made. `routes` are routes, `stops` rows of the plan, `pings` fixes received."""

    seed: int
    fleets: int
    vehicles: int
    routes: int
    stops: int
    pings: int


def _no_progress(share: float) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Troubles:
    """How many vehicles of each fleet break down, and how many jams nobody foresaw its city has; None: as many as the parameters say."""

    breakdowns: int | None = None
    jams: int | None = None

    def parameters(self) -> Parameters:
        """The frozen figures with so many jams."""
        return FROZEN if self.jams is None else replace(FROZEN, traffic=replace(FROZEN.traffic, jams=(self.jams, self.jams)))

    def breaks(self, seed: int, fleet: int, vehicle: int, vehicles: int) -> bool:
        """Whether a vehicle breaks down."""
        if self.breakdowns is None:
            return breaks_down(seed, fleet * vehicles + vehicle, FROZEN)
        chosen = generator(seed, Draw.BREAKDOWN, fleet, vehicles).permutation(vehicles)[: self.breakdowns]
        return vehicle in chosen


AS_USUAL = Troubles()


def make_day(
    folder: Path,
    seed: int,
    fleets: int,
    vehicles: int,
    progress: Callable[[float], None] = _no_progress,
    troubles: Troubles = AS_USUAL,
) -> MadeDay:
    """Writes the day of `fleets` fleets of `vehicles` vehicles each into `folder`, which is made if it is not there.

    The same arguments give the same bytes; more fleets leave the rows of the first ones as they were. `progress` is called
    with the share done, up to 1.0. Raises `ImpossibleDay` for a negative seed or for less than one fleet or vehicle, or more
    than 999 of either.
    """
    _check(seed, fleets, vehicles)
    parameters = troubles.parameters()
    folder.mkdir(parents=True, exist_ok=True)
    tables = Tables()
    settings = []
    for fleet in range(fleets):
        setting, traffic = _found_fleet(seed, fleet, parameters)
        settings.append(setting)
        tables.fences += fence_features(setting.city, setting.fleet_id, FROZEN)
        for vehicle in range(vehicles):
            broken = troubles.breaks(seed, fleet, vehicle, vehicles)
            _add_vehicle(tables, setting, traffic, (seed, fleet, vehicle), broken, parameters)
            progress((fleet * vehicles + vehicle + 1) / (fleets * vehicles) * 0.95)
    write_tables(folder, tables)
    write_description(folder, seed, local_date(seed), settings)
    progress(1.0)
    routes = len({row[1] for row in tables.routes})
    return MadeDay(seed, fleets, fleets * vehicles, routes, len(tables.routes), sum(table.height for table in tables.pings))


def local_date(seed: int) -> date:
    """The local date of the day, the same for all its fleets: any of a year but a Sunday."""
    drawn = FIRST_DATE + timedelta(days=int(generator(seed, Draw.DATE).integers(DATES)))
    return drawn + timedelta(days=1) if drawn.weekday() == 6 else drawn


def breaks_down(seed: int, number: int, parameters: Parameters) -> bool:
    """Whether vehicle `number` of the whole day breaks down: one of each block, of the first block one of its first few."""
    every = parameters.drive.breakdown_every
    block = number // every
    within = parameters.drive.breakdown_first if block == 0 else every
    return number % every == int(generator(seed, Draw.BREAKDOWN, block).integers(within))


def _check(seed: int, fleets: int, vehicles: int) -> None:
    if seed < 0:
        raise ImpossibleDay(f"seed must be 0 or more, it was {seed}")
    for name, number in (("fleets", fleets), ("vehicles", vehicles)):
        if not 1 <= number <= 999:
            raise ImpossibleDay(f"{name} must be between 1 and 999, it was {number}")


def _found_fleet(seed: int, fleet: int, parameters: Parameters) -> tuple[Setting, Traffic]:
    """Draws the city of a fleet and today's traffic in it. Local second 0 is twelve hours before noon, whatever the clocks did at night."""
    city = draw_city(generator(seed, Draw.CITY, fleet), parameters)
    traffic = draw_traffic(generator(seed, Draw.TRAFFIC, fleet), city.streets, parameters.city.zones_a_side, parameters.traffic)
    day = local_date(seed)
    noon = pl.select(pl.datetime(day.year, day.month, day.day, 12, time_zone=city.time_zone).dt.epoch("us")).item()
    return Setting(f"f{fleet + 1:02d}", city, int(noon) - 12 * 3_600_000_000), traffic


def _add_vehicle(
    tables: Tables, setting: Setting, traffic: Traffic, numbers: tuple[int, int, int], broken: bool, parameters: Parameters
) -> None:
    """Plans, drives and observes one vehicle; `numbers` are seed, fleet and vehicle."""
    seed, fleet, vehicle = numbers
    planning, driving, fixing, pressing = (generator(seed, draw, fleet, vehicle) for draw in (Draw.PLAN, Draw.DRIVE, Draw.GPS, Draw.STATUS))
    duty = plan_duty(planning, setting.city, setting.fleet_id, vehicle, broken, parameters)
    driven = drive_duty(driving, setting.city, traffic, duty, broken, parameters)
    statuses, off_s = press(pressing, duty, driven, parameters.drive, parameters.status)
    fixes = observe(fixing, driven, off_s, parameters.gps)
    tables.pings.append(ping_table(setting, duty.vehicle_id, fixes))
    tables.routes += route_rows(setting, duty)
    tables.statuses += status_rows(setting, statuses)
    tables.vehicles.append(vehicle_row(setting, duty))
    tables.arrivals += arrival_rows(setting, driven)
