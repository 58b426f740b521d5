"""Growable columns: one numpy array a field, one row a thing; learned tables and the state of a fleet are made of these."""

import copy
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Halves = NDArray[np.float16]
"""Eleven bits: a thousandth is finer than any fix."""
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Small = NDArray[np.int8]
Cells = NDArray[np.uint64]
Flags = NDArray[np.bool_]

MISSING = -(2**62)
"""A time or row number that is not there: far below any real microsecond, far from overflow when subtracted."""


class Columns:
    """Arrays of equal length that grow together. A subclass names its fields in `FIELDS`: name -> (dtype, value of a new row).

    Rows `0 .. count - 1` are in use; arrays may be longer. A field with a third entry holds that many values a row.
    """

    FIELDS: ClassVar[dict[str, tuple[str, float] | tuple[str, float, int]]]

    def __init__(self, capacity: int = 16) -> None:
        self.count = 0
        self._capacity = capacity
        for name in self.FIELDS:
            setattr(self, name, self._blank(name, capacity))

    def _blank(self, name: str, rows: int) -> NDArray[np.generic]:
        dtype, fill, *width = self.FIELDS[name]
        return np.full((rows, *width), fill, dtype=dtype)

    def add(self, rows: int) -> int:
        """Append `rows` new rows and return the number of the first."""
        first, self.count = self.count, self.count + rows
        if self.count > self._capacity:
            self._capacity = max(self.count, 2 * self._capacity)
            for name in self.FIELDS:
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, self._blank(name, self._capacity - len(old))]))
        return first

    def clear(self, rows: Ints) -> None:
        """Give `rows` the values of new rows again."""
        for name in self.FIELDS:
            getattr(self, name)[rows] = self.FIELDS[name][1]

    def keep(self, rows: Ints) -> None:
        """Drop all rows but `rows`, which get the numbers 0, 1, .. in that order."""
        for name in self.FIELDS:
            kept = getattr(self, name)[rows]
            setattr(self, name, kept if len(rows) else self._blank(name, 1))
        self.count, self._capacity = len(rows), max(len(rows), 1)  # never empty: columns are also read at row -1 and masked afterwards

    def copy(self, room: int = 0) -> Self:
        """The same rows in arrays of its own, which have room for some more: growing would copy all of them once again."""
        copied = copy.copy(self)
        copied._capacity = max(self.count, 1) + room
        for name in self.FIELDS:
            rows = getattr(self, name)[: copied._capacity - room]
            setattr(copied, name, np.concatenate([rows, self._blank(name, room)]) if room else rows.copy())
        return copied

    def dump(self) -> dict[str, bytes]:
        """The used rows of every field as raw little-endian bytes."""
        return {name: getattr(self, name)[: self.count].tobytes() for name in self.FIELDS}

    @classmethod
    def load(cls, fields: dict[str, bytes], count: int) -> Self:
        """Rebuild from `dump`; a field that an older version did not have gets its default.

        Raises ValueError when a field's bytes are not `count` rows long.
        """
        columns = cls(max(count, 1))
        columns.count = count
        for name, raw in fields.items():
            if name in cls.FIELDS:
                column = getattr(columns, name)
                column[:count] = np.frombuffer(raw, dtype=column.dtype).reshape((count, *column.shape[1:]))
        return columns
