"""Who is off lately: decayed means of what P50 got wrong, by stop, vehicle, trip, hour and leg."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.journeys import Ahead, Journeys

NAMES = ("off_stop", "off_vehicle", "off_trip", "off_hour", "off_leg")
"""What errors are kept by, each for the next stop and for later ones."""

FADED = 0.02
"""Errors that count for less than so much of one are forgotten."""

SLOTS = 4_096
"""Of each; things share a slot when there are more of them: they were told apart by chance, and fade."""


@dataclass(frozen=True, slots=True)
class TrackerPolicy:
    """How fast errors fade, in seconds, and how many of them make half of a mean; the spike that the project started from chose them."""

    fade_s: tuple[float, ...] = (172_800.0, 7_200.0, 3_600.0, 1_800.0, 3_600.0)
    prior: tuple[float, ...] = (10.0, 10.0, 10.0, 50.0, 10.0)
    most: float = 2.0
    """Errors are cut to so many scales."""
    slots: int = SLOTS


class Trackers:
    """Learned errors of one fleet, in units of the error scale."""

    def __init__(self, policy: TrackerPolicy) -> None:
        self.policy = policy
        shape = (len(policy.fade_s), policy.slots)
        self.count, self.total, self.at_s = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.fade_s, self.prior = np.array(policy.fade_s)[:, None], np.array(policy.prior)[:, None]
        self.pending: list[tuple[Ints, Floats, float]] = []

    def slots(self, journeys: Journeys, ahead: Ahead) -> Ints:
        """Where the errors of each question are kept: one row a question, one column a tracker."""
        at, later = ahead.journey, (ahead.hop > 0).astype(np.int64)
        things = (ahead.place, journeys.vehicle[at], journeys.route[at], journeys.hour.astype(np.int64)[at], ahead.leg)
        return np.stack([(2 * thing + later) % self.policy.slots for thing in things], axis=1)

    def off(self, slots: Ints, now_s: Floats) -> Floats:
        """The mean errors, one row a tracker, one column a question."""
        rows = np.arange(len(self.policy.fade_s))[:, None]
        at = slots.T
        count, total = self.count[rows, at], self.total[rows, at]
        kept = np.exp(-np.maximum(now_s[None, :] - self.at_s[rows, at], 0.0) / self.fade_s)
        return np.asarray(total * kept / (count * kept + self.prior))

    def learn(self, slots: Ints, errors: Floats, now_s: float) -> None:
        """Errors of questions whose truth came, in scales; they count from the next export on."""
        most = self.policy.most
        self.pending.append((slots, np.minimum(np.maximum(errors, -most), most), now_s))

    def dump(self) -> tuple[bytes, bytes, list[tuple[bytes, bytes, float]]]:
        """The slots that have seen something with their counts, totals and times; and what has not been exported yet."""
        seen = np.flatnonzero(self.count)
        values = np.stack([column.ravel()[seen] for column in (self.count, self.total, self.at_s)])
        return seen.tobytes(), values.tobytes(), [(slots.tobytes(), errors.tobytes(), now_s) for slots, errors, now_s in self.pending]

    def load(self, seen: bytes, values: bytes, pending: list[tuple[bytes, bytes, float]]) -> None:
        """Take over what `dump` gave."""
        rows = np.frombuffer(seen, dtype=np.int64)
        for column, known in zip((self.count, self.total, self.at_s), np.frombuffer(values).reshape(3, -1), strict=True):
            column.reshape(-1)[rows] = known
        self.pending = [
            (np.frombuffer(slots, dtype=np.int64).reshape(-1, len(self.policy.fade_s)), np.frombuffer(errors), now_s)
            for slots, errors, now_s in pending
        ]

    def export(self) -> None:
        """Make what was learned count from now on."""
        for slots, errors, now_s in self.pending:
            for tracker, fade_s in enumerate(self.policy.fade_s):
                at = slots[:, tracker]
                touched = np.unique(at)
                kept = np.exp(-np.maximum(now_s - self.at_s[tracker, touched], 0.0) / fade_s)
                self.count[tracker, touched] *= kept
                self.total[tracker, touched] *= kept
                self.at_s[tracker, touched] = now_s
                np.add.at(self.count[tracker], at, 1.0)
                np.add.at(self.total[tracker], at, errors)
        if self.pending:
            self._forget(self.pending[-1][2])
        self.pending.clear()

    def _forget(self, now_s: float) -> None:
        """Empty what has faded: a trip that is over takes no room."""
        gone = (self.count > 0) & (self.count * np.exp(-np.maximum(now_s - self.at_s, 0.0) / self.fade_s) < FADED)
        for column in (self.count, self.total, self.at_s):
            column[gone] = 0.0
