"""A model through bytes: the same answers, the same learning after, and nothing foreign, cut or older comes in."""

import pickle
from importlib.metadata import version

import msgspec
import numpy as np
import pytest

from eta_models.envelope import UntrustedModel
from eta_models.journeys import Reached
from eta_models.model import ModelPolicy
from eta_models.model_bytes import dump_model, load_model


def bits(answers, answer):
    return {name: column.tobytes() for name, column in answers(answer).items()}


def again(model):
    return load_model(dump_model(model), ModelPolicy())


def learned(model):
    """Everything that a model has learned, without the accidents of its pickles."""
    river = [*model.correction.models, model.spread.model, *model.lateness.models]
    saved = msgspec.msgpack.decode(dump_model(model))
    return {**saved, "river": [(one.weights, one.intercept, dict(one.optimizer.g2), one.optimizer.n_iterations) for one in river]}


def changed(raw: bytes, **fields: object) -> bytes:
    """The bytes of a model with some fields replaced."""
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(raw), **fields})


@pytest.mark.parametrize("rounds", [0, 1, 20])
def test_a_model_comes_back_with_equal_answers(asking, answers, rounds):
    model = asking.taught(rounds=rounds)
    question = asking.scattered(np.random.default_rng(1), 40)
    assert bits(answers, again(model).estimate(*question)) == bits(answers, model.estimate(*question))


def test_a_model_comes_back_and_learns_on_equally(asking, answers):
    model = asking.taught()
    other = again(model)
    question = asking.scattered(np.random.default_rng(2), 40)
    for seed in (3, 4):
        for one in (model, other):
            asking.teach(one, seed, 5)
        assert bits(answers, other.estimate(*question)) == bits(answers, model.estimate(*question))
    assert learned(other) == learned(model)


def test_questions_that_wait_come_back_and_are_answered_equally(asking, answers):
    model, rng = asking.taught(), np.random.default_rng(5)
    _, newest = asking.put(model, *asking.scattered(rng, 8), 0)
    model.forget_questions(newest[3])
    other = again(model)
    assert other.questions.kept == model.questions.kept > 0
    truths = [Reached(chain, 400_000_000 + chain) for number, chain in enumerate(newest) if number != 3]
    question = asking.scattered(rng, 20)
    for one in (model, other):
        one.learn_arrivals(truths)
        one.export()
        assert one.questions.kept == 0
    assert bits(answers, other.estimate(*question)) == bits(answers, model.estimate(*question))
    assert asking.put(other, *question, 1)[1] == asking.put(model, *question, 1)[1]


def test_legs_places_and_areas_keep_their_rows(asking):
    model = asking.taught(rounds=2)
    other = again(model)
    for number in range(8):
        assert other.legs.leg(f"s{number}", f"s{number + 1}") == model.legs.leg(f"s{number}", f"s{number + 1}")
        assert other.stays.place(f"s{number}") == model.stays.place(f"s{number}")
        assert other.legs.area(1000 + number) == model.legs.area(1000 + number)


def test_resets_are_still_counted_after_the_way_through_bytes(asking):
    model = asking.taught(rounds=1)
    model.correction.resets = 3
    assert again(model).correction.resets == 3


def test_the_same_learning_gives_the_same_bytes(asking):
    assert dump_model(asking.taught()) == dump_model(asking.taught())
    assert dump_model(asking.taught(seed=12)) != dump_model(asking.taught())


def test_a_model_saved_between_learning_and_export_exports_the_same(asking, answers):
    model = asking.taught(rounds=5)
    asking.teach(model, 6, 3, export=False)
    other = again(model)
    question = asking.scattered(np.random.default_rng(7), 20)
    model.export()
    other.export()
    assert bits(answers, other.estimate(*question)) == bits(answers, model.estimate(*question))


def test_a_foreign_object_among_rivers_is_refused(asking, tmp_path):
    made = tmp_path / "made"

    class Foreign:
        def __reduce__(self):
            return exec, (f"open({str(made)!r}, 'w').close()",)

    river = msgspec.msgpack.encode(
        {"river": version("river"), "pickled": pickle.dumps({"correction": [], "spread": None, "lateness": [Foreign()]})}
    )
    with pytest.raises(UntrustedModel, match=r"builtins\.exec"):
        load_model(changed(dump_model(asking.fresh()), river=river), ModelPolicy())
    assert not made.exists()


def test_a_model_of_another_river_is_refused(asking):
    raw = dump_model(asking.fresh())
    river = msgspec.msgpack.decode(msgspec.msgpack.decode(raw)["river"])
    older = msgspec.msgpack.encode({**river, "river": "0.21.0"})
    with pytest.raises(UntrustedModel, match=r"River 0\.21\.0"):
        load_model(changed(raw, river=older), ModelPolicy())


def test_cut_bytes_are_refused_wherever_they_are_cut(asking):
    raw = dump_model(asking.taught(rounds=1))
    for length in {*range(40), *np.linspace(40, len(raw) - 1, 60).astype(int).tolist()}:
        with pytest.raises(msgspec.DecodeError):
            load_model(raw[:length], ModelPolicy())


@pytest.mark.parametrize("raw", [b"", b"\xc1", b"{}", pickle.dumps({}), msgspec.msgpack.encode({"arrays": {}})])
def test_bytes_that_are_no_model_are_refused(raw):
    with pytest.raises(msgspec.DecodeError):
        load_model(raw, ModelPolicy())


@pytest.mark.parametrize("name", ["correction.weights", "intervals._low", "legs.fleet", "legs.fleet_share", "lateness.weights"])
def test_a_model_with_another_number_of_features_or_groups_is_refused(asking, name):
    raw = dump_model(asking.fresh())
    arrays = msgspec.msgpack.decode(raw)["arrays"]
    shape, values = arrays[name]
    rest = [*shape[:-1], shape[-1] - 1]
    less = np.frombuffer(values).reshape(shape)[..., :-1].tobytes()
    with pytest.raises(ValueError):
        load_model(changed(raw, arrays={**arrays, name: (rest, less)}), ModelPolicy())
