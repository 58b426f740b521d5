"""How long a leg takes: what was planned or the distance says, bent by what the fleet, the area at that hour and the leg itself have shown.

Every level is shrunk to the one above by its count, so the first leg of the first day already has an answer.
"""

from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np

from eta_models.bounded_keys import BoundedKeys, keyed_row, trim_keyed
from eta_models.columns import Columns, Floats, Floats32, Ints, Ints32, Small
from eta_models.journeys import LegTaken
from eta_models.lengths import LENGTHS_S, length_of


@dataclass(frozen=True, slots=True)
class LegPolicy:
    """How legs are learned."""

    detour: float = 1.3
    """Road metres per crow metre: the usual circuity of street networks (Boeing 2019 finds 1.1 to 1.4)."""
    first_speed_mps: float = 6.0
    """Urban speed assumed before anything was seen."""
    start_s: float = 30.0
    """Time lost in setting off and stopping, whatever the distance."""
    memory: float = 30.0
    """A leg's mean forgets with 1/30 a traversal; the fleet's with 1/300."""
    leg_prior: float = 2.0
    """So many traversals weigh as much as what the levels above say."""
    area_prior: float = 5.0
    length_prior: float = 5.0
    """So many ways of its length weigh as much as what the fleet shows of all."""
    capacity: int = 32_768
    """Legs kept (an eighth more between two trims); the least recently used make room."""


class LegTable(Columns):
    """One row a leg: traversals seen (capped), mean and variance of the time in seconds."""

    FIELDS: ClassVar = {
        "seen": ("f4", 0.0),
        "mean_s": ("f4", 0.0),
        "variance": ("f4", 0.0),
        "drive_share": ("f4", 0.0),
        "moments": ("f4", 0.0, 8),
        "transfer": ("f4", 0.0, 3),
        "transferred": ("i1", 0),
        "runs": ("i4", -1),
        "road_s": ("f4", float("nan")),
    }
    seen: Floats32
    mean_s: Floats32
    variance: Floats32
    drive_share: Floats32
    """Mean share of the leg's time that is driven; the rest is spent at the stop before."""
    moments: Floats32
    """Normal equations of how lateness travels along the leg, and their solution; see `deviation`."""
    transfer: Floats32
    transferred: Small
    runs: Ints32
    """Where its runs are kept, -1 = nowhere; see `runs`."""
    road_s: Floats32
    """What a routing server says of it, NaN = nothing; it counts where no plan says how long the leg takes."""


class Legs:
    """Learned travel times of one fleet."""

    HOURS = 24
    MOST_AREAS = 4_096

    def __init__(self, policy: LegPolicy) -> None:
        self.policy = policy
        self.table = LegTable()
        self.keys: BoundedKeys[tuple[str, str]] = BoundedKeys(policy.capacity)
        self.areas: dict[int, int] = {}
        self.area_hours = np.zeros((0, self.HOURS, 2))
        self.slow = np.zeros((0, self.HOURS))
        """Log of how much longer ways into each area take by hour than usually, as somebody outside says; shorter than the areas: 0."""
        self.fleet_share = np.array([0.9, 5.0])
        """Mean share of driving in a leg's time, and its count."""
        self.fleet = np.zeros((2, 2))
        """Log ratio of taken to expected and its count, for legs without and with a planned time."""
        self.lengths = np.zeros((len(LENGTHS_S) + 1, 2))
        """The same beyond that, for legs with a planned time, by its length. Only legs from stops with service teach it: they go from
        departure to arrival, so both radii are missing from each, and the short ones look far too short."""

    def leg(self, from_stop: str, to_stop: str) -> int:
        """The row of the leg between two stops."""
        return keyed_row(self.keys, self.table, (from_stop, to_stop))

    def trim(self, live: Ints) -> Ints | None:
        """Forget what is too much (at a tick, after `export`); the new row of every old one, -1 = forgotten; None = nothing moved."""
        return trim_keyed(self.keys, self.table, live)

    def area(self, cell: int) -> int:
        """The row of an area, named by a coarse H3 cell; at most 4,096, later ones share the last."""
        if cell not in self.areas and len(self.areas) < self.MOST_AREAS:
            self.areas[cell] = len(self.areas)
            self.area_hours = np.concatenate([self.area_hours, np.zeros((1, self.HOURS, 2))])
        return self.areas.get(cell, len(self.areas) - 1)

    def expected_s(self, leg: Ints, area: Ints, hour: Ints, leg_m: Floats, planned_s: Floats) -> Floats:
        """Seconds from departure to arrival, one row a leg asked about; `leg` or `area` -1 = nothing known of it."""
        return self.usual_s(leg, area, hour, leg_m, planned_s) * self.slowed(area, hour)

    def usual_s(self, leg: Ints, area: Ints, hour: Ints, leg_m: Floats, planned_s: Floats) -> Floats:
        """The same without the traffic that was told of."""
        prior = self._prior_s(leg_m, planned_s) * np.exp(self._area(area, hour))
        known = leg >= 0
        road_s = np.where(known, self.table.road_s[leg], np.nan).astype(np.float64)
        prior = np.where((road_s > 0) & ~(planned_s > 0), road_s, prior)
        seen = np.where(known, self.table.seen[leg], 0.0).astype(np.float64)
        weight = seen / (seen + self.policy.leg_prior)
        mean = self.table.mean_s[leg].astype(np.float64)
        return np.where(seen > 0, weight * mean + (1.0 - weight) * prior, prior)

    def know_road(self, start: str, end: str, seconds: float) -> None:
        """What a routing server says of the way between two stops."""
        if seconds > 0:
            row = self.leg(start, end)  # first: the table may grow
            self.table.road_s[row] = seconds

    def road_s(self, start: str, end: str) -> float:
        """What is known of that; NaN = nothing."""
        row = self.keys.rows.get((start, end), -1)
        return float(self.table.road_s[row]) if row >= 0 else float("nan")

    def slowed(self, area: Ints, hour: Ints) -> Floats:
        """How many times as long as usually ways into an area take at an hour; 1 where nobody says."""
        if not len(self.slow):
            return np.ones(len(area))
        known = (area >= 0) & (area < len(self.slow))
        return np.asarray(np.exp(np.where(known, self.slow[np.where(known, area, 0), hour], 0.0)))

    def slowed_then(self, fact: LegTaken) -> float:
        """The same of a leg that was driven."""
        return float(self.slowed(np.array([fact.area]), np.array([int(fact.hour)]))[0])

    def usual_mps(self, area: int) -> Floats:
        """How fast the fleet comes through an area by road, one value an hour, as far as it has shown."""
        return np.asarray(self.policy.first_speed_mps / np.exp(self.fleet[0, 0] + self.area_hours[area, :, 0]))

    def drive_share(self, leg: Ints) -> Floats:
        """The share of a leg's time that is still ahead once its first stop is left, 0..1."""
        seen = np.where(leg >= 0, self.table.seen[leg], 0.0).astype(np.float64)
        weight = seen / (seen + self.policy.leg_prior)
        return np.asarray(weight * self.table.drive_share[leg] + (1.0 - weight) * self.fleet_share[0], dtype=np.float64)

    def one_s(self, fact: LegTaken) -> float:
        """The expected seconds of one leg."""
        one = (np.array([value]) for value in (fact.leg, fact.area, int(fact.hour), fact.leg_m, fact.leg_planned_s))
        return float(self.expected_s(*one)[0])

    def spread_s(self, leg: Ints, expected_s: Floats) -> Floats:
        """Standard deviation of a leg's time in seconds; a quarter of the time itself where little was seen."""
        seen = np.where(leg >= 0, self.table.seen[leg], 0.0).astype(np.float64)
        variance = self.table.variance[leg].astype(np.float64)
        return np.sqrt((seen * variance + 3.0 * (0.25 * expected_s) ** 2) / (seen + 3.0))

    def learn(self, fact: LegTaken) -> None:
        """One traversal, after it happened, without what it took beyond the usual because of traffic that was told of."""
        planned = np.array([fact.leg_planned_s])
        hour, area = np.array([int(fact.hour)]), np.array([fact.area])
        by_plan = int(fact.leg_planned_s > 0)
        prior = float(self._prior_s(np.array([fact.leg_m]), planned)[0])
        ratio = min(2.0, max(-2.0, log(max(fact.took_s, 1.0) / prior)))
        if fact.area >= 0:
            cell = self.area_hours[fact.area, int(fact.hour)]
            cell[1] = min(cell[1] + 1.0, self.policy.memory)
            cell[0] += (ratio - cell[0]) / (cell[1] + self.policy.area_prior)
        self._lean(self.fleet[by_plan], ratio, self.policy.area_prior)
        if by_plan and fact.served:
            self._lean(self.lengths[length_of(planned)[0]], ratio, self.policy.length_prior)
        driven = min(1.0, max(0.0, fact.drive_s / max(fact.took_s, 1.0)))
        self.fleet_share[1] = min(self.fleet_share[1] + 1.0, 10.0 * self.policy.memory)
        self.fleet_share[0] += (driven - self.fleet_share[0]) / self.fleet_share[1]
        if fact.leg >= 0:
            self._learn_leg(fact, driven, prior * float(np.exp(self._area(area, hour))[0]))

    def _lean(self, known: Floats, ratio: float, prior: float) -> None:
        """Move a log ratio of the fleet (and its count) by what it left over of one traversal."""
        known[1] = min(known[1] + 1.0, 10.0 * self.policy.memory)
        known[0] += ratio / (known[1] + prior)

    def _learn_leg(self, fact: LegTaken, driven: float, prior_s: float) -> None:
        table, row = self.table, fact.leg
        seen = min(float(table.seen[row]) + 1.0, self.policy.memory)
        before = float(table.mean_s[row]) if seen > 1.0 else fact.took_s
        took = min(fact.took_s, 5.0 * max(before, prior_s))
        error = took - before
        table.seen[row] = seen
        table.mean_s[row] = before + error / seen
        table.drive_share[row] += (driven - float(table.drive_share[row])) / seen
        table.variance[row] += (error * error * (1.0 - 1.0 / seen) - float(table.variance[row])) / seen

    def _prior_s(self, leg_m: Floats, planned_s: Floats) -> Floats:
        p = self.policy
        by_distance = (leg_m * p.detour / p.first_speed_mps + p.start_s) * np.exp(self.fleet[0, 0])
        by_plan = planned_s * np.exp(self.fleet[1, 0] + self.lengths[length_of(planned_s), 0])
        return np.where(planned_s > 0, by_plan, np.where(leg_m >= 0, by_distance, 60.0))

    def _area(self, area: Ints, hour: Ints) -> Floats:
        if not len(self.area_hours):
            return np.zeros(len(area))
        return np.where(area >= 0, self.area_hours[area, hour, 0], 0.0)
