"""River objects as bytes: pickled, with the version of River, and loaded only if every class in them is River's or numpy's own.

Whoever can write a pickle can run code in the process that loads it; this loader refuses any name outside its list.
"""

import io
import pickle
from importlib.metadata import version
from typing import Any

import msgspec

ALLOWED = ("river.linear_model.", "river.optim.", "river.utils.", "river._river_rust")
"""Modules whose classes may be in an envelope."""

_PLAIN = {("collections", "defaultdict"), ("collections", "OrderedDict"), ("builtins", "int"), ("builtins", "float"), ("builtins", "set")}


class UntrustedModel(ValueError):
    """An envelope that this process does not open: another River, or a class that does not belong there."""


class _Envelope(msgspec.Struct, frozen=True):
    river: str
    pickled: bytes


class _OnlyRiver(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Let only River's own classes in."""
        if module.startswith(ALLOWED) or (module, name) in _PLAIN:
            return super().find_class(module, name)
        msg = f"a model may hold only River's own objects, this one names {module}.{name}"
        raise UntrustedModel(msg)


def wrap(objects: object) -> bytes:
    """River objects as bytes."""
    return msgspec.msgpack.encode(_Envelope(version("river"), pickle.dumps(objects, protocol=5)))


def unwrap(raw: bytes) -> Any:
    """The objects that `wrap` took. Raises `UntrustedModel`."""
    envelope = msgspec.msgpack.decode(raw, type=_Envelope)
    if envelope.river != version("river"):
        msg = f"the model was written with River {envelope.river}, this is {version('river')}: rebuild it from the log"
        raise UntrustedModel(msg)
    return _OnlyRiver(io.BytesIO(envelope.pickled)).load()
