"""A day small enough to score by hand: one vehicle, four stops, five pings."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from rich.console import Console

from replay.scorecard.card import Truth, score_day
from replay.scorecard.day import DayTables, ScorecardError
from replay.scorecard.eta_error import Group
from replay.scorecard.render import render

INSTANT = pl.Datetime("us", "UTC")
DEGREE_STEP = 0.01


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime(2024, 3, 1, 8, tzinfo=UTC) + timedelta(seconds=seconds)


def times(values) -> pl.Series:
    return pl.Series([at(value) for value in values], dtype=INSTANT)


def a_day(pings=(30, 330, 630, 930, 1230), arrived=(0, 600, 1200), planned=(0, 540, 1080, 1600), delivered_after_s=0) -> DayTables:
    """Stops a degree step apart on the equator, the vehicle always at the second; the last stop of the plan is never reached."""
    stops = range(len(planned))
    return DayTables(
        pings=pl.DataFrame({"vehicle_id": ["v"] * len(pings), "lat": 0.0, "lon": DEGREE_STEP}).with_columns(
            ts=times(pings), received_at=times(second + delivered_after_s for second in pings)
        ),
        routes=pl.DataFrame({"route_id": "r", "vehicle_id": "v", "seq": stops, "stop_id": "s", "lat": 0.0}).with_columns(
            lon=pl.col("seq") * DEGREE_STEP, planned_arrival=times(planned), window_end=times(plan + 100 for plan in planned)
        ),
        statuses=pl.DataFrame({"type": ["route_started"], "route_id": ["r"], "vehicle_id": ["v"]}).with_columns(at=times([-10])),
        arrivals=pl.DataFrame({"route_id": "r", "seq": range(len(arrived))}).with_columns(arrived_at=times(arrived)),
    )


def predicted(*rows) -> pl.DataFrame:
    """Rows of made_at, seq, p50 (seconds) and perhaps p_late; the interval is 60 s to either side."""
    made, seq, p50, *late = zip(*rows, strict=True)
    return pl.DataFrame({"vehicle_id": "v", "route_id": "r", "seq": seq}).with_columns(
        made_at=times(made),
        p10=times(p - 60 for p in p50),
        p50=times(p50),
        p90=times(p + 60 for p in p50),
        p_late=pl.Series(late[0] if late else [None] * len(seq), dtype=pl.Float64),
    )


PREDICTIONS = ((300, 1, 650), (300, 2, 1150), (629, 2, 1300), (931, 2, 1200))


def happened(*rows) -> pl.DataFrame:
    """Rows of type, occurred_at (detected at once), seq."""
    kinds = {"type": pl.String, "occurred_at": INSTANT, "route_id": pl.String, "seq": pl.Int64}
    return pl.DataFrame([(kind, at(occurred), "r", seq) for kind, occurred, seq in rows], schema=kinds, orient="row")


def truth_of(day, predictions=None, events=None) -> Truth:
    truth = score_day(day, predicted(*PREDICTIONS) if predictions is None else predictions, happened() if events is None else events).truth
    assert truth is not None
    return truth


def test_errors_of_a_small_day_are_those_worked_out_by_hand():
    # Six questions: (30, s1) (30, s2) | (330, s1) (330, s2) (630, s2) (930, s2); the first third is for learning.
    # Errors of the other four: +50, -50, +100, +100 s, at 270, 870, 570, 270 s to go.
    eta = truth_of(a_day()).eta
    assert (eta.n, eta.answered, eta.answered_share) == (4, 4, 1.0)
    assert eta.mae_s == pytest.approx(75.0)
    assert eta.rmse_s == pytest.approx(6250**0.5)
    assert eta.median_bias_s == pytest.approx(75.0)
    assert [(g.n, g.mae_s) for g in eta.by_true_minutes] == [(0, None), (2, 75.0), (1, 100.0), (1, 50.0), (0, None), (0, None)]
    assert (eta.next_stop.n, eta.later_stops) == (3, Group(1, 50.0))
    assert eta.next_stop.mae_s == pytest.approx(250 / 3)


def test_signed_errors_do_not_cancel():
    eta = truth_of(a_day(), predicted((0, 1, 660), (0, 2, 1140))).eta
    assert (eta.mae_s, eta.rmse_s) == (60.0, 60.0)
    two = truth_of(a_day(pings=(330, 331, 332)), predicted((0, 1, 660), (0, 2, 1140))).eta
    assert (two.n, two.mae_s, two.median_bias_s) == (4, 60.0, 0.0)


def test_a_prediction_made_after_it_was_asked_for_is_not_used():
    late = truth_of(a_day(), predicted((331, 1, 600), (331, 2, 1300))).eta
    assert (late.n, late.answered, late.mae_s) == (4, 2, 100.0)


def test_a_question_is_asked_when_the_ping_was_delivered_not_when_it_was_fixed():
    eta = truth_of(a_day(delivered_after_s=5), predicted((334, 1, 600), (335, 2, 1300))).eta
    assert (eta.answered, eta.mae_s) == (4, 75.0)


def test_of_two_predictions_made_at_one_moment_the_last_counts():
    eta = truth_of(a_day(), predicted((0, 1, 900), (0, 1, 610), (0, 2, 900), (0, 2, 1210))).eta
    assert eta.mae_s == pytest.approx(10.0)


def test_an_unanswered_question_is_counted_not_dropped_in_silence():
    eta = truth_of(a_day(), predicted((0, 1, 650))).eta
    assert (eta.n, eta.answered, eta.unanswered, eta.answered_share, eta.mae_s) == (4, 1, 3, 0.25, 50.0)


def test_no_prediction_at_all_leaves_every_question_unanswered():
    truth = truth_of(a_day(), predicted(*PREDICTIONS).clear())
    assert (truth.eta.n, truth.eta.unanswered, truth.eta.mae_s) == (4, 4, None)
    assert truth.intervals.n == 0


def test_a_stop_never_reached_is_counted():
    truth = truth_of(a_day(), events=happened(("stop_arrived", 1700, 3)))
    assert (truth.arrivals.never_arrived, truth.arrivals.extra) == (1, 1)
    assert truth.left_out.never_reached == 3  # s3, asked about at 330, 630 and 930


def test_arrivals_further_than_an_hour_away_are_left_out_of_the_error_but_counted():
    truth = truth_of(a_day(arrived=(0, 600, 7200), pings=(30, 330, 630)), predicted((0, 1, 600), (0, 2, 700)))
    assert (truth.eta.n, truth.left_out.beyond_hour) == (2, 3)  # (30, s1) is for learning, but (30, s2) was asked after it


def test_questions_before_the_first_arrival_are_shown_apart():
    truth = truth_of(a_day(pings=(-5, 30, 330)), predicted((-6, 0, 30), (-6, 1, 600), (-6, 2, 1200)))
    assert truth.left_out.early == 0  # they lie in the learning part
    # Without any later ping there is no learning part: s0, s1, s2 are asked about once.
    early = truth_of(a_day(pings=(-5,)), predicted((-6, 0, 30), (-6, 1, 600))).left_out
    assert early.early == 3
    assert early.early_answered == Group(2, 15.0)


def test_coverage_by_predicted_minutes_does_not_look_at_the_outcome():
    # Always told "in five minutes", and it took two hours: no row of the error, but three intervals that did not hold.
    day = a_day(arrived=(0, 7200), planned=(0, 540), pings=(30, 630, 1230))
    truth = truth_of(day, predicted((30, 1, 330), (630, 1, 930), (1230, 1, 1530)))
    assert truth.eta.n == 0
    groups = {g.from_min: g for g in truth.intervals.by_predicted_minutes}
    assert (groups[3].n, groups[3].coverage, groups[3].width_s) == (3, 0.0, 120.0)
    assert sum(g.n for g in truth.intervals.by_predicted_minutes) == 3


def test_intervals_hold_as_often_as_worked_out_by_hand():
    # Answers lie 320, 820, 670 and 370 s ahead; 60 s to either side holds the truth for the first two.
    intervals = truth_of(a_day()).intervals
    found = [(g.n, g.coverage) for g in intervals.by_predicted_minutes]
    assert found == [(0, None), (1, 1.0), (1, 0.0), (2, 0.5), (0, None), (0, None)]
    assert (intervals.n, intervals.coverage, intervals.width_s, intervals.overdue) == (4, 0.5, 120.0, 0)


def test_an_interval_for_a_stop_never_reached_is_counted_as_unresolved():
    truth = truth_of(a_day(), predicted((0, 1, 600), (0, 2, 1200), (0, 3, 1600)))
    assert sum(g.unresolved for g in truth.intervals.by_predicted_minutes) == 3
    assert truth.intervals.n == 4


def test_an_answer_that_lies_in_the_past_is_counted_as_overdue():
    truth = truth_of(a_day(), predicted((0, 1, 600), (0, 2, 900)))
    assert (truth.intervals.n, truth.intervals.overdue) == (3, 1)


def test_p_late_is_scored_only_while_the_window_is_open():
    # Windows close at 640 (s1: on time) and 1180 (s2: late). Asked at 330: both; at 630 and 930: s2.
    late = truth_of(a_day(), predicted((0, 1, 650, 0.25), (0, 2, 1150, 0.75), (900, 2, 1150, 0.95))).p_late
    assert (late.n, late.unanswered, late.base_rate) == (4, 0, 0.75)
    assert late.brier == pytest.approx((0.25**2 + 0.25**2 + 0.25**2 + 0.05**2) / 4)
    assert late.brier_skill == pytest.approx(1 - late.brier / (0.75 * 0.25))
    assert late.ece == pytest.approx((0.25 + 2 * 0.25 + 0.05) / 4)
    closed = replace(day := a_day(), routes=day.routes.with_columns(window_end=times([100, 320, 1000, 1700])))
    assert truth_of(closed, predicted((0, 1, 650, 0.25), (0, 2, 1150, 0.75))).p_late.n == 3


def test_a_question_with_an_open_window_but_no_p_late_is_counted():
    late = truth_of(a_day(), predicted((0, 1, 650, None), (0, 2, 1150, 0.5))).p_late
    assert (late.n, late.unanswered) == (3, 1)


def test_an_untrusted_arrival_is_not_asked_about():
    day = a_day()
    trusted = replace(day, arrivals=day.arrivals.with_columns(trusted=pl.col("seq") != 1))
    assert truth_of(trusted).eta.n == 3  # s2 at 330, 630, 930; (30, s2) is for learning


def test_plan_and_deviation_is_never_before_it_is_asked():
    # At 330 the vehicle was last on time (s0): plan 540 and 1080, off by 60 and 120 s. At 630 and 930 it is 60 s late: 1140, off by 60.
    plan = truth_of(a_day()).plan_and_deviation
    assert (plan.answered, plan.mae_s) == (4, pytest.approx((60 + 120 + 60 + 60) / 4))
    floored = truth_of(a_day(planned=(0, 100, 1080, 1600), pings=(30, 331, 332))).plan_and_deviation
    # Asked at 331 and 332 about s1 (plan 100): now is the earliest it can be, off by 269 and 268 s; s2 (plan 1080): 120 s each.
    assert floored.mae_s == pytest.approx((269 + 268 + 120 + 120) / 4)


def test_crow_speed_is_learned_only_from_legs_that_are_finished():
    # At 330 no leg is finished. From 600 on the fleet does one step in 600 s, and the vehicle stands one step before s2.
    crow = truth_of(a_day(pings=(30, 330, 600, 930))).crow_and_mean_speed
    assert (crow.answered, crow.unanswered) == (2, 2)
    assert crow.mae_s == pytest.approx((0 + 330) / 2, abs=1e-6)


def test_fleets_that_share_their_ids_do_not_mix():
    day = a_day()
    other = a_day(arrived=(0, 500, 1000))
    parts, names = ((day, "a"), (other, "b")), ("pings", "routes", "statuses", "arrivals")
    of_both = {name: pl.concat([getattr(part, name).with_columns(fleet_id=pl.lit(fleet)) for part, fleet in parts]) for name in names}
    both, answers = DayTables(**of_both), {"a": ((0, 1, 600), (0, 2, 1200)), "b": ((0, 1, 500), (0, 2, 1000))}
    right = pl.concat([predicted(*rows).with_columns(fleet_id=pl.lit(fleet)) for fleet, rows in answers.items()])
    truth = truth_of(both, right, happened().with_columns(fleet_id=pl.lit("a")))
    assert (truth.eta.mae_s, truth.eta.unanswered) == (0.0, 0)
    with pytest.raises(ScorecardError, match="predictions has no fleet_id, but routes name 2 fleets"):
        truth_of(both, predicted((0, 1, 600)), happened().with_columns(fleet_id=pl.lit("a")))


def test_an_unnamed_fleet_takes_whatever_single_name_the_predictions_carry():
    assert truth_of(a_day(), predicted(*PREDICTIONS).with_columns(fleet_id=pl.lit("depot"))).eta.answered == 4


def test_a_table_without_a_needed_column_is_refused_by_name():
    with pytest.raises(ScorecardError, match="predictions lack made_at, p_late"):
        truth_of(a_day(), predicted(*PREDICTIONS).drop("made_at", "p_late"))


def test_a_day_without_truth_is_only_counted():
    card = score_day(replace(a_day(), arrivals=None), predicted(*PREDICTIONS), happened())
    assert card.truth is None
    assert (card.counts.pings, card.counts.visits, card.counts.predictions) == (5, 4, 4)
    pings_only = score_day(DayTables(a_day().pings.lazy()), predicted(*PREDICTIONS).clear(), happened())
    assert (pings_only.counts.pings, pings_only.counts.routes) == (5, 0)


def printed(card) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(render(card))
    return capture.get()


def test_the_scorecard_prints_within_a_hundred_columns_and_is_plain_json():
    card = score_day(a_day(), predicted(*PREDICTIONS), happened(("stop_arrived", 600, 1)))
    text = printed(card)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert re.search(r"3-6 min +75.0 +2 ", text)
    figures = json.loads(json.dumps(card.figures(), allow_nan=False))
    assert figures["truth"]["eta"]["by_true_minutes"][1] == {"n": 2, "mae_s": 75.0, "from_min": 3, "to_min": 6}
    assert figures == card.figures()
    assert "nothing to score" in printed(score_day(replace(a_day(), arrivals=None), predicted(*PREDICTIONS), happened()))
