"""Polish by pyvroom, where it is installed (`pip install fleetcast[vroom]`) and asked for: what insertion found, moved about a little.

Its answer is one more trial: our own ETA models price it, so it is never chosen where it is worse. One thread, no time limit and a warm
start give the same answer each time. It leaves alone what has to be fetched, and vehicles with breaks or hand-overs ahead.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eta_models.columns import Ints
from stream.fleet import FleetState
from stream.reassign.scene import FIXED, Scene
from stream.reassign.ways import Ways

EXPLORATION = 2
"""Of 5: with a warm start more is slower and finds little more."""
MOST_PLACES = 250
"""Places of a problem: its matrix is asked of the models whole."""
FAR_S = 2_000_000_000
UNIT = 100
"""Loads are whole numbers to it: hundredths of the plan's unit."""

Rows = dict[int, list[int]]


def polished(tried: FleetState, scene: Scene, rows: Mapping[int, Sequence[int]], movable: Sequence[int]) -> Rows | None:
    """Rows of tours in which the places `movable` may change vehicle, and all may change places; None where nothing better was found.

    Visits of a vehicle that are not movable are pinned to it by a skill of its own.
    """
    fixed = {place for row in rows.values() for place in row if _kind(tried, scene, place) in FIXED}
    ends = {tour: row[-1] for tour, row in rows.items() if row and scene.hubs[row[-1]]}
    if fixed - set(ends.values()) or sum(map(len, rows.values())) > MOST_PLACES or len(rows) < 1:
        return None
    vroom, places = importlib.import_module("vroom"), sorted({place for row in rows.values() for place in row})
    places += [scene.tours.start[tour] for tour in rows]
    number = {place: i for i, place in enumerate(places)}
    problem = vroom.Input()
    matrix = _matrix(tried, scene, np.array(places, dtype=np.int64))
    problem.set_durations_matrix("car", matrix)
    for tour, row in rows.items():
        jobs = [place for place in row if place != ends.get(tour)]
        begins_s, done_s = _schedule(scene, tour, row, matrix, number)
        for place in jobs:
            pins = set() if place in movable else {1 + tour}
            problem.add_job(_job(vroom, scene, place, number[place], begins_s[place], pins | _skills(scene, place)))
        problem.add_vehicle(_vehicle(vroom, scene, tour, jobs, number, ends.get(tour), done_s))
    found = problem.solve(exploration_level=EXPLORATION, nb_threads=1)
    return None if found.unassigned else _read(found, rows, ends)


def _kind(tried: FleetState, scene: Scene, place: int) -> str:
    row = int(scene.places.row[place])
    return tried.names[row].kind if row >= 0 else ""


def _matrix(tried: FleetState, scene: Scene, places: Ints) -> Any:
    count = len(places)
    seconds = Ways(tried, scene.places).between(np.repeat(places, count), np.tile(places, count)).reshape(count, count)
    return np.rint(np.where(np.eye(count) > 0, 0.0, seconds)).astype(np.uint32)


def _schedule(scene: Scene, tour: int, row: Sequence[int], matrix: Any, number: Mapping[int, int]) -> tuple[dict[int, int], int]:
    """When the work begins at each place of a row in whole seconds, and when all is done: a warm start has to be possible as it is."""
    begins_s, at, clock = dict[int, int](), scene.tours.start[tour], max(int(scene.tours.ready_s[tour]), 0)
    for place in row:
        clock = max(clock + int(matrix[number[at], number[place]]), _opens_s(scene, place))
        begins_s[place], at = clock, place
        clock += round(float(scene.places.service_s[place]))
    return begins_s, clock


def _opens_s(scene: Scene, place: int) -> int:
    p = scene.places
    return 0 if np.isneginf(p.opens_s[place]) or p.hold[place] < 0.5 else max(int(p.opens_s[place]), 0)


def _job(vroom: Any, scene: Scene, place: int, number: int, begins_s: int, skills: set[int]) -> Any:
    """A window that is missed anyway is no worse missed than now; the others hold."""
    p = scene.places
    opens_s = _opens_s(scene, place)
    closes_s = FAR_S if np.isinf(p.closes_s[place]) else max(int(p.closes_s[place]), begins_s, opens_s + 1)
    load = round(abs(float(p.load[place])) * UNIT)
    amounts = {"delivery" if p.load[place] < 0 else "pickup": vroom.Amount([load])}
    return vroom.Job(
        id=place,
        location=number,
        default_service=round(float(p.service_s[place])),
        skills=skills,
        time_windows=[(opens_s, closes_s)],
        **amounts,
    )


def _skills(scene: Scene, place: int) -> set[int]:
    """Skills as numbers beyond those of the pins."""
    every = sorted({skill for skills in scene.skills for skill in skills})
    return {100_000 + every.index(skill) for skill in scene.skills[place]}


def _vehicle(vroom: Any, scene: Scene, tour: int, jobs: Sequence[int], number: Mapping[int, int], end: int | None, done_s: int) -> Any:
    tours = scene.tours
    every = sorted({skill for skills in scene.skills for skill in skills})
    able = {100_000 + i for i, skill in enumerate(every) if skill in tours.skills[tour]}
    room = FAR_S if np.isinf(tours.room[tour]) else int(tours.room[tour] * UNIT)
    by_s = FAR_S if np.isinf(tours.end_s[tour]) else max(int(tours.end_s[tour]), done_s)
    ready_s = max(int(tours.ready_s[tour]), 0)
    steps = [vroom.VehicleStepStart(), *(vroom.VehicleStepSingle(place) for place in jobs), vroom.VehicleStepEnd()]
    return vroom.Vehicle(
        id=tour,
        start=number[tours.start[tour]],
        end=None if end is None else number[end],
        capacity=vroom.Amount([room]),
        skills={1 + tour} | able,
        time_window=(ready_s, max(by_s, ready_s + 1)),
        steps=steps,
    )


def _read(found: Any, rows: Mapping[int, Sequence[int]], ends: Mapping[int, int]) -> Rows | None:
    new: Rows = {tour: [] for tour in rows}
    for tour, kind, job in found.routes[["vehicle_id", "type", "id"]].itertuples(index=False):
        if kind not in {"start", "end"}:
            new[int(tour)].append(int(job))
    for tour, end in ends.items():
        new[tour].append(end)
    same = {place for row in new.values() for place in row} == {place for row in rows.values() for place in row}
    return new if same and new != {tour: list(row) for tour, row in rows.items()} else None
