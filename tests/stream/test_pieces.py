"""What is encoded in pieces is what msgspec gives in one."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stream.pieces import AT_ONCE, LARGE, in_pieces

simple = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5)
values = st.recursive(
    simple, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=20), max_leaves=20
)


@given(values)
def test_the_bytes_are_those_of_msgspec(value):
    assert b"".join(in_pieces(value)) == msgspec.msgpack.encode(value)


def test_large_things_come_in_many_pieces_none_of_which_is_long_to_encode():
    value = {"names": [("a", i) for i in range(70_000)], "column": b"x" * (LARGE + 1), "some": list(range(AT_ONCE + 1)), "rest": 5}
    pieces = list(in_pieces(value))
    assert b"".join(pieces) == msgspec.msgpack.encode(value)
    assert len(pieces) > 70_000 / AT_ONCE
    assert sorted(map(len, pieces))[-2] < 10 * AT_ONCE
