"""What a fleet's model takes after up to a million arrivals, with new legs, places, vehicles and routes all the time, and trips.

What trips hold is counted as it lies in memory: their tables are saved as those entries only that were seen, with the number of each.

python benchmarks/eta_memory.py [--arrivals 1000000]
"""

import argparse
from dataclasses import is_dataclass

import numpy as np

from benchmarks.eta_cost import fleet, known, trips_made
from eta_models.journeys import LegTaken, Reached
from eta_models.model import EtaModel
from eta_models.model_bytes import dump_model
from eta_models.tiles import ASKED

SWEEP = 1_000
CAP_MB = 20.0


def rows(model: EtaModel) -> str:
    tables = {"legs": model.legs.table, "places": model.stays.table, "runs": model.runs.table, "questions": model.questions}
    return ", ".join(f"{table.count:,} {name}" for name, table in tables.items())


def sweep(model: EtaModel, rng: np.random.Generator, number: int) -> None:
    """A thousand questions answered, a hundred legs, two in three new; and what a tick does."""
    journeys, ahead = fleet(rng, SWEEP // 10, 10, 60.0 * number)
    answer, none, now_us = model.estimate(journeys, ahead), np.full(SWEEP, -1, dtype=np.int32), number * 60_000_000
    at_us = np.full(SWEEP, now_us)
    chains = model.questions.put(none, at_us, ahead.hop, ahead.closes_in_s, answer, np.arange(SWEEP)).tolist()
    took_s = (answer.p50_s * rng.lognormal(0.05, 0.3, SWEEP)).tolist()
    run = np.tile(np.array([0.0, 500.0, 0.0, 100.0], dtype=np.float16), 12).tobytes()
    for i in range(100):
        name = f"l{i}" if i % 3 == 0 else f"l{number}-{i // 2}"  # the others come twice, and never again
        place = model.stays.place(f"p{number}-{i}")
        leg, area = model.legs.leg("a", name), model.legs.area(number * 7 + i)
        fact = LegTaken(leg, area, 9.5, 200.0, 180.0, 1e3, 190.0, place, 0.0, 60.0, 70.0, i, run)
        model.learn_leg(fact)
    model.learn_arrivals([Reached(chain, now_us + round(took * 1e6)) for chain, took in zip(chains, took_s, strict=True)])
    drive_trips(model, rng, 60.0 * number)
    model.export()
    model.trim_legs(np.array([], dtype=np.int64))
    model.stays.trim(np.array([], dtype=np.int64))


def drive_trips(model: EtaModel, rng: np.random.Generator, now_s: float) -> None:
    """A hundred trips without a plan, all over a region."""
    trips = trips_made(rng, 100)
    trips[:, :4] *= 10.0
    took_s = (60.0 + trips[:, ASKED.index("to_m")] / 5.0) * rng.lognormal(0.0, 0.3, len(trips))
    model.trips.learn(trips, took_s, now_s - took_s, now_s)


def held(part: object) -> int:
    """Bytes of the arrays of a part of a model."""
    if isinstance(part, np.ndarray):
        return part.nbytes
    return 0 if is_dataclass(part) else sum(held(value) for value in getattr(part, "__dict__", {}).values())


def without_trips(model: EtaModel) -> int:
    """Bytes of a saved model whose trips have learned nothing."""
    trips, model.trips = model.trips, EtaModel(model.policy).trips
    size = len(dump_model(model))
    model.trips = trips
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrivals", type=int, default=1_000_000)
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    model = known(rng)
    sweeps = max(args.arrivals // SWEEP, 1)
    for number in range(1, sweeps + 1):
        sweep(model, rng, number)
        if number % max(sweeps // 10, 1) == 0:
            plain, trips = without_trips(model) / 1e6, held(model.trips) / 1e6
            total = f"{plain:.2f} + trips {trips:.2f} = {plain + trips:.2f} MB (cap {CAP_MB:.0f})"
            print(f"{number * SWEEP:10,} arrivals   {total}   {rows(model)}", flush=True)


if __name__ == "__main__":
    main()
