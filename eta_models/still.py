"""A model to ask while the real one goes on learning: everything that an answer rests on, copied or lent."""

import copy
from typing import Any

import numpy as np

from eta_models.columns import Columns
from eta_models.lending import Lender
from eta_models.model import EtaModel
from eta_models.questions import Questions


def still(model: EtaModel) -> EtaModel:
    """A copy of `model` that answers as it does now, whatever it learns later. It must not be taught: River's objects are shared."""
    copied = copy.copy(model)
    for name, value in vars(model).items():
        setattr(copied, name, Questions() if isinstance(value, Questions) else _copied(value))
    return copied


def _copied(part: Any) -> Any:
    """Arrays and tables are copied, also inside the parts of the model; containers of anything else are copied, their contents shared."""
    if isinstance(part, np.ndarray | Columns):
        return part.copy()
    if isinstance(part, list):
        ours = bool(part) and (isinstance(part[0], np.ndarray) or _is_ours(part[0]))
        return [_copied(value) for value in part] if ours else list(part)
    if isinstance(part, dict | set | bytearray):
        return part.copy()
    return _parts_copied(part) if _is_ours(part) else part


def _is_ours(part: object) -> bool:
    """Whether it is a part of a model that may change: a policy is frozen."""
    frozen = getattr(getattr(part, "__dataclass_params__", None), "frozen", False)
    return type(part).__module__.startswith("eta_models.") and not frozen


def _parts_copied(part: Any) -> Any:
    lends = isinstance(part, Lender)
    copied = part.lend() if lends else copy.copy(part)
    names = [*getattr(part, "__dict__", ()), *(name for kind in type(part).__mro__ for name in getattr(kind, "__slots__", ()))]
    for name in names:
        if lends and name in (*part.TABLES, "readers"):
            continue
        setattr(copied, name, _copied(getattr(part, name)))
    return copied
