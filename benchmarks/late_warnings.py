"""The warnings that are really emitted, against the curve of P(late), and against the point of it that the policy names.

    python benchmarks/late_warnings.py DAY [--questions FILE] [--run OUT] [--ahead-s 600] [--choose]

Scores DAY into a temporary folder, or takes what `fleetcast-replay score DAY --out OUT` left. The visits are those asked about in time in
the questions (`DAY/../questions/NAME.parquet` where it is there), else all with a window and a true arrival. A visit is warned of when
`late_risk` opened at least `ahead_s` before its window closed; its score is its largest P(late) until then. `--choose`: for several limits
and holds, what they would give in each quarter of the visits in order of time (from the kept estimates since the route reached a stop,
without the rule about stops ahead), so that a limit can be chosen on the first and judged on the others.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from replay.scorecard.day import epoch_s
from stream.exceptions.late_risk import RIGHT_SHARE, RiskPolicy

ROOT = Path(__file__).resolve().parent.parent
KEY = ["route_id", "seq"]
LIMITS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
HOLDS_S = (0.0, 30.0, 60.0, 120.0)
PARTS = 4
"""The visits in order of time: a limit chosen on the first parts is judged on the others."""
SLACK = 0.02
"""By so much the share of right warnings may lie below the named point, or the recall below the curve's: one warning in fifty."""


class _Told(msgspec.Struct):
    exception_kind: str | None = None
    route_id: str | None = None
    seq: int | None = None
    detected_at: str | None = None
    stage: str | None = None
    episode: int | None = None


class _Event(msgspec.Struct):
    type: str
    data: _Told


@contextmanager
def scored(day: Path, out: Path | None) -> Iterator[Path]:
    """The results of a score of the day."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([sys.executable, "-m", "replay", "score", str(day), "--out", made, "--quiet"], cwd=ROOT, check=True)
        yield Path(made)


def windows(day: Path) -> pl.DataFrame:
    """When the window of each visit closes."""
    routes = pl.read_parquet(day / "routes.parquet").filter(pl.col("window_end").is_not_null())
    return routes.select("route_id", pl.col("seq").cast(pl.Int64), closes_s=epoch_s("window_end")).unique(KEY)


def asked_in_time(day: Path, questions: Path, ahead_s: float) -> pl.DataFrame:
    """The visits that are judged: whether each was late, when it was asked about first, and in which part of the day's visits it is."""
    closes = windows(day)
    if questions.exists():
        asked = pl.read_parquet(questions).filter("scored").with_columns(pl.col("seq").cast(pl.Int64)).join(closes, on=KEY)
        asked = asked.filter(pl.col("closes_s") - pl.col("asked_at") >= ahead_s).with_columns(arrived_s=pl.col("t") + pl.col("y"))
    else:
        truth = pl.read_parquet(day / "arrivals.parquet").filter(pl.col("arrived_at").is_not_null())
        first = truth.group_by("route_id").agg(asked_at=epoch_s("arrived_at").min())
        reached = truth.select("route_id", pl.col("seq").cast(pl.Int64), arrived_s=epoch_s("arrived_at"))
        asked = reached.join(closes, on=KEY).join(first, on="route_id")
        asked = asked.filter(pl.col("closes_s") - pl.col("asked_at") >= ahead_s)
    late = pl.col("arrived_s") > pl.col("closes_s")
    judged = asked.group_by(KEY).agg(pl.col("closes_s").first(), first_s=pl.col("asked_at").min(), late=late.max()).sort("closes_s", *KEY)
    return judged.with_columns(part=pl.int_range(pl.len()) * PARTS // pl.len() + 1)


def openings(out: Path) -> pl.DataFrame:
    """Every opening of `late_risk`: of which visit, when, in which stage and episode."""
    decode, rows = msgspec.json.Decoder(_Event).decode, []
    with (out / "events.ndjson").open("rb") as lines:
        for line in lines:
            if b"exception_opened" in line and (event := decode(line)).data.exception_kind == "late_risk":
                told = event.data
                rows.append((told.route_id, told.seq, told.detected_at, told.stage, told.episode))
    schema = {"route_id": pl.String, "seq": pl.Int64, "at": pl.String, "stage": pl.String, "episode": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        at_s=pl.col("at").str.to_datetime("%+", time_unit="us", time_zone="UTC").dt.epoch("us") / 1e6
    )


def estimates(out: Path, judged: pl.DataFrame, ahead_s: float) -> pl.DataFrame:
    """The kept estimates of those visits, until `ahead_s` before their windows close, in order of time."""
    made = pl.scan_parquet(out / "predictions.parquet").select(
        "route_id", pl.col("seq").cast(pl.Int64), "p_late", made_s=epoch_s("made_at"), p50_s=epoch_s("p50")
    )
    in_time = (pl.col("closes_s") - pl.col("made_s") >= ahead_s) & (pl.col("made_s") >= pl.col("first_s"))
    kept = made.join(judged.lazy(), on=KEY).filter(in_time, pl.col("p_late").is_not_null())
    return kept.sort(*KEY, "made_s").collect()


def curve(judged: pl.DataFrame, made: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall when the visits of the largest P(late) are warned of, one point a visit."""
    scores = judged.join(made.group_by(KEY).agg(pl.col("p_late").max()), on=KEY, how="left")
    scores = scores.sort("p_late", descending=True, nulls_last=True, maintain_order=True)
    hits = np.cumsum(scores["late"].to_numpy())
    return hits / np.arange(1, len(hits) + 1), hits / hits[-1]


def would_open(policy: RiskPolicy, limit: float, hold_s: float, made: pl.DataFrame) -> pl.DataFrame:
    """Visits that this limit and hold would have warned of."""
    high = (made["p_late"] >= limit) & (made["p50_s"] - made["made_s"] <= policy.ahead_s)
    rows = made.with_columns(high=high).with_columns(stretch=(~pl.col("high")).cum_sum().over(KEY)).filter("high")
    held = rows.with_columns(since_s=pl.col("made_s").min().over(*KEY, "stretch"))
    return held.filter((pl.col("made_s") - pl.col("since_s") >= hold_s) | (pl.col("p_late") >= policy.at_once)).select(KEY).unique()


def judge(judged: pl.DataFrame, warned: pl.DataFrame) -> tuple[int, float, float]:
    """Warnings, the share of them that was right, the share of late visits warned of."""
    hits = judged.join(warned, on=KEY)
    right = int(hits["late"].sum())
    return len(hits), right / max(len(hits), 1), right / max(int(judged["late"].sum()), 1)


def show_choice(policy: RiskPolicy, judged: pl.DataFrame, made: pl.DataFrame) -> None:
    """Every limit and hold on every day."""
    print("limit, hold:  warnings, right, found, of each part in order of time")
    for limit in LIMITS:
        for hold_s in HOLDS_S:
            warned = would_open(policy, limit, hold_s, made)
            told = [judge(judged.filter(part=part), warned) for part in range(1, PARTS + 1)]
            print(f"{limit:.2f} {hold_s:4.0f} s:  " + "   ".join(f"{n:4d} {right:.2f} {found:.2f}" for n, right, found in told))


def main() -> None:
    """Measure, and say whether the point that the policy names was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("day", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--ahead-s", type=float, default=600.0)
    parser.add_argument("--choose", action="store_true")
    args = parser.parse_args()
    questions = args.questions or args.day.parent / "questions" / f"{args.day.resolve().name}.parquet"
    judged = asked_in_time(args.day, questions, args.ahead_s)
    with scored(args.day, args.run) as out:
        opened, made = openings(out), estimates(out, judged, args.ahead_s)
    early = opened.join(judged, on=KEY).filter(pl.col("closes_s") - pl.col("at_s") >= args.ahead_s).unique(KEY).select(KEY)
    warned, right, found = judge(judged, early)
    precision, recall = curve(judged, made)
    at = int(np.searchsorted(recall, found))
    print(f"visits {len(judged):,}, late {int(judged['late'].sum())}, warned of {args.ahead_s:.0f} s ahead: {warned}")
    there = precision[min(at, len(recall) - 1)]
    print(f"emitted: right {right:.3f}, found {found:.3f}; the curve of P(late) at the same recall: {there:.3f}")
    print("curve at recall 0.3 / 0.5 / 0.7: " + " / ".join(f"{precision[np.searchsorted(recall, r)]:.2f}" for r in (0.3, 0.5, 0.7)))
    best = float(recall[precision >= RIGHT_SHARE].max(initial=0.0))
    reached = right >= RIGHT_SHARE - SLACK and found >= best - 0.1
    print(f"named: {RIGHT_SHARE} right; the curve finds {best:.3f} there: {'reached' if reached else 'NOT reached'}")
    again = opened.filter(pl.col("episode") > 1)
    print(f"openings {len(opened):,}, told when it was late already {(opened['stage'] != 'at_risk').sum()}, again {len(again)}")
    for part in range(1, PARTS + 1):
        n, share, found = judge(judged.filter(part=part), early)
        print(f"  part {part} of {PARTS}: {n} warnings, right {share:.2f}, found {found:.2f}")
    if args.choose:
        show_choice(RiskPolicy(), judged, made)


if __name__ == "__main__":
    main()
