"""Who was at the same place of a leg before, and how long they still took: the time to the next stop from past runs of the leg."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eta_models.columns import Columns, Floats, Halves, Ints, Ints32
from eta_models.lending import Lender

SAMPLES = 256
"""Places kept of each leg, the newest: those of some twenty runs."""


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """How near a past place is; the spike that the project started from chose the figures."""

    near_m: float = 35.0
    near_share: float = 0.03
    """A place is near within so many metres and so much of the leg, ..."""
    still_s: float = 30.0
    still_share: float = 0.5
    """... when the vehicle had stood there as long, within so many seconds and so much of the time."""
    plain_weight: float = 0.5
    """The plain estimate counts as so many runs."""
    capacity: int = 2_560
    """Legs with runs: 5 MB. Only a leg that is driven a second time gets room, and nobody loses it but with the leg itself."""


class RunTable(Columns):
    """One row a leg with runs: where vehicles were, seen from its end, how long they had stood, how long they still took."""

    FIELDS: ClassVar = {
        "put": ("i4", 0),
        "east_m": ("f2", float("inf"), SAMPLES),
        "north_m": ("f2", 0.0, SAMPLES),
        "still_s": ("f2", 0.0, SAMPLES),
        "left_s": ("f2", 0.0, SAMPLES),
    }
    put: Ints32
    east_m: Halves
    north_m: Halves
    still_s: Halves
    left_s: Halves


@dataclass(frozen=True, slots=True)
class Seen:
    """What past runs say, one row a vehicle: seconds left, their standard deviation, and how many runs were near."""

    left_s: Floats
    spread_s: Floats
    weight: Floats


LONGEST_S = 60_000.0
"""More than this is not left of a leg; half floats end at 65,504."""


class Runs(Lender):
    """Learned runs of one fleet. A leg's row is kept with the leg."""

    TABLES = ("table",)

    def __init__(self, policy: RunPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.table = RunTable()
        self.free: list[int] = []

    def room(self) -> int:
        """A row for a leg; -1 = there is none left."""
        self.own()
        if self.free:
            return self.free.pop()
        return self.table.add(1) if self.table.count < self.policy.capacity else -1

    def trim(self, rows: Ints) -> None:
        """Take back what legs that were forgotten had; `rows` are those of the legs that stayed."""
        self.own()
        unused = np.ones(self.table.count, dtype=np.bool_)
        unused[rows[rows >= 0]] = False
        self.free = np.flatnonzero(unused).tolist()
        self.table.clear(np.array(self.free, dtype=np.int64))

    def left_s(self, row: Ints, east_m: Floats, north_m: Floats, still_s: Floats, leg_m: Floats, plain_s: Floats, slowed: Floats) -> Seen:
        """The time to the end of the leg from where vehicles are, leaning on `plain_s` where few were there before; row -1 = no runs.

        `slowed`: how many times as long as usually the leg takes, which `plain_s` knows already.
        """
        mean, spread, weight = plain_s.copy(), np.zeros(len(row)), np.zeros(len(row))
        at = np.flatnonzero((row >= 0) & (east_m == east_m))
        if len(at):
            left = self.table.left_s[row[at]].astype(np.float64) * slowed[at, None]
            near = self._near(row[at], east_m[at], north_m[at], still_s[at], leg_m[at])
            total = near.sum(axis=1)
            seen = (near * left).sum(axis=1) / np.maximum(total, 1e-9)
            mean[at] = (total * seen + self.policy.plain_weight * plain_s[at]) / (total + self.policy.plain_weight)
            off = left - seen[:, None]
            spread[at] = np.sqrt((near * off * off).sum(axis=1) / np.maximum(total, 1e-9))
            weight[at] = total
        return Seen(mean, spread, weight)

    def _near(self, row: Ints, east_m: Floats, north_m: Floats, still_s: Floats, leg_m: Floats) -> Floats:
        p, table = self.policy, self.table
        still_s = np.minimum(still_s, 3_600.0)
        wide_m = (p.near_m + p.near_share * np.where(leg_m == leg_m, np.minimum(leg_m, 1e5), 0.0))[:, None]
        east = (table.east_m[row].astype(np.float64) - east_m[:, None]) / wide_m
        north = (table.north_m[row].astype(np.float64) - north_m[:, None]) / wide_m
        still = (table.still_s[row].astype(np.float64) - still_s[:, None]) / (p.still_s + p.still_share * still_s)[:, None]
        return np.exp(-0.5 * (east * east + north * north + still * still))

    def learn(self, row: int, samples: Floats | Halves) -> None:
        """The places of one run, one row each: metres east and north of the leg's end, seconds stood, seconds left."""
        self.own()
        table = self.table
        for east_m, north_m, still_s, left_s in samples.tolist():
            at = int(table.put[row]) % SAMPLES
            table.put[row] += 1
            table.east_m[row, at], table.north_m[row, at], table.still_s[row, at], table.left_s[row, at] = east_m, north_m, still_s, left_s
