"""Does accepting proposals help? Made days with breakdowns and jams, in which the vans follow the plan that is in force.

    PYTHONPATH=.:benchmarks python -m closed_loop [--seeds 20] [--vehicles 12] [--breakdowns 2] [--jams 4] [--days 1]

The same day three times, with the same luck: nobody does anything; each stop of a van that broke down goes to the nearest van that has room
and skills, by crow; the first proposal is always accepted, half a minute after it is known. Lateness is counted against the windows that
were promised in the morning, times 1 + priority; a stop that nobody serves counts as four hours late. The models have learned on `--days`
other days in the same city.
"""

import argparse
import time

from closed_loop.day import Day
from closed_loop.policies import POLICIES, Outcome, outcome

from eta_models.model_bytes import dump_model, load_model
from eta_models.questions import Questions
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings


def settings_for(name: str) -> FleetSettings:
    return FleetSettings(reassign=ReassignPolicy(solving="here" if name == "first" else "off"))


def yesterday(seed: int, days: int, args: argparse.Namespace) -> bytes:
    """What the fleet's models have learned on some days before, without breakdowns."""
    learned = b""
    for number in range(days):
        day = Day(seed, number, args.vehicles, 0, args.jams, settings_for("nothing"))
        if learned:
            day.state.model = load_model(learned, day.settings.model)
        day.run(POLICIES["nothing"])
        day.state.model.questions = Questions()
        learned = dump_model(day.state.model)
    return learned


def one(seed: int, learned: bytes, name: str, args: argparse.Namespace) -> Outcome:
    day = Day(seed, args.days, args.vehicles, args.breakdowns, args.jams, settings_for(name))
    if learned:
        day.state.model = load_model(learned, day.settings.model)
    day.add_standby("f01-standby", 160.0)
    day.run(POLICIES[name])
    return outcome(day)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--seeds", 20), ("--vehicles", 12), ("--breakdowns", 2), ("--jams", 4), ("--days", 1), ("--first-seed", 1000)):
        parser.add_argument(option, type=int, default=default)
    args = parser.parse_args()
    total: dict[str, Outcome] = {}
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        started, line = time.perf_counter(), [f"seed {seed}"]
        learned = yesterday(seed, args.days, args)
        for name in POLICIES:
            found = one(seed, learned, name, args)
            total[name] = found if name not in total else total[name].plus(found)
            line.append(f"{name}: {found.in_short()}")
        print("; ".join(line), f"({time.perf_counter() - started:.0f} s)", flush=True)
    for name, found in total.items():
        print(f"{name:8s} {found.in_full()}")
    for name in ("nothing", "nearest"):
        print(f"first against {name}: {100.0 * (total['first'].weighted_s / total[name].weighted_s - 1.0):+.1f} % weighted lateness")


if __name__ == "__main__":
    main()
