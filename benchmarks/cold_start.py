"""An empty system against rules of thumb: the mean error over every 1,000 consecutive questions from the first ping on.

    python benchmarks/cold_start.py DAY [--window 1000] [--predictions FILE | --prior MODEL]

FILE is the predictions.parquet of a `score --out` of the same day; without it the day is run, every fleet beginning with the model file
MODEL where there is one.

Questions as in the scorecard, but from the very first; answered by the newest P50. The rule is the plan and the deviation at the last stop,
without a plan the distance over the fleet's mean speed so far; both know the true arrivals at once.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from replay.read_day import read_day
from replay.results import finish
from replay.run_day import DayRun, run_loop
from replay.score import fleet_settings
from replay.scorecard import questions as protocol
from replay.scorecard.answers import answer
from replay.scorecard.baselines import crow_and_mean_speed, plan_and_deviation
from replay.scorecard.day import list_fleets, list_visits
from replay.spool import Spool
from replay.start import read_start
from replay.truth_tables import truth_tables


def predictions_of(day_dir: Path, work: Path, prior: Path | None) -> tuple[pl.DataFrame, str]:
    day = read_day(day_dir)
    spool = Spool(work / "spool")
    run_loop(DayRun(day.log, fleet_settings(day.fleets, None), spool, start=read_start(prior, None, [])))
    return pl.read_parquet(finish(spool, work / "results").predictions_path), next(iter(day.fleets))


def errors(day_dir: Path, made: Path | None, prior: Path | None) -> tuple[np.ndarray, np.ndarray, str]:
    """Absolute errors of the engine and of the rule, in the order of the questions, and what the rule is."""
    if made is not None:
        predictions = pl.read_parquet(made)
        fleet_id = str(predictions["fleet_id"][0])
    else:
        with TemporaryDirectory() as work:
            predictions, fleet_id = predictions_of(day_dir, Path(work), prior)
    day = truth_tables(day_dir, fleet_id)
    visits = list_visits(day.routes, day.arrivals)
    fixes = protocol.find_fixes(day, visits)
    protocol.LEARNING_SHARE = 10**12  # nothing is left out for learning
    asked = protocol.ask(fixes, visits)
    p50_s = answer(asked, predictions, visits, list_fleets(day.routes)).p50_s
    planned = bool(np.isfinite(visits.planned_s).any())
    rule_s = (plan_and_deviation if planned else crow_and_mean_speed)(asked, fixes, visits)
    counted = asked.counted & np.isfinite(rule_s) & np.isfinite(p50_s)
    off = (np.abs(answer_s - asked.arrived_s)[counted] for answer_s in (p50_s, rule_s))
    return *off, "plan + deviation" if planned else "distance / mean speed"


def show(what: str, engine_s: float, rule_s: float) -> None:
    print(f"{what:26s} engine {engine_s:7.1f} s   rule {rule_s:7.1f} s   ratio {engine_s / rule_s:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("day", type=Path)
    parser.add_argument("--window", type=int, default=1_000)
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--prior", type=Path)
    args = parser.parse_args()
    ours, rule, name = errors(args.day, args.predictions, args.prior)
    sums = [np.concatenate([[0.0], np.cumsum(error)]) for error in (ours, rule)]
    mean, mean_rule = ((total[args.window :] - total[: -args.window]) / args.window for total in sums)
    ratio = mean / mean_rule
    worst, over = int(ratio.argmax()), ratio > 1.05
    print(f"{args.day.name}: {len(ours):,} questions; windows of {args.window:,}; the rule is {name}")
    for end in (1_000, 2_000, 5_000, 10_000, 20_000, len(ours)):
        if end <= len(ours):
            show(f"first {end:,}", ours[:end].mean(), rule[:end].mean())
    show(f"worst window from {worst:,}", mean[worst], mean_rule[worst])
    print(f"windows over 1.05: {over.mean():.2%} of {len(ratio):,}" + (f", the first from {int(over.argmax()):,} on" if over.any() else ""))


if __name__ == "__main__":
    main()
