"""Step 5, estimate: when every remaining visit of a vehicle will be reached, asked after each event and at steps of log time."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Floats32, Ints
from eta_models.journeys import Ahead, Estimates
from eta_models.model import EtaModel
from stream.fleet import FleetState
from stream.steps.asked import distances, journeys_of, visits_ahead
from stream.trails import note_trails
from stream.visits import OPEN


@dataclass(frozen=True, slots=True)
class EstimatePolicy:
    """How often is estimated, and which questions are kept to learn from."""

    near_step_s: float = 8.0
    """Between estimates of a vehicle whose next stop is near."""
    far_step_s: float = 20.0
    near_s: float = 300.0
    """The next stop is near when it is so few seconds away."""
    visits_a_step: float = 10.0
    """With more visits ahead than this the steps are longer in proportion, so that the work per second stays the same; .."""
    longest: float = 4.0
    """.. so many times at most."""
    silent_step_s: float = 150.0
    """Without a fix, estimates are renewed so often by the tick: feeds with a fix a minute are not silent."""
    ask_every: float = 0.10
    """A question about a visit is kept each time this share of the horizon has passed: neighbouring ones repeat each other."""
    ask_least_s: float = 20.0
    ask_within_s: float = 5_400.0
    """Questions about arrivals further ahead are not kept: their truth comes too late to be worth the room."""
    kept_per_vehicle: int = 38
    """Questions about one vehicle's visits that are kept at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Vehicles (rows) asked about, each with the log position that caused it and the fleet's now there; and their remaining visits."""

    vehicle: Ints
    position: Ints
    now_us: Ints
    visit: Ints
    ahead: Ahead
    answer: Estimates
    trip: Floats32
    """Of each vehicle, as `Journeys.trip`."""
    beside: Estimates | None = None
    """What the challenger answers, if there is one."""


def due(policy: EstimatePolicy, state: FleetState, rows: Ints, now_us: Ints, changed: Flags) -> Flags:
    """Which of the vehicles are to be estimated: something changed, or their step of log time has passed."""
    vehicles = state.vehicles
    following = vehicles.next[rows]
    near = state.visits.p50_us[following] - now_us < policy.near_s * 1e6
    longer = np.clip((vehicles.end[rows] - following) / policy.visits_a_step, 1.0, policy.longest)
    step_us = np.where(near, policy.near_step_s, policy.far_step_s) * longer * 1e6
    return (following >= 0) & (changed | (now_us - vehicles.estimated_us[rows] >= step_us))


def estimate(state: FleetState, rows: Ints, position: Ints, now_us: Ints) -> Asked | None:
    """Ask the model about all remaining visits of the vehicles `rows`; None when none is left."""
    vehicles, visits = state.vehicles, state.visits
    journey, visit = vehicles.visits_left(rows)
    remaining = visits.state[visit] == OPEN
    journey, visit = journey[remaining], visit[remaining]
    if not len(visit):
        return None
    hop = np.arange(len(visit)) - np.searchsorted(journey, journey)
    distances_m = np.where(vehicles.at_us[rows] != MISSING, distances(vehicles, visits, rows), np.nan)
    leg_m = distances_m[0]
    ahead = visits_ahead(state, rows, now_us, journey, hop, visit, leg_m)
    journeys = journeys_of(state, rows, now_us, distances_m)
    answer = state.model.estimate(journeys, ahead)
    beside = None if state.contest is None else state.contest.estimate(state.model, journeys, ahead)
    note_trails(vehicles, visits, rows, journeys)
    vehicles.estimated_us[rows] = now_us
    return Asked(rows, position, now_us, visit, ahead, answer, journeys.trip, beside)


def keep_questions(policy: EstimatePolicy, state: FleetState, asked: Asked) -> None:
    """Keep those questions that will be learned from when their truth comes."""
    visits, questions = state.visits, state.model.questions
    now_us, base_s = asked.now_us[asked.ahead.journey], asked.answer.base_s
    passed_s = np.where(visits.asked_us[asked.visit] == MISSING, np.inf, (now_us - visits.asked_us[asked.visit]) / 1e6)
    rows = np.flatnonzero((passed_s >= np.maximum(policy.ask_least_s, policy.ask_every * base_s)) & (base_s <= policy.ask_within_s))
    vehicle = asked.vehicle[asked.ahead.journey[rows]]
    place = np.arange(len(rows)) - np.searchsorted(asked.ahead.journey[rows], asked.ahead.journey[rows])
    room = state.vehicles.kept[vehicle] + place < policy.kept_per_vehicle
    rows, vehicle = rows[room], vehicle[room]
    visit, ahead = asked.visit[rows], asked.ahead
    np.add.at(state.vehicles.kept, vehicle, 1)
    visits.kept[visit] += 1
    asked_us = _taught(state.model, now_us[rows], visits.kept[visit])
    places = questions.put(visits.question[visit], asked_us, ahead.hop[rows], ahead.closes_in_s[rows], asked.answer, rows)
    if state.contest is not None and asked.beside is not None:
        beside, asked_us = state.contest.model, _taught(state.contest.model, now_us[rows], visits.kept[visit])
        beside.questions.put_beside(places, asked_us, ahead.hop[rows], ahead.closes_in_s[rows], asked.beside, rows)
    next_stops = np.flatnonzero(ahead.hop[rows] == 0)
    questions.put_trips(places[next_stops], asked.trip[ahead.journey[rows[next_stops]]])
    visits.question[visit] = places
    visits.asked_us[visit] = now_us[rows]


def _taught(model: EtaModel, now_us: Ints, number: Ints) -> Ints:
    """When questions are put that a model will learn from, MISSING for the others; `number` counts those about each visit from 1."""
    every = model.policy.ask_every
    return now_us if every == 1 else np.where((number - 1) % every == 0, now_us, MISSING)
