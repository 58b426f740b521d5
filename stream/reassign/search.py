"""Ruin and recreate: some visits that lie near each other leave their rows and join them again, where that is better than before.

So many rounds and no clock: the same scene and the same luck give the same rows.
"""

import numpy as np

from stream.reassign.insertion import insert
from stream.reassign.scene import Scene, follow
from stream.reassign.view import padded
from stream.reassign.whole_scene import WholeScene

ROUNDS = 120
RUINED = (2, 9)
"""Visits that leave their rows in a round, at least and below."""
NEAR_TOURS = 6
"""Vehicles that they may join: those that had them, and others that call near by."""


def search(whole: WholeScene, luck: np.random.Generator) -> None:
    """Make the rows of the scene better; visits that nobody makes yet are given out first."""
    scene, movable = whole.scene, np.array(whole.movable, dtype=np.int64)
    if whole.orphans and whole.tours:
        placed = insert(scene, whole.tours, whole.orphans, [False] * len(whole.orphans), None)
        movable = np.append(movable, [place for place in whole.orphans if place not in placed.left]).astype(np.int64)
    if len(movable) < RUINED[0]:
        return
    for _ in range(ROUNDS):
        first, count = movable[int(luck.integers(len(movable)))], int(luck.integers(*RUINED))
        near = movable[np.argsort(scene.to_free_s[movable, first], kind="stable")].tolist()
        _round(scene, near, count)


def _round(scene: Scene, near: list[int], count: int) -> None:
    """The first `count` places of `near` leave and join again; all stays as it was where that is no better."""
    tours = scene.tours
    home = {place: tour for tour, row in enumerate(tours.rows) for place in row}
    ruined, left = near[:count], {home[place] for place in near[:count]}
    tried = list(dict.fromkeys([*sorted(left), *(home[place] for place in near)]))[: max(NEAR_TOURS, len(left))]
    before = {tour: (tours.rows[tour], tours.cost[tour]) for tour in tried}
    for tour in sorted(left):
        tours.rows[tour] = [place for place in tours.rows[tour] if place not in ruined]
    _cost(scene, sorted(left))
    insert(scene, tried, ruined, [False] * len(ruined), None)
    whole = sum(len(tours.rows[tour]) for tour in tried) == sum(len(row) for row, _ in before.values())
    if not whole or sum(tours.cost[tour] for tour in tried) >= sum(cost for _, cost in before.values()) - 1e-6:
        for tour, (row, cost) in before.items():
            tours.rows[tour], tours.cost[tour] = row, cost


def _cost(scene: Scene, changed: list[int]) -> None:
    """What the rows of these tours cost as they are now."""
    tours = scene.tours
    rows = padded([tours.rows[tour] for tour in changed], max(len(tours.rows[tour]) for tour in changed))
    costs = follow(scene, np.array(changed), rows).cost
    for tour, cost in zip(changed, costs.tolist(), strict=True):
        tours.cost[tour] += cost
