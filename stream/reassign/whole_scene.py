"""The scene of a free re-optimisation: every open visit of some vehicles may have another place, as far as goods and hand-overs let it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.fleet import FleetState
from stream.reassign.policy import ReassignPolicy
from stream.reassign.scene import FIXED, NOBODY, Scene, follow
from stream.reassign.takers import open_visits
from stream.reassign.view import padded, take
from stream.steps.goods import carries


@dataclass(frozen=True, slots=True)
class WholeScene:
    """A scene in which all places are free.

    `tours` may change, `movable` are the places that may have another one in them. `orphans` are of vehicles that are down: in no row yet.
    """

    scene: Scene
    tours: Sequence[int]
    movable: Sequence[int]
    orphans: Sequence[int]


def whole_scene(tried: FleetState, policy: ReassignPolicy, vehicles: Sequence[int], spare_s: float) -> WholeScene:
    """The scene of these vehicles; no shift ends sooner than the vehicle would be done anyway, nor `spare_s` before its end otherwise."""
    driving = [row for row in vehicles if not tried.vehicles.down[row]]
    bound = _bound(tried, vehicles)
    orphans = [visit for row in vehicles if row not in driving for visit in open_visits(tried, row) if _may_go(tried, visit)]
    visits = [*(visit for row in driving for visit in open_visits(tried, row)), *orphans]
    scene = take(tried, policy, driving, visits)
    _pin(tried, scene)
    _bound_shifts(scene, spare_s)
    tours = [tour for tour, row in enumerate(driving) if row not in bound and np.isfinite(scene.tours.cost[tour])]
    rows = {place for tour in tours for place in scene.tours.rows[tour]}
    movable = [place for place in rows if tried.names[visits[place]].kind not in FIXED]
    return WholeScene(scene, tours, sorted(movable), list(range(len(visits) - len(orphans), len(visits))))


def _bound(tried: FleetState, vehicles: Sequence[int]) -> set[int]:
    """Vehicles that keep what they have, in its order: who loads anew on the way, and whoever meets another to hand something over."""
    bound = set()
    for row in range(tried.vehicles.count):
        names = [tried.names[visit] for visit in open_visits(tried, row)]
        calls = [name for name in names if name.kind == "handover"]
        if calls or any(name.kind == "hub" for name in names[:-1]):
            bound.add(row)
        bound |= {tried.vehicle_rows.get(call.metadata.get("from_vehicle_id", ""), -1) for call in calls}
    return bound & set(vehicles)


def _may_go(tried: FleetState, visit: int) -> bool:
    """Whether another vehicle could make it without having been handed anything."""
    names = tried.names[visit]
    return names.kind not in FIXED and not carries(tried, visit, tried.routes[names.route_id])


def _pin(tried: FleetState, scene: Scene) -> None:
    """What is on board of a vehicle stays with it, by a skill that nobody else has: no id of a skill begins like this."""
    for tour, (vehicle, row) in enumerate(zip(scene.tours.vehicle, scene.tours.rows, strict=True)):
        own = frozenset({f"={vehicle}"})
        scene.tours.skills[tour] |= own
        for place in row:
            if not _may_go(tried, int(scene.places.row[place])):
                scene.skills[place] |= own


def _bound_shifts(scene: Scene, spare_s: float) -> None:
    """Nobody has to be done sooner than without any change; costs become those of the rows as they are."""
    tours = scene.tours
    if not tours.rows:
        return
    shift_s, tours.end_s, tours.cost = tours.end_s, [np.inf] * len(tours.rows), []
    rows = padded(tours.rows, max(len(row) for row in tours.rows) or 1)
    now = follow(scene, np.arange(len(rows)), rows)
    ends_s = np.where((rows != NOBODY).any(axis=1), now.end_s, -np.inf)
    tours.end_s = [max(by_s - spare_s, end_s) for by_s, end_s in zip(shift_s, ends_s.tolist(), strict=True)]
    tours.cost = now.cost.tolist()
