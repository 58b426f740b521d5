"""Takes the scene: what the fleet's own models say of the vehicles that could help, as places and tours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Floats, Ints
from stream.fleet import FleetState, VehicleFacts
from stream.reassign.policy import ReassignPolicy
from stream.reassign.scene import NOBODY, Places, Scene, Tours, follow
from stream.reassign.takers import done_by_us, open_visits
from stream.reassign.ways import Ways
from stream.steps.estimate import estimate
from stream.steps.goods import carries

WEIGHT_MOST = 10.0
"""A visit counts 1 + its priority times, but never more than this nor less than once."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Where goods of `vehicle` (-1: of nobody on the road) can be fetched, and from when until when, in seconds from now."""

    vehicle: int
    lat: float
    lon: float
    from_s: float = 0.0
    until_s: float = float("inf")


def weight_of(priority: int) -> float:
    """How much a second of lateness counts."""
    return min(max(1.0 + priority, 1.0), WEIGHT_MOST)


def take(
    tried: FleetState,
    policy: ReassignPolicy,
    vehicles: Sequence[int],
    free: Sequence[int],
    handovers: Sequence[Handover] = (),
    homes: Sequence[int] = (),
) -> Scene:
    """The scene of some vehicles, in which the visits `free` may be put anywhere.

    The first places are the free visits in their order, then the hand-overs; then the others. `homes`: at which hand-over the goods of
    each free visit are fetched, -1 = nowhere.
    """
    ahead = {row: open_visits(tried, row) for row in vehicles}
    others = [visit for row in vehicles for visit in ahead[row] if visit not in set(free)]
    visits = np.array([*free, *others], dtype=np.int64)
    places, skills = _places(tried, policy, visits, np.array(vehicles, dtype=np.int64), len(free), handovers)
    _fetch(places, len(free), homes)
    hubs = np.array([row >= 0 and tried.names[row].kind == "hub" for row in places.row.tolist()])
    ways = Ways(tried, places)
    count = int((places.free >= 0).sum())
    scene = Scene(places, Tours(), hubs, skills, np.zeros(len(places.row)), ways.to(count), ways.fro(count), policy.drive_weight)
    place_of = {int(row): place for place, row in enumerate(places.row.tolist()) if row >= 0}
    _tours(tried, scene, {row: [place_of[visit] for visit in ahead[row]] for row in vehicles})
    return scene


def _places(
    tried: FleetState, policy: ReassignPolicy, visits: Ints, vehicles: Ints, free: int, handovers: Sequence[Handover]
) -> tuple[Places, list[frozenset[str]]]:
    """Columns of all places: free visits, the hand-overs, the other visits, where the vehicles are, and nobody."""
    v, w, stays = tried.vehicles, tried.visits, tried.model.stays
    between, behind = len(handovers), len(vehicles) + 1
    names = [tried.names[row] for row in visits.tolist()]

    def column(values: Floats, extra: float, at_end: Floats | None = None) -> Floats:
        end = np.full(behind, extra) if at_end is None else np.append(at_end, extra)
        return np.concatenate([values[:free], np.full(between, extra), values[free:], end]).astype(np.float64)

    opens, closes = w.opens_us[visits], w.closes_us[visits]
    place, loads = w.place[visits].astype(np.int64), np.array([change(name.kind, name.load) for name in names], dtype=np.float64)
    stop = {stop_id: number for number, stop_id in enumerate(dict.fromkeys(name.stop_id for name in names))}
    here = v.here[vehicles]
    stops_here = [stop.get(tried.names[row].stop_id, -1) if row >= 0 else -1 for row in here.tolist()]
    count = len(visits) + between + behind
    places = Places(
        row=column(visits.astype(np.float64), -1.0).astype(np.int64),
        lat=column(w.lat[visits], 0.0, v.lat[vehicles]),
        lon=column(w.lon[visits], 0.0, v.lon[vehicles]),
        area=column(w.area[visits].astype(np.float64), -1.0).astype(np.int64),
        stop=column(np.array([stop[name.stop_id] for name in names], dtype=np.float64), -1, np.array(stops_here, dtype=np.float64)).astype(
            np.int64
        ),
        service_s=column(stays.service_s(place, w.service_s[visits].astype(np.float64)), 0.0),
        opens_s=column(np.where(opens == MISSING, -np.inf, (opens - tried.now_us) / 1e6), -np.inf),
        closes_s=column(np.where(closes == MISSING, np.inf, (closes - tried.now_us) / 1e6), np.inf),
        hold=column(np.maximum(stays.hold(place), 0.0), 1.0),
        weight=column(np.array([weight_of(name.priority) for name in names]), 0.0),
        load=column(loads, 0.0),
        fetched=np.zeros(count),
        home=np.full(count, -1),
        hard=np.zeros(count, dtype=np.bool_),
        free=np.where(np.arange(count) < free + between, np.arange(count), -1),
    )
    for number, handover in enumerate(handovers):
        _hand_over(places, free + number, handover, policy)
    return places, [*(frozenset(name.skills) for name in names[:free]), *[frozenset()] * (count - free)]


def _fetch(places: Places, free: int, homes: Sequence[int]) -> None:
    """Say of free places what of their load is fetched, and where."""
    for at, home in enumerate(homes):
        if home >= 0:
            places.fetched[at], places.home[at] = -places.load[at], free + home


def _hand_over(places: Places, at: int, handover: Handover, policy: ReassignPolicy) -> None:
    places.lat[at], places.lon[at], places.hard[at] = handover.lat, handover.lon, True
    places.area[at] = NOBODY
    places.opens_s[at], places.closes_s[at], places.service_s[at] = handover.from_s, handover.until_s, policy.handover_s


def change(kind: str, load: float | None) -> float:
    """What a visit adds to the load of its vehicle."""
    return 0.0 if load is None or kind not in {"pickup", "delivery"} else load if kind == "pickup" else -load


def _tours(tried: FleetState, scene: Scene, rows: dict[int, list[int]]) -> None:
    """The vehicles with their rows of places; ways along them are what the present estimates say."""
    tours, places, now_us = scene.tours, scene.places, tried.now_us
    first_start = len(places.row) - 1 - len(rows)
    driving = np.array([row for row in rows if rows[row] and tried.vehicles.next[row] >= 0], dtype=np.int64)
    expected = _expected_s(tried, driving)
    for number, (row, ahead) in enumerate(rows.items()):
        facts = tried.facts.get(tried.vehicle_ids[row], VehicleFacts())
        by_us = done_by_us(tried, row)
        route = tried.route_of(row)
        carried = [place for place in ahead if route is not None and carries(tried, int(places.row[place]), route)]
        tours.vehicle.append(row)
        tours.start.append(first_start + number)
        tours.rows.append(ahead)
        tours.room.append(np.inf if facts.capacity is None else facts.capacity)
        tours.on_board.append(float(-places.load[carried].sum()))
        tours.end_s.append(np.inf if by_us == MISSING else (by_us - now_us) / 1e6)
        tours.skills.append(frozenset(facts.skills))
        tours.ready_s.append(_ready_s(tried, row, facts))
        clock = tours.ready_s[-1]
        for place in ahead:
            came = expected.get(int(places.row[place]), clock)
            scene.follow_s[place] = max(came - clock, 1.0)
            clock += scene.follow_s[place]
            clock += max(places.opens_s[place] - clock, 0.0) * places.hold[place] + places.service_s[place]
    tours.cost = _costs(scene)


def _expected_s(tried: FleetState, vehicles: Ints) -> dict[int, float]:
    """P50 of every remaining visit of these vehicles, in seconds from now."""
    count = len(vehicles)
    asked = estimate(tried, vehicles, np.full(count, tried.position), np.full(count, tried.now_us)) if count else None
    return {} if asked is None else dict(zip(asked.visit.tolist(), asked.answer.p50_s.tolist(), strict=True))


def _ready_s(tried: FleetState, row: int, facts: VehicleFacts) -> float:
    """When a vehicle can leave where it is: its pause is over, its shift has begun, the work where it stands is done."""
    v, here, now_us = tried.vehicles, int(tried.vehicles.here[row]), tried.now_us
    ready_us = max(int(v.paused_until_us[row]), facts.shift_start_us, now_us)
    if here >= 0 and tried.visits.done_us[here] == MISSING:
        place, planned = np.array([int(tried.visits.place[here])]), np.array([float(tried.visits.service_s[here])])
        began_us = max(int(tried.visits.arrived_us[here]), int(tried.visits.opens_us[here]))
        ready_us = max(ready_us, began_us + round(float(tried.model.stays.service_s(place, planned)[0]) * 1e6))
    return (ready_us - now_us) / 1e6


def _costs(scene: Scene) -> list[float]:
    """What every tour costs as it is; inf where it cannot even be done as it is."""
    tours = scene.tours
    rows = padded(tours.rows, max((len(row) for row in tours.rows), default=0))
    return follow(scene, np.arange(len(tours.rows)), rows).cost.tolist() if tours.rows else []


def padded(rows: Sequence[Sequence[int]], width: int) -> Ints:
    """Rows of places, filled up with nobody."""
    table = np.full((len(rows), width), NOBODY, dtype=np.int64)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    return table
