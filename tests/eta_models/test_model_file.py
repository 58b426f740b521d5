"""What a fleet learned as a file: the same answers elsewhere, only numbers in it, and nothing old, foreign or damaged comes in."""

import zlib
from hashlib import blake2b

import msgspec
import numpy as np
import pytest

from eta_models.graft import graft
from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_file import BadModel, learned, pack, unpack

MAGIC = b"FLEETCAST-MODEL\n"


def bits(answers, answer):
    return {name: column.tobytes() for name, column in answers(answer).items()}


def packed(model, **more):
    model.export()
    return pack(model, "depot", 7, more.pop("settings", {}), general=more.pop("general", False))


def altered(raw, change):
    """The file with its content changed, and a checksum that fits."""
    content = msgspec.msgpack.decode(zlib.decompress(raw[len(MAGIC) + 16 :]))
    change(content)
    body = zlib.compress(msgspec.msgpack.encode(content))
    return MAGIC + blake2b(body, digest_size=16).digest() + body


def test_a_model_answers_in_another_process_as_it_did_at_home(asking, answers):
    model = asking.taught()
    model.trackers = EtaModel(ModelPolicy()).trackers  # what fades is not taken along
    model.export()
    question = asking.scattered(np.random.default_rng(1), 40)
    other = unpack(packed(model), ModelPolicy()).model
    assert bits(answers, other.estimate(*question)) == bits(answers, model.estimate(*question))
    assert learned(other) == learned(model) > 0


def test_a_model_that_came_in_a_file_learns_on_as_it_would_have_at_home(asking, answers):
    model = asking.taught()
    fresh = EtaModel(ModelPolicy())
    model.trackers, model.questions = fresh.trackers, fresh.questions  # what is not taken along
    other = unpack(packed(model), ModelPolicy()).model
    for one in (model, other):
        asking.teach(one, 3, 5)
    question = asking.scattered(np.random.default_rng(2), 40)
    assert bits(answers, other.estimate(*question)) == bits(answers, model.estimate(*question))


def test_a_file_holds_no_pickle(asking):
    body = zlib.decompress(packed(asking.taught())[len(MAGIC) + 16 :])
    assert b"LinearRegression" not in body
    assert b"AdaGrad" not in body


def test_the_general_part_knows_no_place_and_keeps_what_all_fleets_share(asking):
    model = asking.taught()
    file = unpack(packed(model, general=True), ModelPolicy())
    assert (file.about.general, file.about.legs, file.about.places) == (True, 0, 0)
    assert file.model.legs.table.count == file.model.stays.table.count == file.model.runs.table.count == len(file.model.legs.areas) == 0
    assert (file.model.correction.weights == model.correction.weights).all()
    assert (file.model.legs.fleet == model.legs.fleet).all()
    assert file.model.legs.area_hours.shape[0] == 0


def test_no_file_takes_questions_that_wait_along(asking):
    model, rng = asking.taught(), np.random.default_rng(5)
    asking.put(model, *asking.scattered(rng, 8), 0)
    assert model.questions.kept
    assert unpack(packed(model), ModelPolicy()).model.questions.kept == 0


def test_settings_travel_with_a_model_unless_others_are_told(asking):
    raw = packed(asking.taught(), settings={"learning_rate": 0.2})
    assert unpack(raw, ModelPolicy()).model.policy.correction.learning_rate == 0.2
    other = unpack(raw, ModelPolicy(), {"huber_epsilon": 1.5}).model
    assert (other.policy.correction.learning_rate, other.policy.correction.huber_epsilon) == (0.04, 1.5)
    assert other.correction.models[0].loss.epsilon == 1.5


DAMAGES = {
    "its checksum is wrong": lambda raw: raw[:-1],
    "no model of Fleetcast": lambda raw: b"x" + raw,
    "format 2": lambda raw: altered(raw, lambda file: file.update(format=2)),
    "another version": lambda raw: altered(raw, lambda file: file.update(layout="0" * 16)),
    "damaged": lambda raw: altered(raw, lambda file: file["saved"].update(legs=({}, 3))),
    "not as many": lambda raw: altered(raw, lambda file: file["saved"].update(leg_keys=([["a", "b"]], b"\0", 0))),
    "features that are none": lambda raw: altered(raw, lambda file: file["river"]["size"][0][0].update(colour=1.0)),
    "not finite": lambda raw: altered(raw, lambda file: file["river"]["size"].__setitem__(0, [{}, {}, float("inf"), 1])),
    "is no setting": lambda raw: altered(raw, lambda file: file["about"].update(settings={"colour": 1.0})),
}


@pytest.mark.parametrize("why", DAMAGES)
def test_an_old_foreign_or_damaged_file_is_refused_with_the_reason(asking, why):
    raw = packed(asking.taught(rounds=2))
    with pytest.raises(BadModel, match=why):
        unpack(DAMAGES[why](raw), ModelPolicy())


def test_a_grafted_model_knows_its_legs_under_the_numbers_of_the_fleet(asking):
    model, fleet = asking.taught(), EtaModel(ModelPolicy())
    for row, key in enumerate([("s", "t"), *model.legs.keys.keys[::-1]]):
        assert fleet.legs.leg(*key) == row
    seen = {key: float(model.legs.table.seen[row]) for row, key in enumerate(model.legs.keys.keys)}
    other = unpack(packed(model), ModelPolicy()).model
    graft(other, fleet)
    assert {key: float(other.legs.table.seen[row]) for row, key in enumerate(fleet.legs.keys.keys) if key in seen} == seen
    assert other.legs.table.seen[0] == 0.0
    assert other.legs.table.count == fleet.legs.table.count
    assert other.legs.keys is fleet.legs.keys
