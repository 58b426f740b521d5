"""River objects as bytes: pickled, with the version of River, and loaded only if every class in them is River's or numpy's own.

Whoever can write a pickle can run code in the process that loads it; this loader refuses any name outside its list.
"""

import io
import pickle
from importlib.metadata import version
from typing import Any

import msgspec

ALLOWED = {
    ("river.linear_model.lin_reg", "LinearRegression"),
    ("river.linear_model.log_reg", "LogisticRegression"),
    ("river.optim.ada_grad", "AdaGrad"),
    ("eta_models.ada_grad", "AdaGrad"),
    ("river.optim.schedulers", "Constant"),
    ("river.optim.losses", "Huber"),
    ("river.optim.losses", "Log"),
    ("river.optim.initializers", "Zeros"),
    ("river._river_rust.vectordict", "VectorDict"),
    ("collections", "defaultdict"),
    ("builtins", "float"),
}
"""Modules and names of all that a model is made of (the AdaGrad of ours is River's, faster); a name with a dot in it is none of them."""


RIVER = version("river")
"""Found out once: each look through what is installed leaves a circle of objects behind, and circles are hardly ever collected."""


class UntrustedModel(ValueError):
    """An envelope that this process does not open: another River, or a class that does not belong there."""


class _Envelope(msgspec.Struct, frozen=True):
    river: str
    pickled: bytes


class _OnlyRiver(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Let only River's own classes in."""
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        msg = f"a model may hold only River's own objects, this one names {module}.{name}"
        raise UntrustedModel(msg)


def wrap(objects: object) -> bytes:
    """River objects as bytes."""
    return msgspec.msgpack.encode(_Envelope(RIVER, pickle.dumps(objects, protocol=5)))


def unwrap(raw: bytes) -> Any:
    """The objects that `wrap` took. Raises `UntrustedModel`."""
    try:
        envelope = msgspec.msgpack.decode(raw, type=_Envelope)
    except msgspec.DecodeError as error:
        msg = f"these bytes are no model: {error}"
        raise UntrustedModel(msg) from error
    if envelope.river != RIVER:
        msg = f"the model was written with River {envelope.river}, this is {RIVER}: rebuild it from the log"
        raise UntrustedModel(msg)
    try:
        return _OnlyRiver(io.BytesIO(envelope.pickled)).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, KeyError, ValueError) as error:
        msg = f"the model is damaged: {error}"
        raise UntrustedModel(msg) from error
