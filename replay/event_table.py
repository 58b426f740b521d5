"""Emitted events as the table that the scorecard reads."""

from pathlib import Path

import msgspec
import polars as pl

from replay.results import bunches

COLUMNS = (
    "type", "fleet_id", "occurred_at", "detected_at", "route_id", "seq", "exception_kind", "fence_id", "dwell_s", "passed", "reason",
    "exception_id", "episode", "stage", "late_expected_s", "late_s", "late_without_s", "moved",
    "eta_drive_s", "eta_service_s", "eta_wait_s", "eta_break_s",
)  # fmt: skip
_SECONDS = dict.fromkeys(("dwell_s", "late_expected_s", "late_s", "late_without_s"), pl.Float64)
_TYPES = {
    "seq": pl.Int64,
    "episode": pl.Int64,
    "passed": pl.Boolean,
    "moved": pl.Boolean,
    **_SECONDS,
    **dict.fromkeys(COLUMNS[-4:], pl.Float64),
}


class _Terms(msgspec.Struct):
    """What a published ETA is made of."""

    drive_s: float
    service_s: float
    wait_s: float
    break_s: float


class _Told(msgspec.Struct):
    """What the scorecard wants of an event's data."""

    occurred_at: str
    detected_at: str
    route_id: str | None = None
    seq: int | None = None
    exception_kind: str | None = None
    fence_id: str | None = None
    dwell_s: float | None = None
    passed: bool | None = None
    reason: str | None = None
    exception_id: str | None = None
    episode: int | None = None
    stage: str | None = None
    late_expected_s: float | None = None
    late_s: float | None = None
    late_without_s: float | None = None
    moved: bool | None = None
    eta_terms: _Terms | None = None


class _Envelope(msgspec.Struct):
    type: str
    fleetid: str
    data: _Told


def read_events(path: Path) -> pl.DataFrame:
    """The events of an `events.ndjson`, one row each with `COLUMNS`; `type` without its prefix and version, as in `EVENTS`."""
    decoder = msgspec.json.Decoder(_Envelope)
    with path.open("rb", buffering=1 << 20) as lines:
        parts = [_table([decoder.decode(line) for line in bunch]) for bunch in bunches(lines)]
    return pl.concat([_table([]), *parts])


def _table(events: list[_Envelope]) -> pl.DataFrame:
    unsaid = (None,) * len(_Terms.__struct_fields__)
    rows = [
        (
            e.type,
            e.fleetid,
            *msgspec.structs.astuple(e.data)[:-1],
            *(msgspec.structs.astuple(e.data.eta_terms) if e.data.eta_terms else unsaid),
        )
        for e in events
    ]
    frame = pl.DataFrame(rows, schema={name: _TYPES.get(name, pl.String) for name in COLUMNS}, orient="row")
    return frame.with_columns(
        pl.col("type").str.strip_prefix("fleetcast.").str.replace(r"\.v\d+$", ""),
        pl.col("occurred_at", "detected_at").str.to_datetime("%+", time_unit="us", time_zone="UTC"),
    )
