"""Which trials a trouble is worth: another order, another vehicle, both only where goods can follow; the promising few of each."""

from collections.abc import Iterator, Sequence

import numpy as np

from stream.fleet import FleetState
from stream.proposals import Proposal
from stream.reassign.gifts import Gift, gift_of_broken, given_away, meets
from stream.reassign.other_times import another_day, reschedule, second_attempt
from stream.reassign.policy import ReassignPolicy
from stream.reassign.scene import FIXED, Scene, follow
from stream.reassign.takers import open_visits, takers, waits_for_goods
from stream.reassign.trial import Trial
from stream.reassign.view import take
from stream.steps.goods import carries
from stream.troubles import Trouble

SPARES_S = (0.0, 300.0, 900.0, 2700.0, 5400.0)
"""Reserves before the end of the shift of a vehicle, in turn, for as long as it would not be done in time; then it takes nothing."""
MOST_TRIES = 8
"""Each takes as long as the first: half of the time of a proposal."""
RELIEFS = 4
"""Visits before the one in trouble that are tried with other vehicles."""
MOST_TOGETHER = 12
"""Visits at risk that a vehicle gives away together at most: what a van hands over in the time that it stands."""


def trials(tried: FleetState, policy: ReassignPolicy, trouble: Trouble, priced: Sequence[Proposal], too_late: set[int]) -> Iterator[Trial]:
    """What is worth pricing, the promising first within each kind.

    `priced` is what has come of those before; `too_late` are vehicles that would not have been done in time in the one before.
    """
    match trouble.kind:
        case "vehicle_down":
            yield from _share_out(tried, policy, trouble, priced, too_late)
        case "stop_failed":
            yield from second_attempt(tried, trouble)
        case _:
            yield from _reorder(tried, policy, trouble)
            yield from _hand_on(tried, policy, trouble)
            yield from reschedule(tried, trouble)
    yield from another_day(tried, trouble, priced)


def _share_out(
    tried: FleetState, policy: ReassignPolicy, trouble: Trouble, priced: Sequence[Proposal], too_late: set[int]
) -> Iterator[Trial]:
    """The visits of a vehicle that is down go to others, each where it costs least; or all to one that stands by.

    The search is rougher than the models that price it: where the outcome would break shifts, those vehicles get a reserve, or more of one.
    """
    orphans = sorted(trouble.visits, key=lambda row: (-tried.names[row].priority, row))[: policy.most_orphans]
    gift = gift_of_broken(tried, trouble.vehicle, orphans)
    able = [row for row in takers(tried, policy, np.array(orphans, dtype=np.int64)) if row != trouble.vehicle]
    steps: dict[int, int] = {}
    for _ in range(MOST_TRIES):
        ready = [vehicle for vehicle in able if steps.get(vehicle, 0) < len(SPARES_S)]
        yield from given_away(tried, policy, gift, ready, "move", {vehicle: SPARES_S[steps.get(vehicle, 0)] for vehicle in ready})
        if priced or not too_late:
            break
        steps |= {vehicle: steps.get(vehicle, 0) + 1 for vehicle in sorted(too_late)}
        too_late.clear()
    idle = [row for row in able if tried.route_of(row) is None]
    if idle and len(idle) < len(able):
        yield from given_away(tried, policy, gift, idle, "standby")


def _reorder(tried: FleetState, policy: ReassignPolicy, trouble: Trouble) -> Iterator[Trial]:
    """One visit of the route goes to another place in it: the best of all such, and the best for the visit itself."""
    ahead = open_visits(tried, trouble.vehicle)
    scene = take(tried, policy, [trouble.vehicle], ahead)
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
    """The visit, or one before it, goes to another vehicle, or all that are at risk do; goods change hands where the two can meet."""
    giver, ahead = trouble.vehicle, open_visits(tried, trouble.vehicle)
    last = max(ahead.index(row) for row in trouble.visits)
    able = [row for row in takers(tried, policy, np.array(trouble.visits, dtype=np.int64)) if row != giver]
    movable = [row for row in ahead if tried.names[row].kind not in FIXED and not waits_for_goods(tried, ahead, row)]
    for visit in [row for row in ahead[max(0, last - RELIEFS) : last + 1] if row in movable]:
        if visit in trouble.visits or not _carried(tried, giver, [visit])[0]:
            yield from _handed(tried, policy, giver, [visit], able)
    together = [row for row in movable if tried.visits.at_risk[row] or row in trouble.visits][:MOST_TOGETHER]
    if len(together) > 1:
        yield from _handed(tried, policy, giver, together, able)


def _handed(tried: FleetState, policy: ReassignPolicy, giver: int, visits: Sequence[int], able: Sequence[int]) -> Iterator[Trial]:
    """These visits go to others, goods on board by way of a stop that comes before all of them."""
    carried, ahead = _carried(tried, giver, visits), open_visits(tried, giver)
    homes = [0 if each else -1 for each in carried]
    for place in meets(tried, giver, ahead[: ahead.index(visits[0])]) if any(carried) else (None,):
        yield from given_away(tried, policy, Gift(giver, visits, homes, () if place is None else (place,)), able, "move")


def _carried(tried: FleetState, giver: int, visits: Sequence[int]) -> list[bool]:
    route = tried.route_of(giver)
    return [route is not None and carries(tried, row, route) for row in visits]
