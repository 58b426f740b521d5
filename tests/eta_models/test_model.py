"""The model of a fleet as the flow sees it: what always holds of its answers, whatever is asked and whatever was learned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eta_models.journeys import LegTaken, Reached, StayEnded
from eta_models.legs import LegPolicy
from eta_models.model import EtaModel, ModelPolicy, in_order
from eta_models.model_bytes import dump_model
from eta_models.network import NetworkPolicy
from eta_models.runs import RunPolicy
from eta_models.second_look import SecondLookPolicy
from eta_models.stays import StayPolicy

NAN = float("nan")


@pytest.fixture(scope="module")
def taught(asking) -> EtaModel:
    return asking.taught()


@pytest.fixture(scope="module")
def models(asking, taught) -> list[EtaModel]:
    """One that has seen nothing, not even a stop's name; one that knows the names; one that has learned."""
    return [EtaModel(ModelPolicy()), asking.fresh(), taught]


def bits(answers, answer, rows=slice(None)):
    return {name: column[rows].tobytes() for name, column in answers(answer).items()}


def assert_sane(answer, ahead):
    times = np.stack([answer.p10_s, answer.p50_s, answer.p90_s])
    assert np.isfinite(times).all()
    assert (times >= 0.0).all()
    assert (answer.p10_s <= answer.p50_s).all()
    assert (answer.p50_s <= answer.p90_s).all()
    later = ahead.hop[1:] > 0
    assert (np.diff(times, axis=1)[:, later] >= 0.0).all()
    chance, window = answer.p_late, ~np.isnan(ahead.closes_in_s)
    assert (np.isnan(chance) == ~window).all()
    assert ((chance[window] >= 0.0) & (chance[window] <= 1.0)).all()
    for column in (answer.features, answer.experts, answer.base_s, answer.service_s, answer.wait_s):
        assert np.isfinite(column).all()


@settings(max_examples=100)
@given(st.data())
def test_every_answer_is_finite_ordered_and_never_before_now(asking, models, data):
    trips = data.draw(asking.trips())
    for model in models:
        journeys, ahead = asking.columns(trips)
        assert_sane(model.estimate(journeys, ahead), ahead)


@settings(max_examples=100)
@given(st.data())
def test_the_answers_of_a_journey_do_not_depend_on_which_others_share_the_batch(asking, answers, taught, data):
    trips = data.draw(asking.trips(5))
    starts = np.cumsum([0, *(len(visits) for _, visits in trips)])
    together = taught.estimate(*asking.columns(trips))
    for number in range(len(trips)):
        alone = taught.estimate(*asking.columns([trips[number]]))
        assert bits(answers, alone) == bits(answers, together, slice(starts[number], starts[number + 1]))


@pytest.mark.parametrize("cut", [1, 7, 150, 299])
def test_a_large_batch_gives_the_bits_of_its_parts(asking, answers, taught, cut):
    rng = np.random.default_rng(1)
    trips = [asking.ordinary(rng) for _ in range(300)]
    whole = taught.estimate(*asking.columns(trips))
    parts = [taught.estimate(*asking.columns(trips[:cut])), taught.estimate(*asking.columns(trips[cut:]))]
    for name, column in answers(whole).items():
        assert column.tobytes() == b"".join(answers(part)[name].tobytes() for part in parts), name


def test_asking_changes_nothing(asking, answers, taught):
    question, other = asking.scattered(np.random.default_rng(2), 30), asking.scattered(np.random.default_rng(3), 5)
    before = bits(answers, taught.estimate(*question))
    taught.estimate(*other)
    assert bits(answers, taught.estimate(*question)) == before


def test_a_fleet_that_has_seen_nothing_answers_by_the_plan_and_the_distance(asking):
    model, visits = (
        EtaModel(ModelPolicy()),
        [{"leg_planned_s": 200.0, "planned_in_s": 100.0}, {"leg_planned_s": 300.0, "planned_in_s": 400.0}],
    )
    answer = model.estimate(*asking.one(*visits, to_next_m=500.0, behind_m=400.0))  # 5/9 of the 180 s of driving are left: 100 s
    assert answer.p50_s == pytest.approx([100.0, 400.0], rel=0.05)
    by_distance = model.estimate(*asking.one({"leg_m": 6_000.0}, to_next_m=6_000.0, behind_m=0.0))
    assert 500.0 < by_distance.p50_s[0] < 2_000.0


def arrived(asking, model, rng, delay: float, rounds: int = 1):
    """Rounds of questions that came true at `delay` times what was answered."""
    for number in range(rounds):
        now_us = number * 10_000_000
        answer, newest = asking.put(model, *asking.scattered(rng, 10), now_us)
        truths = zip(newest, (answer.p50_s * delay).tolist(), strict=True)
        model.learn_arrivals([Reached(chain, now_us + round(took * 1e6)) for chain, took in truths])


def test_arrivals_change_no_answer_until_the_export(asking, answers):
    model, rng = asking.taught(), np.random.default_rng(4)
    question = asking.scattered(rng, 30)
    before = bits(answers, model.estimate(*question))
    arrived(asking, model, rng, delay=1.6, rounds=3)
    assert bits(answers, model.estimate(*question)) == before
    assert model.export() == 0
    after = bits(answers, model.estimate(*question))
    assert after["p50_s"] != before["p50_s"]
    assert after["p10_s"] != before["p10_s"]
    assert after["p_late"] != before["p_late"]
    assert (after["service_s"], after["wait_s"]) == (before["service_s"], before["wait_s"])


def test_vehicles_that_always_come_later_are_answered_later(asking):
    model, rng = asking.fresh(), np.random.default_rng(6)
    question = asking.scattered(rng, 100)
    before = model.estimate(*question).p50_s
    for _ in range(40):
        arrived(asking, model, rng, delay=1.3)
        model.export()
    assert np.median(model.estimate(*question).p50_s / before) > 1.15


def test_a_visit_that_is_never_reached_teaches_nothing(asking, answers):
    model, rng = asking.taught(rounds=5), np.random.default_rng(7)
    question = asking.scattered(rng, 10)
    before = bits(answers, model.estimate(*question))
    _, newest = asking.put(model, *question, 0)
    for chain in newest:
        model.forget_questions(chain)
    assert model.questions.kept == 0
    model.learn_arrivals([Reached(-1, 1_000_000)])
    model.export()
    assert bits(answers, model.estimate(*question)) == before


def leg_fact(**more: object) -> LegTaken:
    usual = {
        "took_s": 150.0,
        "drive_s": 135.0,
        "leg_m": 1_000.0,
        "leg_planned_s": 100.0,
        "early_s": 0.0,
        "deviation_before_s": NAN,
        "deviation_s": NAN,
    }
    return LegTaken(**{"leg": 0, "area": 0, "hour": 12.5, "place": 0, **usual, **more})


def test_what_was_waited_out_before_a_leg_is_not_its_time(asking):
    held, driven = asking.fresh(), asking.fresh()
    held.learn_leg(leg_fact(took_s=200.0, drive_s=120.0, early_s=50.0))  # all of it held, too little to learn from
    driven.learn_leg(leg_fact(took_s=150.0, drive_s=120.0))
    assert held.legs.table.mean_s[0] == driven.legs.table.mean_s[0] == 150.0
    assert held.legs.table.drive_share[0] == driven.legs.table.drive_share[0] == pytest.approx(0.8)
    assert held.stays.table.holds[0] == 0.0


def test_an_early_departure_teaches_the_hold_of_its_place(asking):
    model, rng = asking.fresh(), np.random.default_rng(9)
    for early_s in rng.uniform(-600, 600, 400).tolist():
        model.learn_leg(leg_fact(took_s=100.0 + 0.8 * max(early_s, 0.0), drive_s=90.0, early_s=early_s))
    hold = float(model.stays.hold(np.array([0]))[0])
    assert hold == pytest.approx(0.8, abs=0.1)
    assert model.legs.table.mean_s[0] == pytest.approx(100.0, rel=0.25)


FACTS = st.one_of(
    st.builds(
        leg_fact,
        leg=st.integers(-1, 5), area=st.integers(-1, 2), place=st.integers(-1, 4), hour=st.floats(0, 23.99), drive_s=st.floats(0, 1e8),
        took_s=st.one_of(st.floats(0, 5_000), st.floats(0, 1e8)), leg_m=st.one_of(st.floats(0, 2e7), st.just(NAN)),
        leg_planned_s=st.one_of(st.floats(0, 1e6), st.just(NAN)), early_s=st.one_of(st.floats(-1e6, 1e6), st.just(0.0)),
        deviation_before_s=st.one_of(st.floats(-1e9, 1e9), st.just(NAN)), deviation_s=st.one_of(st.floats(-1e9, 1e9), st.just(NAN)),
        minute=st.integers(-1, 1_439), run=st.sampled_from([b"", *(np.full((3, 4), far, np.float16).tobytes() for far in (1.0, 6e4))]),
    ),
    st.builds(StayEnded, st.integers(-1, 4), st.floats(0, 1e8), st.floats(-1e6, 1e6), st.floats(1e-3, 1e5)),
)  # fmt: skip
TOOK_US = st.one_of(st.integers(-(10**6), 10**10), st.integers(0, 10**17))


@settings(max_examples=40)
@given(st.data())
def test_nothing_that_can_be_learned_breaks_an_answer(asking, data):
    model = asking.fresh()
    for _ in range(2):
        journeys, ahead = asking.columns(data.draw(asking.trips(2)))
        _, newest = asking.put(model, journeys, ahead, 0)
        for fact in data.draw(st.lists(FACTS, max_size=5)):
            (model.learn_leg if isinstance(fact, LegTaken) else model.learn_stay)(fact)
        model.learn_arrivals([Reached(chain, data.draw(TOOK_US), data.draw(st.integers(-1, 4))) for chain in newest])
        assert model.export() == 0
        assert_sane(model.estimate(journeys, ahead), ahead)


def test_a_poisoned_model_is_reset_counted_and_answers_on(asking):
    model, rng = asking.taught(rounds=5), np.random.default_rng(8)
    journeys, ahead = asking.scattered(rng, 30)
    for learner in model.correction.models:
        learner._weights["horizon"] = float("inf")
    model.lateness.models[1]._weights["z"] = float("nan")
    arrived(asking, model, rng, delay=1.0)
    assert model.export() >= 2
    assert_sane(model.estimate(journeys, ahead), ahead)
    assert model.export() == 0


def test_times_that_fall_along_a_journey_are_raised_to_the_one_before(asking):
    _, ahead = asking.columns([({}, [{}, {}, {}]), ({}, [{}, {}])])
    falling = np.array([5.0, 3.0, 9.0, 1.0, 0.5])
    assert in_order(ahead, falling).tolist() == [5.0, 5.0, 9.0, 1.0, 1.0]
    rising = np.array([5.0, 6.0, 9.0, 1.0, 1.0])
    assert in_order(ahead, rising).tolist() == [5.0, 6.0, 9.0, 1.0, 1.0]


LOOK = SecondLookPolicy(NetworkPolicy(kept=256))


def test_a_model_is_as_large_after_many_legs_places_and_routes_as_after_some(asking):
    policy = ModelPolicy(legs=LegPolicy(capacity=40), stays=StayPolicy(capacity=40), runs=RunPolicy(capacity=20), second_look=LOOK)
    model, rng, sizes, none = EtaModel(policy), np.random.default_rng(10), [], np.array([], dtype=np.int64)
    run = np.full((5, 4), 100.0, dtype=np.float16).tobytes()
    for turn in range(240):
        for number in range(20):
            fact = leg_fact(leg=model.legs.leg("depot", f"s{turn}-{number // 2}"), area=-1, run=run, minute=number)
            model.learn_leg(fact._replace(place=model.stays.place(f"s{turn}-{number}"), deviation_s=30.0))
        trips = [({"route": 5 * turn + number, "now_s": 600.0 * turn}, [{"place": number}]) for number in range(5)]
        _, newest = asking.put(model, *asking.columns(trips), turn * 600_000_000)
        model.learn_arrivals([Reached(chain, turn * 600_000_000 + int(rng.integers(10**8))) for chain in newest])
        model.export()
        model.trim_legs(none)
        model.stays.trim(none)
        sizes.append(len(dump_model(model)))
    assert (model.legs.table.count, model.stays.table.count) < (46, 46)
    assert model.runs.table.count == 20
    assert model.questions.count == 5
    assert max(sizes[120:]) < 1.02 * max(sizes[60:120])
