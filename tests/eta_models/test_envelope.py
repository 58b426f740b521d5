"""River objects as bytes: they come back as they were, and nothing else comes in."""

import os
import pickle
from importlib.metadata import version

import msgspec
import pytest

from eta_models.correction import Correction, CorrectionPolicy
from eta_models.envelope import UntrustedModel, unwrap, wrap
from eta_models.lateness import Lateness, LatenessPolicy


def envelope(pickled: bytes, river: str | None = None) -> bytes:
    """An envelope around any bytes, from any River."""
    return msgspec.msgpack.encode({"river": version("river") if river is None else river, "pickled": pickled})


def call_by_name(module: str, name: str, argument: str) -> bytes:
    """A pickle that looks a function up by its name in a module and calls it."""
    text = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name)) + b"\x93"
    return b"\x80\x04" + text + b"\x8c" + bytes([len(argument)]) + argument.encode() + b"\x85R."


class Calls:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.call


def cut_at_the_end(pickled: bytes) -> bytes:
    return pickled[:-1]


def cut_in_the_middle(pickled: bytes) -> bytes:
    return pickled[: len(pickled) // 2]


def emptied(pickled: bytes) -> bytes:
    return pickled[:0]


def overwritten(pickled: bytes) -> bytes:
    return b"\xff" + pickled[1:]


def models() -> dict[str, object]:
    """The models that travel, after they have learned something."""
    correction, lateness = Correction(CorrectionPolicy()), Lateness(LatenessPolicy())
    for number in range(20):
        correction.models[number].learn_one({"chain": number / 7, "late": 1.0}, 2.0, w=0.5)
        lateness.models[0].learn_one({"z": number - 5.0, "above": 1.0}, number % 3 == 0)
    return {"correction": correction.models, "lateness": lateness.models}


def test_models_come_back_and_learn_on_as_if_they_had_not_travelled():
    here = models()
    there = unwrap(wrap(here))
    for number, row in enumerate([{"chain": 0.3}, {"late": -2.0, "new": 1.5}, {}]):
        one, other = here["correction"][number], there["correction"][number]
        assert other.predict_one(row) == one.predict_one(row)
        one.learn_one(row, 1.0, w=0.7)
        other.learn_one(row, 1.0, w=0.7)
        assert (other.weights, other.intercept) == (one.weights, one.intercept)
    here["lateness"][0].learn_one({"z": 1.0}, True)
    there["lateness"][0].learn_one({"z": 1.0}, True)
    assert there["lateness"][0].predict_proba_one({"z": 1.0}) == here["lateness"][0].predict_proba_one({"z": 1.0})


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(os.system, ("echo pwned > {file}",)), (exec, ("open({file!r}, 'w').close()",)), (os.mkdir, ("{file}",))],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_that_calls_something_else_is_refused_and_the_call_not_made(tmp_path, function, arguments, protocol):
    made = tmp_path / "made"
    pickled = pickle.dumps({"correction": [Calls(function, *(text.format(file=str(made)) for text in arguments))]}, protocol=protocol)
    with pytest.raises(UntrustedModel, match="may hold only River's own objects"):
        unwrap(envelope(pickled))
    assert not made.exists()
    pickle.loads(pickled)
    assert made.exists()  # it would have been


@pytest.mark.parametrize(
    ("module", "name"),
    [("river.linear_model.base", "typing.contextlib.os.system"), ("river.linear_model.base", "functools.partial")],
)
def test_what_a_module_of_river_has_imported_is_not_rivers_own(tmp_path, module, name):
    made = tmp_path / "made"
    with pytest.raises(UntrustedModel):
        unwrap(envelope(call_by_name(module, name, f"echo pwned > {made}")))
    assert not made.exists()


@pytest.mark.parametrize(
    ("module", "name"), [("riverbed.linear_model.base", "GLM"), ("river.compat", "x"), ("builtins", "eval"), ("collections", "namedtuple")]
)
def test_a_name_like_rivers_is_not_rivers(module, name):
    with pytest.raises(UntrustedModel, match=f"{module}.{name}"):
        unwrap(envelope(call_by_name(module, name, "1")))


@pytest.mark.parametrize("river", ["0.20.0", "", "0.26.1.post1"])
def test_models_of_another_river_are_refused_with_both_versions(river):
    with pytest.raises(UntrustedModel, match="rebuild it from the log") as refused:
        unwrap(envelope(pickle.dumps([]), river))
    assert version("river") in str(refused.value)
    assert f"River {river}," in str(refused.value)


def test_another_river_is_refused_before_its_pickle_is_looked_at():
    with pytest.raises(UntrustedModel, match=r"River 0\.1"):
        unwrap(envelope(b"no pickle at all", "0.1"))


def test_cut_bytes_are_refused_wherever_they_are_cut():
    whole = wrap(models())
    for length in {*range(60), *range(60, len(whole), 97), len(whole) - 1}:
        with pytest.raises((UntrustedModel, msgspec.DecodeError)):
            unwrap(whole[:length])


@pytest.mark.parametrize("raw", [b"", b"\x00", b"{}", b"\x80", b"abc" * 100])
def test_bytes_that_are_no_envelope_are_refused(raw):
    with pytest.raises(UntrustedModel):
        unwrap(raw)


@pytest.mark.parametrize("damage", [cut_at_the_end, cut_in_the_middle, emptied, overwritten])
def test_a_damaged_pickle_in_a_whole_envelope_is_refused_by_name(damage):
    with pytest.raises(UntrustedModel):
        unwrap(envelope(damage(pickle.dumps(models(), protocol=5))))
