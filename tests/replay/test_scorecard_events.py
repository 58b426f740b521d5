"""Arrivals found and exceptions opened, against the truth of one route of four stops, worked out by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from replay.scorecard.arrivals import ArrivalsFound, compare_arrivals
from replay.scorecard.day import ScorecardError, Visits, list_visits
from replay.scorecard.events import find_events
from replay.scorecard.exceptions import LateRisk, judge_late_risk

INSTANT = pl.Datetime("us", "UTC")


def times(seconds) -> pl.Series:
    return pl.Series([None if s is None else datetime(2024, 3, 1, 8, tzinfo=UTC) + timedelta(seconds=s) for s in seconds], dtype=INSTANT)


def four_stops(arrived=(0, 600, 1200), trusted=(True, True, True)) -> Visits:
    """Windows close at 100, 640, 1180 and 1700 s; by default the third stop is late and the fourth never reached."""
    plan = pl.DataFrame({"route_id": "r", "vehicle_id": "v", "seq": range(4), "stop_id": "s", "lat": 0.0, "lon": 0.0})
    truth = pl.DataFrame({"route_id": "r", "seq": range(3), "trusted": trusted}).with_columns(arrived_at=times(arrived))
    return list_visits(plan.with_columns(planned_arrival=times([0, 540, 1080, 1600]), window_end=times([100, 640, 1180, 1700])), truth)


def happened(*rows) -> pl.DataFrame:
    """Rows of type, occurred_at, detected_at, seq."""
    kind, occurred, detected, seq = zip(*rows, strict=True)
    return pl.DataFrame({"type": kind, "route_id": "r", "vehicle_id": "v", "seq": seq, "exception_kind": "late_risk"}).with_columns(
        occurred_at=times(occurred), detected_at=times(detected)
    )


def arrivals_of(visits: Visits, *rows) -> ArrivalsFound:
    return compare_arrivals(find_events(happened(*rows), visits, [], "stop_arrived"), visits)


def risk_of(visits: Visits, *rows) -> LateRisk:
    return judge_late_risk(find_events(happened(*rows), visits, [], "exception_opened"), visits)


def test_arrivals_are_compared_with_all_true_ones():
    reported = [("stop_arrived", 10, 40, 0), ("stop_arrived", 640, 700, 1), ("stop_arrived", 600, 900, 1), ("stop_arrived", 5, 5, 9)]
    found = arrivals_of(four_stops(), *reported)
    assert (found.truth, found.found, found.found_share) == (3, 2, pytest.approx(2 / 3))
    assert (found.within_15s_share, found.within_60s_share) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (found.median_off_s, found.median_delay_s) == (25.0, 45.0)
    assert (found.repeated, found.unplanned, found.extra, found.never_arrived) == (1, 1, 0, 1)


def test_errors_in_arrival_time_do_not_cancel():
    found = arrivals_of(four_stops(), ("stop_arrived", 100, 100, 0), ("stop_arrived", 500, 500, 1))
    assert (found.median_off_s, found.within_60s_share) == (100.0, 0.0)


def test_an_arrival_at_a_stop_never_reached_is_extra():
    assert arrivals_of(four_stops(), ("stop_arrived", 1700, 1700, 3)).extra == 1


def test_an_untrusted_arrival_is_no_truth_but_no_invention_either():
    found = arrivals_of(four_stops(trusted=(True, False, True)), ("stop_arrived", 600, 610, 1))
    assert (found.truth, found.found, found.extra, found.unverifiable, found.never_arrived) == (2, 0, 0, 1, 1)


def test_a_stop_whose_arrival_time_nobody_recorded_is_unverifiable():
    found = arrivals_of(four_stops(arrived=(None, 600, 1200)), ("stop_arrived", 5, 5, 0))
    assert (found.truth, found.extra, found.unverifiable) == (2, 0, 1)


def test_late_risk_is_judged_by_visit_against_the_window():
    risk = risk_of(
        four_stops(),
        ("exception_opened", 580, 580, 2),
        ("exception_resolved", 700, 700, 2),
        ("exception_opened", 1100, 1100, 2),
        ("exception_opened", 300, 300, 1),
        ("exception_opened", 900, 900, 3),
    )
    assert (risk.opened, risk.reopened, risk.visits_warned, risk.visits_late, risk.unverifiable) == (4, 1, 3, 1, 1)
    assert (risk.precision, risk.recall, risk.recall_before_close, risk.median_lead_s) == (0.5, 1.0, 1.0, 600.0)


def test_a_warning_after_the_window_closed_has_no_lead():
    risk = risk_of(four_stops(), ("exception_opened", 1190, 1190, 2))
    assert (risk.recall, risk.recall_before_close, risk.median_lead_s) == (1.0, 0.0, -10.0)


def test_a_late_visit_nobody_warned_of_lowers_recall():
    risk = risk_of(four_stops(arrived=(0, 700, 1200)), ("exception_opened", 580, 580, 2))
    assert (risk.visits_late, risk.precision, risk.recall) == (2, 1.0, 0.5)


def test_exceptions_of_another_kind_are_not_judged_as_late_risk():
    visits = four_stops()
    stalled = happened(("exception_opened", 580, 580, 2)).with_columns(exception_kind=pl.lit("stalled"))
    assert judge_late_risk(find_events(stalled, visits, [], "exception_opened"), visits).opened == 0
    unnamed = stalled.drop("exception_kind", "detected_at")
    assert judge_late_risk(find_events(unnamed, visits, [], "exception_opened"), visits).recall == 0.0


def test_events_without_a_needed_column_are_refused_by_name():
    with pytest.raises(ScorecardError, match="events lack occurred_at"):
        find_events(happened(("stop_arrived", 1, 1, 0)).drop("occurred_at"), four_stops(), [], "stop_arrived")
