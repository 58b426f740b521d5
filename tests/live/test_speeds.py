"""Speeds by cell: the same table from any cut, room for those that are seen most, and the same after a checkpoint."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.speeds import CAPACITY, MEMORY, Speeds
from stream.checkpoint import dump, load
from stream.steps.speeds import LEAST_M, LONGEST_S

moves = st.lists(
    st.tuples(st.integers(1, 6), st.floats(25, 3_000), st.floats(0.1, 120)), min_size=1, max_size=30
)  # a cell, metres, seconds


def learned(rows, cuts=()):
    speeds = Speeds()
    for start, end in pairwise([0, *sorted(set(cuts)), len(rows)]):
        cell, moved_m, took_s = (np.array(column) for column in zip(*rows[start:end], strict=True))
        speeds.learn(cell.astype(np.uint64), moved_m, took_s)
    return speeds


@given(moves, st.data())
def test_any_cut_gives_the_same_sums(rows, data):
    cuts = data.draw(st.lists(st.integers(1, len(rows) - 1), max_size=5)) if len(rows) > 1 else []
    whole, cut = learned(rows).table(1, 100), learned(rows, cuts).table(1, 100)
    assert sorted(cut) == sorted(whole)
    assert sum(count for _, _, count in whole) == len(rows)


def test_any_cut_gives_the_same_table_in_the_same_order():
    rows = [(2, 25.0, 1.0), (1, 25.0, 1.0)]
    assert learned(rows, [1]).table(1, 1) == learned(rows).table(1, 1)


def test_a_table_has_the_speed_of_each_cell_and_the_most_seen_first():
    speeds = learned([(7, 100.0, 10.0), (9, 50.0, 10.0), (9, 150.0, 10.0), (8, 30.0, 1.0), (9, 100.0, 5.0)])
    assert speeds.table(1, 10)[0] == (9, 12.0, 3)
    assert {cell: speed_mps for cell, speed_mps, _ in speeds.table(1, 10)} == {7: 10.0, 8: 30.0, 9: 12.0}
    assert speeds.table(2, 10) == [(9, 12.0, 3)]
    assert len(speeds.table(1, 2)) == 2


def test_what_was_long_ago_fades_at_a_tick_and_the_speed_stays():
    speeds = learned([(7, 100.0, 10.0)] * (MEMORY + 1))
    speeds.trim()
    assert speeds.table(1, 1) == [(7, 10.0, (MEMORY + 1) // 2)]
    speeds.trim()
    assert speeds.table(1, 1)[0][2] == (MEMORY + 1) // 2


def test_the_most_seen_cells_stay_where_there_is_no_room_for_all():
    speeds = learned([(cell, 100.0, 10.0) for cell in range(1, CAPACITY + 1)])
    speeds.trim()
    assert len(speeds.rows) == CAPACITY
    often = list(range(100, 2_000, 7))
    for _ in range(2):
        speeds.learn(np.array([*often, CAPACITY + 1], np.uint64), np.full(len(often) + 1, 200.0), np.full(len(often) + 1, 10.0))
    speeds.trim()
    assert len(speeds.rows) == CAPACITY * 7 // 8
    assert {*often, CAPACITY + 1} <= set(speeds.rows)
    table = {cell: (speed_mps, count) for cell, speed_mps, count in speeds.table(1, CAPACITY)}
    assert table[often[0]] == (pytest.approx(500 / 30), 3)
    assert table[CAPACITY + 1] == (20.0, 2)
    assert table[1] == (10.0, 1)
    speeds.learn(np.array([1, 99_999], np.uint64), np.array([100.0, 40.0]), np.array([10.0, 10.0]))
    assert speeds.table(1, CAPACITY)[-1][2] == 1
    assert {cell: speed_mps for cell, speed_mps, _ in speeds.table(1, CAPACITY)}[99_999] == 4.0


@given(moves, moves)
def test_what_is_kept_and_loaded_goes_on_as_if_it_had_never_stopped(before, after):
    speeds = learned(before)
    loaded = Speeds.load(speeds.dump())
    assert loaded.table(1, 100) == speeds.table(1, 100)
    for one in (speeds, loaded):
        one.learn(*(np.array(column, kind) for column, kind in zip(zip(*after, strict=True), (np.uint64, float, float), strict=True)))
    assert loaded.dump() == speeds.dump()


def test_a_fleet_learns_from_moves_and_not_from_noise_or_silence_and_keeps_it(road, fleet):
    played = fleet().play(road.log(road.drive(0, 200, 0, 2_000), [road.ping(600, 9_000)], road.drive(610, 700, 9_000, 9_010)))
    table = played.state.speeds.table(1, 1_000)
    assert sum(count for _, _, count in table) == 20
    assert {round(speed_mps) for _, speed_mps, _ in table} == {10}
    assert LEAST_M > 9_010 - 9_000
    assert LONGEST_S < 600 - 200
    assert load(dump(played.state), played.settings.model).speeds.table(1, 1_000) == table


def test_any_cut_of_a_log_teaches_the_same_speeds(road, fleet):
    lines = road.log(road.drive(0, 300, 0, 6_000), road.drive(5, 300, 6_000, 0, "v2"), road.drive(0, 200, 300, 900, "v3", step=5))
    one, many = fleet().play(lines), fleet().play(lines, range(1, len(lines)))
    assert sorted(one.state.speeds.table(1, 1_000)) == sorted(many.state.speeds.table(1, 1_000))
    assert len(one.state.speeds.rows) > 5
