"""Regret insertion: visits join the rows of vehicles one by one, first those that would lose most by waiting; nobody else's moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from eta_models.columns import Flags, Floats, Ints
from stream.reassign.scene import NOBODY, Scene, follow
from stream.reassign.view import padded

HOLE = -2


@dataclass(frozen=True, slots=True)
class Variant:
    """A row of a vehicle as visits may be put into it: from place number `lowest` on. `fetches`: it calls at the hand-over."""

    tour: int
    row: list[int]
    lowest: int
    fetches: bool


@dataclass(slots=True)
class Inserted:
    """New rows of the vehicles that took something (by tour), and the places that nobody could take."""

    rows: dict[int, list[int]] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    cost: float = 0.0
    """Of all the rows that changed, compared with what they cost before."""


def openings(scene: Scene, variants: Sequence[Variant], free: Ints) -> tuple[Floats, Ints]:
    """What it costs to put each free place into each variant, at best, compared with the vehicle's row as it is; and where that is."""
    width = max(len(variant.row) for variant in variants)
    rows = np.concatenate([padded([variant.row for variant in variants], width), np.full((len(variants), 1), NOBODY)], axis=1)
    place = np.arange(width + 1)
    source = place[None, :] - (place[None, :] > place[:, None])
    opened = rows[:, source]
    opened[:, place, place] = HOLE
    lowest = np.array([variant.lowest for variant in variants])
    highest = np.array([_highest(scene, variant) for variant in variants])
    where = (place >= lowest[:, None]) & (place <= highest[:, None])
    which, at = np.nonzero(where)
    holed = opened[which, at]
    filled = np.where(holed[None] == HOLE, free[:, None, None], holed[None]).reshape(-1, width + 1)
    tour = np.tile(np.array([variant.tour for variant in variants])[which], len(free))
    costs = np.full((len(free), len(variants), width + 1), np.inf)
    costs[:, which, at] = follow(scene, tour, filled).cost.reshape(len(free), -1)
    best = costs.argmin(axis=2)
    return np.take_along_axis(costs, best[:, :, None], axis=2)[:, :, 0], best


def _highest(scene: Scene, variant: Variant) -> int:
    row = variant.row
    return len(row) - 1 if row and scene.hubs[row[-1]] else len(row)


def allowed(scene: Scene, variants: Sequence[Variant], free: Ints, fetched: Flags) -> Flags:
    """Whether each free place may be put into each variant: skills, and goods that must be fetched before."""
    skilled = np.array([[scene.skills[place] <= scene.tours.skills[variant.tour] for variant in variants] for place in free.tolist()])
    fetching = np.array([variant.fetches for variant in variants])
    plain = np.array([not variant.fetches or variant.row == scene.tours.rows[variant.tour] for variant in variants])
    return np.asarray(skilled & np.where(fetched[:, None], fetching[None], plain[None]))


def variants_of(scene: Scene, tours: Sequence[int], handover: int | None) -> list[Variant]:
    """The rows of vehicles as they are, and with a call at the hand-over: at once, and where it costs least."""
    plain = [Variant(tour, row, 0, False) for tour in tours if handover not in (row := scene.tours.rows[tour])]
    if handover is None:
        return plain
    calling = [Variant(tour, row, row.index(handover) + 1, True) for tour in tours if handover in (row := scene.tours.rows[tour])]
    if not plain:
        return calling
    costs, best = openings(scene, plain, np.array([handover]))
    for variant, cost, at in zip(plain, costs[0].tolist(), best[0].tolist(), strict=True):
        for place in sorted({0, at}) if np.isfinite(cost) else []:
            row = [*variant.row[:place], handover, *variant.row[place:]]
            calling.append(Variant(variant.tour, row, place + 1, True))
    return [*plain, *calling]


def insert(scene: Scene, tours: Sequence[int], free: Sequence[int], fetched: Sequence[bool], handover: int | None) -> Inserted:
    """Put the free places into rows of `tours`; the scene's tours become what they are then."""
    given, waiting = Inserted(), list(range(len(free)))
    able = [tour for tour in tours if np.isfinite(scene.tours.cost[tour])]
    places, carried = np.array(free, dtype=np.int64), np.array(fetched, dtype=np.bool_)
    variants = variants_of(scene, able, handover)
    if not variants or not len(places):
        return Inserted(left=list(free))
    costs, at = openings(scene, variants, places)
    costs = np.where(allowed(scene, variants, places, carried), costs, np.inf)
    while waiting:
        choice = _most_regretted(variants, costs, waiting)
        if choice is None:
            given.left = [int(places[i]) for i in waiting]
            break
        number, which = choice
        chosen, where = variants[which], int(at[number, which])
        row = [*chosen.row[:where], int(places[number]), *chosen.row[where:]]
        given.cost += float(costs[number, which])
        scene.tours.cost[chosen.tour] += float(costs[number, which])
        scene.tours.rows[chosen.tour] = given.rows[chosen.tour] = row
        waiting.remove(number)
        kept = [i for i, variant in enumerate(variants) if variant.tour != chosen.tour]
        anew = variants_of(scene, [chosen.tour], handover)
        more, more_at = (
            openings(scene, anew, places[waiting]) if waiting else (np.empty((0, len(anew))), np.empty((0, len(anew)), np.int64))
        )
        widened, widened_at = np.full((len(places), len(anew)), np.inf), np.zeros((len(places), len(anew)), np.int64)
        if waiting:
            widened[waiting] = np.where(allowed(scene, anew, places[waiting], carried[waiting]), more, np.inf)
            widened_at[waiting] = more_at
        variants = [*(variants[i] for i in kept), *anew]
        costs, at = np.concatenate([costs[:, kept], widened], axis=1), np.concatenate([at[:, kept], widened_at], axis=1)
    return given


def _most_regretted(variants: Sequence[Variant], costs: Floats, waiting: Sequence[int]) -> tuple[int, int] | None:
    """Of those that wait, the one whose second best vehicle is so much worse than its best, and its best variant."""
    tour = np.array([variant.tour for variant in variants])
    best: tuple[float, int, int] | None = None
    for number in waiting:
        row = costs[number]
        first = int(row.argmin())
        if not np.isfinite(row[first]):
            continue
        others = row[tour != tour[first]]
        second = float(others.min(initial=np.inf))
        regret = min(second, float(row[first]) + 1e6) - float(row[first])
        if best is None or (regret, -row[first]) > (best[0], -costs[best[1], best[2]]):
            best = (regret, number, first)
    return None if best is None else (best[1], best[2])
