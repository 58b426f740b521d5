"""The product's own record of a day: `log.parquet`, every entry as it was received and in log order, and `day.toml`.

The files of an archive hold the same, hour by hour.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from replay.day_errors import BadDay
from replay.encoded import encoded
from replay.timeline import Timeline
from stream.batches import FleetBatch, no_pings
from stream.codec import Rejected, decode
from stream.intake import Entry, read_entries
from stream.judge_policy import JudgePolicy
from stream.messages import AnyMessage
from stream.moments import instant
from stream.nobody import is_nobody
from stream.strays import strays
from stream.texts import is_id

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "fleet_id": pl.String,
    "position": pl.Int64,
    "received_at": pl.Datetime("us", "UTC"),
    "type": pl.String,
    "payload": pl.Binary,
}
"""Columns of `log.parquet`; `position` counts the entries of a fleet's shard."""

_NEVER_NULL = ("position", "received_at", "payload")


@dataclass(frozen=True, slots=True)
class DayLog:
    """A recorded log. Its entries go through the codec, as they did when they were live."""

    paths: Sequence[Path]
    """Files of which one follows on the other."""
    fleets: dict[str, str]

    @property
    def fleet_ids(self) -> list[str]:
        """All fleets, sorted."""
        return sorted(self.fleets)

    def __len__(self) -> int:
        return sum(map(_height, self.paths))

    def span_us(self) -> tuple[int, int]:
        """When the first and the last entry were received; (0, 0) for an empty log."""
        received = pl.col("received_at").dt.epoch("us")
        first, last = _scan(self.paths).select(received.min().alias("first"), received.max().alias("last")).collect().row(0)
        return int(first or 0), int(last or 0)

    def spoken(self, kinds: Collection[str]) -> Iterator[tuple[int, AnyMessage]]:
        """The messages of these types, not judged, in log order, with when each was received."""
        rows = _scan(self.paths).filter(pl.col("type").is_in(list(kinds))).select(pl.col("received_at").dt.epoch("us"), "payload")
        for received_us, payload in rows.collect().iter_rows():
            message = decode(payload)
            if not isinstance(message, Rejected):
                yield received_us, message

    def stretches(self, policy: JudgePolicy, size: int, only: Sequence[str] | None = None) -> Iterator[list[FleetBatch]]:
        """The log cut every `size` entries; each cut gives one judged batch a fleet (`only` these fleets)."""
        for path in self.paths:
            scan = pl.scan_parquet(path).with_columns(pl.col("received_at").dt.epoch("us"))
            for first in range(0, _height(path), size):
                rows = scan.slice(first, size).select("fleet_id", "position", "received_at", "payload")
                mine = rows if only is None else rows.filter(pl.col("fleet_id").is_in(only))
                by_fleet: dict[str, list[Entry]] = {}
                for fleet_id, position, received_us, payload in mine.collect().iter_rows():
                    by_fleet.setdefault(fleet_id, []).append(Entry(position, received_us, payload))
                yield [_own(fleet_id, read_entries(policy, entries)) for fleet_id, entries in sorted(by_fleet.items())]


def _scan(paths: Sequence[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(list(paths)).select(*COLUMNS) if paths else pl.LazyFrame(schema=COLUMNS)


def _height(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _own(fleet_id: str, batches: list[FleetBatch]) -> FleetBatch:
    """Entries that could not be read name no fleet, and the log knows whose they are; what names another fleet does not belong here."""
    mine = next((batch for batch in batches if batch.fleet_id == fleet_id), FleetBatch(fleet_id, no_pings(), []))
    lost = [refusal for batch in batches if batch.fleet_id != fleet_id for refusal in (*batch.refusals, *strays(batch))]
    return FleetBatch(fleet_id, mine.pings, mine.notices, sorted([*mine.refusals, *lost], key=lambda refusal: refusal.position))


def read_log(paths: Sequence[Path], fleets: dict[str, str], default: str) -> DayLog:
    """The log in files that follow on each other; `fleets` are those that `day.toml` describes, `default` is that of a log of nobody.

    Raises `BadDay` where it is no log, or not in log order.
    """
    for path in paths:
        schema = pl.read_parquet_schema(path)
        wrong = [name for name, dtype in COLUMNS.items() if schema.get(name) != dtype]
        if wrong:
            msg = f"{path} is no log: " + ", ".join(f"{name} is {schema.get(name, 'not there')}" for name in wrong)
            raise BadDay(msg)
    rises = (pl.col("position").diff() > 0).all()
    found = _scan(paths).group_by("fleet_id").agg(rises.alias("rises"), *(pl.col(name).has_nulls() for name in _NEVER_NULL))
    for fleet_id, *sound in found.collect().sort("fleet_id").iter_rows():
        if fleet_id is None or not (is_id(fleet_id) or is_nobody(fleet_id)) or sound != [True, False, False, False]:
            what = f"{paths[0]} is no log of fleet {fleet_id!r}"
            raise BadDay(f"{what}: an id, a position, a time or a payload is missing, or positions do not rise")
    seen = found.select("fleet_id").collect()["fleet_id"].sort().to_list()
    return DayLog(paths, {**dict.fromkeys(seen, "UTC"), **fleets} or {default: "UTC"})


def write_log(line: Timeline, policy: JudgePolicy, folder: Path) -> int:
    """Write a day as a log with a `day.toml`; returns the number of entries. What the judge refuses has no message, and is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[pl.DataFrame] = []
    for stretch in line.stretches(policy, 50_000):
        frames = [pl.DataFrame(_rows(batch), schema=COLUMNS, orient="row") for batch in stretch]
        rows.append(
            pl.concat(frames).sort("received_at", "fleet_id", "position", maintain_order=True) if frames else pl.DataFrame(schema=COLUMNS)
        )
    log = pl.concat(rows) if rows else pl.DataFrame(schema=COLUMNS)
    log.write_parquet(folder / "log.parquet")
    fleets = "\n".join(f'[[fleets]]\nfleet_id = "{fleet_id}"\ntime_zone = "{zone}"' for fleet_id, zone in line.day.fleets.items())
    (folder / "day.toml").write_text(fleets + "\n")
    return log.height


def _rows(batch: FleetBatch) -> Iterator[tuple[object, ...]]:
    for entry in encoded(batch):
        yield entry.fleet_id, entry.position, instant(entry.received_us), entry.kind, entry.payload
