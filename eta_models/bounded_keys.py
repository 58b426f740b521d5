"""Row numbers for keys, at most `capacity` of them: what was not used for longest makes room (the clock algorithm)."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")


class BoundedKeys(Generic[K]):
    """Keys to rows 0 .. capacity - 1. `forget(row)` is called before a row is given to another key."""

    def __init__(self, capacity: int, forget: Callable[[int], None]) -> None:
        self.capacity = capacity
        self.rows: dict[K, int] = {}
        self.keys: list[K] = []
        self.used = bytearray()
        self._hand = 0
        self._forget = forget

    def row(self, key: K) -> int:
        """The row of `key`, new or known; marks it as used."""
        row = self.rows.get(key)
        if row is None:
            row = self._append(key) if len(self.keys) < self.capacity else self._replace(key)
            self.rows[key] = row
        else:
            self.used[row] = 1
        return row

    def _append(self, key: K) -> int:
        self.keys.append(key)
        self.used.append(0)
        return len(self.keys) - 1

    def _replace(self, key: K) -> int:
        while self.used[self._hand]:
            self.used[self._hand] = 0
            self._hand = (self._hand + 1) % self.capacity
        row, self._hand = self._hand, (self._hand + 1) % self.capacity
        del self.rows[self.keys[row]]
        self._forget(row)
        self.keys[row] = key
        return row

    def dump(self) -> tuple[list[K], bytes, int]:
        """Keys in row order, their marks, and the hand of the clock."""
        return self.keys, bytes(self.used), self._hand

    def load(self, keys: list[K], used: bytes, hand: int) -> None:
        """Take over what `dump` gave."""
        self.keys, self.used, self._hand = list(keys), bytearray(used), hand
        self.rows = {key: row for row, key in enumerate(keys)}
