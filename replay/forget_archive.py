"""Forgetting in an archive: files that hold something of it are written anew, each as a whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns

import msgspec
import polars as pl

from replay.archive import Archive, Piece, Reached, write_table
from replay.day_errors import NotDone
from replay.forget_lines import Order, Wish
from stream.codec import Rejected, decode
from stream.live.ownership import lock
from stream.nobody import nobody


class Noted(msgspec.Struct, frozen=True):
    """What was taken out, without saying more than that."""

    at_us: int
    fleet_id: str
    what: str
    messages: int
    dead_letters: int


@contextmanager
def resting(folder: Path) -> Iterator[tuple[Archive, Reached]]:
    """The archive, into which nobody records meanwhile. Raises `NotDone`."""
    archive = Archive(folder)
    reached = archive.reached()
    if reached is None:
        raise NotDone(f"{folder} is no archive: `fleetcast-replay record` makes one")
    with (folder / "recorder.lock").open("a+", encoding="ascii") as file:
        if (owner := lock(file)) is not None:
            raise NotDone(f"process {owner} records into {folder}: end it first, and start it again afterwards")
        archive.sweep(reached.flushes)
        yield archive, reached


def forget_in(folder: Path, wish: Wish) -> tuple[int, int]:
    """Forget; how many messages were changed, and how many dead letters were removed. Raises `NotDone`."""
    with resting(folder) as (archive, reached):
        pieces = archive.pieces("log", reached.flushes)
        if isinstance(wish, Order):
            for piece in pieces:
                for _, _, payload in _candidates(piece, wish):
                    wish.look(payload)
        messages = sum(_rewrite(piece, wish) for piece in pieces)
        letters = sum(_remove(piece, wish) for piece in archive.pieces("dead", reached.flushes))
        archive.commit(msgspec.structs.replace(reached, forgotten=reached.forgotten + 1))
        noted = Noted(time_ns() // 1000, wish.fleet_id, type(wish).__name__.lower(), messages, letters)
        with (folder / "forgotten.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(noted) + b"\n")
    return messages, letters


def _mentions(wish: Wish, column: str) -> pl.Expr:
    """Rows that may have to change; an escape may hide any text."""
    found = [pl.col(column).bin.contains(text) for text in (*wish.marks, b"\\u")]
    return pl.any_horizontal(found) & (pl.col("fleet_id").is_in([wish.fleet_id, *(nobody(shard) for shard in range(100))]))


def _candidates(piece: Piece, wish: Wish) -> Iterator[tuple[int, int, bytes]]:
    rows = pl.scan_parquet(piece.path).with_row_index("_row").with_columns(pl.col("received_at").dt.epoch("us"))
    yield from rows.filter(_mentions(wish, "payload")).select("_row", "received_at", "payload").collect().iter_rows()


def _rewrite(piece: Piece, wish: Wish) -> int:
    changes = {row: new for row, received_us, payload in _candidates(piece, wish) if (new := wish.line(payload, received_us)) is not None}
    if not changes:
        return 0
    rows = pl.read_parquet(piece.path)
    index, texts = pl.Series(list(changes), dtype=pl.UInt32), list(changes.values())
    kinds = [_kind(payload) for payload in texts]
    rows = rows.with_columns(
        rows["payload"].scatter(index, pl.Series(texts, dtype=pl.Binary)),
        rows["type"].scatter(index, pl.Series(kinds, dtype=pl.String)),
    )
    write_table(piece.path, rows)
    return len(changes)


def _kind(payload: bytes) -> str:
    message = decode(payload)
    return message.kind if isinstance(message, Rejected) else str(message.__struct_config__.tag)


def _remove(piece: Piece, wish: Wish) -> int:
    rows = pl.read_parquet(piece.path)
    named = pl.col("vehicle_id") == getattr(wish, "vehicle_id", None) if hasattr(wish, "vehicle_id") else pl.lit(value=False)
    about = pl.any_horizontal([pl.col("head").bin.contains(text) for text in wish.marks]) | named
    rest = rows.filter(~(about & pl.col("fleet_id").is_in([wish.fleet_id, "", *(nobody(shard) for shard in range(100))])))
    if rest.height < rows.height:
        write_table(piece.path, rest)
    return rows.height - rest.height
