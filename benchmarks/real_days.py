"""Scores recorded days as a user would, and prints for each what it took and what it reached.

    python benchmarks/real_days.py [--data DIR] [SET ...]

DIR holds the sets (default: ../shared/data beside the project; they are not part of it). Each set runs in a process of its own, so that
time and memory are those of one `fleetcast-replay score`. Where `DIR/questions/SET.parquet` and `DIR/../tools/score_predictions.py`
exist, the kept questions are answered too, and the last lines of that tool are printed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETS = ("google_lmfs", "rpi2017_dirty", "shubble", "nfta", "cabspotting")
ROOT = Path(__file__).resolve().parent.parent


def score(day: Path, out: Path) -> tuple[float, float]:
    """Wall seconds and peak memory (GB) of one score."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "replay", "score", str(day), "--out", str(out), "--quiet"]
    pid = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(pid.pid, 0)
    if status:
        sys.exit(f"{day.name}: score ended with status {status}")
    return time.perf_counter() - started, used.ru_maxrss / 1e6


def figures(day: Path, out: Path, wall_s: float, memory_gb: float) -> None:
    """Print what a score reached."""
    told = json.loads((out / "score.json").read_text())
    speed, counts = told["speed"], told["accounting"]
    print(f"\n== {day.name}: {wall_s:.0f} s in all, {memory_gb:.2f} GB at most; digest {told['digest'][:16]}")
    share = speed["python_share"]
    rows = "" if share is None else f", {100 * share:.1f} looks at single rows per 100 pings"
    print(f"   run: {speed['seconds']:.0f} s, {speed['entries_per_s']:,.0f} entries/s{rows}")
    print(f"   {counts['received']:,} received = {counts['applied']:,} applied, the others refused: {counts['refused']}")
    truth = told["figures"].get("truth")
    if truth:
        print("   arrivals:", {key: value for key, value in truth["arrivals"].items() if isinstance(value, int | float)})
        print("   eta:", {key: value for key, value in truth["eta"].items() if isinstance(value, int | float)})


def answer(data: Path, day: Path, out: Path) -> None:
    """Let the reference tool ask its questions, where it is there."""
    questions, tool = data / "questions" / f"{day.name}.parquet", data.parent / "tools" / "score_predictions.py"
    if questions.exists() and tool.exists():
        told = subprocess.run(
            [sys.executable, str(tool), str(questions), str(out / "predictions.parquet"), str(day)],
            capture_output=True,
            text=True,
            check=True,
        )
        print("   " + told.stdout.strip().replace("\n", "\n   "))


def main() -> None:
    """Score the sets that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    args = parser.parse_args()
    if not args.data.is_dir():
        sys.exit(f"no recorded days at {args.data}; say where they are with --data")
    for name in args.sets:
        with tempfile.TemporaryDirectory() as out:
            figures(args.data / name, Path(out), *score(args.data / name, Path(out)))
            answer(args.data, args.data / name, Path(out))


if __name__ == "__main__":
    main()
