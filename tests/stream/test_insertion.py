"""Putting visits into rows: the best place is the one that trying all of them finds, and nothing goes where it must not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.reassign.insertion import Variant, allowed, insert, openings, variants_of
from stream.reassign.scene import NOBODY, Places, Scene, Tours, expected_late_s, follow
from stream.reassign.view import padded

HOUR_S = 3_600.0


def scene(places, rows, free, *, room=np.inf, end_s=np.inf, skills=(), kinds=()):
    """Places on a line: (metre, load, fetched, closes, weight); vehicles stand at metre 0 and drive 10 m/s."""
    metres = np.array([place[0] for place in places] + [0.0] * (len(rows) + 1), dtype=float)
    count = len(metres)
    ways = np.abs(metres[:, None] - metres[None, :]) / 10.0
    column = lambda at, extra: np.array([place[at] for place in places] + [extra] * (len(rows) + 1), dtype=float)  # noqa: E731
    hard = np.array([kind == "handover" for kind in (*kinds, *[""] * (count - len(kinds)))])
    found = Places(
        row=np.arange(count), lat=metres, lon=metres, area=np.full(count, -1), stop=np.full(count, -1), service_s=column(0, 0.0) * 0 + 60.0,
        opens_s=np.full(count, -np.inf), closes_s=column(3, np.inf), hold=np.ones(count), weight=column(4, 0.0), load=column(1, 0.0),
        fetched=column(2, 0.0), home=np.where(column(2, 0.0) != 0.0, hard.argmax(), -1), hard=hard,
        free=np.where(np.arange(count) < free, np.arange(count), -1),
    )  # fmt: skip
    found.service_s[len(places) :] = 0.0
    starts = [len(places) + i for i in range(len(rows))]
    tours = Tours(
        vehicle=list(range(len(rows))), start=starts, ready_s=[0.0] * len(rows), rows=[list(row) for row in rows], room=[room] * len(rows),
        on_board=[0.0] * len(rows), end_s=[end_s] * len(rows), skills=[frozenset(skills)] * len(rows),
    )  # fmt: skip
    hubs = np.array([kind == "hub" for kind in (*kinds, *[""] * (count - len(kinds)))])
    follow_s = np.zeros(count)
    for start, row in zip(starts, rows, strict=True):
        for before, after in zip([start, *row], row, strict=False):
            follow_s[after] = ways[before, after]
    made = Scene(found, tours, hubs, [frozenset()] * count, follow_s, ways[:, :free], ways[:free, :], 0.15)
    tours.cost = follow(made, np.arange(len(rows)), padded(rows, max(map(len, rows)))).cost.tolist()
    return made


stops = st.tuples(
    st.integers(0, 9_000), st.floats(-3.0, 3.0), st.just(0.0), st.sampled_from([600.0, 1_200.0, np.inf]), st.sampled_from([1.0, 2.0, 4.0])
)


@given(places=st.lists(stops, min_size=4, max_size=9), room=st.sampled_from([4.0, np.inf]))
@settings(max_examples=80)
def test_the_place_that_is_found_is_the_best_of_all(places, room):
    half = 1 + (len(places) - 1) // 2
    rows = [list(range(1, half)), list(range(half, len(places)))]
    made = scene(places, rows, 1, room=room)
    if not np.isfinite(made.tours.cost).all():
        return
    costs, at = openings(made, [Variant(tour, row, 0, False) for tour, row in enumerate(rows)], np.array([0]))
    for tour, row in enumerate(rows):
        tried = [[*row[:place], 0, *row[place:]] for place in range(len(row) + 1)]
        each = [float(follow(made, np.array([tour]), np.array([order])).cost[0]) for order in tried]
        assert costs[0, tour] == pytest.approx(min(each))
        assert np.isinf(costs[0, tour]) or each[at[0, tour]] == pytest.approx(min(each))


def test_what_is_filled_up_changes_nothing():
    made = scene([(500, 0, 0, np.inf, 1.0), (1_000, 0, 0, np.inf, 1.0), (2_000, 0, 0, np.inf, 1.0)], [[1, 2]], 1)
    short, long = (follow(made, np.array([0]), padded([[1, 2]], width)) for width in (2, 7))
    assert (short.cost, short.end_s, short.drive_s) == (long.cost, long.end_s, long.drive_s)
    assert long.end_s[0] == pytest.approx(200 + 120)


def test_nothing_stands_behind_a_hub_at_the_end():
    made = scene([(9_000, 0, 0, np.inf, 1.0), (1_000, 0, 0, np.inf, 1.0), (2_000, 0, 0, np.inf, 1.0)], [[1, 2]], 1, kinds=("", "", "hub"))
    given_ = insert(made, [0], [0], [False], None)
    assert given_.rows[0][-1] == 2


def test_the_load_is_watched_on_the_way_and_not_only_in_sum():
    places = [(1_500, 3.0, 0, np.inf, 1.0), (1_000, 3.0, 0, np.inf, 1.0), (2_000, -3.0, 0, np.inf, 1.0)]
    made = scene(places, [[1, 2]], 1, room=3.0)
    made.tours.on_board = [3.0]
    assert np.isinf(follow(made, np.array([0]), np.array([[1, 2, NOBODY]])).cost[0])
    made.tours.on_board = [0.0]
    order = insert(made, [0], [0], [False], None).rows
    assert order == {0: [1, 2, 0]}


def test_what_has_to_be_fetched_goes_behind_the_call_and_its_load_counts_from_there():
    places = [(3_000, -2.0, 2.0, np.inf, 1.0), (1_000, 0.0, 0.0, np.inf, 0.0), (2_000, 0.0, 0.0, np.inf, 1.0)]
    for room, expected in ((2.0, [0]), (1.0, [])):
        made = scene(places, [[2]], 2, room=room, kinds=("", "handover", ""))
        given_ = insert(made, [0], [0], [True], 1)
        assert sorted(given_.rows) == expected
        assert given_.left == ([] if expected else [0])
        for row in given_.rows.values():
            assert row.index(1) < row.index(0)


def test_who_has_not_the_skill_is_passed_over():
    made = scene([(1_500, 0, 0, np.inf, 1.0), (1_000, 0, 0, np.inf, 1.0)], [[1]], 1)
    made.skills[0] = frozenset({"cooling"})
    variants = variants_of(made, [0], None)
    assert not allowed(made, variants, np.array([0]), np.array([False])).any()
    made.tours.skills[0] = frozenset({"cooling", "lift"})
    assert allowed(made, variants, np.array([0]), np.array([False])).all()


def test_the_visit_with_one_good_vehicle_goes_before_the_one_with_two():
    """Each vehicle has time for one more; only the first can still reach the first visit."""
    places = [(2_000, 0, 0, 400.0, 4.0), (0, 0, 0, np.inf, 1.0), (2_000, 0, 0, np.inf, 1.0), (-8_000, 0, 0, np.inf, 1.0)]
    made = scene(places, [[2], [3]], 2)
    given_ = insert(made, [0, 1], [0, 1], [False, False], None)
    assert 0 in given_.rows[0]
    assert not given_.left


def test_nobody_beyond_the_end_of_a_shift():
    made = scene([(6_000, 0, 0, np.inf, 1.0), (1_000, 0, 0, np.inf, 1.0)], [[1]], 1, end_s=400.0)
    assert insert(made, [0], [0], [False], None).left == [0]


@given(late_s=st.floats(-1e5, 1e5), more_s=st.floats(0.1, 1e4), ahead_s=st.floats(0.0, 1e5))
def test_expected_lateness_rises_and_is_never_less_than_what_is_late_anyway(late_s, more_s, ahead_s):
    now, later = expected_late_s(np.array([late_s, late_s + more_s]), np.array([ahead_s, ahead_s]))
    assert 0 <= now <= later
    assert now >= max(late_s, 0.0) - 1e-6
    assert expected_late_s(np.array([-np.inf]), np.array([HOUR_S]))[0] < 0.01
