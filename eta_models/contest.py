"""A second model beside a fleet's own: it is asked the same questions, learns from the same arrivals, and may take its place.

Both name legs, places and areas by the same numbers, and keep a question in the same row of their tables of questions; which questions
belong to a visit only the fleet's own model knows.
"""

from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from eta_models.columns import Flags, Floats, Ints
from eta_models.graft import keep_up
from eta_models.journeys import Ahead, Estimates, Journeys
from eta_models.model import EtaModel
from eta_models.questions import Answered, Questions

MEMORY = 5_000.0
"""Questions over which it is remembered how good answers were: some hours of a fleet."""


class Record(Struct):
    """How good the answers of a model were lately: sums that fade, over questions that both models were asked."""

    count: float = 0.0
    error_s: float = 0.0
    inside: float = 0.0

    def learn(self, off_s: Floats, inside: Flags) -> None:
        """Questions in the order of their truths: how far off P50 was, and whether the truth lay between P10 and P90."""
        kept = 1.0 - 1.0 / MEMORY
        for error_s, was_inside in zip(off_s.tolist(), inside.tolist(), strict=True):
            self.count = kept * self.count + 1.0
            self.error_s = kept * self.error_s + error_s
            self.inside = kept * self.inside + was_inside

    def mae_s(self) -> float | None:
        """Mean absolute error of P50 in seconds."""
        return self.error_s / self.count if self.count else None

    def coverage(self) -> float | None:
        """Share of truths between P10 and P90."""
        return self.inside / self.count if self.count else None


class Named(Struct, frozen=True):
    """What a model is called, by which unusual settings it learns, of which file it was made, and since when (us)."""

    name: str = "first"
    settings: dict[str, float] = {}
    sha256: str | None = None
    since_us: int = 0


@dataclass(slots=True)
class Contest:
    """The challenger, and how it and the fleet's own model did since it began."""

    named: Named
    model: EtaModel
    champion: Record = field(default_factory=Record)
    challenger: Record = field(default_factory=Record)

    def estimate(self, fleet: EtaModel, journeys: Journeys, ahead: Ahead) -> Estimates:
        """What it answers to the questions of the fleet's own model."""
        keep_up(self.model, fleet)
        return self.model.estimate(journeys, ahead)

    def learn(self, fleet: EtaModel, answered: Answered) -> None:
        """Truths of questions; call it before the fleet's own model asks again."""
        both = answered.of(self.model.questions.asked_us)
        if len(both.rows):
            self.champion.learn(*_how_good(fleet.questions, both))
            self.challenger.learn(*_how_good(self.model.questions, both))
        self.model.learn_answers(answered)

    def follow_trim(self, fleet: EtaModel, legs: Ints | None, places: Ints | None) -> None:
        """The fleet forgot legs or places: the new number of every old one, -1 = forgotten; None = nothing moved."""
        if legs is not None:
            self.model.legs.table.keep(np.flatnonzero(legs[:-1] >= 0))
            self.model.legs_moved()
        if places is not None:
            self.model.stays.table.keep(np.flatnonzero(places[:-1] >= 0))
        keep_up(self.model, fleet)

    def promote(self, fleet: EtaModel, of_fleet: Named) -> tuple[EtaModel, Named]:
        """The challenger takes over, and the fleet's own model is the challenger from now on; returns the fleet's new model."""
        keep_up(self.model, fleet)
        model, named = self.model, self.named
        model.questions.take_over(fleet.questions)
        self.model, self.named = fleet, of_fleet
        self.champion, self.challenger = self.challenger, self.champion
        return model, named


def _how_good(questions: Questions, answered: Answered) -> tuple[Floats, Flags]:
    rows, took_s = answered.rows, answered.took_s
    inside = (questions.p10_s[rows] <= took_s) & (took_s <= questions.p90_s[rows])
    return np.abs(took_s - questions.p50_s[rows].astype(np.float64)), np.asarray(inside, dtype=np.bool_)
