"""A back-up of a live system in one tar file, taken while it runs or stands still; with it, it goes on anywhere as if it had been killed.

In this order, so that each part may be older than the next, and never newer: resume points and checkpoints, the API key, the archive (where
there is one), and all of Redis at one moment. A list of all of it with SHA-256 sums comes last: a file without it was cut short.
"""

import os
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from time import time_ns
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import WatchError

from replay.archive import TABLES, Archive
from replay.at_rest import Place, serving
from replay.day_errors import NotDone
from stream.live.keys import FLEETS, HEARTBEATS, ONCE, PREFIX, RECORDERS
from stream.live.recorders import RecorderMark
from stream.live.resume_file import resume_points
from stream.live.settings import LiveSettings

FORMAT = 1
MANIFEST = "manifest.json"
PASSING = (ONCE, HEARTBEATS, RECORDERS)
"""Keys that mean something only to processes that run."""
_TRIES = 20


class Manifest(msgspec.Struct, frozen=True):
    """What a back-up is of, when it was begun, and the SHA-256 of each of its files."""

    made_us: int
    shards: int
    server: str
    files: dict[str, str]
    format: int = FORMAT


def back_up_here(file: Path, archive: Path | None, place: Place) -> str:
    """`fleetcast-replay back-up`; returns what is in it. Raises `NotDone`, OSError, and what redis-py raises."""
    settings = place.settings()
    if file.exists():
        raise NotDone(f"{file} is there already: choose another name")
    archive = archive or settings.record_dir
    if archive is not None and Archive(archive).reached() is None:
        raise NotDone(f"{archive} is no archive: `fleetcast-replay record` makes one")
    part = file.with_name(file.name + ".part")
    part.touch(mode=0o600)
    with serving(settings) as client, part.open("wb") as raw:
        with tarfile.open(fileobj=raw, mode="w") as tar:
            counts = _fill(tar, settings, client, archive)
        raw.flush()
        os.fsync(raw.fileno())
    part.replace(file)
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    return f"backed up to {file} ({file.stat().st_size / 1e6:,.1f} MB): {told}"


def _fill(tar: tarfile.TarFile, settings: LiveSettings, client: "Redis", archive: Path | None) -> dict[str, int]:
    sums, counts, made_us = dict[str, str](), dict[str, int](), time_ns() // 1000
    with_points = resume_points(settings.state_dir / "checkpoints")
    mark = RecorderMark(made_us, {str(shard): point.stream_id for shard, point in with_points.items()}, silent_s=3_600)
    # What lies behind the checkpoints that we read now stays in the log until Redis is read too.
    client.hset(RECORDERS, f"back-up-{made_us}", msgspec.json.encode(mark))
    try:
        for what, parts in (
            ("files of checkpoints", _state(settings.state_dir)),
            ("files of the archive", iter(()) if archive is None else _archive(archive)),
            ("keys of Redis", _keys(client)),
        ):
            counts[what] = 0
            for name, content in parts:
                _add(tar, name, content)
                sums[name] = sha256(content).hexdigest()
                counts[what] += 1
    finally:
        client.hdel(RECORDERS, f"back-up-{made_us}")
    server: Any = client.info("server")
    manifest = Manifest(made_us, settings.shards, str(server.get("redis_version")), sums)
    _add(tar, MANIFEST, msgspec.json.encode(manifest))
    return counts


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, BytesIO(content))


def _state(state_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Resume points before checkpoints: what lies behind an older point is only read again."""
    folder = state_dir / "checkpoints"
    for path in (*sorted(folder.glob("resume-*.json")), *sorted(folder.glob("*.checkpoint"))):
        yield f"checkpoints/{path.name}", path.read_bytes()
    key = state_dir / "api_key"
    if key.exists():
        yield key.name, key.read_bytes()


def _archive(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files that count, as far as the archive says now; files never change, and stay for an hour when they have been merged."""
    archive = Archive(folder)
    raw = (folder / "reached.json").read_bytes()
    reached = archive.reached()
    assert reached is not None
    for piece in (piece for table in TABLES for piece in archive.pieces(table, reached.flushes)):
        yield f"archive/{piece.path.relative_to(folder).as_posix()}", piece.path.read_bytes()
    for name in ("day.toml", "forgotten.jsonl"):
        if (folder / name).exists():
            yield f"archive/{name}", (folder / name).read_bytes()
    yield "archive/reached.json", raw


def _keys(client: "Redis") -> Iterator[tuple[str, bytes]]:
    """All keys of ours at one moment, each as Redis dumps it; Redis does nothing else meanwhile."""
    for _ in range(_TRIES):
        with client.pipeline(transaction=True) as pipe:
            pipe.watch(FLEETS)  # type: ignore[no-untyped-call]  # a fleet that comes while we look would have keys that we have not seen
            names = sorted(name for name in pipe.scan_iter(f"{PREFIX}:*", count=1_000) if not name.decode().startswith(PASSING))
            pipe.multi()
            for name in names:
                pipe.dump(name)
            try:
                dumps = pipe.execute()
            except WatchError:
                continue
        yield from ((f"redis/{name.hex()}", dump) for name, dump in zip(names, dumps, strict=True) if dump is not None)
        return
    raise NotDone("new fleets kept coming while Redis was read: try again")
