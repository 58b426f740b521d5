"""A copy of a model answers as the model did, whatever that learns afterwards, and asking it changes nothing of the model."""

import numpy as np

from eta_models.journeys import LegTaken, StayEnded
from eta_models.model import EtaModel, ModelPolicy
from eta_models.still import still
from eta_models.tiles import ASKED


def taught(model, took_s, times=20):
    leg, place = model.legs.leg("a", "b"), model.stays.place("b")
    area = model.legs.area(7)
    for _ in range(times):
        model.learn_leg(LegTaken(leg, area, 9.0, took_s, took_s, 1_000.0, float("nan"), place, 0.0, 10.0, 20.0))
        model.learn_stay(StayEnded(place, took_s / 2, 0.0, 100.0))
    model.export()
    return model


def answers(model):
    ones = np.array([0]), np.array([0]), np.array([9]), np.array([1_000.0]), np.array([np.nan])
    leg = float(model.legs.expected_s(*ones)[0])
    stay = float(model.stays.service_s(np.array([0]), np.array([100.0]))[0])
    return leg, stay, model.deviation.fleet.tolist(), model.legs.table.transfer[0].tolist()


def test_what_the_model_learns_later_is_not_in_the_copy():
    model = taught(EtaModel(ModelPolicy()), 300.0)
    copied, before = still(model), answers(model)
    taught(model, 900.0)
    assert answers(copied) == before
    assert answers(model) != before


def test_large_tables_are_lent_and_copied_only_where_they_change_while_somebody_reads():
    model = taught(EtaModel(ModelPolicy()), 300.0)
    row, asked, sample = model.runs.room(), np.zeros((1, len(ASKED)), np.float32), np.array([[1.0, 2.0, 3.0, 4.0]], np.float16)
    model.trips.learn(asked, np.array([100.0]), np.array([0.0]), 100.0)
    table, weights = model.runs.table, model.trips.weights
    copied = still(model)
    assert copied.runs.table is table
    model.runs.learn(row, sample)
    model.trips.learn(asked, np.array([900.0]), np.array([0.0]), 900.0)
    assert copied.runs.table is table
    assert copied.trips.weights is weights
    assert table.put[row] == 0
    assert model.runs.table.put[row] == 1
    assert model.trips.weights is not weights
    del copied
    still(model)
    owned = model.runs.table
    model.runs.learn(row, sample)
    assert model.runs.table is owned


def test_new_legs_of_the_copy_are_not_in_the_model():
    model = taught(EtaModel(ModelPolicy()), 300.0)
    copied = still(model)
    assert copied.legs.leg("x", "y") == 1
    assert copied.legs.area(99) == 1
    assert ("x", "y") not in model.legs.keys.rows
    assert model.legs.table.count == 1
    assert 99 not in model.legs.areas


def test_policies_are_shared_and_questions_left_behind():
    model = taught(EtaModel(ModelPolicy()), 300.0)
    copied = still(model)
    assert copied.policy is model.policy
    assert copied.legs.policy is model.legs.policy
    assert copied.questions is not model.questions
    assert copied.legs.table is not model.legs.table
