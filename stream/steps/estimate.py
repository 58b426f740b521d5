"""Step 5, estimate: when every remaining visit of a vehicle will be reached, asked after each event and at steps of log time."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints
from eta_models.journeys import Ahead, Estimates, Journeys
from geofences.positions import distance_m
from stream.fleet import FleetState
from stream.vehicles import Vehicles
from stream.visits import OPEN, Visits


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
    ask_every: float = 0.25
    """A question about a visit is kept each time this share of the horizon has passed: neighbouring ones repeat each other."""
    ask_least_s: float = 30.0
    ask_within_s: float = 5_400.0
    """Questions about arrivals further ahead are not kept: their truth comes too late to be worth the room."""
    kept_per_vehicle: int = 16
    """Questions about one vehicle's visits that are kept at most."""


UNKNOWN_LEG_M = 1_000.0
"""Without a fix all of the current leg is ahead, however long it is: only its ratio to what lies behind (none) counts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Vehicles (rows) asked about, each with the log position that caused it and the fleet's now there; and their remaining visits."""

    vehicle: Ints
    position: Ints
    now_us: Ints
    visit: Ints
    ahead: Ahead
    answer: Estimates


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
    lengths = vehicles.end[rows] - vehicles.next[rows]
    journey = np.repeat(np.arange(len(rows)), lengths)
    starts = np.cumsum(lengths) - lengths
    visit = vehicles.next[rows][journey] + np.arange(len(journey)) - starts[journey]
    remaining = visits.state[visit] == OPEN
    journey, visit = journey[remaining], visit[remaining]
    if not len(visit):
        return None
    hop = np.arange(len(visit)) - np.searchsorted(journey, journey)
    leg_m, to_next_m, behind_m = np.where(vehicles.at_us[rows] != MISSING, _distances(vehicles, visits, rows), np.nan)
    ahead = _ahead(state, rows, now_us, journey, hop, visit, leg_m)
    answer = state.model.estimate(_journeys(state, rows, now_us, to_next_m, behind_m), ahead)
    vehicles.estimated_us[rows] = now_us
    return Asked(rows, position, now_us, visit, ahead, answer)


def _distances(v: Vehicles, visits: Visits, rows: Ints) -> Floats:
    """Metres of the current leg, to its end, and from its start; crow distances, one row each, in one sweep."""
    end_lat, end_lon = visits.lat[v.next[rows]], visits.lon[v.next[rows]]
    lat, lon, left_lat, left_lon = v.lat[rows], v.lon[rows], v.left_lat[rows], v.left_lon[rows]
    return distance_m(
        np.concatenate([left_lat, lat, lat]), np.concatenate([left_lon, lon, lon]),
        np.concatenate([end_lat, end_lat, left_lat]), np.concatenate([end_lon, end_lon, left_lon]),
    ).reshape(3, len(rows))  # fmt: skip


def _seconds(times_us: Ints, now_us: Ints) -> Floats:
    """Seconds from now; NaN for `MISSING`."""
    return np.where(times_us == MISSING, np.nan, (times_us - now_us) / 1e6)


def _journeys(state: FleetState, rows: Ints, now_us: Ints, to_next_m: Floats, behind_m: Floats) -> Journeys:
    v, visits = state.vehicles, state.visits
    here, following = v.here[rows], v.next[rows]
    standing = here >= 0
    since_us = np.where(standing, visits.arrived_us[here], v.left_us[rows])
    ready_us = visits.opens_us[here]
    served = standing & (visits.done_us[here] != MISSING)
    located = v.at_us[rows] != MISSING
    fix_age_s = np.where(located, np.maximum((now_us - v.at_us[rows]) / 1e6, 0.0), 0.0)
    return Journeys(
        hour=((now_us // 1_000_000 + state.utc_offset_s) % 86_400) / 3_600.0,
        fix_age_s=fix_age_s,
        to_next_m=np.where(located, np.maximum(to_next_m - visits.radius_m[following], 0.0), UNKNOWN_LEG_M),
        behind_m=np.where(located, behind_m, 0.0),
        elapsed_s=np.where(served, 86_400.0, np.maximum((now_us - since_us) / 1e6, 0.0)),
        still_s=np.where(located, np.maximum((v.at_us[rows] - v.still_us[rows]) / 1e6, 0.0), 0.0),
        speed_mps=v.speed_mps[rows].astype(np.float64),
        deviation_s=v.deviation_s[rows].astype(np.float64),
        paused_s=np.maximum((v.paused_until_us[rows] - now_us) / 1e6, 0.0),
        standing=standing,
        place=np.where(standing, visits.place[here], -1).astype(np.int64),
        service_s=np.where(standing, visits.service_s[here], np.nan).astype(np.float64),
        ready_in_s=np.where(standing & ~served, _seconds(ready_us, now_us), np.nan),
        opens=standing & (visits.opens_us[here] != MISSING),
    )


def _ahead(state: FleetState, rows: Ints, now_us: Ints, journey: Ints, hop: Ints, visit: Ints, whole_leg_m: Floats) -> Ahead:
    v, visits = state.vehicles, state.visits
    now = now_us[journey]
    known_leg = (hop > 0) | (v.left_visit[rows][journey] == visit - 1) | (v.here[rows][journey] == visit - 1)
    leg_m = visits.leg_m[visit].astype(np.float64)
    planned_in_s = _seconds(visits.planned_us[visit], now)
    # Without a fix the first leg lasts until the planned arrival, or as long as the model thinks of a leg of which nothing is known.
    located, leg_planned_s = v.at_us[rows] != MISSING, np.where(known_leg, visits.leg_planned_s[visit], np.nan)
    return Ahead(
        journey=journey,
        hop=hop,
        leg=np.where(known_leg, visits.leg[visit], -1).astype(np.int64),
        place=visits.place[visit].astype(np.int64),
        area=visits.area[visit].astype(np.int64),
        leg_m=np.where(known_leg & (leg_m == leg_m), leg_m, whole_leg_m[journey]),
        leg_planned_s=np.where((hop == 0) & ~located[journey], planned_in_s, leg_planned_s).astype(np.float64),
        planned_in_s=planned_in_s,
        opens_in_s=_seconds(visits.opens_us[visit], now),
        closes_in_s=_seconds(visits.closes_us[visit], now),
        service_s=visits.service_s[visit].astype(np.float64),
        again=known_leg & visits.again(visit),
    )


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
    visits.question[visit] = questions.put(
        visits.question[visit], now_us[rows], ahead.hop[rows], ahead.closes_in_s[rows], asked.answer, rows
    )
    visits.asked_us[visit] = now_us[rows]
