"""Emitted events, tied to the planned visits that they speak of."""

import polars as pl

from replay.scorecard.day import VISIT_KEY, ScorecardError, Visits, epoch_s, name_fleet, with_missing


def find_events(events: pl.DataFrame, visits: Visits, fleets: list[str], kind: str) -> pl.DataFrame:
    """Events of one type in order of detection: `visit` (null where the plan has none such),
    `occurred_s, detected_s, exception_kind, stage`.

    An event without `detected_at` counts as detected when it occurred. Raises ScorecardError where the table lacks a needed column.
    """
    missing = {"type", "occurred_at", "route_id", "seq"} - set(events.columns)
    if missing:
        raise ScorecardError(f"events lack {', '.join(sorted(missing))}")
    optional = {"detected_at": events.schema["occurred_at"], "exception_kind": pl.String(), "stage": pl.String()}
    chosen = with_missing(events.filter(pl.col("type") == kind), optional)
    return (
        name_fleet(chosen.lazy(), fleets, "events")
        .with_columns(pl.col("route_id").cast(pl.String), pl.col("seq").cast(pl.Int64))
        .join(visits.keys.lazy(), on=VISIT_KEY, how="left", maintain_order="left")
        .select(
            "visit",
            pl.col("exception_kind").cast(pl.String),
            pl.col("stage").cast(pl.String),
            occurred_s=epoch_s("occurred_at"),
            detected_s=pl.coalesce(epoch_s("detected_at"), epoch_s("occurred_at")),
        )
        .sort("detected_s", maintain_order=True)
        .collect()
    )
