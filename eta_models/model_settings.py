"""The few settings of a model that may be tried beside the usual ones: by name, with their ranges."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eta_models.model import ModelPolicy

SETTINGS: dict[str, tuple[str, str, float, float]] = {
    "learning_rate": ("correction", "learning_rate", 0.001, 0.5),
    "huber_epsilon": ("correction", "huber_epsilon", 0.01, 5.0),
    "hedge_rate": ("correction", "hedge_rate", 1e-5, 0.1),
    "hedge_sharpness": ("correction", "hedge_sharpness", 0.0, 200.0),
    "spread_rate": ("spread", "learning_rate", 0.001, 0.5),
    "late_rate": ("lateness", "learning_rate", 0.001, 0.5),
    "ask_every": ("", "ask_every", 1.0, 20.0),
}
"""Name -> part of the model's policy, field, least and greatest value. `ask_every`: of the questions about a visit, it learns from each
so many-th."""


def wrong_settings(settings: Mapping[str, float]) -> str | None:
    """What is wrong with settings, in a sentence; None = nothing."""
    for name, value in settings.items():
        if name not in SETTINGS:
            return f"{name} is no setting of a model; there are {', '.join(SETTINGS)}"
        _, _, least, most = SETTINGS[name]
        if not least <= value <= most:
            return f"{name} was {value:g}: it lies between {least:g} and {most:g}"
    return None


def with_settings(policy: ModelPolicy, settings: Mapping[str, float]) -> ModelPolicy:
    """The policy with some settings changed, which must not be `wrong_settings`."""
    for name, value in settings.items():
        part, field, _, _ = SETTINGS[name]
        change: dict[str, Any] = {field: round(value) if field == "ask_every" else value}
        policy = replace(policy, **(change if not part else {part: replace(getattr(policy, part), **change)}))
    return policy
