"""Puts a back-up in place: all of it is looked at before anything is changed."""

import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
from redis import Redis

from replay.at_rest import Place, serving, still
from replay.back_up import FORMAT, MANIFEST, Manifest
from replay.day_errors import NotDone
from stream.durable import write_durably
from stream.live.keys import PREFIX
from stream.live.settings import LiveSettings

_LONGEST = "proto-max-bulk-len"


def restore_here(file: Path, archive: Path | None, place: Place, *, force: bool) -> Iterator[str]:
    """`fleetcast-replay restore`: yields what was done. Raises `NotDone`, OSError, and what redis-py raises."""
    settings = place.settings()
    archive = archive or settings.record_dir
    manifest = _looked_at(file, settings)
    with still(settings), serving(settings) as client:
        _make_room(settings.state_dir, client, archive if _has_archive(manifest) else None, force=force)
        dumps, files = {}, 0
        for name, content in _members(file):
            if name.startswith("redis/"):
                dumps[bytes.fromhex(name.removeprefix("redis/"))] = content
            elif name.startswith("checkpoints/") or name == "api_key":
                _put(settings.state_dir / name, content)
                files += 1
            elif name.startswith("archive/") and archive is not None:
                _put(archive / name.removeprefix("archive/"), content)
        _load(client, dumps)
    yield f"restored {file}: {files:,} files in {settings.state_dir}, {len(dumps):,} keys in Redis"
    if _has_archive(manifest):
        yield (
            f"the archive in it is in {archive}" if archive else "the archive in it was left where it is: say --archive DIR to have it too"
        )


def _has_archive(manifest: Manifest) -> bool:
    return "archive/reached.json" in manifest.files


def _members(file: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(file) as tar:
            for member in tar:
                content = tar.extractfile(member)
                yield member.name, b"" if content is None else content.read()
    except tarfile.TarError as error:
        raise NotDone(f"{file} is no back-up, or it was cut short: {error}") from error


def _looked_at(file: Path, settings: LiveSettings) -> Manifest:
    """The list of what is in it, held against what is in it. Raises `NotDone`."""
    found, manifest = dict[str, str](), None
    for name, content in _members(file):
        if name == MANIFEST:
            manifest = msgspec.json.decode(content, type=Manifest)
        else:
            found[name] = sha256(content).hexdigest()
    if manifest is None:
        raise NotDone(f"{file} has no {MANIFEST}: it is no back-up, or it was cut short")
    if manifest.format != FORMAT:
        raise NotDone(f"{file} has format {manifest.format}, and this Fleetcast knows {FORMAT}")
    if manifest.shards != settings.shards:
        raise NotDone(f"{file} is of a log of {manifest.shards} shards, and {settings.shards} are set here: set FLEETCAST_SHARDS")
    if wrong := sorted(name for name in {*found, *manifest.files} if found.get(name) != manifest.files.get(name)):
        raise NotDone(f"{file} is damaged: {wrong[0]} is not what was backed up")
    if outside := [name for name in found if ".." in Path(name).parts or name.startswith("/")]:
        raise NotDone(f"{file} is no back-up: it would write to {outside[0]}")
    return manifest


def _make_room(state_dir: Path, client: "Redis", archive: Path | None, *, force: bool) -> None:
    """Nothing that is there is written over, unless it may be."""
    checkpoints = state_dir / "checkpoints"
    old = [path for path in checkpoints.glob("*") if path.is_file()]
    if archive is not None and (archive / "reached.json").exists():
        raise NotDone(f"{archive} holds an archive: move it away, or name another folder with --archive")
    if not force and (old or next(client.scan_iter(f"{PREFIX}:log:*"), None)):
        where = checkpoints if old else "Redis"
        raise NotDone(f"there is something in {where} already: say --force to have the back-up in its place")
    for path in old:
        path.unlink()


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    write_durably(path, content)
    path.chmod(0o600)


def _load(client: "Redis", dumps: dict[bytes, bytes]) -> None:
    """All keys at once: Redis has what it had, or what was backed up, and nothing in between."""
    longest = max(map(len, dumps.values()), default=0)
    before = int(str(client.config_get(_LONGEST).get(_LONGEST) or longest))
    if longest > before:
        client.config_set(_LONGEST, longest + 1_000_000)
    try:
        with client.pipeline(transaction=True) as pipe:
            for name in list(client.scan_iter(f"{PREFIX}:*", count=1_000)):
                pipe.delete(name)
            for name, dump in dumps.items():
                pipe.restore(name, 0, dump)
            pipe.execute()
    finally:
        if longest > before:
            client.config_set(_LONGEST, before)
