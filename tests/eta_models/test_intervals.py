"""P10 and P90 around P50: they hold 80 % of skewed truths, and keep apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.correction import BINS_S
from eta_models.features import scale_s
from eta_models.intervals import LATER, NEXT, OLD_S, SILENT, IntervalPolicy, Intervals, kind_of

HORIZONS_S = (90.0, 400.0, 1_100.0, 3_000.0)


def world(rng: np.random.Generator, count: int):
    """P50s at four horizons, hops, spreads, and truths that stray skewed to late, each horizon in its own way."""
    which = rng.integers(0, 4, count)
    p50_s, hop = np.array(HORIZONS_S)[which], rng.integers(0, 2, count)
    skewed = rng.gamma(2.0, 1.0, count) - 1.68  # its median is 1.68
    took_s = p50_s + skewed * scale_s(p50_s) * np.array([0.3, 0.6, 1.0, 1.4])[which] * (1.0 + 0.3 * hop)
    return p50_s, hop, 0.8 * scale_s(p50_s), took_s, which


def inside(intervals: Intervals, p50_s, hop, spread_s, took_s):
    low, high = intervals.bounds(p50_s, hop, spread_s)
    return (low <= took_s) & (took_s <= high), took_s < low


def learn(intervals: Intervals, p50_s, hop, spread_s, took_s):
    """Questions answered as the intervals stood."""
    intervals.learn(intervals.bounds(p50_s, hop, spread_s)[0], p50_s, hop, spread_s, took_s)


def test_coverage_comes_to_80_percent_and_far_ahead_to_a_little_more_at_every_horizon_asked_before_learned():
    intervals, rng = Intervals(IntervalPolicy()), np.random.default_rng(1)
    covered, below, seen = np.zeros((4, 2)), np.zeros((4, 2)), np.zeros((4, 2))
    for number in range(300):
        p50_s, hop, spread_s, took_s, which = world(rng, 200)
        if number >= 100:
            hit, under = inside(intervals, p50_s, hop, spread_s, took_s)
            for table, flags in ((covered, hit), (below, under), (seen, np.ones(200))):
                np.add.at(table, (which, hop), flags)
        learn(intervals, p50_s, hop, spread_s, took_s)
        intervals.export()
    assert (covered / seen).ravel().tolist() == pytest.approx([0.8] * 4 + [0.825] * 4, abs=0.025)
    assert (below / seen).ravel().tolist() == pytest.approx([0.1] * 8, abs=0.025)


def test_a_cold_interval_is_near_the_truth_after_a_few_dozen_questions():
    intervals, rng = Intervals(IntervalPolicy()), np.random.default_rng(2)
    learn(intervals, *world(rng, 800)[:4])  # about 100 a group
    intervals.export()
    hit, _ = inside(intervals, *world(rng, 20_000)[:4])
    assert 0.7 < hit.mean() < 0.88


def test_an_interval_is_wider_where_more_lies_ahead():
    intervals = Intervals(IntervalPolicy())
    p50_s, hop = np.array([600.0, 600.0]), np.array([1, 1])
    low, high = intervals.bounds(p50_s, hop, np.array([10.0, 200.0]))
    assert low[1] < low[0] < 600.0 < high[0] < high[1]


def test_what_was_learned_since_the_last_export_changes_no_bound():
    intervals, rng = Intervals(IntervalPolicy()), np.random.default_rng(3)
    asked = world(rng, 50)[:3]
    before = [bound.tobytes() for bound in intervals.bounds(*asked)]
    learn(intervals, *world(rng, 500)[:4])
    assert [bound.tobytes() for bound in intervals.bounds(*asked)] == before
    intervals.export()
    assert [bound.tobytes() for bound in intervals.bounds(*asked)] != before


ERRORS = st.lists(st.tuples(st.floats(1.0, 1e5), st.integers(0, 2), st.floats(0.0, 1e5), st.floats(-1e12, 1e12)), max_size=40)


@given(ERRORS, st.lists(st.floats(1.0, 1e12), min_size=1, max_size=8), st.floats(0.0, 1e6))
def test_low_stays_below_high_with_p50_between_and_never_before_now(learned, asked, spread):
    intervals = Intervals(IntervalPolicy())
    if learned:
        p50_s, hop, spread_s, took_s = (np.array(column) for column in zip(*learned, strict=True))
        learn(intervals, p50_s, hop, spread_s, took_s)
        intervals.export()
    p50_s = np.array(asked)
    for hop in (NEXT, LATER, SILENT):
        low, high = intervals.bounds(p50_s, np.full(len(asked), hop), np.full(len(asked), spread))
        assert ((low >= 0.0) & (low < high) & (low <= p50_s) & (p50_s <= high)).all()
        assert np.isfinite(high).all()


def test_questions_after_an_old_fix_are_kept_apart_from_those_about_the_next_stop_and_later_ones():
    kinds = kind_of(np.array([0, 3, 0, 3]), np.array([OLD_S, 0.0, OLD_S + 0.1, 900.0]))
    assert kinds.tolist() == [NEXT, LATER, SILENT, SILENT]


def test_each_horizon_learns_for_itself():
    intervals = Intervals(IntervalPolicy())
    near, far = BINS_S[0] - 1.0, BINS_S[-1] + 1.0
    before = intervals.bounds(np.array([far]), np.array([0]), np.array([50.0]))
    learn(intervals, np.full(300, near), np.zeros(300, dtype=np.int64), np.full(300, 50.0), np.full(300, near + 500.0))
    intervals.export()
    assert intervals.bounds(np.array([far]), np.array([0]), np.array([50.0])) == before
    assert intervals.bounds(np.array([near]), np.array([0]), np.array([50.0]))[1] > near + 300.0


def test_truths_that_lie_before_now_are_made_up_for_at_the_upper_end():
    intervals, rng = Intervals(IntervalPolicy()), np.random.default_rng(4)
    p50_s, hop, width_s = np.full(200, 5.0), np.zeros(200, dtype=np.int64), np.full(200, 18.0)
    for _ in range(200):
        took_s = rng.normal(8.0, 5.0, 200)
        took_s[rng.random(200) < 0.15] = -4.0  # it had arrived when its last fix came in
        low, high = intervals.bounds(p50_s, hop, width_s)
        inside = (low <= took_s) & (took_s <= high)
        learn(intervals, p50_s, hop, width_s, took_s)
        intervals.export()
    assert low[0] == 0.0
    assert inside.mean() == pytest.approx(0.8, abs=0.06)
