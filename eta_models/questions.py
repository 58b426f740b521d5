"""Questions kept until their truth comes: what was asked, what it rested on, what was answered ("log and wait")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eta_models.columns import MISSING, Columns, Floats, Floats32, Ints, Ints32, Small
from eta_models.correction import EXPERTS
from eta_models.features import NAMES, scale_s
from eta_models.journeys import Estimates, Reached
from eta_models.tiles import ASKED
from eta_models.trackers import NAMES as OFF

STEPS = 31.0
"""Steps of a feature that are told apart in one unit: -4 .. 4 in a byte."""

MOST_OFF = 1_000.0
"""An expert further from the base is as wrong as can be."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Questions whose truth came, in the order of their truths: rows, when they were put, how long it took from then, where the legs began.

    `newest_s` is the latest of the truths; `of_trips` are places among the rows of those about `trips`.
    """

    rows: Ints
    asked_us: Ints
    took_s: Floats
    left_place: Ints
    newest_s: float
    of_trips: Ints
    trips: Floats32

    def of(self, asked_us: Ints) -> "Answered":
        """Those that were put to a model too, by when it was asked them, row by row (MISSING = never)."""
        rows = np.minimum(self.rows, len(asked_us) - 1)  # who was asked little has fewer rows
        put = (asked_us[rows] == self.asked_us) & (asked_us[rows] != MISSING) & (rows == self.rows)
        if put.all():
            return self
        number = np.where(put, np.cumsum(put) - 1, -1)[self.of_trips]
        rows, asked, took_s, place = (self.rows[put], self.asked_us[put], self.took_s[put], self.left_place[put])
        return Answered(rows, asked, took_s, place, self.newest_s, number[number >= 0], self.trips[number >= 0])


class Questions(Columns):
    """A bounded table. The questions about one visit form a chain through `before`, newest first; free rows form another."""

    FIELDS: ClassVar = {
        "before": ("i4", -1),
        "asked_us": ("i8", MISSING),
        "hop": ("i2", 0),
        "closes_in_s": ("f4", float("nan")),
        "base_s": ("f4", 0.0),
        "p10_s": ("f4", 0.0),
        "p50_s": ("f4", 0.0),
        "p90_s": ("f4", 0.0),
        "width_s": ("f4", 1.0),
        "lead_s": ("f4", 0.0),
        "first_s": ("f4", 0.0),
        "regime": ("i1", 0),
        "slots": ("i2", 0, len(OFF)),
        "features": ("i1", 0, len(NAMES)),
        "experts": ("f2", 0.0, len(EXPERTS) + 1),
    }
    before: Ints32
    asked_us: Ints
    hop: Ints
    closes_in_s: Floats32
    base_s: Floats32
    p10_s: Floats32
    p50_s: Floats32
    p90_s: Floats32
    width_s: Floats32
    lead_s: Floats32
    first_s: Floats32
    """What the next stop was asked about with: the lead at the stop where the leg began, and the plain time to it."""
    regime: Small
    slots: Ints32
    features: Small
    """In steps of 1/31: what waits is most of what a vehicle takes, and errors are a hundred times as large."""
    experts: Floats32
    """As their distance from the base in scales; the last is the second look's."""

    def __init__(self, capacity: int = 16) -> None:
        super().__init__(capacity)
        self.free: list[int] = []
        self.trips: dict[int, bytes] = {}
        """Trips without a plan that questions are about, by row: few fleets have any."""

    @property
    def kept(self) -> int:
        """How many questions wait for their truth."""
        return self.count - len(self.free)

    def put(self, newest: Ints32, now_us: Ints, hop: Ints, closes_in_s: Floats, answer: Estimates, rows: Ints) -> Ints:
        """Keep the questions of `rows` of an answer; `newest` are the visits' chains so far. Returns the new chains."""
        places = np.array([self._row() for _ in range(len(rows))], dtype=np.int64)
        self.before[places] = newest
        self.fill(places, now_us, hop, closes_in_s, answer, rows)
        return places

    def fill(self, places: Ints, now_us: Ints, hop: Ints, closes_in_s: Floats, answer: Estimates, rows: Ints) -> None:
        """Put down at `places` what was asked when, and what was answered."""
        self.asked_us[places] = now_us
        self.hop[places] = hop
        self.closes_in_s[places] = closes_in_s
        self.base_s[places] = answer.base_s[rows]
        self.p10_s[places] = answer.p10_s[rows]
        self.p50_s[places] = answer.p50_s[rows]
        self.p90_s[places] = answer.p90_s[rows]
        self.width_s[places] = answer.width_s[rows]
        self.lead_s[places] = answer.lead_s[rows]
        self.first_s[places] = answer.first_s[rows]
        self.regime[places] = answer.regime[rows]
        self.slots[places] = answer.slots[rows]
        self.features[places] = np.rint(answer.features[rows] * STEPS)
        base_s = self.base_s[places].astype(np.float64)
        off = (answer.experts[rows] - base_s[:, None]) / scale_s(base_s)[:, None]
        self.experts[places] = np.minimum(np.maximum(off, -MOST_OFF), MOST_OFF)

    def put_beside(self, places: Ints, asked_us: Ints, hop: Ints, closes_in_s: Floats, answer: Estimates, rows: Ints) -> None:
        """The same questions to a model that another one leads: at the leader's places; `asked_us` MISSING = not asked."""
        if len(places) and int(places.max()) >= self.count:
            self.add(int(places.max()) + 1 - self.count)
        self.fill(places, asked_us, hop, closes_in_s, answer, rows)

    def take_over(self, leader: "Questions") -> None:
        """Lead from now on: which question belongs to which visit. Those that were put to the other one only teach nothing."""
        if leader.count > self.count:
            self.add(leader.count - self.count)
        self.before[: leader.count] = leader.before[: leader.count]
        self.free, leader.free = leader.free, []
        self.trips, leader.trips = leader.trips, {}

    def put_trips(self, places: Ints, asked: Floats32) -> None:
        """What is known of the trips that these questions are about; NaN = of none."""
        for i in np.flatnonzero(asked[:, 0] == asked[:, 0]).tolist():
            self.trips[int(places[i])] = asked[i].tobytes()

    def take_trips(self, rows: Ints) -> tuple[Ints, Floats32]:
        """Which of these questions are about trips, and the trips; they are forgotten with that."""
        places = np.array([i for i, row in enumerate(rows.tolist()) if row in self.trips], dtype=np.int64)
        asked = np.frombuffer(b"".join(self.trips.pop(int(rows[i])) for i in places.tolist()), dtype=np.float32)
        return places, asked.reshape(-1, len(ASKED))

    def answered(self, rows: Ints) -> tuple[Floats, Floats, Floats]:
        """Features, experts in seconds, and bases of questions, as they were when they were put."""
        base_s = self.base_s[rows].astype(np.float64)
        experts = base_s[:, None] + self.experts[rows].astype(np.float64) * scale_s(base_s)[:, None]
        return self.features[rows] / STEPS, experts, base_s

    def dump(self) -> dict[str, bytes]:
        """The rows that wait; free ones are emptied first, so that they cost nothing."""
        self.clear(np.array(self.free, dtype=np.int64))
        return super().dump()

    def _row(self) -> int:
        return self.free.pop() if self.free else self.add(1)

    def drop(self, newest: int) -> None:
        """Forget the questions of a chain."""
        for row in self.take(newest):
            self.trips.pop(row, None)

    def answered_by(self, reached: Sequence[Reached]) -> Answered:
        """The questions about visits that were reached, in log order; they wait no longer, and their rows are free for others."""
        chains = [self.take(one.question) for one in reached]
        rows, lengths = np.array([row for chain in chains for row in chain], dtype=np.int64), [len(chain) for chain in chains]
        arrived_us = np.repeat(np.array([one.at_us for one in reached], dtype=np.int64), lengths)
        left_place = np.repeat(np.array([one.left_place for one in reached], dtype=np.int64), lengths)
        asked_us = self.asked_us[rows]
        return Answered(
            rows, asked_us, (arrived_us - asked_us) / 1e6, left_place, int(arrived_us.max(initial=0)) / 1e6, *self.take_trips(rows)
        )

    def take(self, newest: int) -> list[int]:
        """The questions of a chain, oldest first; their rows are free for others once the caller has read them."""
        chain = []
        while newest >= 0:
            chain.append(newest)
            newest = int(self.before[newest])
        self.free.extend(chain)
        return chain[::-1]
