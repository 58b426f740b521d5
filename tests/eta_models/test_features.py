"""What corrections look at: bounded whatever is asked, and the right thing in the right column."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eta_models.chain import chain
from eta_models.daily import Daily
from eta_models.features import CLIP, NAMES, Answers, by_plan_s, features, scale_s
from eta_models.legs import LegPolicy, Legs
from eta_models.outlooks import outlooks
from eta_models.runs import RunPolicy, Runs
from eta_models.stays import StayPolicy, Stays
from eta_models.trackers import NAMES as OFF

NAN = float("nan")


def table_of(model, journeys, ahead):
    """The features of a question, as the model of a fleet makes them."""
    return model.estimate(journeys, ahead).features


def named(journeys, ahead, base_s: float = 240.0, transfer_s: float = NAN, row: int = 0) -> dict[str, float]:
    """One row by name, for a fleet that has seen nothing and a given base."""
    legs, stays, many = Legs(LegPolicy()), Stays(StayPolicy()), len(ahead.hop)
    plain = chain(journeys, ahead, legs, stays, Runs(RunPolicy()))
    ways, transfer = outlooks(journeys, ahead, plain, legs, stays, Daily()), np.full(many, transfer_s)
    found = Answers(plain, transfer, transfer, by_plan_s(journeys, ahead), ways, np.full(many, base_s))
    table = features(journeys, ahead, found, np.zeros((len(OFF), many)))
    assert table.shape == (many, len(NAMES))
    return dict(zip(NAMES, table[row].tolist(), strict=True))


def test_the_scale_of_errors_grows_as_the_root_of_the_horizon_from_half_a_minute_on():
    assert scale_s(np.array([60.0, 240.0, 960.0])).tolist() == [25.0, 50.0, 100.0]
    assert scale_s(np.array([0.0]))[0] == scale_s(np.array([30.0]))[0] == pytest.approx(25.0 * np.sqrt(0.5))


def test_the_plan_is_shifted_by_the_deviation_and_never_before_now(asking):
    visits = [{"planned_in_s": time_s} for time_s in (100.0, 400.0, -900.0, NAN)]
    late, unknown = (by_plan_s(*asking.one(*visits, deviation_s=deviation_s)) for deviation_s in (60.0, NAN))
    assert late.tolist()[:3] == [160.0, 460.0, 3.0]
    assert unknown.tolist()[:3] == [100.0, 400.0, 3.0]
    assert np.isnan(late[3])
    assert np.isnan(unknown[3])


def test_answers_enter_as_differences_to_the_base_in_units_of_the_scale(asking):
    question = asking.one({"leg_planned_s": 580.0, "planned_in_s": 190.0}, deviation_s=100.0)
    row = named(*question, transfer_s=215.0)  # scale 50 s at 240 s; half of 9/10 of the leg is left: 261 s
    assert {name: row[name] for name in ("chain", "transfer", "by_plan", "plan", "late", "early", "horizon")} == pytest.approx(
        {"chain": 0.42, "transfer": -0.5, "by_plan": 1.0, "plan": -1.0, "late": 2.0, "early": 0.0, "horizon": np.log(0.8)}
    )


def test_an_early_vehicle_is_early_and_not_late(asking):
    row = named(*asking.one({}, deviation_s=-75.0))
    assert (row["late"], row["early"]) == (0.0, -1.5)


def test_what_is_not_known_is_nothing(asking):
    row = named(*asking.one({"planned_in_s": NAN}, deviation_s=NAN))
    assert [row[name] for name in ("transfer", "by_plan", "plan", "late", "early")] == [0.0] * 5


def test_a_vehicle_longer_under_way_than_its_leg_takes_is_overdue_at_the_next_stop_only(asking):
    question = asking.one({"leg_planned_s": 100.0}, {"leg_planned_s": 100.0}, elapsed_s=150.0)
    assert named(*question)["overdue"] == pytest.approx((150.0 + 45.0 - 100.0) / 50.0)
    assert named(*question, row=1)["overdue"] == 0.0
    assert named(*question, row=1)["hops"] == 0.25


def test_a_standing_vehicle_has_stood_and_is_not_overdue(asking):
    row = named(*asking.one({}, standing=True, elapsed_s=90.0, service_s=30.0))
    assert (row["standing"], row["stood"], row["overdue"]) == (1.0, 1.5, 0.0)
    assert named(*asking.one({}, elapsed_s=90.0))["stood"] == 0.0


def test_a_feature_beyond_the_bound_is_cut_to_it(asking):
    row = named(*asking.one({"planned_in_s": 1e9}, still_s=1e6, fix_age_s=1e6, deviation_s=-1e6))
    assert (row["plan"], row["still"], row["fix_age"], row["early"]) == (CLIP, CLIP, CLIP, -CLIP)


@settings(max_examples=40)
@given(st.data())
def test_every_feature_is_a_number_within_its_bounds(asking, data):
    table = table_of(asking.fresh(), *asking.columns(data.draw(asking.trips())))
    assert np.isfinite(table).all()
    assert np.abs(table).max() <= CLIP
