"""The hash of the set of fences that a position is in."""

import hashlib

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofences.cells import cells_of
from geofences.fence_index import FenceIndex
from geofences.fences import Fence


def box_fence(fence_id, west, south, east, north):
    return Fence(fence_id, "zone", None, shapely.box(west, south, east, north))


def located(index, lat, lon):
    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    return index.locate(cells_of(lat, lon), lat, lon)


@settings(max_examples=50)
@given(st.lists(st.sets(st.integers(0, 5)), max_size=12), st.randoms(use_true_random=False))
def test_signatures_are_equal_exactly_where_the_sets_are(sets, luck):
    index = FenceIndex([box_fence(f"f{number}", 0, 0, 0.001, 0.001) for number in range(6)])
    pairs = [(row, number) for row, numbers in enumerate(sets) for number in numbers]
    luck.shuffle(pairs)
    rows, numbers = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    signatures = index.signature(rows, numbers, len(sets)).tolist()
    for one, signature in zip(sets, signatures, strict=True):
        assert signature >= 0
        assert (signature == 0) == (not one)
        assert [signature == other for other in signatures] == [one == other for other in sets]


def test_a_signature_is_fixed_by_the_ids_alone_and_so_holds_across_indexes_and_versions():
    wide = FenceIndex([box_fence("a", 0, 0, 0.1, 0.1), box_fence("aa", 5, 5, 5.1, 5.1), box_fence("b", 0, 0, 0.1, 0.1)])
    narrow = FenceIndex([box_fence("b", 0, 0, 0.1, 0.1), box_fence("a", 0, 0, 0.1, 0.1)])
    one, other = (int(index.signature(*located(index, [0.05], [0.05]), 1)[0]) for index in (wide, narrow))
    hashes = [int.from_bytes(hashlib.blake2b(fence_id, digest_size=8).digest(), "big") >> 1 for fence_id in (b"a", b"b")]
    assert one == other == hashes[0] ^ hashes[1]
