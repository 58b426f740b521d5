"""The order of a day: ties, ticks, positions, and what happens to rows that no log could hold."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.day_folder import DayFolder, read_folder
from replay.said import FENCE, PLAN, STATUS, VEHICLE, said
from replay.timeline import PING, TICK, batches, timeline
from stream.judge import JudgePolicy
from stream.log import TICK_US, shard_of
from stream.messages import RouteStarted, Tick, VehiclePut
from stream.moments import instant

START = datetime(2026, 3, 2, 9, 0, 0, 500_000, tzinfo=UTC)
START_US = int(START.timestamp() * 1e6)
POLICY = JudgePolicy()
SCHEMA = {
    "fleet_id": pl.String, "vehicle_id": pl.String, "ts": pl.Datetime("us", "UTC"), "received_at": pl.Datetime("us", "UTC"),
    "lat": pl.Float64, "lon": pl.Float64, "speed_mps": pl.Float64, "heading": pl.Float64, "accuracy_m": pl.Float64,
}  # fmt: skip


def moment(second: float) -> datetime:
    return START + timedelta(seconds=second)


def pings(*rows: tuple[str, str | None, float, float | None]) -> pl.DataFrame:
    """Fixes of `(fleet, vehicle, received second, fix second)`."""
    values = [
        (fleet, vehicle, None if at is None else moment(at), moment(received), 42.0, -78.0, None, None, None)
        for fleet, vehicle, received, at in rows
    ]
    return pl.DataFrame(values, schema=SCHEMA, orient="row")


def spoken(rank: int, second: float, fleet: str = "a", **fields: object):
    kinds = {FENCE: "tick", VEHICLE: "vehicle_put", PLAN: "route_ended", STATUS: "route_started"}
    at = moment(second)
    return said(int(at.timestamp() * 1e6), rank, {"type": kinds[rank], "fleet_id": fleet, "at": at, **fields})


def line_of(tmp_path, *rows, said=(), fleets=("a",)):
    return timeline(DayFolder(tmp_path, dict.fromkeys(fleets, "UTC"), pings(*rows), list(said)))


def all_batches(line, size=10_000, only=None):
    return [batch for stretch in batches(POLICY, line, size, only) for batch in stretch]


def test_at_one_moment_the_plan_comes_first_then_the_status_the_ping_and_the_tick(tmp_path):
    ten = 9.5  # ten seconds past nine
    ranks = (STATUS, PLAN, FENCE, VEHICLE)
    fixes = (("a", "u", 0, 0), ("a", "v", ten, ten), ("a", "w", ten, ten))
    line = line_of(tmp_path, *fixes, said=[spoken(rank, ten, vehicle_id="v") for rank in ranks])
    here = line.received_us == START_US + int(ten * 1e6)
    assert line.rank[here].tolist() == [FENCE, VEHICLE, PLAN, STATUS, PING, PING, TICK]
    assert line.source[here].tolist()[-3:-1] == [1, 2]


def test_what_was_received_first_comes_first_whatever_it_is(tmp_path):
    line = line_of(tmp_path, ("a", "v", 3, 3), ("a", "v", 1, 4), said=[spoken(PLAN, 2), spoken(STATUS, 0)])
    assert line.rank.tolist() == [STATUS, PING, PLAN, PING, TICK]
    assert (np.diff(line.received_us) >= 0).all()


def test_every_fleet_ticks_every_ten_seconds_and_once_behind_the_end(tmp_path):
    line = line_of(tmp_path, ("a", "v", 0, 0), ("b", "w", 61, 61), fleets=("a", "b", "silent"))
    for fleet in range(3):
        times = line.received_us[(line.rank == TICK) & (line.fleet == fleet)]
        assert times[0] - START_US == 9_500_000
        assert set(np.diff(times).tolist()) == {TICK_US}
        assert 0 < times[-1] - (START_US + 61_000_000) <= TICK_US


def test_a_clock_at_1970_does_not_make_decades_of_ticks(tmp_path):
    long_ago = (datetime(1970, 1, 1, tzinfo=UTC) - START).total_seconds()
    line = line_of(tmp_path, ("a", "v", long_ago, long_ago), ("a", "v", 0, 0), ("a", "v", 30, 30))
    assert 4 < (line.rank == TICK).sum() < 9_000
    ticks = line.received_us[line.rank == TICK]
    assert [int(tick - START_US) for tick in ticks[-4:]] == [9_500_000, 19_500_000, 29_500_000, 39_500_000]
    (batch,) = all_batches(line)
    assert [refusal.reason for refusal in batch.refusals] == ["ts_range"]


@given(st.lists(st.floats(0, 40 * 86_400), min_size=1, max_size=8))
def test_it_ticks_behind_whatever_was_received_and_never_twice(seconds):
    line = timeline(DayFolder(None, {"a": "UTC"}, pings(*(("a", "v", s, s) for s in sorted(seconds)))))
    ticks = line.received_us[line.rank == TICK]
    assert (np.diff(ticks) > 0).all()
    assert not (ticks % TICK_US).any()
    for heard in line.received_us[line.rank == PING].tolist():
        behind = ticks[ticks > heard]
        assert len(behind)
        assert behind[0] - heard <= TICK_US


def test_positions_are_dense_in_each_shard(tmp_path):
    fleets = [f"f{i:02d}" for i in range(1, 12)] + ["f16"]
    line = line_of(tmp_path, *((fleet, "v", i % 7, i % 7) for i in range(40) for fleet in fleets), fleets=fleets)
    shards = np.array([shard_of(line.fleet_ids[fleet]) for fleet in line.fleet.tolist()])
    assert len(set(map(shard_of, fleets))) < len(fleets)  # some share one
    for shard in set(shards.tolist()):
        assert line.position[shards == shard].tolist() == list(range((shards == shard).sum()))


def test_cuts_lose_nothing_and_only_picks_fleets_without_moving_positions(tmp_path):
    rows = [(fleet, f"v{i % 3}", i, i) for i in range(50) for fleet in "ab"]
    line = line_of(tmp_path, *rows, said=[spoken(STATUS, 5, "b", vehicle_id="v1", route_id="r")], fleets=("a", "b"))

    def entries(found, fleet):
        mine = [batch for batch in found if batch.fleet_id == fleet]
        others = [one.position for batch in mine for one in (*batch.notices, *batch.refusals)]
        return sorted([*others, *(position for batch in mine for position in batch.pings.position.tolist())])

    whole = all_batches(line)
    assert sum(map(len, whole)) == len(line)
    for size in (1, 7, 64):
        cut = all_batches(line, size)
        assert [entries(cut, fleet) for fleet in "ab"] == [entries(whole, fleet) for fleet in "ab"]
    assert {batch.fleet_id for batch in all_batches(line, 7, ["b"])} == {"b"}
    assert entries(all_batches(line, 7, ["b"]), "b") == entries(whole, "b")


def test_a_ping_without_a_vehicle_or_a_time_is_a_dead_letter_and_the_rest_goes_on(tmp_path):
    line = line_of(tmp_path, ("a", None, 1, 1), ("a", "v", 2, None), ("a", "v", 3, 3), said=[spoken(VEHICLE, 0, vehicle_id="v")])
    (batch,) = all_batches(line)
    assert [(r.reason, r.kind, r.vehicle_id) for r in batch.refusals] == [("missing_field", "ping", ""), ("missing_field", "ping", "v")]
    assert [batch.pings.names[v] for v in batch.pings.vehicle.tolist()] == ["v"]
    assert [type(notice.message) for notice in batch.notices] == [VehiclePut, Tick]
    assert len(batch) == len(line)


def test_a_row_that_is_no_message_is_a_dead_letter_with_its_reason(tmp_path):
    wrong = [spoken(STATUS, 1, vehicle_id="v"), spoken(STATUS, 3, vehicle_id=7, route_id="r")]
    good = spoken(STATUS, 2, vehicle_id="v", route_id="r")
    (batch,) = all_batches(line_of(tmp_path, ("a", "v", 0, 0), said=[*wrong, good]))
    assert [(r.reason, r.kind) for r in batch.refusals] == [("missing_field", "route_started"), ("bad_type", "route_started")]
    assert [notice.message for notice in batch.notices][:1] == [
        RouteStarted(fleet_id="a", at=instant(START_US + 2_000_000), vehicle_id="v", route_id="r")
    ]


@pytest.mark.parametrize("rows", [0, 1])
def test_a_day_of_next_to_nothing_is_a_day(tmp_path, rows):
    line = line_of(tmp_path, *[("a", "v", 0, 0)][:rows])
    assert len(line) == 2 * rows
    assert line.span_us() == ((START_US, START_US + 9_500_000) if rows else (0, 0))
    assert sum(map(len, all_batches(line))) == len(line)


def test_a_made_day_is_in_order_and_whole(four_fleets):
    folder = read_folder(four_fleets)
    line = timeline(folder)
    ticks = int((line.rank == TICK).sum())
    assert len(line) == folder.pings.height + len(folder.said) + ticks
    keys = list(zip(line.received_us.tolist(), line.rank.tolist(), line.source.tolist(), strict=True))
    assert keys == sorted(keys)
    for _, tied in groupby(range(len(keys)), lambda i: keys[i][:2]):
        places = [keys[i][2] for i in tied]
        assert places == sorted(set(places))
