"""How long vehicles stayed in fences, by fence: from what the engine told, no truth is needed."""

from dataclasses import dataclass

import polars as pl

from replay.scorecard.day import with_missing


@dataclass(frozen=True)
class FenceDwell:
    """Visits to one fence that are over. Times in seconds; `cut_short` were ended by the fence (removed, over, moved), not by the vehicle.

    `passages` drove through without staying: they count in nothing else. `longest_s` and `median_s` are None without visits.
    """

    fleet_id: str
    fence_id: str
    visits: int
    passages: int
    cut_short: int
    total_s: float
    median_s: float | None
    longest_s: float | None


def measure_dwell(events: pl.DataFrame) -> list[FenceDwell]:
    """Dwell of every fence that was left, those with the most first.

    `events`: `type` and, where known, `fleet_id, fence_id, dwell_s, passed, reason`.
    """
    optional = {"fleet_id": pl.String(), "fence_id": pl.String(), "dwell_s": pl.Float64(), "passed": pl.Boolean(), "reason": pl.String()}
    exits = with_missing(events, optional).filter(pl.col("type") == "geofence_exited", pl.col("fence_id").is_not_null())
    passed = pl.col("passed").fill_null(value=False)
    stayed = pl.col("dwell_s").filter(~passed)
    rows = (
        exits.group_by(pl.col("fleet_id").fill_null(""), "fence_id")
        .agg(
            visits=(~passed).sum().cast(pl.Int64),
            passages=passed.sum().cast(pl.Int64),
            cut_short=pl.col("reason").is_not_null().sum().cast(pl.Int64),
            total_s=stayed.sum().round(3),
            median_s=stayed.median().round(3),
            longest_s=stayed.max(),
        )
        .sort("total_s", "fleet_id", "fence_id", descending=[True, False, False])
    )
    return [FenceDwell(**row) for row in rows.iter_rows(named=True)]
