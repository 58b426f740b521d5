"""Other people's measures and the rules of thumb beside them, worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from replay.scorecard.card import Truth, score_day
from replay.scorecard.day import DayTables
from replay.scorecard.intervals import pinball_s
from replay.scorecard.questions import Questions
from replay.scorecard.yardsticks import Yardsticks, measure_yardsticks

INSTANT = pl.Datetime("us", "UTC")


def judged(*answers: tuple[float, float]) -> Yardsticks:
    """Answers as pairs: seconds to the true arrival, and the error of the answer."""
    to_go_s, error_s = (np.array(column, dtype=np.float64) for column in zip(*answers, strict=True))
    count = len(answers)
    questions = Questions(
        fix=np.zeros(count, np.int32), visit=np.zeros(count, np.int32), hop=np.ones(count, np.uint8), ts_s=np.zeros(count),
        asked_s=np.zeros(count), arrived_s=to_go_s, early=np.zeros(count, bool), counted=np.ones(count, bool),
    )  # fmt: skip
    return measure_yardsticks(questions, to_go_s + error_s)


def test_accuracy_by_true_minutes_counts_what_lies_within_the_bounds_of_its_bucket():
    found = judged((60, -30), (60, -31), (60, 90), (60, 91), (200, 150), (400, 211), (800, -90), (5_000, 0))
    assert [(bucket.n, bucket.accurate) for bucket in found.benchmark_buckets] == [(4, 0.5), (1, 1.0), (1, 0.0), (1, 1.0)]
    assert found.eta_benchmark == pytest.approx((0.5 + 1 + 0 + 1) / 4)


def test_accuracy_by_predicted_minutes_puts_an_answer_where_it_said_it_was():
    assert [bucket.n for bucket in judged((100, 100)).mbta_buckets] == [0, 1, 0, 0]


def test_reliable_answers_lie_within_a_margin_that_grows_with_what_was_predicted():
    assert judged((300, 100)).cal_itp == 1.0
    assert judged((300, 150)).cal_itp == 0.0
    assert judged((3_600, 150)).cal_itp == 1.0


def test_delivery_papers_measure_in_minutes_and_within_twenty_of_them():
    found = judged((3_000, 60), (3_000, -180), (3_000, 1_201))
    assert found.lade_mae_min == pytest.approx((1 + 3 + 1_201 / 60) / 3)
    assert found.acc20 == pytest.approx(2 / 3)


def test_without_answers_there_is_nothing_to_say():
    found = judged((60, float("nan")))
    assert (found.eta_benchmark, found.mbta, found.cal_itp, found.lade_mae_min) == (None, None, None, None)


def test_the_pinball_loss_of_a_low_quantile_is_small_below_the_truth_and_large_above_it():
    assert pinball_s(0.1, np.array([90.0, 110.0]), np.array([100.0, 100.0])) == pytest.approx([1.0, 9.0])


def instants(*seconds: float) -> pl.Series:
    return pl.Series([datetime(2024, 3, 1, 8, tzinfo=UTC) + timedelta(seconds=second) for second in seconds], dtype=INSTANT)


def truth_of(stops: list[float], arrived: list[float], pings: list[tuple[float, float]]) -> Truth:
    """One route along the equator: where its stops lie (degrees), when they were reached, and fixes as pairs of second and degree."""
    seconds, lon = zip(*pings, strict=True)
    routes = {"route_id": "r", "vehicle_id": "v", "seq": range(len(stops)), "stop_id": "s", "lat": 0.0, "lon": stops}
    nothing = pl.Series([None] * len(stops), dtype=INSTANT)
    day = DayTables(
        pings=pl.DataFrame({"vehicle_id": "v", "lat": 0.0, "lon": lon}).with_columns(ts=instants(*seconds)),
        routes=pl.DataFrame(routes).with_columns(planned_arrival=nothing, window_end=nothing),
        statuses=pl.DataFrame({"type": ["route_started"], "route_id": ["r"], "vehicle_id": ["v"]}).with_columns(at=instants(-10)),
        arrivals=pl.DataFrame({"route_id": "r", "seq": range(len(arrived))}).with_columns(arrived_at=instants(*arrived)),
    )
    kinds = {
        "made_at": INSTANT,
        "route_id": pl.String,
        "seq": pl.Int64,
        "p10": INSTANT,
        "p50": INSTANT,
        "p90": INSTANT,
        "p_late": pl.Float64,
    }
    told = {"type": pl.String, "occurred_at": INSTANT, "route_id": pl.String, "seq": pl.Int64}
    found = score_day(day, pl.DataFrame(schema=kinds), pl.DataFrame(schema=told)).truth
    assert found is not None
    return found


def test_the_mean_of_past_legs_answers_only_legs_that_were_driven_before():
    pings = [(second, 0.005) for second in range(30, 1_800, 100)]
    assert truth_of([0.0, 0.01, 0.02], [0, 600, 1_200], pings).running_mean.answered == 0
    to_and_fro = truth_of([0.0, 0.01, 0.0, 0.01], [0, 600, 1_200, 1_800], pings).running_mean
    assert to_and_fro.answered > 0
    assert to_and_fro.mae_s == pytest.approx(0.0)


def test_the_last_speed_takes_the_rest_of_the_way_as_fast_as_the_last_stretch():
    steady = [(second, 0.02 * second / 1_200) for second in range(30, 1_200, 30)]
    found = truth_of([0.0, 0.01, 0.02], [0, 600, 1_200], steady).crow_and_last_speed
    assert found.mae_s == pytest.approx(0.0, abs=1e-3)
