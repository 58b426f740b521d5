"""The corridor of a leg: the fine H3 cells through which past runs of it came. Learned at ticks only."""

from dataclasses import dataclass, field
from itertools import pairwise

from msgspec import Struct

from eta_models.columns import Ints
from geofences.cells import cells_between, disk

LEAST_RUNS = 4
"""Runs of a leg before its corridor says anything: two ways around a block are common, a fifth way is not."""
LEAST_SHARE = 0.05
"""A cell belongs to the corridor when this share of the runs came through it: one detour in the past allows no other."""
MEMORY_RUNS = 60
"""Runs at which all counts are halved: roads change."""
WIDEN_STEPS = 2
"""Cells around the corridor that still are part of it: 300 m, so that a detour of 500 m leaves it and a parallel street does not."""
MOST_LEGS = 2_000
"""Legs of a fleet that have one, 12 MB at most; the least driven go."""
MOST_CELLS = 192
"""Cells of a leg; the least driven go."""
GAP_CELLS = 12
"""Between two fixes so many cells apart the straight way counts as driven: 1.5 km."""


class Leg(Struct):
    """What is known of a leg: runs, and how many of them came through each cell."""

    runs: int = 0
    cells: dict[int, int] = {}


class Run(Struct, frozen=True, array_like=True):
    """A leg that was driven, for the next tick: the number of the leg and the cells in the order of driving."""

    position: int
    leg: int
    cells: list[int]


@dataclass(slots=True)
class Corridors:
    """The corridors of a fleet by the model's number of the leg."""

    legs: dict[int, Leg] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def covers(self, leg: int, cell: int) -> bool:
        """Whether a cell lies in the widened corridor of a leg; every cell does where too little is known."""
        known = self.legs.get(leg)
        if known is None or known.runs < LEAST_RUNS:
            return True
        least, cells = LEAST_SHARE * known.runs, known.cells
        return cells.get(cell, 0) >= least or any(cells.get(near, 0) >= least for near in disk(cell, WIDEN_STEPS))

    def learn(self) -> None:
        """Let the runs since the last tick count, in log order."""
        for run in sorted(self.runs, key=lambda run: run.position):
            self._learn(run)
        if self.runs and len(self.legs) > MOST_LEGS:
            kept = sorted(self.legs, key=lambda leg: (-self.legs[leg].runs, leg))[: MOST_LEGS * 7 // 8]
            self.legs = {leg: self.legs[leg] for leg in sorted(kept)}
        self.runs.clear()

    def _learn(self, run: Run) -> None:
        known = self.legs.setdefault(run.leg, Leg(0, {}))
        known.runs += 1
        for cell in sorted(_filled(run.cells)):
            known.cells[cell] = known.cells.get(cell, 0) + 1
        if known.runs >= MEMORY_RUNS:
            known.runs //= 2
            known.cells = {cell: seen // 2 for cell, seen in known.cells.items() if seen > 1}
        if len(known.cells) > MOST_CELLS:
            kept = sorted(known.cells, key=lambda cell: (-known.cells[cell], cell))[:MOST_CELLS]
            known.cells = {cell: known.cells[cell] for cell in kept}

    def renumber(self, number: Ints) -> None:
        """Legs have new numbers, -1 = forgotten."""
        self.legs = {int(number[leg]): known for leg, known in self.legs.items() if number[leg] >= 0}


def _filled(cells: list[int]) -> set[int]:
    """The cells of a run, with those between two fixes."""
    driven = set(cells)
    for before, after in pairwise(cells):
        driven.update(cells_between(before, after, GAP_CELLS))
    return driven
