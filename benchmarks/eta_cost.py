"""What an ETA costs: microseconds to answer a visit in a sweep, and to learn a question, on a made fleet.

    python benchmarks/eta_cost.py [--vehicles 300] [--stops 12] [--rounds 30]

The baseline of an answer is one exponential a visit; that of learning is River's `learn_one` of one linear model with as many features.
"""

import argparse
from collections.abc import Callable
from time import perf_counter

import numpy as np
from river import linear_model, optim

from eta_models.columns import Floats32
from eta_models.features import NAMES
from eta_models.journeys import Ahead, Journeys, LegTaken, Reached
from eta_models.model import EtaModel, ModelPolicy
from eta_models.tiles import ASKED
from eta_models.trips import TripPolicy, Trips

US_PER_VISIT, US_PER_QUESTION = 5.0, 100.0


def fleet(rng: np.random.Generator, vehicles: int, stops: int, now_s: float) -> tuple[Journeys, Ahead]:
    """Vehicles on planned lines, each with as many stops ahead, at places of legs that have runs."""
    count, nan = vehicles * stops, np.full(vehicles, np.nan)
    journey, hop = np.repeat(np.arange(vehicles), stops), np.tile(np.arange(stops), vehicles)
    left_m, leg = rng.uniform(0, 900, vehicles), (journey * 7 + hop) % 2_000
    planned_s = np.tile(np.arange(1, stops + 1) * 200.0, vehicles) + rng.normal(0, 60, count)
    journeys = Journeys(
        hour=np.full(vehicles, 9.5), fix_age_s=rng.uniform(0, 20, vehicles), to_next_m=left_m, behind_m=1_000.0 - left_m,
        elapsed_s=rng.uniform(0, 150, vehicles), still_s=np.zeros(vehicles), speed_mps=rng.uniform(0, 15, vehicles),
        approach_mps=rng.uniform(0, 12, vehicles), east_m=np.zeros(vehicles), north_m=left_m, lead_s=np.zeros(vehicles),
        deviation_s=rng.normal(60, 120, vehicles), paused_s=np.zeros(vehicles), standing=np.zeros(vehicles, dtype=bool),
        place=np.full(vehicles, -1), service_s=nan, ready_in_s=nan, opens=np.zeros(vehicles, dtype=bool),
        left_place=np.arange(vehicles) % 500, vehicle=np.arange(vehicles), route=np.arange(vehicles), now_s=np.full(vehicles, now_s),
        trip=np.full((vehicles, len(ASKED)), np.nan, dtype=np.float32),
    )  # fmt: skip
    ahead = Ahead(
        journey=journey, hop=hop, leg=leg, place=leg % 500, area=leg % 50, leg_m=np.full(count, 1_000.0),
        leg_planned_s=np.full(count, 200.0), planned_in_s=planned_s, opens_in_s=np.full(count, np.nan), closes_in_s=planned_s + 300.0,
        service_s=np.full(count, np.nan), minute=(leg + hop) % 1_440, again=np.zeros(count, dtype=bool),
    )  # fmt: skip
    return journeys, ahead


def known(rng: np.random.Generator) -> EtaModel:
    """A model that has seen 2,000 legs ten times each."""
    model = EtaModel(ModelPolicy())
    for number in range(500):
        model.stays.place(f"p{number}")
    for number in range(50):
        model.legs.area(number)
    for number in range(20_000):
        leg = model.legs.leg("a", f"b{number % 2_000}")
        run = np.column_stack([np.zeros(12), np.linspace(950, 50, 12), np.zeros(12), np.linspace(190, 10, 12)]).astype(np.float16)
        model.learn_leg(
            LegTaken(
                leg, leg % 50, 9.5, rng.uniform(150, 250), 180.0, 1_000.0, 200.0, leg % 500, 0.0, 60.0, 70.0, leg % 1_440, run.tobytes()
            )
        )
    model.export()
    return model


def microseconds(work: Callable[[], object], per: int) -> float:
    """The best of seven runs."""
    times = []
    for _ in range(7):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return 1e6 * min(times) / per


def learned(model: EtaModel, rng: np.random.Generator, question: tuple[Journeys, Ahead]) -> float:
    """Microseconds to learn a question, of as many as a sweep asks."""
    journeys, ahead = question
    answer, count = model.estimate(journeys, ahead), len(ahead.hop)
    none, rows = np.full(count, -1, dtype=np.int32), np.arange(count)
    chains = model.questions.put(none, np.zeros(count, dtype=np.int64), ahead.hop, ahead.closes_in_s, answer, rows).tolist()
    took_s = (answer.p50_s * rng.lognormal(0.05, 0.3, count)).tolist()
    reached = [Reached(chain, round(took * 1e6)) for chain, took in zip(chains, took_s, strict=True)]
    started = perf_counter()
    model.learn_arrivals(reached)
    model.export()
    return 1e6 * (perf_counter() - started) / count


def trips_made(rng: np.random.Generator, count: int) -> Floats32:
    """Trips without a plan in a town of ten kilometres."""
    made = rng.uniform(0, 1, (count, len(ASKED)))
    spans = {"lat": 0.1, "lon": 0.1, "to_lat": 0.1, "to_lon": 0.1, "to_m": 6_000.0, "behind_m": 3_000.0, "leg_m": 7_000.0}
    spans |= {"elapsed_s": 900.0, "hour": 24.0, "vehicle": 300.0, "speed_mps": 15.0, "closing_mps": 12.0, "still_s": 300.0}
    return (made * [spans.get(name, 1.0) for name in ASKED]).astype(np.float32)


def trip_costs(rng: np.random.Generator, count: int) -> tuple[float, float]:
    """Microseconds to answer and to learn a trip without a plan, so many at a time."""
    trips, model = trips_made(rng, count), Trips(TripPolicy())
    took_s, now_s = 60.0 + trips[:, ASKED.index("to_m")] / 5.0, np.zeros(count)
    model.learn(trips, took_s, now_s, 0.0)
    model.export()
    answer = microseconds(lambda: model.expected_s(trips, now_s), count)
    return answer, microseconds(lambda: (model.learn(trips, took_s, now_s, 0.0), model.export()), count)


def one_model(rng: np.random.Generator) -> float:
    """Microseconds of `learn_one` of one linear model."""
    model = linear_model.LinearRegression(optimizer=optim.AdaGrad(0.04), loss=optim.losses.Huber(0.2))
    rows = [dict(zip(NAMES, row, strict=True)) for row in rng.normal(0, 1, (2_000, len(NAMES))).tolist()]
    return microseconds(lambda: [model.learn_one(row, 0.3) for row in rows], len(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=300)
    parser.add_argument("--stops", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    model = known(rng)
    costs = [learned(model, rng, fleet(rng, args.vehicles, args.stops, 60.0 * number)) for number in range(max(args.rounds // 10, 1))]
    baseline = one_model(rng)
    for vehicles in (1, 10, args.vehicles):
        question = fleet(rng, vehicles, args.stops, 3_600.0)
        visits = vehicles * args.stops
        answer = microseconds(lambda question=question: [model.estimate(*question) for _ in range(args.rounds)], visits * args.rounds)
        values = np.linspace(-4, 0, visits)
        exponential = microseconds(lambda values=values: [np.exp(values) for _ in range(args.rounds)], visits * args.rounds)
        print(f"answer {visits:6,} visits   {answer:8.2f} us a visit   {answer / exponential:8.0f} exponentials   (aim {US_PER_VISIT:.0f})")
    answer, learn = trip_costs(rng, args.vehicles)
    print(f"a trip without a plan  {answer:8.2f} us more to answer, {learn:.1f} us more to learn")
    print(f"learn                  {min(costs):8.1f} us a question {min(costs) / baseline:5.1f} x learn_one   (aim {US_PER_QUESTION:.0f})")


if __name__ == "__main__":
    main()
