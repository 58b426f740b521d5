"""The error of the next stop's ETA beside the agency's own live prediction, on the rows where the agency predicts that stop.

    fleetcast-replay score DAY --out OUT
    python benchmarks/next_stop.py DAY OUT [--questions FILE]

DAY has `agency_eta.parquet` (nfta). A row counts when the agency names the stop behind the newest trusted true arrival of the route: 70,341
of the kept questions. The truth is read here, to score, never by the engine.
"""

import argparse
from pathlib import Path

import polars as pl

from replay.scorecard.day import epoch_s

KEY = ["route_id", "seq"]


def next_stops(day: Path, questions: Path) -> pl.DataFrame:
    """Scored questions about the stop behind the newest true arrival, where the agency predicts that stop."""
    reached = pl.read_parquet(day / "arrivals.parquet").filter(pl.col("arrived_at").is_not_null() & pl.col("trusted"))
    reached = reached.select("route_id", reached_seq=pl.col("seq").cast(pl.Int32), t=epoch_s("arrived_at")).sort("t")
    agency = pl.read_parquet(day / "agency_eta.parquet")
    agency = agency.select(veh="vehicle_id", t=epoch_s("ts"), stop="next_stop_id", agency=epoch_s("agency_eta"))
    asked = pl.read_parquet(questions).filter(pl.col("scored") & pl.col("lgb").is_finite()).with_columns(pl.col("seq").cast(pl.Int32))
    behind = asked.sort("t").join_asof(reached, on="t", by="route_id", check_sortedness=False)
    return behind.filter(pl.col("seq") - pl.col("reached_seq") == 1).join(agency, on=["veh", "t", "stop"])


def answered(rows: pl.DataFrame, run: Path) -> pl.DataFrame:
    """With the newest P50 that was made when the ping had been delivered."""
    made = pl.read_parquet(run / "predictions.parquet")
    made = made.select("route_id", pl.col("seq").cast(pl.Int32), asked_at=epoch_s("made_at"), p50=epoch_s("p50")).sort("asked_at")
    return rows.sort("asked_at").join_asof(made, on="asked_at", by=KEY, check_sortedness=False).drop_nulls("p50")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("day", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--questions", type=Path)
    args = parser.parse_args()
    questions = args.questions or args.day.parent / "questions" / f"{args.day.name}.parquet"
    rows = answered(next_stops(args.day, questions), args.run)
    truth = pl.col("t") + pl.col("y")
    agency, other, ours = rows.select(
        (pl.col("agency") - truth).abs().mean(),
        (pl.col("lgb") - pl.col("y")).abs().mean().alias("lgb"),
        (pl.col("p50") - truth).abs().mean(),
    ).row(0)
    print(f"next stop, {rows.height:,} rows: agency {agency:.2f} s, LightGBM {other:.2f} s, here {ours:.2f} s")


if __name__ == "__main__":
    main()
