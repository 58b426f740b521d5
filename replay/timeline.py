"""A recorded day as the log it would have been: all entries in order, with positions in their shards, and ticks between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from eta_models.columns import Floats, Ints
from replay.day_folder import DayFolder, Said, table
from replay.day_statuses import statuses
from stream.batches import FleetBatch, Notice, Refusal, no_pings
from stream.intake import Fixes, judge_fixes
from stream.judge import JudgePolicy, judge
from stream.log import TICK_US, shard_of
from stream.messages import Tick
from stream.moments import instant, micros

_REAL = ("lat", "lon", "speed_mps", "heading", "accuracy_m")
PING, SAID, TICK = 4, 3, 5
"""Ranks among entries of the same moment; what was said has ranks 0 to 3."""


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

    def stretches(self, policy: JudgePolicy, size: int, only: Sequence[str] | None = None) -> Iterator[list[FleetBatch]]:
        """The day cut every `size` entries; each cut gives one judged batch a fleet (`only` these fleets)."""
        return batches(policy, self, size, only)


def timeline(day: DayFolder) -> Timeline:
    """Put a day in log order: by time of receipt, then plan, status, ping, tick, then as recorded. Every fleet gets its ticks."""
    fleet_ids = sorted(day.fleets)
    code = {fleet_id: i for i, fleet_id in enumerate(fleet_ids)}
    said = [*day.said, *statuses(table(day.folder, "statuses"), day.default_fleet)]
    pings = day.pings
    ping_fleet = pings["fleet_id"].replace_strict(code, return_dtype=pl.Int64).to_numpy() if pings.height else np.empty(0, np.int64)
    ping_us = pings["received_at"].dt.epoch("us").to_numpy()
    said_us = np.array([s.received_us for s in said], dtype=np.int64)
    tick_us, tick_fleet = _ticks(ping_us, said_us, len(fleet_ids))
    received = np.concatenate([ping_us, said_us, tick_us])
    rank = np.concatenate([np.full(len(ping_us), PING), np.array([s.rank for s in said], dtype=np.int64), np.full(len(tick_us), TICK)])
    source = np.concatenate([np.arange(len(ping_us)), np.arange(len(said)), tick_fleet])
    fleet = np.concatenate([ping_fleet, np.array([code[s.message.fleet_id] for s in said], dtype=np.int64), tick_fleet])
    order = np.lexsort((source, rank, received))
    shard = np.array([shard_of(fleet_id) for fleet_id in fleet_ids])[fleet[order]]
    return Timeline(day, said, fleet_ids, received[order], rank[order], source[order], fleet[order], _positions(shard))


def _ticks(ping_us: Ints, said_us: Ints, fleets: int) -> tuple[Ints, Ints]:
    """Times and fleets of the ticks: every 10 s of the day, and once behind its end."""
    both = np.concatenate([ping_us, said_us])
    if not len(both):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    times = np.arange(both.min() // TICK_US + 1, both.max() // TICK_US + 2, dtype=np.int64) * TICK_US
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

    @classmethod
    def of(cls, pings: pl.DataFrame) -> "_PingColumns":
        """The columns of a frame of pings."""
        names = sorted(pings["vehicle_id"].unique().to_list())
        vehicle = pings["vehicle_id"].cast(pl.Enum(names)).to_physical().cast(pl.Int64)
        real = [pings[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in _REAL]
        return cls(pings["ts"].dt.epoch("us").to_numpy(), vehicle.to_numpy(), real, names)

    def fixes(self, rows: Ints, position: Ints, received_us: Ints) -> Fixes:
        """Some pings, with their places in the log."""
        lat, lon, speed_mps, heading_deg, accuracy_m = (column[rows] for column in self.real)
        at_us, vehicle = self.at_us[rows], self.vehicle[rows]
        return Fixes(position, received_us, at_us, vehicle, lat, lon, speed_mps, heading_deg, accuracy_m, self.names)


def _batch(policy: JudgePolicy, line: Timeline, columns: _PingColumns, fleet: int, rows: Ints) -> FleetBatch:
    rank = line.rank[rows]
    pings, refusals = no_pings(), list[Refusal]()
    if (rank == PING).any():
        mine = rows[rank == PING]
        pings, refusals = judge_fixes(policy, columns.fixes(line.source[mine], line.position[mine], line.received_us[mine]))
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
    reason = judge(policy, message, received_us)
    if reason is None:
        return Notice(position, received_us, micros(message.at), message)
    return Refusal(position, received_us, str(reason), str(message.__struct_config__.tag), getattr(message, "vehicle_id", "") or "")
