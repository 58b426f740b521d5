"""What the policies of all kinds of exceptions have in common."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KindPolicy:
    """What every kind has."""

    on: bool = True
    """Whether there are exceptions of this kind at all; those that are open when it is turned off resolve."""


@dataclass(frozen=True, slots=True)
class ConditionPolicy(KindPolicy):
    """When a condition that holds or not is told. Times are log time."""

    hold_s: float = 0.0
    """For so long the condition must hold before it is told."""
    clear_s: float = 60.0
    """For so long it must be gone before the exception resolves: the gap that keeps a wavering condition from flapping."""
    reopen_after_s: float = 0.0
    """Between two openings under one id: until then the condition is known, and nobody is told again."""
    worse_by: float = 2.0
    """It is told again when it is this many times as bad as when it was last told, or as little."""


@dataclass(frozen=True, slots=True)
class FactPolicy(KindPolicy):
    """For how long something that happened stands."""

    stands_s: float = 86_400.0
    """Log time after which it expires."""
