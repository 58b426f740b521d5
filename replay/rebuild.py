"""Makes checkpoints anew that were lost, cannot be read, or are older than the log: from an archive, as far as readers have heard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from redis import Redis

from replay.archive import Archive
from replay.at_rest import Place, serving, still
from replay.day_errors import NotDone
from replay.day_log import DayLog
from replay.read_day import read_day
from replay.score import fleet_settings
from stream.checkpoint import UnusableCheckpoint
from stream.checkpoints import Checkpoints
from stream.fleet import FleetState
from stream.flow import Fleets
from stream.live.keys import fleet_key, log_key
from stream.live.log_entry import id_before, id_of, id_order, place_in
from stream.live.marks import Resume
from stream.live.resume_file import resume_points, rewind
from stream.live.settings import LiveSettings
from stream.log import shard_of
from stream.moments import instant
from stream.nobody import is_nobody

_AT_ONCE = 10_000


@dataclass(slots=True)
class Rebuild:
    """A live system at rest, and the archive of its log."""

    settings: LiveSettings
    redis: Redis
    folder: Path
    log: DayLog
    wanted: Sequence[str] = ()
    why: dict[str, str] = field(default_factory=dict)
    """Fleets that are to be made anew, and why."""

    def run(self) -> Iterator[str]:
        """Make every fleet that needs it anew, and say so. Raises what redis-py raises."""
        kept = Checkpoints(self.settings.state_dir / "checkpoints")
        fleets = Fleets(fleet_settings(self._zones(), None).__getitem__, kept)
        states = dict(self._open(fleets, kept))
        before = {fleet_id: state.received for fleet_id, state in states.items()}
        self._apply(fleets, states)
        for fleet_id, state in states.items():
            entries = state.received - before[fleet_id]
            if state.position < 0:
                yield f"fleet {fleet_id}: {self.why[fleet_id]}, and the archive has nothing of it"
                continue
            kept.write(state)
            rewind(kept.folder, self._shard(fleet_id), self._resume(fleet_id, state.position))
            come_to = f"{instant(max(state.now_us, 0)):%Y-%m-%d %H:%M:%SZ}"
            yield f"rebuilt fleet {fleet_id} ({self.why[fleet_id]}) from {entries:,} entries of {self.folder}, up to {come_to}"
        if not states:
            yield "nothing to rebuild: every checkpoint can be read, and the log goes back far enough"

    def _zones(self) -> dict[str, str]:
        return {name: self.settings.fleets.get(name, zone) for name, zone in self.log.fleets.items()}

    def _shard(self, fleet_id: str) -> int:
        return int(fleet_id[1:]) if is_nobody(fleet_id) else shard_of(fleet_id, self.settings.shards)

    def _open(self, fleets: Fleets, kept: Checkpoints) -> Iterator[tuple[str, FleetState]]:
        """The fleets that need it, as they are known. A file that cannot be read is moved aside, not removed."""
        points = resume_points(kept.folder)
        for fleet_id in self.wanted or self.log.fleet_ids:
            try:
                state = fleets.open(fleet_id)
            except UnusableCheckpoint as error:
                path = kept.folder / f"{fleet_id}.checkpoint"
                path.replace(path.with_suffix(".unreadable"))
                self.why[fleet_id] = str(error).partition(";")[0].rpartition(": ")[2]
                state = fleets.open(fleet_id)
            if state.position < 0:
                self.why.setdefault(fleet_id, "its checkpoint was lost")
            elif (after := self._after(fleet_id, state.position)) >= 0 and self._has_left(self._shard(fleet_id), after, points):
                self.why[fleet_id] = "its checkpoint was older than the log"
            if fleet_id in self.why:
                yield fleet_id, state

    def _has_left(self, shard: int, position: int, points: Mapping[int, Resume]) -> bool:
        """Whether the engine would not read an entry, because it begins behind it, or the log does."""
        first: Any = self.redis.xrange(log_key(shard), count=1)
        here = id_order(id_of(position))
        return here <= id_order(points.get(shard, Resume()).stream_id) or not first or here < id_order(first[0][0].decode())

    def _rows(self, fleet_id: str) -> pl.LazyFrame:
        return pl.scan_parquet(list(self.log.paths)).filter(pl.col("fleet_id") == fleet_id)

    def _after(self, fleet_id: str, position: int) -> int:
        """The first position of a fleet behind one; -1 where there is none."""
        rows = self._rows(fleet_id).filter(pl.col("position") > position)
        return int(rows.select(pl.col("position").min().fill_null(-1)).collect().item())

    def _apply(self, fleets: Fleets, states: dict[str, FleetState]) -> None:
        """The archive as far as readers have heard what it gave: what comes behind, the engine is to say itself."""
        policies = [fleets.settings(fleet_id).judge for fleet_id in states]
        heard = {fleet_id: self._heard(fleet_id) for fleet_id in states}
        for stretch in self.log.stretches(policies[0], _AT_ONCE, list(states)) if states else ():
            for batch in stretch:
                position = heard[batch.fleet_id]
                rest = batch if position is None else batch.until(position)
                if rest is not None:
                    fleets.step(states[batch.fleet_id], rest)

    def _heard(self, fleet_id: str) -> int | None:
        """The last position whose effects are in Redis; None where Redis knows nothing of the fleet."""
        stored: Any = self.redis.hget(fleet_key("fleet", fleet_id), "position")
        return int(stored) - 1 if stored else None

    def _resume(self, fleet_id: str, position: int) -> Resume:
        """Where the engine has to begin for what comes behind a position: its entry again, and the number of that entry."""
        found = self._rows(fleet_id).filter(pl.col("position") == position).select("number").collect()["number"].to_list()
        number = found[0] - place_in(position) if found and found[0] >= 0 else -1
        return Resume(id_before(position), number)


def rebuild_here(folder: Path, fleet_ids: Sequence[str], place: Place) -> Iterator[str]:
    """`fleetcast-replay rebuild`: yields what was done. Raises `NotDone`, `BadDay`, `BadArchive`."""
    settings = place.settings()
    if Archive(folder).reached() is None:
        raise NotDone(f"{folder} is no archive: `fleetcast-replay record` makes one")
    day = read_day(folder)
    assert isinstance(day.log, DayLog)
    if strangers := sorted(set(fleet_ids) - set(day.log.fleet_ids)):
        raise NotDone(f"{folder} has nothing of fleet {strangers[0]!r}; it has {', '.join(day.log.fleet_ids)}")
    with still(settings), serving(settings) as client:
        yield from day.notes
        yield from Rebuild(settings, client, folder, day.log, fleet_ids).run()
