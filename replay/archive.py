"""An archive: the log of a live system as Parquet files by day and hour, and one file that says how far they go.

    DIR/log/2026-11-20/14-00000007-00000007.parquet   entries that came to the log in that hour (UTC), of flushes 7 to 7
    DIR/dead/2026-11-20/14-00000007-00000007.parquet  the dead letters of that hour, whoever refused
    DIR/reached.json                                  flushes that count, and how far each shard is recorded
    DIR/day.toml                                      fleets and their time zones

A file counts when its last flush is below `flushes`, and no other file of its hour holds all of its flushes: so a flush counts as a whole
or not at all, and an hour is merged into one file without a moment in which something is there twice or not at all.
"""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from stream.durable import write_durably
from stream.live.marks import Resume

HOUR_MS = 3_600_000
FORMAT = 1
TABLES = ("log", "dead")
_FILE = re.compile(r"(\d\d)-(\d{8})-(\d{8})\.parquet")


class BadArchive(ValueError):
    """What is no archive, or cannot be gone on with; the message says why."""


class Gap(msgspec.Struct, frozen=True):
    """Messages that left the log before they were recorded: `first .. first + lost - 1` of a shard; noticed at `noticed_us`."""

    shard: int
    first: int
    lost: int
    noticed_us: int


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far an archive goes. `made_us` is when it was begun, which tells it from others."""

    format: int = FORMAT
    made_us: int
    number_of_shards: int
    flushes: int = 0
    shards: dict[str, Resume] = {}
    """For each shard the stream id of its last recorded entry, and the number of the message behind it."""
    began: dict[str, int] = {}
    """Number of the first recorded message of each shard: 0 is the beginning of its log."""
    dead_id: str = "0-0"
    dead_lost: bool = False
    """Whether dead letters left Redis before they were recorded."""
    gaps: list[Gap] = []
    forgotten: int = 0
    """How often something was taken out on request; see `forgotten.jsonl`."""


class Piece(NamedTuple):
    """A file of an archive: day (`2026-11-20`), hour, its first and last flush."""

    day: str
    hour: int
    first: int
    last: int
    path: Path

    @property
    def end_ms(self) -> int:
        """When its hour is over, in milliseconds of the clock that made the stream ids."""
        begin = datetime.fromisoformat(self.day).replace(tzinfo=UTC)
        return round(begin.timestamp() * 1000) + (self.hour + 1) * HOUR_MS

    def holds(self, other: "Piece") -> bool:
        """Whether all flushes of another file of the same hour are in this one too."""
        return self != other and self[:2] == other[:2] and self.first <= other.first and other.last <= self.last


class Archive:
    """The files of one folder. One process writes, any may read; what is written here is on disk when the call returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def reached(self) -> Reached | None:
        """How far it goes, None where there is none. Raises `BadArchive`."""
        path = self.folder / "reached.json"
        if not path.exists():
            return None
        try:
            reached = msgspec.json.decode(path.read_bytes(), type=Reached)
        except msgspec.DecodeError as error:
            raise BadArchive(f"{path} cannot be read ({error}): put it back from a back-up, or record into another folder") from error
        if reached.format != FORMAT:
            raise BadArchive(f"{path} has format {reached.format}, and this Fleetcast knows {FORMAT}")
        return reached

    def commit(self, reached: Reached) -> None:
        """From now on the archive goes so far."""
        write_durably(self.folder / "reached.json", msgspec.json.format(msgspec.json.encode(reached)))

    def pieces(self, table: str, flushes: int) -> list[Piece]:
        """The files that count, in the order in which they are to be read: positions of a shard rise along them."""
        found = [piece for piece in self._all(table) if piece.last < flushes]
        return [piece for piece in found if not any(other.holds(piece) for other in found)]

    def _all(self, table: str) -> list[Piece]:
        found = []
        for path in (self.folder / table).glob("*/*.parquet"):
            if match := _FILE.fullmatch(path.name):
                hour, first, last = map(int, match.groups())
                found.append(Piece(path.parent.name, hour, first, last, path))
        return sorted(found)

    def sweep(self, flushes: int) -> None:
        """Remove what does not count: for the one who writes, before anything is written."""
        for table in TABLES:
            counting = {piece.path for piece in self.pieces(table, flushes)}
            for path in (self.folder / table).glob("*/*.par*"):
                if path not in counting:
                    path.unlink()

    def put(self, table: str, flush: int, rows: pl.DataFrame, at_ms: pl.Expr) -> None:
        """Write the rows of a flush, each in the file of its hour."""
        timed = rows.with_columns((at_ms // HOUR_MS).alias("_hour"))
        for (hour,), part in timed.partition_by("_hour", include_key=False, as_dict=True, maintain_order=True).items():
            write_table(self._path(table, int(hour), flush, flush), part)

    def merge(self, flushes: int, before_ms: int) -> None:
        """Make one file of each hour that is over by then. The parts stay until the next call, for those who read them now."""
        for table in TABLES:
            found = [piece for piece in self._all(table) if piece.last < flushes]
            over: dict[tuple[str, int], list[Piece]] = {}
            for piece in found:
                if any(other.holds(piece) for other in found):
                    piece.path.unlink()
                elif piece.end_ms <= before_ms:
                    over.setdefault((piece.day, piece.hour), []).append(piece)
            for parts in over.values():
                if len(parts) > 1:
                    whole = self._path(table, parts[0].end_ms // HOUR_MS - 1, parts[0].first, max(piece.last for piece in parts))
                    write_table(whole, pl.scan_parquet([piece.path for piece in parts]))

    def _path(self, table: str, hour: int, first: int, last: int) -> Path:
        begin = datetime.fromtimestamp(hour * 3600, UTC)
        return self.folder / table / f"{begin:%Y-%m-%d}" / f"{begin:%H}-{first:08d}-{last:08d}.parquet"


def write_table(path: Path, rows: pl.DataFrame | pl.LazyFrame) -> None:
    """Write a table whole: aside, synced, moved to its place."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if isinstance(rows, pl.DataFrame):
        content = BytesIO()
        rows.write_parquet(content, compression_level=1)
        write_durably(path, content.getvalue())
        return
    part = path.with_suffix(".part")
    rows.sink_parquet(part, compression_level=1)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def write_fleets(folder: Path, zones: Iterable[tuple[str, str]]) -> None:
    """Write `day.toml`."""
    lines: Iterator[str] = (f'[[fleets]]\nfleet_id = "{fleet_id}"\ntime_zone = "{zone}"\n' for fleet_id, zone in sorted(zones))
    write_durably(folder / "day.toml", "".join(lines).encode())
