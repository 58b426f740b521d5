"""How long a vehicle stays at a stop: its service, and how far it waits for the window."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eta_models.bounded_keys import BoundedKeys, keyed_row, trim_keyed
from eta_models.columns import Columns, Floats, Floats32, Ints
from eta_models.journeys import StayEnded
from eta_models.lengths import LENGTHS_S, length_of


@dataclass(frozen=True, slots=True)
class StayPolicy:
    """How stays are learned."""

    place_prior: float = 3.0
    """So many stays weigh as much as what the fleet shows."""
    length_prior: float = 5.0
    """So many stays of one planned length weigh as much as what the fleet shows of all."""
    memory: float = 30.0
    hold_worth_s: float = 60.0
    """Earliness from which on a hold is learned: less drowns in the noise."""
    longest_s: float = 7_200.0
    """A longer stay is a break or a breakdown, and is learned as this long."""
    capacity: int = 32_768


class PlaceTable(Columns):
    """One row a place: stays and holds seen (capped), mean service in seconds, mean share of earliness waited out."""

    FIELDS: ClassVar = {
        "seen": ("f4", 0.0),
        "service_s": ("f4", 0.0),
        "holds": ("f4", 0.0),
        "hold": ("f4", 0.0),
        "leads": ("f4", 0.0),
        "linger": ("f4", 0.0),
    }
    seen: Floats32
    service_s: Floats32
    holds: Floats32
    hold: Floats32
    leads: Floats32
    """Early questions answered, and the mean share of the lead that was lingered, where nothing opens; see `Journeys.lead_s`."""
    linger: Floats32


class Stays:
    """Learned stays of one fleet."""

    def __init__(self, policy: StayPolicy) -> None:
        self.policy = policy
        self.table = PlaceTable()
        self.keys: BoundedKeys[str] = BoundedKeys(policy.capacity)
        self.fleet = np.array([[0.0, 5.0], [1.0, 5.0], [0.5, 5.0]])
        """Value and count of: seconds of service beyond the planned, hold for an opening, share of a lead that is lingered."""
        self.lengths = np.zeros((len(LENGTHS_S) + 1, 2))
        """Taken / planned service and its count, by the length of the planned."""

    def place(self, stop: str) -> int:
        """The row of a place."""
        return keyed_row(self.keys, self.table, stop)

    def trim(self, live: Ints) -> Ints | None:
        """Forget what is too much (at a tick); the new row of every old one, -1 = forgotten; None = nothing moved."""
        return trim_keyed(self.keys, self.table, live)

    def service_s(self, place: Ints, planned_s: Floats) -> Floats:
        """Expected work at a stop in seconds, without waiting; 0 where none is planned: it is part of the leg then."""
        beyond_s = planned_s + self.fleet[0, 0]
        ratio, seen = self.lengths[length_of(planned_s)].T
        weight = seen / (seen + self.policy.length_prior)
        expected = weight * planned_s * ratio + (1.0 - weight) * np.maximum(beyond_s, 0.5 * planned_s)
        expected = self._shrunk(place, self.table.seen, self.table.service_s, expected)
        return np.where(planned_s > 0, expected, 0.0)

    def hold(self, place: Ints) -> Floats:
        """Share of an arrival before the opening that is waited out, about 0..1; some drivers ring all the same."""
        return self._shrunk(place, self.table.holds, self.table.hold, np.full(len(place), self.fleet[1, 0]))

    def linger(self, place: Ints) -> Floats:
        """Share of a lead on the plan that is spent at a stop without an opening, about 0..1; a plan that nobody keeps has none."""
        return self._shrunk(place, self.table.leads, self.table.linger, np.full(len(place), self.fleet[2, 0]))

    def _shrunk(self, place: Ints, seen: Floats32, value: Floats32, fleet: Floats) -> Floats:
        count = np.where(place >= 0, seen[place], 0.0).astype(np.float64)
        weight = count / (count + self.policy.place_prior)
        return weight * value[place].astype(np.float64) + (1.0 - weight) * fleet

    def learn(self, fact: StayEnded) -> None:
        """One stay, after it ended: an early one teaches the hold, another the service."""
        if fact.early_s > self.policy.hold_worth_s:
            service = float(self.service_s(np.array([fact.place]), np.array([fact.service_s]))[0])
            self.learn_hold(fact.place, (fact.took_s - service) / fact.early_s)
        elif fact.service_s > 0:
            took = min(fact.took_s, self.policy.longest_s)
            ratio = min(5.0, took / fact.service_s)
            self._fold(self.fleet[0], (min(2.0, ratio) - 1.0) * fact.service_s)
            self._fold(self.lengths[int(length_of(np.array([fact.service_s]))[0])], ratio)
            self._fold_row(self.table.seen, self.table.service_s, fact.place, took)

    def learn_hold(self, place: int, share: float) -> None:
        """An early arrival waited out this share of its earliness."""
        held = min(1.2, max(-0.2, share))
        self._fold(self.fleet[1], held)
        self._fold_row(self.table.holds, self.table.hold, place, held)

    def learn_linger(self, place: int, share: float) -> None:
        """Of a lead this share was spent, beyond what those take who were there before."""
        spent = min(1.2, max(-0.2, share))
        self._fold(self.fleet[2], spent)
        self._fold_row(self.table.leads, self.table.linger, place, spent)

    def _fold(self, mean: Floats, value: float) -> None:
        mean[1] = min(mean[1] + 1.0, 10.0 * self.policy.memory)
        mean[0] += (value - mean[0]) / mean[1]

    def _fold_row(self, count: Floats32, mean: Floats32, row: int, value: float) -> None:
        if row >= 0:
            count[row] = min(float(count[row]) + 1.0, self.policy.memory)
            mean[row] += (value - float(mean[row])) / float(count[row])
