"""Journeys made by hand or by Hypothesis, and models that have seen something; shared by the tests of this floor."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import strategies as st

from eta_models.columns import Floats
from eta_models.journeys import Ahead, Estimates, Journeys, LegTaken, Reached, StayEnded
from eta_models.model import EtaModel, ModelPolicy
from eta_models.tiles import ASKED

NAN = float("nan")
Made = tuple[dict[str, object], list[dict[str, object]]]  # one journey, and its remaining visits

JOURNEY: dict[str, object] = {
    "hour": 12.0, "fix_age_s": 0.0, "to_next_m": 500.0, "behind_m": 500.0, "elapsed_s": 0.0, "still_s": 0.0, "speed_mps": 10.0,
    "deviation_s": NAN, "paused_s": 0.0, "standing": False, "place": -1, "service_s": NAN, "ready_in_s": NAN, "opens": False,
    "approach_mps": 0.0, "east_m": NAN, "north_m": NAN, "lead_s": 0.0, "left_place": -1, "vehicle": 0, "route": 0, "now_s": 0.0,
    "trip": (NAN,) * len(ASKED),
}  # fmt: skip
VISIT: dict[str, object] = {
    "leg": -1, "place": -1, "area": -1, "leg_m": 1000.0, "leg_planned_s": NAN, "planned_in_s": NAN, "opens_in_s": NAN,
    "closes_in_s": NAN, "service_s": 0.0, "minute": -1, "again": False,
}  # fmt: skip

LEGS, PLACES, AREAS = 6, 5, 3
"""Rows that a taught model has."""

TIMES = st.one_of(st.floats(-7_200, 7_200), st.sampled_from([NAN, 0.0, -0.0, 1e-6, -1e12, 1e12]))
SPANS = st.one_of(st.floats(0, 7_200), st.sampled_from([0.0, 1e-6, 86_400.0, 1e12]))
LENGTHS = st.one_of(st.floats(0, 50_000), st.sampled_from([NAN, 0.0, 1e-9, 2.0e7]))
WAY = st.tuples(
    st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), *[st.floats(0, 2e7)] * 3, st.floats(0, 1e5),
    st.floats(0, 24, exclude_max=True), st.sampled_from([0.0, 1.0]), st.integers(0, 20_000).map(float), *[st.floats(-50, 50)] * 2,
    st.floats(0, 1e5),
)  # fmt: skip
"""A trip without a plan, with the columns `ASKED`."""
MADE_JOURNEY = st.fixed_dictionaries(
    {
        "hour": st.floats(0, 24, exclude_max=True),
        "fix_age_s": SPANS,
        "to_next_m": LENGTHS,
        "behind_m": LENGTHS,
        "elapsed_s": SPANS,
        "still_s": SPANS,
        "speed_mps": st.sampled_from([0.0, 12.5, 70.0, NAN]),
        "deviation_s": TIMES,
        "paused_s": SPANS,
        "standing": st.booleans(),
        "place": st.integers(-1, PLACES - 1),
        "service_s": st.one_of(SPANS, st.just(NAN)),
        "ready_in_s": TIMES,
        "opens": st.booleans(),
        "approach_mps": st.floats(-40, 40),
        "east_m": st.one_of(st.floats(-2e7, 2e7), st.sampled_from([NAN, 0.0])),
        "north_m": st.one_of(st.floats(-2e7, 2e7), st.just(0.0)),
        "lead_s": st.floats(0, 3_600),
        "left_place": st.integers(-1, PLACES - 1),
        "vehicle": st.integers(0, 20_000),
        "route": st.integers(0, 10**9),
        "now_s": st.floats(0, 4e9),
        "trip": st.one_of(st.just((NAN,) * len(ASKED)), WAY),
    }
)
MADE_VISIT = st.fixed_dictionaries(
    {
        "leg": st.integers(-1, LEGS - 1),
        "place": st.integers(-1, PLACES - 1),
        "area": st.integers(-1, AREAS - 1),
        "leg_m": LENGTHS,
        "leg_planned_s": TIMES,
        "planned_in_s": TIMES,
        "opens_in_s": TIMES,
        "closes_in_s": TIMES,
        "service_s": st.one_of(SPANS, st.just(NAN)),
        "minute": st.integers(-1, 1_439),
        "again": st.booleans(),
    }
)
TRIP = st.tuples(MADE_JOURNEY, st.lists(MADE_VISIT, min_size=1, max_size=4))


def as_columns(kind: type, rows: Sequence[dict[str, object]]) -> dict[str, np.ndarray]:
    """The fields of a dataclass, each as one array over the rows."""
    return {field.name: np.array([row[field.name] for row in rows]) for field in fields(kind)}


class Asking:
    """Makes what a model is asked. A journey is a dict of what differs from `JOURNEY`, a visit of what differs from `VISIT`."""

    trips = staticmethod(lambda most=4: st.lists(TRIP, min_size=1, max_size=most))
    """Hypothesis: journeys with anything in them that the flow could pass on, and more."""

    def columns(self, trips: Sequence[Made]) -> tuple[Journeys, Ahead]:
        """The journeys and all their visits, one after the other."""
        lines = [{**JOURNEY, **journey} for journey, _ in trips]
        rows = [
            {**VISIT, **visit, "journey": number, "hop": hop}
            for number, (_, visits) in enumerate(trips)
            for hop, visit in enumerate(visits)
        ]
        return Journeys(**as_columns(Journeys, lines)), Ahead(**as_columns(Ahead, rows))

    def one(self, *visits: dict[str, object], **journey: object) -> tuple[Journeys, Ahead]:
        """A single journey."""
        return self.columns([(journey, list(visits))])

    def scattered(self, rng: np.random.Generator, journeys: int) -> tuple[Journeys, Ahead]:
        """Ordinary journeys of a bus-like fleet: planned, some late, some standing, every second visit with a window."""
        return self.columns([self.ordinary(rng) for _ in range(journeys)])

    def ordinary(self, rng: np.random.Generator) -> Made:
        """One of those."""
        stops, planned_s = int(rng.integers(1, 6)), np.cumsum(rng.uniform(60, 500, 6))
        standing = bool(rng.random() < 0.3)
        journey = {
            "hour": rng.uniform(0, 24), "fix_age_s": rng.uniform(0, 30), "to_next_m": rng.uniform(0, 3_000),
            "behind_m": rng.uniform(0, 3_000), "elapsed_s": rng.uniform(0, 300), "deviation_s": rng.normal(60, 120), "standing": standing,
            "place": int(rng.integers(PLACES)) if standing else -1, "service_s": 60.0 if standing else NAN,
            "east_m": rng.uniform(-900, 900), "north_m": rng.uniform(-900, 900), "lead_s": float(rng.choice([0.0, 150.0])),
            "left_place": int(rng.integers(-1, PLACES)), "vehicle": int(rng.integers(9)), "route": int(rng.integers(9)),
            "approach_mps": rng.normal(3, 5), "now_s": 1e9 + rng.uniform(0, 600),
        }  # fmt: skip
        visits = [
            {
                "leg": int(rng.integers(-1, LEGS)),
                "place": int(rng.integers(-1, PLACES)),
                "area": int(rng.integers(AREAS)),
                "leg_m": rng.uniform(200, 4_000),
                "leg_planned_s": rng.uniform(60, 500),
                "planned_in_s": planned_s[hop],
                "closes_in_s": planned_s[hop] + 300.0 if hop % 2 else NAN,
                "service_s": float(rng.choice([0.0, 120.0])),
                "minute": int(rng.integers(-1, 20)),
                "again": bool(rng.random() < 0.1),
            }
            for hop in range(stops)
        ]
        return journey, visits

    def put(self, model: EtaModel, journeys: Journeys, ahead: Ahead, now_us: int) -> tuple[Estimates, list[int]]:
        """Ask, and keep every answer as a question; also its chains, one a visit."""
        answer = model.estimate(journeys, ahead)
        rows, asked_us = np.arange(len(ahead.hop)), np.full(len(ahead.hop), now_us)
        unasked = np.full(len(rows), -1, dtype=np.int32)
        return answer, model.questions.put(unasked, asked_us, ahead.hop, ahead.closes_in_s, answer, rows).tolist()

    def teach(self, model: EtaModel, seed: int, rounds: int, *, export: bool = True) -> None:
        """Let a model see rounds of ordinary journeys, legs and stays, and (or not) let them count."""
        rng = np.random.default_rng(seed)
        for number in range(rounds):
            now_us = number * 60_000_000
            answer, newest = self.put(model, *self.scattered(rng, 6), now_us)
            took_s = np.maximum(answer.p50_s * rng.lognormal(0.1, 0.3, len(newest)), 1.0)
            arrivals = zip(newest, took_s.tolist(), strict=True)
            model.learn_arrivals([Reached(chain, now_us + round(took * 1e6), chain % PLACES) for chain, took in arrivals])
            self.teach_travel(model, rng)
            if export:
                model.export()

    def teach_travel(self, model: EtaModel, rng: np.random.Generator) -> None:
        """One leg and two stays."""
        took_s = rng.uniform(50, 600)
        model.learn_leg(
            LegTaken(
                leg=int(rng.integers(LEGS)),
                area=int(rng.integers(AREAS)),
                hour=rng.uniform(0, 23.9),
                took_s=took_s,
                drive_s=took_s * rng.uniform(0.5, 1.0),
                leg_m=rng.uniform(200, 4_000),
                leg_planned_s=200.0,
                place=int(rng.integers(PLACES)),
                early_s=float(rng.choice([0.0, 200.0])),
                deviation_before_s=rng.normal(60, 100),
                deviation_s=rng.normal(60, 100),
                minute=int(rng.integers(-1, 20)),
                run=rng.uniform(0, 900, (5, 4)).astype(np.float16).tobytes(),
            )
        )
        model.learn_stay(StayEnded(int(rng.integers(PLACES)), rng.uniform(30, 400), 0.0, 120.0))
        model.learn_stay(StayEnded(int(rng.integers(PLACES)), rng.uniform(300, 900), 300.0, 120.0))

    def fresh(self) -> EtaModel:
        """A model that knows its legs, places and areas by name, and nothing of them."""
        model = EtaModel(ModelPolicy())
        for number in range(LEGS):
            model.legs.leg(f"s{number}", f"s{number + 1}")
        for number in range(PLACES):
            model.stays.place(f"s{number}")
        for number in range(AREAS):
            model.legs.area(1000 + number)
        return model

    def taught(self, seed: int = 11, rounds: int = 25) -> EtaModel:
        """A model that has learned."""
        model = self.fresh()
        self.teach(model, seed, rounds)
        return model


def every_column(answer: Estimates) -> dict[str, Floats]:
    """The columns of an answer by name."""
    return {field.name: getattr(answer, field.name) for field in fields(answer)}


@pytest.fixture(scope="session")
def asking() -> Asking:
    return Asking()


@pytest.fixture(scope="session")
def answers():
    """The columns of an answer by name."""
    return every_column
