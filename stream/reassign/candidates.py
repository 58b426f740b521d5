"""Who can take this? The vehicles and places in their routes that cost least, each with what it does to everybody's arrivals."""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.question_messages import CandidatesAsked
from stream.reassign.answers import Candidate, Candidates
from stream.reassign.insertion import allowed, openings, variants_of
from stream.reassign.policy import ReassignPolicy
from stream.reassign.price import price
from stream.reassign.publishing import to_add
from stream.reassign.roads import know_roads
from stream.reassign.takers import takers
from stream.reassign.trial import Trial, call_code
from stream.reassign.view import Handover, take
from stream.routes import Place, lay
from stream.steps.plans import open_route
from stream.steps.statuses import Facts
from stream.troubles import Trouble

NOBODY_ID = "nobody:"
"""Of the vehicle and route that a new order hangs on in the copy: a colon at the end is no id that anybody sends."""


def candidates(tried: FleetState, policy: ReassignPolicy, asked: CandidatesAsked) -> Candidates:
    """The answer to a question, on a copy of the fleet that is used up by it."""
    visit, order = _hang(tried, asked)
    trouble = Trouble(asked.question_id, "vehicle_down", order, (visit,), 0.0)
    found = list[Candidate]()
    for trial in _trials(tried, policy, asked, visit):
        know_roads(tried, list(trial.orders.values()))
        impact = price(tried, policy, trouble, trial, set())
        if impact is not None:
            (change,) = impact.changes
            name = tried.names[visit].visit_id
            behind = change.visit_ids[change.visit_ids.index(name) + 1 :]
            told = replace(change, added=[*change.added, replace(asked.stop, visit_id=name)])
            before = behind[0] if behind else None
            found.append(Candidate(change.vehicle_id, change.route_id, before, replace(impact, changes=[told]), to_add(tried, told)))
    cost = [each.impact.late_after_s + policy.drive_weight * each.impact.drive_added_s for each in found]
    ranked = [
        replace(found[i], impact=replace(found[i].impact, number=n + 1)) for n, i in enumerate(np.argsort(cost, kind="stable").tolist())
    ]
    return Candidates(asked.question_id, tried.position, ranked[: asked.most])


def _hang(tried: FleetState, asked: CandidatesAsked) -> tuple[int, int]:
    """The order as the only visit of a vehicle that cannot go: its row, and that of the vehicle."""
    order = tried.vehicle(NOBODY_ID)
    facts = Facts(tried.position, tried.now_us, tried.now_us)
    route = open_route(tried, facts, NOBODY_ID, order, 1)
    wanted = asked.stop.visit_id or asked.stop.stop_id
    stop = replace(asked.stop, visit_id=asked.question_id if wanted in tried.visit_rows else wanted)
    lay(tried, route, [Place(-1, stop)], Outputs())
    tried.vehicles.route[order], tried.vehicles.down[order] = route.number, 1
    return route.first, order


def _trials(tried: FleetState, policy: ReassignPolicy, asked: CandidatesAsked, visit: int) -> Iterator[Trial]:
    """For the best vehicles by cost, the visit put where it costs least; twice as many as are asked for: pricing may refuse some."""
    able = takers(tried, policy, np.array([visit]))
    if not able:
        return
    fetched = asked.load_lat is not None and asked.load_lon is not None
    place = Handover(-1, asked.load_lat, asked.load_lon) if asked.load_lat is not None and asked.load_lon is not None else None
    scene = take(tried, policy, able, [visit], () if place is None else (place,), [0 if fetched else -1])
    tours = [tour for tour in range(len(able)) if np.isfinite(scene.tours.cost[tour])]
    variants = variants_of(scene, tours, 1 if fetched else None)
    if not variants:
        return
    costs, at = openings(scene, variants, np.array([0]))
    costs = np.where(allowed(scene, variants, np.array([0]), np.array([fetched])), costs, np.inf)[0]
    best: dict[int, int] = {}
    for which in np.argsort(costs, kind="stable").tolist():
        if np.isfinite(costs[which]) and len(best) < 2 * asked.most:
            best.setdefault(variants[which].tour, which)
    for tour, which in best.items():
        row = variants[which].row
        where = int(at[0, which])
        order = [call_code(0) if fetched and each == 1 else int(scene.places.row[each]) for each in (*row[:where], 0, *row[where:])]
        yield Trial("move", {able[tour]: order}, frozenset({visit}), () if place is None else (place,), {visit: 0} if fetched else {})
