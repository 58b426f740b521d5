"""Where reading begins again after a restart, kept beside the checkpoints that it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stream.durable import write_durably
from stream.live.log_entry import id_order
from stream.live.marks import Resume


class Unusable(ValueError):
    """The file is there and cannot be read; the message says what to do."""


def resume_points(folder: Path) -> dict[int, Resume]:
    """The furthest resume point of each shard, whichever process had it before. Raises `Unusable`."""
    furthest: dict[int, Resume] = {}
    for path in sorted(folder.glob("resume-*.json")):
        for shard, point in ResumeFile(path).read().items():
            furthest[shard] = max(furthest.get(shard, point), point, key=lambda point: id_order(point.stream_id))
    return furthest


def go_back(folder: Path, shard: int, point: Resume) -> None:
    """Let a shard be read again from a point on, where a file of the folder says a later one. Raises `Unusable`."""
    for path in sorted(folder.glob("resume-*.json")):
        known = ResumeFile(path).read().get(shard)
        if known is not None and id_order(known.stream_id) > id_order(point.stream_id):
            ResumeFile(path).write({shard: point})


@dataclass(frozen=True, slots=True)
class ResumeFile:
    """One file for the shards of a process."""

    path: Path

    def read(self) -> dict[int, Resume]:
        """The resume point of each shard; none for a shard that never had one. Raises `Unusable`."""
        if not self.path.exists():
            return {}
        try:
            return {int(shard): point for shard, point in msgspec.json.decode(self.path.read_bytes(), type=dict[str, Resume]).items()}
        except (msgspec.DecodeError, ValueError) as error:
            raise Unusable(f"{self.path}: {error}; remove it to read the log from its beginning again") from error

    def write(self, points: Mapping[int, Resume]) -> None:
        """Replace the file as a whole; shards that are not named keep what they had."""
        merged = {**self.read(), **points}
        write_durably(self.path, msgspec.json.encode({str(shard): point for shard, point in sorted(merged.items())}))
