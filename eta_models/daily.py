"""The same trip on other days: what a leg took, and how late it ended, when it was planned for the same minute of the day."""

from typing import ClassVar

import numpy as np

from eta_models.columns import Columns, Floats, Floats32, Ints, Ints32

SLOTS = 32_768
"""Legs times minutes kept, half a megabyte; two that share a slot take it from each other."""

MEMORY = 3.0
"""Days that are remembered: a trip is as it was this week."""


class DailyTable(Columns):
    """One row a slot: whose it is, how many days, mean seconds of the leg, mean deviation at its end."""

    FIELDS: ClassVar = {"key": ("i4", -1), "days": ("f4", 0.0), "took_s": ("f4", 0.0), "deviation_s": ("f4", 0.0)}
    key: Ints32
    days: Floats32
    took_s: Floats32
    deviation_s: Floats32


class Daily:
    """Learned trips of one fleet."""

    def __init__(self) -> None:
        self.table = DailyTable(SLOTS)
        self.table.add(SLOTS)

    def look(self, leg: Ints, minute: Ints) -> tuple[Floats, Floats, Floats]:
        """Days seen (0 = never), mean seconds and mean deviation of legs that are planned to end at minutes of the day; -1 = no plan."""
        key = leg * 1_440 + minute
        slot = _slot(key)
        days = np.where((leg >= 0) & (minute >= 0) & (self.table.key[slot] == key), self.table.days[slot], 0.0)
        return days.astype(np.float64), self.table.took_s[slot].astype(np.float64), self.table.deviation_s[slot].astype(np.float64)

    def learn(self, leg: int, minute: int, took_s: float, deviation_s: float) -> None:
        """One traversal, after it happened."""
        if leg < 0 or minute < 0:
            return
        table, key = self.table, leg * 1_440 + minute
        slot = int(_slot(np.array([key]))[0])
        if table.key[slot] != key:
            table.key[slot], table.days[slot] = key, 0.0
        days = min(float(table.days[slot]) + 1.0, MEMORY)
        table.days[slot] = days
        table.took_s[slot] += (took_s - float(table.took_s[slot])) / days
        table.deviation_s[slot] += (deviation_s - float(table.deviation_s[slot])) / days

    def put(self, leg: int, minute: int, days: float, took_s: float, deviation_s: float) -> None:
        """What is known of a leg at a minute, whoever had its slot."""
        key = leg * 1_440 + minute
        slot = int(_slot(np.array([key]))[0])
        self.table.key[slot], self.table.days[slot] = key, days
        self.table.took_s[slot], self.table.deviation_s[slot] = took_s, deviation_s

    def dump(self) -> tuple[bytes, dict[str, bytes]]:
        """The slots that are taken, and what is in them."""
        taken = np.flatnonzero(self.table.key >= 0)
        return taken.tobytes(), {name: getattr(self.table, name)[taken].tobytes() for name in self.table.FIELDS}

    def load(self, taken: bytes, fields: dict[str, bytes]) -> None:
        """Take over what `dump` gave."""
        rows = np.frombuffer(taken, dtype=np.int64)
        for name, raw in fields.items():
            column = getattr(self.table, name)
            column[rows] = np.frombuffer(raw, dtype=column.dtype)

    def forget(self) -> None:
        """Legs have other numbers now."""
        self.table.clear(np.arange(SLOTS))


def _slot(key: Ints) -> Ints:
    """Spread by Knuth's multiplicative hash."""
    return ((key * 2_654_435_761) >> 8) % SLOTS
