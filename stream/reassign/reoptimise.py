"""All open visits of some vehicles planned anew, freely: only ever a suggestion, because it moves visits of vehicles in no trouble.

What the search finds is priced by the fleet's own ETA models like every proposal, and taken only where it is better and breaks nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np

from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.proposals import Proposal
from stream.question_messages import Supposition
from stream.reassign.policy import ReassignPolicy
from stream.reassign.polish import polished
from stream.reassign.price import price
from stream.reassign.roads import know_roads
from stream.reassign.scene import NOBODY, follow
from stream.reassign.search import search
from stream.reassign.takers import able, open_visits
from stream.reassign.trial import Trial
from stream.reassign.view import padded
from stream.reassign.whole_scene import WholeScene, whole_scene
from stream.steps.changes import change_plan
from stream.steps.statuses import Facts
from stream.troubles import Trouble

MOST_VISITS = 1_000
"""Ways between all places are asked of the models: a million of them take half a second."""
SPARES_S = (0.0, 1800.0)
"""Reserves before the end of shifts, in turn: the search is rougher than the models that price it."""
NO_TROUBLE = Trouble("", "late_risk", -1, (), 0.0)


def reoptimise(changed: FleetState, policy: ReassignPolicy, one: Supposition) -> Sequence[int] | str:
    """Put the best plan that is found into the copy; the vehicles that it touches, or why there is none."""
    wanted = _wanted(changed, policy, one)
    if isinstance(wanted, str):
        return wanted
    for spare_s in SPARES_S:
        found = [priced for trial in _trials(changed, policy, wanted, spare_s) if (priced := _priced(changed, policy, trial)) is not None]
        if found:
            best = min(found, key=lambda proposal: proposal.late_after_s + policy.drive_weight * proposal.drive_added_s)
            change_plan(changed, Facts(changed.position, changed.now_us, changed.now_us), best, Outputs())
            return [changed.vehicle_rows[change.vehicle_id] for change in best.changes]
    return "nothing better was found than the plan as it is"


def _wanted(changed: FleetState, policy: ReassignPolicy, one: Supposition) -> list[int] | str:
    """The vehicles whose visits are planned anew: those named, else all of the fleet; who cannot be reached is left as it is."""
    unknown = [name for name in one.vehicle_ids if name not in changed.vehicle_rows]
    if unknown:
        return f"no vehicle {unknown[0]}"
    named = {changed.vehicle_rows[name] for name in one.vehicle_ids} or set(range(changed.vehicles.count))
    rows = [*able(changed, policy), *np.flatnonzero(changed.vehicles.down[: changed.vehicles.count]).tolist()]
    rows = sorted(named & set(rows))
    count = sum(len(open_visits(changed, row)) for row in rows)
    if len(rows) > policy.most_takers or count > MOST_VISITS:
        return f"{count} visits of {len(rows)} vehicles: vehicle_ids may name up to {policy.most_takers} with {MOST_VISITS} visits"
    return rows


def _trials(changed: FleetState, policy: ReassignPolicy, wanted: Sequence[int], spare_s: float) -> Iterator[Trial]:
    """What the search finds, and where it may what pyvroom makes of that."""
    whole = whole_scene(changed, policy, wanted, spare_s)
    before_s = _arrivals_s(whole)
    search(whole, np.random.default_rng(abs(changed.position)))
    rows = {tour: whole.scene.tours.rows[tour] for tour in whole.tours}
    yield _trial(changed, whole, rows, before_s)
    placed = {place for row in rows.values() for place in row}
    if policy.polish and (better := polished(changed, whole.scene, rows, [*whole.movable, *(placed & set(whole.orphans))])) is not None:
        whole.scene.tours.rows = [better.get(tour, row) for tour, row in enumerate(whole.scene.tours.rows)]
        yield _trial(changed, whole, better, before_s)


def _priced(changed: FleetState, policy: ReassignPolicy, trial: Trial) -> Proposal | None:
    if not trial.orders:
        return None
    know_roads(changed, list(trial.orders.values()))
    return price(changed, policy, NO_TROUBLE, trial, set())


def _arrivals_s(whole: WholeScene) -> dict[int, float]:
    """When the search thinks that each visit comes, by its row."""
    tours, places = whole.scene.tours.rows, whole.scene.places
    if not tours:
        return {}
    rows = padded(tours, max(len(row) for row in tours) or 1)
    arrival_s = follow(whole.scene, np.arange(len(tours)), rows).arrival_s
    there = rows != NOBODY
    return dict(zip(places.row[rows[there]].tolist(), arrival_s[there].tolist(), strict=True))


def _trial(changed: FleetState, whole: WholeScene, rows: Mapping[int, Sequence[int]], before_s: Mapping[int, float]) -> Trial:
    """The rows that are others than today's, also of vehicles that are down and lose some."""
    places, tours = whole.scene.places, whole.scene.tours
    orders = {tours.vehicle[tour]: [int(places.row[place]) for place in row] for tour, row in rows.items()}
    taken = {visit for order in orders.values() for visit in order}
    down = {changed.routes[changed.names[int(places.row[place])].route_id].vehicle for place in whole.orphans}
    orders |= {vehicle: [visit for visit in open_visits(changed, vehicle) if visit not in taken] for vehicle in sorted(down)}
    orders = {vehicle: order for vehicle, order in orders.items() if order != open_visits(changed, vehicle)}
    moved = frozenset(visit for vehicle, order in orders.items() for visit in _moved(changed, vehicle, order))
    shifts_s = {visit: float(round(at_s - before_s[visit])) for visit, at_s in _arrivals_s(whole).items() if visit in before_s}
    return Trial("move", orders, moved, shifts_s=shifts_s)


def _moved(changed: FleetState, vehicle: int, order: Sequence[int]) -> set[int]:
    """Visits of a new order that are not in the one before, or not in line with most of it."""
    before = open_visits(changed, vehicle)
    same = SequenceMatcher(None, before, list(order), autojunk=False).get_matching_blocks()
    return set(order) - {visit for block in same for visit in before[block.a : block.a + block.size]}
