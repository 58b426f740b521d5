"""Growable columns: rows stay what they were while the table grows, is cleared, thinned out, saved and loaded."""

from typing import ClassVar

import numpy as np
import pytest

from eta_models.columns import MISSING, Columns, Floats32, Ints


class Stops(Columns):
    FIELDS: ClassVar = {"at_us": ("i8", MISSING), "late_s": ("f4", float("nan")), "pair": ("f8", 0.5, 2)}
    at_us: Ints
    late_s: Floats32


class OlderStops(Columns):
    FIELDS: ClassVar = {"at_us": ("i8", MISSING), "gone": ("i2", 3)}


def stops(count: int) -> Stops:
    """Rows 0, 1, .. with recognisable values."""
    table = Stops(2)
    for row in range(count):
        assert table.add(1) == row
        table.at_us[row], table.late_s[row], table.pair[row] = 100 + row, row / 4, (row, -row)
    return table


def test_a_new_row_has_the_values_of_its_fields():
    table = Stops()
    first = table.add(3)
    assert (first, table.count) == (0, 3)
    assert table.at_us[:3].tolist() == [MISSING] * 3
    assert np.isnan(table.late_s[:3]).all()
    assert table.pair[:3].tolist() == [[0.5, 0.5]] * 3
    assert (table.at_us.dtype, table.late_s.dtype, table.pair.dtype) == (np.int64, np.float32, np.float64)


def test_rows_keep_their_values_while_the_table_grows():
    table = stops(1_000)
    assert table.count == 1_000
    assert table.at_us[:1_000].tolist() == list(range(100, 1_100))
    assert table.pair[999].tolist() == [999.0, -999.0]


def test_many_rows_at_once_fit_whatever_was_there_before():
    table = stops(3)
    assert table.add(500) == 3
    assert table.at_us[2] == 102
    assert table.at_us[3:503].tolist() == [MISSING] * 500
    assert table.add(1) == 503


def test_no_rows_can_be_added_to_an_empty_table():
    table = Stops(0)
    assert (table.add(0), table.count) == (0, 0)
    assert table.add(2) == 0
    assert table.at_us[1] == MISSING


def test_cleared_rows_are_new_again_and_their_neighbours_are_not_touched():
    table = stops(5)
    table.clear(np.array([1, 3]))
    assert table.at_us[:5].tolist() == [100, MISSING, 102, MISSING, 104]
    assert table.pair[3].tolist() == [0.5, 0.5]
    assert np.isnan(table.late_s[1])
    assert table.count == 5


def test_kept_rows_are_renumbered_in_the_order_given():
    table = stops(6)
    table.keep(np.array([4, 0, 2]))
    assert table.count == 3
    assert table.at_us[:3].tolist() == [104, 100, 102]
    assert table.pair[0].tolist() == [4.0, -4.0]


def test_a_table_of_which_nothing_is_kept_grows_again():
    table = stops(6)
    table.keep(np.array([], dtype=np.int64))
    assert table.add(1) == 0
    assert table.at_us[0] == MISSING


def test_what_was_saved_is_loaded_bit_for_bit_and_grows_on():
    table = stops(7)
    again = Stops.load(table.dump(), 7)
    assert again.dump() == table.dump()
    assert again.add(1) == 7
    assert again.at_us[6:8].tolist() == [106, MISSING]


def test_an_empty_table_is_saved_and_loaded():
    again = Stops.load(Stops().dump(), 0)
    assert again.count == 0
    assert again.add(1) == 0
    assert again.at_us[0] == MISSING


def test_unused_rows_are_not_saved():
    table = stops(3)
    assert {name: len(raw) for name, raw in table.dump().items()} == {"at_us": 24, "late_s": 12, "pair": 48}


def test_a_field_that_an_older_version_did_not_have_gets_its_default_and_one_it_had_more_is_left_out():
    older = OlderStops()
    older.add(2)
    older.at_us[:2] = [5, 6]
    table = Stops.load(older.dump(), 2)
    assert table.at_us[:2].tolist() == [5, 6]
    assert table.pair[:2].tolist() == [[0.5, 0.5]] * 2
    assert not hasattr(table, "gone")


@pytest.mark.parametrize("lost", [1, 8, 16])
def test_a_field_of_another_length_is_refused(lost):
    saved = stops(3).dump()
    with pytest.raises(ValueError):
        Stops.load({**saved, "at_us": saved["at_us"][:-lost]}, 3)


def test_a_missing_time_stays_far_in_the_past_when_times_are_subtracted():
    now_us = np.array([4_102_444_800_000_000])  # the year 2100
    assert (now_us - MISSING > 0).all()
    assert (MISSING - now_us < -(2**61)).all()


@pytest.mark.parametrize("count", [0, 3])
def test_a_copy_may_have_room_for_more_without_growing(count):
    table = stops(count)
    copied = table.copy(room=5)
    column = copied.at_us
    assert copied.add(5) == count
    assert copied.at_us is column
    assert copied.at_us[: count + 5].tolist() == [*(100 + row for row in range(count)), *[MISSING] * 5]
    column[:] = 1
    assert table.at_us[:count].tolist() == [100 + row for row in range(count)]
