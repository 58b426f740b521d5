"""How fast vehicles move in each H3 cell, learned from their fixes.

Only whole numbers are summed, so the sums are the same whichever way the fixes were cut into batches.
"""

from dataclasses import dataclass, field

import numpy as np

from eta_models.columns import Cells, Floats, Ints

CAPACITY = 16_384
"""Cells kept: at resolution 9 (0.1 km2) a city and its suburbs; the least seen make room."""
MEMORY = 2_000
"""Moves of a cell at which all its sums are halved: what was long ago fades."""


@dataclass(slots=True)
class Speeds:
    """Sums by cell: metres moved, milliseconds taken, moves."""

    rows: dict[int, int] = field(default_factory=dict)
    sums: Ints = field(default_factory=lambda: np.zeros((64, 3), np.int64))

    def learn(self, cell: Cells, moved_m: Floats, took_s: Floats) -> None:
        """Moves that ended in `cell`."""
        seen, place = np.unique(cell, return_inverse=True)
        added = np.zeros((len(seen), 3), np.int64)
        for column, values in enumerate((np.rint(moved_m), np.rint(took_s * 1000.0), np.ones(len(cell)))):
            np.add.at(added[:, column], place, values.astype(np.int64))
        numbers = np.array([self.rows.setdefault(name, len(self.rows)) for name in seen.tolist()], dtype=np.int64)
        if len(self.rows) > len(self.sums):
            self.sums = np.concatenate([self.sums, np.zeros((len(self.rows), 3), np.int64)])
        self.sums[numbers] += added

    def trim(self) -> None:
        """Let old moves fade and seldom seen cells go; at a tick only."""
        used = self.sums[: len(self.rows)]
        full = used[:, 2] > MEMORY
        used[full] //= 2
        if len(self.rows) <= CAPACITY:
            return
        cells = np.array(list(self.rows), dtype=np.uint64)
        kept = np.sort(np.lexsort((cells, -used[:, 2]))[: CAPACITY * 7 // 8])
        self.rows = {int(cells[row]): i for i, row in enumerate(kept.tolist())}
        self.sums = used[kept]

    def table(self, least: int, most: int) -> list[tuple[int, float, int]]:
        """Cell, metres a second and moves of the cells with at least so many moves, the most seen first."""
        used, cells = self.sums[: len(self.rows)], np.array(list(self.rows), dtype=np.uint64)
        order = np.lexsort((cells, -used[:, 2])).tolist()  # by cell where as many were seen: rows stand in the order of learning
        rows = [row for row in order[:most] if used[row, 2] >= least and used[row, 1] > 0]
        return [(int(cells[row]), 1000.0 * int(used[row, 0]) / int(used[row, 1]), int(used[row, 2])) for row in rows]

    def dump(self) -> tuple[list[int], bytes]:
        """Cells and sums."""
        return list(self.rows), self.sums[: len(self.rows)].tobytes()

    @classmethod
    def load(cls, saved: tuple[list[int], bytes]) -> "Speeds":
        """What `dump` gave."""
        sums = np.frombuffer(saved[1], np.int64).reshape(-1, 3)
        return cls({cell: row for row, cell in enumerate(saved[0])}, np.concatenate([sums, np.zeros((64, 3), np.int64)]))
