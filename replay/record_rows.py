"""What an archive keeps of the entries of a shard: every message as the bytes that came, whose it is, and why it was refused if it was."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from replay.day_log import COLUMNS
from stream.batches import FleetBatch
from stream.codec import decode_pings
from stream.intake import Intake
from stream.judge_policy import JudgePolicy
from stream.live.log_entry import BadEntry, head, position_near, unpack
from stream.live.reader import StreamEntry
from stream.log import shard_of
from stream.nobody import nobody
from stream.reasons import Reason
from stream.strays import strays

LOG = {**COLUMNS, "shard": pl.Int16, "number": pl.Int64, "reason": pl.String}
"""Columns of the log of an archive: those of `log.parquet`; the shard, the number of the message in it (-1 where an entry was no entry of
ours), and the reason for which the codec or the judge refused it."""

DEAD = {
    "id": pl.String, "fleet_id": pl.String, "received_at": pl.Datetime("us", "UTC"), "type": pl.String, "reason": pl.String,
    "vehicle_id": pl.String, "by": pl.String, "position": pl.Int64, "head": pl.Binary,
}  # fmt: skip
"""Columns of its dead letters; `position` is -1 where the input never was in the log."""

LOG_MS = pl.col("position") // (1 << 21)
DEAD_MS = pl.col("id").str.split("-").list.first().cast(pl.Int64)
"""When a row came to the log, or to the dead letters: the milliseconds of its stream id."""

Row = tuple[str, int, int, str, bytes, int, int, str | None]


class _Line(NamedTuple):
    received_us: int
    number: int
    payload: bytes


def rows_of(policy: JudgePolicy, shards: int, shard: int, entries: Sequence[StreamEntry]) -> list[Row]:
    """The messages of some entries of a shard by position, as rows of `LOG` (times in microseconds).

    Whose a message is, is decided as the live reader does it: what cannot be read, or belongs to no fleet of the shard, is nobody's.
    """
    intake, lines, rows = Intake(policy), dict[int, _Line](), list[Row]()
    for stream_id, fields in entries:
        try:
            lines |= _taken(intake, stream_id, fields)
        except BadEntry:
            moment_us, said = int(stream_id.split(b"-")[0]) * 1000, repr(dict(fields)).encode()
            rows.append((nobody(shard), position_near(stream_id), moment_us, "", said, shard, -1, str(Reason.BAD_JSON)))
    for batch in intake.batches():
        is_ours = batch.fleet_id != "" and shard_of(batch.fleet_id, shards) == shard
        for position, kind, reason in _ours(batch) if is_ours else _others(batch):
            line = lines[position]
            owner = batch.fleet_id if is_ours else nobody(shard)
            rows.append((owner, position, line.received_us, kind, line.payload, shard, line.number, reason))
    return sorted(rows, key=lambda row: row[1])


def _taken(intake: Intake, stream_id: bytes, fields: Mapping[bytes, bytes]) -> dict[int, _Line]:
    position, number, received_us = head(stream_id, fields)
    texts = fields[b"m"].split(b"\n")
    pings = decode_pings(fields[b"m"], len(received_us))
    if pings is None:
        intake.take(unpack(stream_id, fields))
    else:
        intake.take_pings(position, received_us, pings)
    return {position + i: _Line(moment, number + i, text) for i, (moment, text) in enumerate(zip(received_us, texts, strict=True))}


def _ours(batch: FleetBatch) -> Iterator[tuple[int, str, str | None]]:
    yield from ((position, "ping", None) for position in batch.pings.position.tolist())
    yield from ((notice.position, str(notice.message.__struct_config__.tag), None) for notice in batch.notices)
    yield from ((refusal.position, refusal.kind, refusal.reason) for refusal in batch.refusals)


def _others(batch: FleetBatch) -> Iterator[tuple[int, str, str | None]]:
    return ((refusal.position, refusal.kind, refusal.reason) for refusal in (*batch.refusals, *strays(batch)))


def log_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """The rows as a table."""
    return _frame(rows, LOG)


def dead_frame(letters: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> pl.DataFrame:
    """Dead letters of Redis as a table."""

    def row(stream_id: bytes, told: Mapping[bytes, bytes]) -> tuple[Any, ...]:
        texts = {name: told.get(name, b"").decode(errors="replace") for name in (b"f", b"t", b"k", b"r", b"v", b"b", b"p")}
        moment = int(texts[b"t"]) if texts[b"t"].isdecimal() else 0
        position = int(texts[b"p"] or 0) - 1
        named = (texts[b"k"], texts[b"r"], texts[b"v"], texts[b"b"])
        return (stream_id.decode(), texts[b"f"], moment, *named, position, told.get(b"h", b""))

    return _frame([row(stream_id, told) for stream_id, told in letters], DEAD)


def _frame(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, Any]) -> pl.DataFrame:
    # Times as numbers first: a Python datetime for each row would cost more than all else.
    plain = {name: pl.Int64 if name == "received_at" else dtype for name, dtype in columns.items()}
    return pl.DataFrame(rows, schema=plain, orient="row").with_columns(pl.col("received_at").cast(columns["received_at"]))
