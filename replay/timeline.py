"""A recorded day as the log it would have been: all entries in order, with positions in their shards, and ticks between them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from eta_models.columns import MISSING, Flags, Floats, Ints
from replay.day_folder import DayFolder
from replay.said import Said
from stream.batches import FleetBatch, Notice, Refusal, no_pings
from stream.codec import Rejected
from stream.intake import Fixes, judge_fixes
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.log import TICK_US, shard_of
from stream.messages import AnyMessage, Tick
from stream.moments import instant, micros
from stream.reasons import Reason

_REAL = ("lat", "lon", "speed_mps", "heading", "accuracy_m")
PING, TICK = 4, 5
"""Ranks among entries of the same moment, behind those of `replay.said`."""

SILENCE_US = 86_400_000_000
"""Log time for which it ticks into a silence: the day is over by then, and one clock at 1970 must not make decades of ticks."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Order of a day: row `i` of the arrays is the i-th entry.

    `source` is its row among the pings, its place in `said`, or a tick's fleet.
    """

    day: DayFolder
    said: Sequence[Said]
    fleet_ids: list[str]
    received_us: Ints
    rank: Ints
    source: Ints
    fleet: Ints
    position: Ints

    def __len__(self) -> int:
        return len(self.received_us)

    def span_us(self) -> tuple[int, int]:
        """When the first and the last entry were received; (0, 0) for an empty day."""
        return (int(self.received_us[0]), int(self.received_us[-1])) if len(self) else (0, 0)

    def spoken(self, kinds: Collection[str]) -> Iterator[tuple[int, AnyMessage]]:
        """The messages of these types, not judged, in the order of the tables, with when each was received."""
        for each in self.said:
            if not isinstance(each.message, Rejected) and each.message.__struct_config__.tag in kinds:
                yield each.received_us, each.message

    def stretches(self, policy: JudgePolicy, size: int, only: Sequence[str] | None = None) -> Iterator[list[FleetBatch]]:
        """The day cut every `size` entries; each cut gives one judged batch a fleet (`only` these fleets)."""
        return batches(policy, self, size, only)


def timeline(day: DayFolder) -> Timeline:
    """Put a day in log order: by time of receipt, then plan, status, ping, tick, then as recorded. Every fleet gets its ticks."""
    fleet_ids = sorted(day.fleets)
    code = {fleet_id: i for i, fleet_id in enumerate(fleet_ids)}
    said, pings = day.said, day.pings
    ping_fleet = pings["fleet_id"].replace_strict(code, return_dtype=pl.Int64).to_numpy() if pings.height else np.empty(0, np.int64)
    ping_us = pings["received_at"].dt.epoch("us").to_numpy()
    said_us = np.array([s.received_us for s in said], dtype=np.int64)
    tick_us, tick_fleet = _ticks(ping_us, said_us, len(fleet_ids))
    received = np.concatenate([ping_us, said_us, tick_us])
    rank = np.concatenate([np.full(len(ping_us), PING), np.array([s.rank for s in said], dtype=np.int64), np.full(len(tick_us), TICK)])
    source = np.concatenate([np.arange(len(ping_us)), np.arange(len(said)), tick_fleet])
    fleet = np.concatenate([ping_fleet, np.array([code[s.fleet_id] for s in said], dtype=np.int64), tick_fleet])
    order = np.lexsort((source, rank, received))
    shard = np.array([shard_of(fleet_id) for fleet_id in fleet_ids])[fleet[order]]
    return Timeline(day, said, fleet_ids, received[order], rank[order], source[order], fleet[order], _positions(shard))


def _ticks(ping_us: Ints, said_us: Ints, fleets: int) -> tuple[Ints, Ints]:
    """Times and fleets of the ticks: every 10 s of the day, but not of long silences in it, and once behind its end."""
    both = np.concatenate([ping_us, said_us])
    if not len(both):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    heard = np.unique(both // TICK_US)
    behind = np.minimum(np.append(np.diff(heard), 1), SILENCE_US // TICK_US)
    first = np.cumsum(behind) - behind
    times = (np.repeat(heard - first, behind) + np.arange(behind.sum()) + 1) * TICK_US
    return np.repeat(times, fleets), np.tile(np.arange(fleets), len(times))


def _positions(shard: Ints) -> Ints:
    """0, 1, 2, .. within each shard."""
    position = np.empty(len(shard), dtype=np.int64)
    for number in np.unique(shard):
        mine = shard == number
        position[mine] = np.arange(mine.sum())
    return position


def batches(policy: JudgePolicy, line: Timeline, size: int, only: Sequence[str] | None = None) -> Iterator[list[FleetBatch]]:
    """Cut a timeline every `size` entries; each cut gives one judged batch a fleet (`only` these fleets)."""
    columns = _PingColumns.of(line.day.pings)
    wanted = None if only is None else np.isin(line.fleet, [line.fleet_ids.index(fleet_id) for fleet_id in only])
    for first in range(0, len(line), size):
        rows = np.arange(first, min(first + size, len(line)))
        if wanted is not None:
            rows = rows[wanted[rows]]
        yield [_batch(policy, line, columns, int(fleet), rows[line.fleet[rows] == fleet]) for fleet in np.unique(line.fleet[rows])]


@dataclass(frozen=True, slots=True)
class _PingColumns:
    """All pings of a day in numpy, vehicles as numbers into `names`."""

    at_us: Ints
    vehicle: Ints
    real: list[Floats]
    """Latitude, longitude, speed, heading, accuracy."""
    names: list[str]
    lacking: Flags
    """Rows without a vehicle or a time: nothing can be made of them."""

    @classmethod
    def of(cls, pings: pl.DataFrame) -> "_PingColumns":
        """The columns of a frame of pings."""
        lacking = (pings["vehicle_id"].is_null() | pings["ts"].is_null()).to_numpy()
        vehicle_id = pings["vehicle_id"].fill_null("")
        names = sorted(vehicle_id.unique().to_list())
        vehicle = vehicle_id.cast(pl.Enum(names)).to_physical().cast(pl.Int64)
        real = [pings[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in _REAL]
        return cls(pings["ts"].dt.epoch("us").fill_null(MISSING).to_numpy(), vehicle.to_numpy(), real, names, lacking)

    def refuse(self, source: int, position: int, received_us: int) -> Refusal:
        """A row that lacks its vehicle or its time."""
        return Refusal(position, received_us, Reason.MISSING_FIELD, "ping", self.names[int(self.vehicle[source])])

    def fixes(self, rows: Ints, position: Ints, received_us: Ints) -> Fixes:
        """Some pings, with their places in the log."""
        lat, lon, speed_mps, heading_deg, accuracy_m = (column[rows] for column in self.real)
        at_us, vehicle = self.at_us[rows], self.vehicle[rows]
        return Fixes(position, received_us, at_us, vehicle, lat, lon, speed_mps, heading_deg, accuracy_m, self.names)


def _batch(policy: JudgePolicy, line: Timeline, columns: _PingColumns, fleet: int, rows: Ints) -> FleetBatch:
    rank, source = line.rank[rows], line.source[rows]
    lacking = (rank == PING) & columns.lacking[np.where(rank == PING, source, 0)] if len(columns.lacking) else np.zeros(len(rows), np.bool_)
    pings, refusals = no_pings(), list[Refusal]()
    if ((rank == PING) & ~lacking).any():
        mine = rows[(rank == PING) & ~lacking]
        pings, refusals = judge_fixes(policy, columns.fixes(line.source[mine], line.position[mine], line.received_us[mine]))
    lost = rows[lacking]
    refusals += map(columns.refuse, line.source[lost].tolist(), line.position[lost].tolist(), line.received_us[lost].tolist())
    notices = list[Notice]()
    for row in rows[rank != PING].tolist():
        judged = _notice(policy, line, fleet, row)
        if isinstance(judged, Notice):
            notices.append(judged)
        else:
            refusals.append(judged)
    return FleetBatch(line.fleet_ids[fleet], pings, notices, refusals)


def _notice(policy: JudgePolicy, line: Timeline, fleet: int, row: int) -> Notice | Refusal:
    position, received_us = int(line.position[row]), int(line.received_us[row])
    if line.rank[row] == TICK:
        return Notice(position, received_us, received_us, Tick(fleet_id=line.fleet_ids[fleet], at=instant(received_us)))
    message = line.said[int(line.source[row])].message
    if isinstance(message, Rejected):
        return Refusal(position, received_us, str(message.reason), message.kind, message.vehicle_id, message.head)
    reason = judge(policy, message, received_us)
    if reason is None:
        return Notice(position, received_us, micros(message.at), message)
    return Refusal(position, received_us, str(reason), str(message.__struct_config__.tag), getattr(message, "vehicle_id", "") or "")
