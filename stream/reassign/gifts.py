"""Visits that one vehicle gives away: put into the rows of others, with calls where their goods change hands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.proposals import ProposalKind
from stream.reassign.insertion import Inserted, insert
from stream.reassign.policy import ReassignPolicy
from stream.reassign.polish import polished
from stream.reassign.scene import Scene
from stream.reassign.takers import open_visits, waited_at
from stream.reassign.trial import Trial, call_code
from stream.reassign.view import Handover, take
from stream.steps.goods import carries

MEETS = 2
"""Next stops of a vehicle that is on its way at which another could meet it."""


NO_SPARES: Mapping[int, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Gift:
    """Which visits `giver` gives away, and where the goods of each are: the number of a hand-over, -1 = they need none."""

    giver: int
    visits: Sequence[int]
    homes: Sequence[int]
    handovers: Sequence[Handover]


def gift_of_broken(tried: FleetState, giver: int, visits: Sequence[int]) -> Gift:
    """What a vehicle that stands still gives away: what it carries where it stands, what it was to fetch where that waits for it.

    Goods that wait on a vehicle that drives on stay where they are: nobody knows where it will be.
    """
    v, ahead, route = tried.vehicles, open_visits(tried, giver), tried.route_of(giver)
    places, numbers, given, homes = list[Handover](), dict[int, int](), list[int](), list[int]()
    for row in visits:
        call = waited_at(tried, ahead, row)
        owner = giver if call is None else tried.vehicle_rows.get(tried.names[call].metadata.get("from_vehicle_id", ""), -1)
        if call is not None and (owner < 0 or not v.down[owner]):
            continue
        given.append(row)
        if route is None or not carries(tried, row, route):
            homes.append(-1)
            continue
        if owner not in numbers:
            at = (v.lat[giver], v.lon[giver]) if call is None else (tried.visits.lat[call], tried.visits.lon[call])
            numbers[owner] = len(places)
            places.append(Handover(owner, float(at[0]), float(at[1])))
        homes.append(numbers[owner])
    return Gift(giver, given, homes, places)


def given_away(
    tried: FleetState,
    policy: ReassignPolicy,
    gift: Gift,
    able: Sequence[int],
    kind: ProposalKind,
    spares_s: Mapping[int, float] = NO_SPARES,
) -> Iterator[Trial]:
    """The trial in which each of the visits goes where it costs least; none where nobody can take any.

    `spares_s`: of vehicles, how long before the end of its shift it has to be done.
    """
    if not able or not gift.visits:
        return
    scene = take(tried, policy, able, gift.visits, gift.handovers, gift.homes)
    scene.tours.end_s = [end_s - spares_s.get(row, 0.0) for row, end_s in zip(scene.tours.vehicle, scene.tours.end_s, strict=True)]
    given, homes = Inserted(), np.array(gift.homes)
    for number in range(max(len(gift.handovers), 1)):
        free = [i for i, home in enumerate(gift.homes) if home == number or (home < 0 and number == 0)]
        call = len(gift.visits) + number if gift.handovers else None
        more = insert(scene, range(len(able)), free, (homes[free] >= 0).tolist(), call)
        given.rows |= more.rows
    if not given.rows:
        return
    yield _trial(tried, scene, gift, given, kind)
    if policy.polish and not gift.handovers and (better := polished(tried, scene, given.rows, range(len(gift.visits)))) is not None:
        yield _trial(tried, scene, gift, Inserted(better), kind)


def _trial(tried: FleetState, scene: Scene, gift: Gift, given: Inserted, kind: ProposalKind) -> Trial:
    count, calls = len(gift.visits), len(gift.handovers)
    gone = {gift.visits[at] for row in given.rows.values() for at in row if at < count}
    orders = {
        scene.tours.vehicle[tour]: [call_code(at - count) if count <= at < count + calls else int(scene.places.row[at]) for at in row]
        for tour, row in given.rows.items()
    }
    orders[gift.giver] = [row for row in open_visits(tried, gift.giver) if row not in gone]
    idle = all(tried.route_of(vehicle) is None for vehicle in orders if vehicle != gift.giver)
    fetched = {row: home for row, home in zip(gift.visits, gift.homes, strict=True) if home >= 0 and row in gone}
    return Trial("standby" if idle or kind == "standby" else "move", orders, frozenset(gone), tuple(gift.handovers), fetched)


def meets(tried: FleetState, giver: int, before: Sequence[int]) -> Iterator[Handover]:
    """The next stops of a vehicle that drives, while it serves there: where others could meet it."""
    visits, now_us = tried.visits, tried.now_us
    for row in before[:MEETS]:
        if visits.p50_us[row] != MISSING:
            place, planned = np.array([int(visits.place[row])]), np.array([float(visits.service_s[row])])
            served_s = float(tried.model.stays.service_s(place, planned)[0])
            came_s = max((int(visits.p50_us[row]) - now_us) / 1e6, 0.0)
            yield Handover(giver, float(visits.lat[row]), float(visits.lon[row]), came_s, came_s + max(served_s, 60.0))
