"""Row numbers for keys, about `capacity` of them: what was not asked for since the last trim makes room, the oldest first."""

from typing import Generic, TypeVar

import numpy as np

from eta_models.columns import Columns, Ints

K = TypeVar("K")


class BoundedKeys(Generic[K]):
    """Keys to rows 0, 1, .. Between two trims there may be more than `capacity`: when a key goes must not depend on who asks first."""

    SLACK = 8
    """A trim waits until there is 1/8 more than the capacity: it numbers all rows anew."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.rows: dict[K, int] = {}
        self.keys: list[K] = []
        self.used = bytearray()
        self.dropped = 0

    def row(self, key: K) -> int:
        """The row of `key`, new or known; marks a known one as used."""
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = len(self.keys)
            self.keys.append(key)
            self.used.append(0)
        else:
            self.used[row] = 1
        return row

    def trim(self, live: Ints) -> tuple[Ints, Ints] | None:
        """Go back to the capacity, sparing the rows `live` (-1 = none) while others can go; None = there is room.

        Returns the rows that stay, in the order of their new numbers 0, 1, .., and the new number of every old row, -1 = dropped; a
        -1 at the end lets -1 stand for -1.
        """
        excess = len(self.keys) - self.capacity
        if excess <= self.capacity // self.SLACK:
            return None
        used = np.frombuffer(self.used, dtype=np.int8).copy()
        used[live[live >= 0]] = 2
        kept = np.sort(np.argsort(used, kind="stable")[excess:])
        number = np.full(len(used) + 1, -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        self.load([self.keys[row] for row in kept.tolist()], bytes(len(kept)), self.dropped + excess)
        return kept, number

    def dump(self) -> tuple[list[K], bytes, int]:
        """Keys in row order, their marks, and how many were dropped so far."""
        return self.keys, bytes(self.used), self.dropped

    def load(self, keys: list[K], used: bytes, dropped: int) -> None:
        """Take over what `dump` gave."""
        self.keys, self.used, self.dropped = list(keys), bytearray(used), dropped
        self.rows = {key: row for row, key in enumerate(keys)}


def keyed_row(keys: BoundedKeys[K], table: Columns, key: K) -> int:
    """The row of `key` in the table that goes with the keys, made when the key is new."""
    row = keys.row(key)
    if row == table.count:
        table.add(1)
    return row


def trim_keyed(keys: BoundedKeys[K], table: Columns, live: Ints) -> Ints | None:
    """Trim keys and their table as one; the new row of every old one, -1 = forgotten; None = nothing moved."""
    trimmed = keys.trim(live)
    if trimmed is None:
        return None
    table.keep(trimmed[0])
    return trimmed[1]
