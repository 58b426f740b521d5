"""A made day with breakdowns and jams, driven van by van beside the engine: a policy decides, the plan changes, the vans follow."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from closed_loop.vans import Call, Van, World

from eta_models.columns import MISSING
from eta_models.model import EtaModel
from replay.make_day.city import City, draw_city
from replay.make_day.doors import HOUSE, Door
from replay.make_day.parameters import FROZEN, Parameters
from replay.make_day.paths import Kerb
from replay.make_day.plan import Duty, Visit, plan_duty
from replay.make_day.seeding import Draw, generator
from replay.make_day.traffic import draw_traffic
from stream.apply import Applied, apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.messages import AnyMessage, Ping, RoutePublished, RouteStarted, StopCompleted, Tick, VehicleDown, VehiclePut
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposals import Proposal
from stream.settings import FleetSettings

MIDNIGHT_US = 1_772_496_000_000_000
"""2026-03-03 00:00 UTC: local second 0 of every day."""
STEP_S = 30.0
TOLD_S = 240.0
"""From a breakdown until dispatch knows of it."""
FLEET = "f01"
Decide = Callable[["Day", Applied], Iterable[AnyMessage]]


def at_us(second: float) -> int:
    return MIDNIGHT_US + round(float(second) * 1e3) * 1000


@dataclass
class Day:
    """One day of one fleet. `broken` counts what an accepted change makes impossible."""

    seed: int
    number: int
    """The days of a seed have the same city."""
    vehicles: int
    breakdowns: int
    jams: int
    settings: FleetSettings
    state: FleetState = field(init=False)
    world: World = field(init=False)
    duties: list[Duty] = field(default_factory=list)
    vans: dict[str, Van] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    settled: list[dict[str, object]] = field(default_factory=list)
    accepted: int = 0
    waiting: dict[str, Proposal] = field(default_factory=dict)
    expected_s: dict[str, float] = field(default_factory=dict)
    """Visit -> how late the last accepted proposal about it expected it to be."""
    proposed: int = 0
    in_vain: set[str] = field(default_factory=set)
    """Deliveries that were called at without their goods."""
    position: int = 0
    now_s: float = 0.0

    def __post_init__(self) -> None:
        p: Parameters = replace(FROZEN, traffic=replace(FROZEN.traffic, jams=(self.jams, self.jams)))
        city = draw_city(generator(self.seed, Draw.CITY, 0), p)
        traffic = draw_traffic(generator(self.seed, Draw.TRAFFIC, self.number), city.streets, p.city.zones_a_side, p.traffic)
        self.world = World(self.seed * 100 + self.number, city, traffic, p)
        self.state = FleetState(FLEET, EtaModel(self.settings.model))
        self.duties = [plan_duty(generator(self.seed, Draw.PLAN, self.number, v), city, FLEET, v, True, p) for v in range(self.vehicles)]
        luck = generator(self.seed, Draw.BREAKDOWN, self.number)
        down = luck.choice(self.vehicles, self.breakdowns, replace=False).tolist()
        for number, duty in enumerate(self.duties):
            self._add_van(duty, city, number in down, luck)

    def _add_van(self, duty: Duty, city: City, breaks: bool, luck: np.random.Generator) -> None:
        route = duty.routes[0]
        names = [f"{route.route_id}.{seq}" for seq in range(len(route.visits))]
        self.world.visits |= dict(zip(names, route.visits, strict=True))
        share = float(luck.uniform(*FROZEN.drive.breakdown_at))
        starts = route.departs_s + min(float(luck.exponential(240.0)), 1800.0)
        van = Van(self.world, duty.vehicle_id, lambda: self.orders(duty.vehicle_id), starts, city.depot)
        van.breaks_after = int(share * len(names)) if breaks else 10_000
        van.on_board = {name for name, visit in zip(names, route.visits, strict=True) if visit.kind == "delivery"}
        self.vans[duty.vehicle_id] = van

    def add_standby(self, vehicle_id: str, capacity: float) -> None:
        """A van that waits at the depot all day."""
        self.vans[vehicle_id] = Van(self.world, vehicle_id, lambda: self.orders(vehicle_id), 6 * 3600.0, self.world.city.depot)
        shift = {"shift_start": instant(at_us(6 * 3600)), "shift_end": instant(at_us(20 * 3600))}
        self.duties.append(Duty(vehicle_id, f"{vehicle_id}-driver", capacity, ("fridge", "tail_lift", "two_person"), 0.0, 20 * 3600.0, ()))
        self.tell(
            [
                VehiclePut(
                    fleet_id=FLEET,
                    at=instant(at_us(6 * 3600)),
                    vehicle_id=vehicle_id,
                    capacity=capacity,
                    skills=list(self.duties[-1].skills),
                    **shift,
                )
            ],
            6 * 3600.0,
        )

    def orders(self, vehicle_id: str) -> list[str]:
        """What the driver's app shows: the visits of the route, also those that the engine thinks were passed by."""
        row = self.state.vehicle_rows.get(vehicle_id, -1)
        route = self.state.route_of(row) if row >= 0 else None
        rows = [] if route is None else range(route.first, route.end)
        names = [self.state.names[visit].visit_id for visit in rows]
        return [name for name, visit in zip(names, rows, strict=True) if self.state.visit_rows.get(name) == visit]

    def tell(self, messages: Iterable[AnyMessage], second: float) -> Applied | None:
        """Messages, as they are received at a moment."""
        entries = [Entry(self.position + i, at_us(second), encode(message)) for i, message in enumerate(messages)]
        self.position += len(entries)
        given = None
        for batch in read_entries(self.settings.judge, entries):
            given = apply(self.settings, self.state, batch)
            for refusal in given.refusals:
                self.refused[refusal.reason] = self.refused.get(refusal.reason, 0) + 1
        return given

    def publish(self) -> None:
        """What is known in the morning."""
        for duty in self.duties:
            if duty.routes:
                put = VehiclePut(
                    fleet_id=FLEET, at=instant(at_us(5 * 3600.0)), vehicle_id=duty.vehicle_id, capacity=duty.capacity,
                    skills=list(duty.skills), shift_start=instant(at_us(duty.shift_start_s)), shift_end=instant(at_us(duty.shift_end_s)),
                )  # fmt: skip
                self.tell([put, self._plan(duty)], 5 * 3600.0)

    def _plan(self, duty: Duty) -> RoutePublished:
        route, luck = duty.routes[0], self.world.luck(duty.vehicle_id, "skills")
        stops = []
        for seq, visit in enumerate(route.visits):
            asks = [duty.skills[0]] if duty.skills and visit.kind in {"pickup", "delivery"} and luck.random() < 0.15 else []
            stops.append(self._stop(f"{route.route_id}.{seq}", seq, visit, asks))
        return RoutePublished(
            fleet_id=FLEET, at=instant(at_us(5 * 3600.0)), route_id=route.route_id, vehicle_id=duty.vehicle_id, stops=stops
        )

    def _stop(self, visit_id: str, seq: int, visit: Visit, skills: list[str]) -> PlannedStop:
        lat, lon = self.world.city.degrees(np.array([visit.door.x]), np.array([visit.door.y]))
        start, end = visit.window_start_s, visit.window_end_s
        return PlannedStop(
            stop_id=visit.door.stop_id, visit_id=visit_id, lat=float(lat[0]), lon=float(lon[0]), seq=seq, kind=visit.kind,
            radius_m=visit.door.radius_m, planned_arrival=instant(at_us(visit.planned_s)), service_s=visit.service_s,
            window_start=None if start is None else instant(at_us(start)), window_end=None if end is None else instant(at_us(end)),
            priority=visit.priority, load=float(visit.demand), skills=skills,
        )  # type: ignore[arg-type]  # fmt: skip

    def run(self, decide: Decide, until_s: float = 21 * 3600.0) -> None:
        """The day, step by step; `decide` answers what the engine told with messages that come a step later."""
        self.publish()
        said: list[AnyMessage] = []
        self.now_s = min(van.clock_s for van in self.vans.values()) // STEP_S * STEP_S
        started = set[str]()
        while self.now_s < until_s:
            self.now_s += STEP_S
            lines: list[tuple[float, AnyMessage]] = [(self.now_s - STEP_S + 1.0, message) for message in said]
            for van in self.vans.values():
                lines += self._of(van, started)
            lines.append((self.now_s, Tick(fleet_id=FLEET, at=instant(at_us(self.now_s)))))
            given = self.tell([message for _, message in sorted(lines, key=lambda line: line[0])], self.now_s)
            said = list(decide(self, given)) if given is not None else []

    def _of(self, van: Van, started: set[str]) -> list[tuple[float, AnyMessage]]:
        """What a van says in a step: its fixes, what is done, that it is down."""
        lines: list[tuple[float, AnyMessage]] = []
        own = next((duty.routes[0] for duty in self.duties if duty.vehicle_id == van.vehicle_id and duty.routes), None)
        if own is not None and van.vehicle_id not in started and van.clock_s <= self.now_s:
            started.add(van.vehicle_id)
            lines.append(
                (
                    van.clock_s,
                    RouteStarted(fleet_id=FLEET, at=instant(at_us(van.clock_s)), route_id=own.route_id, vehicle_id=van.vehicle_id),
                )
            )
        was_down = van.down_s
        lines.extend((min(call.done_s, self.now_s), self._completed(van, call)) for call in van.advance(self.now_s))
        if van.down_s is not None and was_down is None:
            van.told_s = van.down_s + TOLD_S  # type: ignore[attr-defined]
        if van.down_s is not None and self.now_s >= (told := getattr(van, "told_s", MISSING)) > 0:
            van.told_s = -1.0  # type: ignore[attr-defined]
            lines.append((self.now_s - 1.0, VehicleDown(fleet_id=FLEET, at=instant(at_us(told)), vehicle_id=van.vehicle_id)))
        for second, x, y in van.pings(self.now_s):
            lat, lon = self.world.city.degrees(np.array([x]), np.array([y]))
            lines.append(
                (second, Ping(fleet_id=FLEET, at=instant(at_us(second)), vehicle_id=van.vehicle_id, lat=float(lat[0]), lon=float(lon[0])))
            )
        return lines

    def _completed(self, van: Van, call: Call) -> StopCompleted:
        self._load(van, call.visit_id)
        route = self.state.names[self.state.visit_rows[call.visit_id]].route_id
        moment = instant(min(at_us(call.done_s), at_us(self.now_s)))
        return StopCompleted(fleet_id=FLEET, at=moment, route_id=route, vehicle_id=van.vehicle_id, visit_id=call.visit_id)

    def _load(self, van: Van, visit_id: str) -> None:
        """Goods change hands; what is not there cannot be delivered."""
        visit = self.world.visits[visit_id]
        if visit.kind == "handover":
            giver = self.vans[str(visit.order_ref)]
            wanted = (set(self.orders(van.vehicle_id)) - set(van.done)) & giver.on_board
            giver.on_board -= wanted
            van.on_board |= wanted
        elif visit.kind == "delivery":
            if visit_id not in van.on_board:
                self.broken.append(f"{van.vehicle_id} has not the goods of {visit_id}")
                self.in_vain.add(visit_id)
            van.on_board.discard(visit_id)

    def add_call(self, stop: PlannedStop, giver: str) -> None:
        """A hand-over that was accepted becomes a place where a van can go: where the other one stands, or will."""
        van = self.vans[giver]
        target = next((name for name, visit in self.world.visits.items() if _is_at(self, visit.door, stop)), None)
        kerb: Kerb = van.kerb if target is None else self.world.visits[target].door.kerb
        x, y = van.path[-1][1:] if target is None else (self.world.visits[target].door.x, self.world.visits[target].door.y)
        door = Door(stop.stop_id, None, HOUSE, 0, kerb, x, y, stop.radius_m)
        self.world.visits[str(stop.visit_id)] = Visit(door, "handover", stop.service_s or 0.0, order_ref=giver)


def _is_at(day: Day, door: Door, stop: PlannedStop) -> bool:
    lat, lon = day.world.city.degrees(np.array([door.x]), np.array([door.y]))
    return abs(float(lat[0]) - stop.lat) < 1e-6 and abs(float(lon[0]) - stop.lon) < 1e-6
