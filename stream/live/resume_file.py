"""Where reading begins again after a restart, kept beside the checkpoints that it rests on."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stream.live.marks import Resume


class Unusable(ValueError):
    """The file is there and cannot be read; the message says what to do."""


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
        part = self.path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(msgspec.json.encode({str(shard): point for shard, point in sorted(merged.items())}))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
