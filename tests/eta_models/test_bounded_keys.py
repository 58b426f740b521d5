"""Keys to rows, trimmed to the capacity only when asked, sparing what is alive."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eta_models.bounded_keys import BoundedKeys

USES = st.lists(st.integers(0, 30), max_size=120)
NONE = np.array([-1])


def asked(capacity: int, keys) -> BoundedKeys:
    bounded = BoundedKeys(capacity)
    for key in keys:
        bounded.row(key)
    return bounded


def test_keys_get_the_rows_0_1_2_and_keep_them():
    keys = BoundedKeys(4)
    assert [keys.row(key) for key in "abcab"] == [0, 1, 2, 0, 1]


def test_there_may_be_more_than_the_capacity_until_a_trim():
    keys = asked(3, "abcde")
    assert len(keys.keys) == 5
    assert keys.trim(NONE) is not None
    assert keys.keys == ["c", "d", "e"]


def test_a_trim_waits_for_an_eighth_too_much():
    assert asked(16, range(18)).trim(NONE) is None
    assert asked(16, range(19)).trim(NONE) is not None


def test_the_oldest_that_was_not_asked_for_again_makes_room():
    keys = asked(3, "abcdab")
    kept, number = keys.trim(NONE)
    assert keys.keys == ["a", "b", "d"]
    assert kept.tolist() == [0, 1, 3]
    assert number.tolist() == [0, 1, -1, 2, -1]
    assert keys.dropped == 1


def test_what_is_alive_stays_though_nobody_asked_again():
    keys = asked(2, "abcd")
    keys.trim(np.array([0, -1]))
    assert keys.keys == ["a", "d"]


def test_marks_begin_anew_with_every_trim():
    keys = asked(2, "abcab")
    keys.trim(NONE)
    assert not any(keys.used)


@given(USES, st.integers(1, 8), st.sets(st.integers(0, 30)))
def test_a_trim_keeps_what_it_keeps_in_order_and_numbers_it_anew(uses, capacity, alive):
    keys = asked(capacity, uses)
    before = list(keys.keys)
    live = np.array([keys.rows[key] for key in alive if key in keys.rows] or [-1])
    trimmed = keys.trim(live)
    if trimmed is None:
        assert keys.keys == before
        return
    kept, number = trimmed
    assert len(keys.keys) == capacity
    assert keys.keys == [before[row] for row in kept.tolist()]
    assert keys.rows == {key: row for row, key in enumerate(keys.keys)}
    assert [number[row] for row in kept.tolist()] == list(range(capacity))
    assert sorted(np.flatnonzero(number[:-1] < 0).tolist() + kept.tolist()) == list(range(len(before)))
    spared = {key for key in alive if key in before}
    assert spared <= set(keys.keys) or len(spared) > capacity or len(set(before) - spared) <= len(before) - capacity


@given(USES, USES, st.integers(1, 8))
def test_what_was_saved_goes_on_as_if_nothing_had_been(before, after, capacity):
    keys, again = asked(capacity, before), BoundedKeys(capacity)
    again.load(*keys.dump())
    assert [again.row(key) for key in after] == [keys.row(key) for key in after]
    keys.trim(NONE)
    again.trim(NONE)
    assert again.dump() == keys.dump()


def test_what_was_loaded_shares_nothing_with_what_was_saved():
    keys, again = asked(3, "a"), BoundedKeys(3)
    again.load(*keys.dump())
    again.row("b")
    assert keys.keys == ["a"]
