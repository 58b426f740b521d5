"""Keys to rows, never more than the capacity, against a plain account of who holds which row."""

from hypothesis import given
from hypothesis import strategies as st

from eta_models.bounded_keys import BoundedKeys

USES = st.lists(st.integers(0, 9), max_size=80)


def keys_of(capacity: int) -> tuple[BoundedKeys, list[int]]:
    forgotten: list[int] = []
    return BoundedKeys(capacity, forgotten.append), forgotten


def test_keys_get_the_rows_0_1_2_and_keep_them():
    keys, forgotten = keys_of(4)
    assert [keys.row(key) for key in "abcab"] == [0, 1, 2, 0, 1]
    assert forgotten == []


def test_the_key_that_was_not_used_again_makes_room():
    keys, forgotten = keys_of(3)
    for key in "abca":
        keys.row(key)
    assert keys.row("d") == 1  # a was used since, b was not
    assert forgotten == [1]
    assert keys.row("e") == 2
    assert keys.row("a") == 0
    assert set(keys.rows) == {"a", "d", "e"}


def test_the_oldest_makes_room_where_all_were_used():
    keys, forgotten = keys_of(3)
    for key in "abcabc":
        keys.row(key)
    assert keys.row("d") == 0
    assert forgotten == [0]


def test_a_key_that_comes_back_is_a_new_one():
    keys, forgotten = keys_of(1)
    assert [keys.row(key) for key in "aba"] == [0, 0, 0]
    assert forgotten == [0, 0]


def test_a_row_is_forgotten_before_another_key_gets_it():
    seen = []
    keys: BoundedKeys[str] = BoundedKeys(1, lambda row: seen.append((row, "b" in keys.rows)))
    keys.row("a")
    keys.row("b")
    assert seen == [(0, False)]


@given(USES, st.integers(1, 6))
def test_rows_belong_to_one_key_at_a_time_and_change_hands_only_when_forgotten(uses, capacity):
    keys, forgotten = keys_of(capacity)
    holder: dict[int, int] = {}
    for key in uses:
        before = len(forgotten)
        row = keys.row(key)
        assert 0 <= row < capacity
        if holder.get(row, key) != key:
            assert forgotten[before:] == [row]
        else:
            assert forgotten[before:] == []
        holder[row] = key
        assert keys.rows == {held: at for at, held in holder.items()}
        assert len(keys.keys) == len(keys.used) == len(holder)


@given(USES, st.integers(2, 6))
def test_a_key_in_use_stays_while_another_is_not(uses, capacity):
    keys, _ = keys_of(capacity)
    for key in [*uses, "mine", "mine"]:
        row = keys.row(key)
    idle = [held for held, at in keys.rows.items() if at != row and not keys.used[at]]
    room = len(keys.keys) < capacity
    keys.row("newcomer")
    if idle or room:
        assert keys.rows["mine"] == row


@given(USES, USES, st.integers(1, 6))
def test_what_was_saved_goes_on_as_if_nothing_had_been(before, after, capacity):
    keys, forgotten = keys_of(capacity)
    for key in before:
        keys.row(key)
    again, forgotten_again = keys_of(capacity)
    again.load(*keys.dump())
    forgotten.clear()
    assert [again.row(key) for key in after] == [keys.row(key) for key in after]
    assert forgotten_again == forgotten
    assert again.dump() == keys.dump()


def test_what_was_loaded_shares_nothing_with_what_was_saved():
    keys, _ = keys_of(3)
    keys.row("a")
    again, _ = keys_of(3)
    again.load(*keys.dump())
    again.row("b")
    assert keys.keys == ["a"]
