"""Where reading begins again after a restart, kept beside the checkpoints that it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from stream.durable import write_durably
from stream.live.log_entry import id_order
from stream.live.marks import Resume


class Unusable(ValueError):
    """The file is there and cannot be read; the message says what to do."""


class Rewound(Exception):
    """The checkpoint of a fleet is older than the resume point of its shard takes for granted, or is not there."""

    def __init__(self, fleet_id: str, found: int, expected: int) -> None:
        what = f"its checkpoint is of {found}, not {expected}" if found >= 0 else "its checkpoint is not there"
        super().__init__(f"fleet {fleet_id!r}: {what}")
        self.fleet_id, self.found = fleet_id, found


def resume_points(folder: Path) -> dict[int, Resume]:
    """The furthest resume point of each shard, whichever process had it before. Raises `Unusable`."""
    furthest: dict[int, Resume] = {}
    for path in sorted(folder.glob("resume-*.json")):
        for shard, point in ResumeFile(path).read().items():
            other = furthest.get(shard, point)
            known = {fleet: max(other.fleets.get(fleet, -1), point.fleets.get(fleet, -1)) for fleet in {**other.fleets, **point.fleets}}
            furthest[shard] = replace(max(other, point, key=_order), fleets=known)
    return furthest


def rewind(folder: Path, shard: int, point: Resume) -> None:
    """Let a shard be read again from a point on, where a file of the folder does not say an earlier one. Raises `Unusable`."""
    for path in sorted(folder.glob("resume-*.json")):
        known = ResumeFile(path).read().get(shard)
        if known is not None and _order(known) >= _order(point):
            ResumeFile(path).write({shard: point})


def _order(point: Resume) -> tuple[int, int]:
    return id_order(point.stream_id)


@dataclass(frozen=True, slots=True)
class ResumeFile:
    """One file for the shards of a process."""

    path: Path

    def read(self) -> dict[int, Resume]:
        """The resume point of each shard; none for a shard that never had one. Raises `Unusable`."""
        if not self.path.exists():
            return {}
        try:
            points = {int(shard): point for shard, point in msgspec.json.decode(self.path.read_bytes(), type=dict[str, Resume]).items()}
            for point in points.values():
                _order(point)
        except (msgspec.DecodeError, ValueError) as error:
            raise Unusable(f"{self.path}: {error}; remove it to read the log from its beginning again") from error
        return points

    def write(self, points: Mapping[int, Resume]) -> None:
        """Replace the file as a whole; shards that are not named keep what they had."""
        merged = {**self.read(), **points}
        write_durably(self.path, msgspec.json.encode({str(shard): point for shard, point in sorted(merged.items())}))
