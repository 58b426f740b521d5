"""Which trials a trouble is worth: another order, another vehicle, both only where goods can follow; the promising few of each."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.planned_stop import PlannedStop
from stream.proposals import Proposal
from stream.reassign.insertion import Inserted, insert
from stream.reassign.policy import ReassignPolicy
from stream.reassign.scene import FIXED, Scene, follow
from stream.reassign.takers import open_visits, takers, waits_for_goods
from stream.reassign.trial import AGAIN, HANDOVER, Trial, offer
from stream.reassign.view import Handover, take
from stream.steps.goods import carries
from stream.troubles import Trouble

MEETS = 2
"""Next stops of a vehicle that is on its way at which another could meet it."""
SPARES_S = (0.0, 900.0, 2700.0, 5400.0)
"""Reserves before the end of a shift, in turn."""
RELIEFS = 4
"""Visits before the one in trouble that are tried with other vehicles."""


def trials(tried: FleetState, policy: ReassignPolicy, trouble: Trouble, priced: Sequence[Proposal]) -> Iterator[Trial]:
    """What is worth pricing, the promising first within each kind. `priced` is what has come of those before."""
    match trouble.kind:
        case "vehicle_down":
            yield from _share_out(tried, policy, trouble, priced)
        case "stop_failed":
            yield from _second_attempt(tried, trouble)
        case _:
            yield from _reorder(tried, policy, trouble)
            yield from _hand_on(tried, policy, trouble)
            yield from _reschedule(tried, trouble)


def _share_out(tried: FleetState, policy: ReassignPolicy, trouble: Trouble, priced: Sequence[Proposal]) -> Iterator[Trial]:
    """The visits of a vehicle that is down go to others, each where it costs least; or all to one that stands by.

    The search is rougher than the models that price it: where the outcome would break somebody's shift, it is tried again with reserves.
    """
    v, giver = tried.vehicles, trouble.vehicle
    ahead = open_visits(tried, giver)
    there = [row for row in trouble.visits if not waits_for_goods(tried, ahead, row)]
    orphans = sorted(there, key=lambda row: (-tried.names[row].priority, row))[: policy.most_orphans]
    route = tried.route_of(giver)
    fetched = [route is not None and carries(tried, row, route) for row in orphans]
    place = Handover(giver, float(v.lat[giver]), float(v.lon[giver])) if any(fetched) else None
    able = [row for row in takers(tried, policy, np.array(orphans, dtype=np.int64)) if row != giver]
    for spare_s in SPARES_S:
        if not priced:
            yield from _given_away(tried, policy, (giver, orphans, fetched, place), able, "move", spare_s)
    idle = [row for row in able if tried.route_of(row) is None]
    if idle and len(idle) < len(able):
        yield from _given_away(tried, policy, (giver, orphans, fetched, place), idle, "standby")


Gift = tuple[int, Sequence[int], Sequence[bool], Handover | None]
"""Who gives away which visits, whether their goods have to be fetched, and where."""


def _given_away(
    tried: FleetState, policy: ReassignPolicy, gift: Gift, able: Sequence[int], kind: str, spare_s: float = 0.0
) -> Iterator[Trial]:
    _, orphans, fetched, place = gift
    if not able or not orphans:
        return
    scene = take(tried, policy, able, orphans, place)
    scene.tours.end_s = [end_s - spare_s for end_s in scene.tours.end_s]
    call = len(orphans) if place is not None else None
    given = insert(scene, range(len(able)), range(len(orphans)), fetched, call)
    if given.rows:
        yield _trial(tried, scene, gift, given, kind)


def _trial(tried: FleetState, scene: Scene, gift: Gift, given: Inserted, kind: str) -> Trial:
    giver, orphans, _, place = gift
    call = len(orphans)
    gone = {orphans[at] for row in given.rows.values() for at in row if at < call}
    orders = {
        scene.tours.vehicle[tour]: [HANDOVER if place is not None and at == call else int(scene.places.row[at]) for at in row]
        for tour, row in given.rows.items()
    }
    orders[giver] = [row for row in open_visits(tried, giver) if row not in gone]
    idle = all(tried.route_of(vehicle) is None for vehicle in orders if vehicle != giver)
    return Trial("standby" if idle or kind == "standby" else "move", orders, frozenset(gone), place)


def _reorder(tried: FleetState, policy: ReassignPolicy, trouble: Trouble) -> Iterator[Trial]:
    """One visit of the route goes to another place in it: the best of all such, and the best for the visit itself."""
    ahead = open_visits(tried, trouble.vehicle)
    scene = take(tried, policy, [trouble.vehicle], ahead, None)
    row = scene.tours.rows[0]
    scene.tours.end_s[0] = max(scene.tours.end_s[0], _end_s(scene, row))
    kinds = [tried.names[ahead[at]].kind for at in row]
    calls = [max((j + 1 for j in range(i) if kinds[j] == "handover"), default=0) for i in range(len(row))]
    lowest = [call if kind == "delivery" else 0 for call, kind in zip(calls, kinds, strict=True)]
    last = scene.tours.last(0, scene.hubs)
    shifts = [(i, j) for i in range(last) for j in range(lowest[i], last) if i != j and j != i - 1 and kinds[i] not in FIXED]
    if not shifts:
        return
    orders = [[*(kept := row[:i] + row[i + 1 :])[:j], row[i], *kept[j:]] for i, j in shifts]
    costs = follow(scene, np.zeros(len(orders), dtype=np.int64), np.array(orders)).cost
    own = np.array([ahead[row[i]] in trouble.visits for i, _ in shifts])
    for which in dict.fromkeys([int(costs.argmin()), int(np.where(own, costs, np.inf).argmin())]):
        if costs[which] < 0:
            order = [ahead[at] for at in orders[which]]
            yield Trial("resequence", {trouble.vehicle: order}, frozenset({ahead[row[shifts[which][0]]]}))


def _end_s(scene: Scene, row: Sequence[int]) -> float:
    """When a vehicle is done with its row as it is: beyond its shift it may go on, but no longer than it would anyway."""
    by_s, scene.tours.end_s[0] = scene.tours.end_s[0], np.inf
    end_s = float(follow(scene, np.array([0]), np.array([row])).end_s[0])
    scene.tours.end_s[0] = by_s
    if not np.isfinite(scene.tours.cost[0]):
        scene.tours.cost[0] = 0.0
        scene.tours.cost[0] = float(_unbound_cost(scene, row))
    return end_s


def _unbound_cost(scene: Scene, row: Sequence[int]) -> float:
    by_s, scene.tours.end_s[0] = scene.tours.end_s[0], np.inf
    cost = float(follow(scene, np.array([0]), np.array([row])).cost[0])
    scene.tours.end_s[0] = by_s
    return cost


def _hand_on(tried: FleetState, policy: ReassignPolicy, trouble: Trouble) -> Iterator[Trial]:
    """The visit, or one before it, goes to another vehicle; goods on board change hands where the two can meet."""
    giver, ahead = trouble.vehicle, open_visits(tried, trouble.vehicle)
    route = tried.route_of(giver)
    last = max(ahead.index(row) for row in trouble.visits)
    able = [row for row in takers(tried, policy, np.array(trouble.visits, dtype=np.int64)) if row != giver]
    if route is None or not able:
        return
    for visit in ahead[max(0, last - RELIEFS) : last + 1]:
        if tried.names[visit].kind in FIXED or waits_for_goods(tried, ahead, visit):
            continue
        carried = carries(tried, visit, route)
        if carried and visit not in trouble.visits:
            continue
        for place in _meets(tried, giver, ahead[: ahead.index(visit)]) if carried else (None,):
            yield from _given_away(tried, policy, (giver, [visit], [carried], place), able, "move")


def _meets(tried: FleetState, giver: int, before: Sequence[int]) -> Iterator[Handover]:
    """The next stops of a vehicle, while it serves there."""
    visits, now_us = tried.visits, tried.now_us
    for row in before[:MEETS]:
        if visits.p50_us[row] != MISSING:
            place, planned = np.array([int(visits.place[row])]), np.array([float(visits.service_s[row])])
            served_s = float(tried.model.stays.service_s(place, planned)[0])
            came_s = max((int(visits.p50_us[row]) - now_us) / 1e6, 0.0)
            yield Handover(giver, float(visits.lat[row]), float(visits.lon[row]), came_s, came_s + max(served_s, 60.0))


def _reschedule(tried: FleetState, trouble: Trouble) -> Iterator[Trial]:
    """Another window, around when it will be: the last resort, because its customer has to agree."""
    offers = [offer(tried, row, int(tried.visits.p50_us[row])) for row in trouble.visits if tried.visits.p50_us[row] != MISSING]
    if offers:
        yield Trial("reschedule", {}, windows=offers)


def _second_attempt(tried: FleetState, trouble: Trouble) -> Iterator[Trial]:
    """A visit that failed is tried again by the same vehicle, before its hub, without a window of its own."""
    (failed,) = trouble.visits
    ahead = open_visits(tried, trouble.vehicle)
    at = next((i for i, row in enumerate(ahead) if tried.names[row].kind == "hub"), len(ahead))
    yield Trial("again", {trouble.vehicle: [*ahead[:at], AGAIN, *ahead[at:]]}, again=_copy_of(tried, failed))


def _copy_of(tried: FleetState, row: int) -> PlannedStop:
    names, visits = tried.names[row], tried.visits
    service_s = float(visits.service_s[row])
    return replace(
        PlannedStop(stop_id=names.stop_id, lat=float(visits.lat[row]), lon=float(visits.lon[row]), seq=names.seq),
        visit_id=f"{names.visit_id[:56]}.again",
        kind=names.kind,
        radius_m=float(visits.radius_m[row]),
        service_s=service_s if service_s == service_s else None,
        priority=names.priority,
        load=names.load,
        skills=list(names.skills),
        order_ref=names.order_ref,
        customer_ref=names.customer_ref,
        metadata=names.metadata,
    )
