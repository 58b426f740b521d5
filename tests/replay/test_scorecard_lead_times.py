"""How well P(late) told late visits from others: figures worked out by hand, and against plain loops."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.scorecard.day import list_visits
from replay.scorecard.lead_times import LEADS_MIN, average_precision, measure, measure_lead_times, roc_area

START = datetime(2024, 3, 1, 8, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")
answers = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]), st.booleans()), min_size=1, max_size=30)


def columns(rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in rows], dtype=float), np.array([late for _, late in rows], dtype=bool)


def test_areas_of_four_visits_are_those_worked_out_by_hand():
    # Pairs (late, in time): 0.9 over both, 0.4 over 0.2 only: 3 of 4. Precision at the late ones: 1 of 1, 2 of 3.
    p_late, late = columns([(0.9, True), (0.6, False), (0.4, True), (0.2, False)])
    assert roc_area(p_late, late) == pytest.approx(0.75)
    assert average_precision(p_late, late) == pytest.approx((1 + 2 / 3) / 2)


def test_acting_from_a_threshold_on_gives_the_shares_worked_out_by_hand():
    figures = measure(10, *columns([(0.9, True), (0.3, False), (0.29, True), (0.1, False), (0.0, False), (float("nan"), True)]))
    assert (figures.visits, figures.late, figures.unanswered) == (5, 2, 1)
    at = next(one for one in figures.thresholds if one.p == 0.3)
    assert (at.warned, at.precision, at.recall, at.false_alarms) == (2, 0.5, 0.5, pytest.approx(1 / 3))


def test_nothing_is_said_where_all_or_none_were_late():
    assert roc_area(*columns([(0.5, True)])) is None
    assert roc_area(*columns([(0.5, False)])) is None
    assert average_precision(*columns([(0.5, False)])) is None
    assert measure(5, *columns([])).thresholds[0].precision is None


@given(answers)
def test_the_area_is_how_often_a_late_visit_had_the_higher_probability(rows):
    pairs = [(p > q) + 0.5 * (p == q) for p, late in rows if late for q, other in rows if not other]
    area = roc_area(*columns(rows))
    assert area == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(answers)
def test_average_precision_does_not_depend_on_the_order_of_equal_answers(rows):
    late = [p for p, was_late in rows if was_late]
    found = [sum(q >= p for q in late) / sum(q >= p for q, _ in rows) for p in late]
    assert average_precision(*columns(rows)) == (pytest.approx(sum(found) / len(found)) if found else None)
    assert average_precision(*columns(rows[::-1])) == average_precision(*columns(rows))


def times(minutes) -> pl.Series:
    return pl.Series([START + timedelta(minutes=m) for m in minutes], dtype=INSTANT)


def test_a_visit_is_asked_about_so_long_before_its_window_closes_and_only_while_it_is_under_way():
    # Windows close at 60 min; one visit comes at 70, one at 40: 30 min before the close both are under way, 15 min before only the first.
    routes = pl.DataFrame({"route_id": "r", "seq": [0, 1], "lat": 0.0, "lon": 0.0})
    routes = routes.with_columns(planned_arrival=times([50, 50]), window_end=times([60, 60]))
    arrivals = pl.DataFrame({"route_id": "r", "seq": [0, 1]}).with_columns(arrived_at=times([70, 40]))
    made = pl.DataFrame({"route_id": "r", "seq": [0, 1, 0], "p_late": [0.4, 0.2, 0.95]}).with_columns(made_at=times([20, 29, 52]))
    found = {one.lead_min: one for one in measure_lead_times(made, list_visits(routes, arrivals), [])}
    assert list(found) == list(LEADS_MIN)
    assert [(found[lead].visits, found[lead].late, found[lead].unanswered) for lead in LEADS_MIN] == [
        (1, 1, 0), (1, 1, 0), (1, 1, 0), (2, 1, 0), (0, 0, 2),
    ]  # fmt: skip
    assert found[30].auc == 1.0
    assert [found[lead].thresholds[-1].recall for lead in (5, 10)] == [1.0, 0.0], "0.95 was said 8 min before the close"
