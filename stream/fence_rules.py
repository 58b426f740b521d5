"""When a vehicle counts as in a fence: in seconds and metres, by kind of fence."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from eta_models.columns import Flags, Floats, Ints
from geofences.fences import ALWAYS_US, FOR_EVER_US, Fence

MOST_FIXES = 100
"""Fixes that a policy may wait for: at one a minute more than an hour and a half."""


@dataclass(frozen=True, slots=True)
class FencePolicy:
    """What must be seen before a fence counts as entered and left. With these values a parked vehicle gives an event in four hours
    (`benchmarks/fence_alarms.py`), where the raw edge gives a hundred an hour.
    """

    enter_fixes: int = 2
    """Fixes inside before it is entered; between two of them one may lie outside."""
    enter_hold_s: float = 20.0
    """Time between the first and the last of them: in seconds, so that a device that reports more often is not believed sooner."""
    exit_m: float = 30.0
    """Metres from the edge that are far enough to be away, for good fixes: the width of a street."""
    exit_accuracies: float = 3.0
    """The same as a multiple of the accuracy of the fix, where that is more: 3 sigma, one fix in 370 if noise were normal."""
    exit_fixes: int = 2
    """Fixes in a row that far off before it is left: one alone is an outlier."""
    exit_hold_s: float = 20.0
    """Time between the first and the last of them."""
    dwell_s: float = 300.0
    """Stay after which it is told once that the vehicle dwells."""
    passages: bool = True
    """Whether driving through without staying (`enter_hold_s`) is told: entered and exited, both `passed`."""

    def __post_init__(self) -> None:
        """Raises ValueError for what no fix could ever fulfil."""
        numbers = (self.enter_hold_s, self.exit_m, self.exit_accuracies, self.exit_hold_s, self.dwell_s)
        if self.enter_fixes < 1 or self.exit_fixes < 1 or not all(0.0 <= number < 1e9 for number in numbers):
            msg = "fixes must be at least 1; seconds, metres and multiples at least 0"
            raise ValueError(msg)

    def changed(self, told: Mapping[str, float | bool]) -> "FencePolicy":
        """With some fields as they were told. Raises ValueError for one that there is not, and for a value that it cannot have."""
        values: dict[str, Any] = {}
        for name, value in told.items():
            usual = getattr(self, name) if name in self.__dataclass_fields__ else None
            if usual is None or isinstance(usual, bool) != isinstance(value, bool):
                msg = f"{name} is no field of this type"
                raise ValueError(msg)
            counts = isinstance(usual, int) and not isinstance(usual, bool)
            if counts and not (value <= MOST_FIXES and value == int(value)):
                msg = f"{name} is a number of fixes, {MOST_FIXES} at most"
                raise ValueError(msg)
            values[name] = int(value) if counts else value
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class FencePolicies:
    """The policy of each kind of fence, and what is assumed of fixes."""

    usual: FencePolicy = field(default_factory=FencePolicy)
    kinds: Mapping[str, FencePolicy] = field(default_factory=dict)
    """Policies of kinds of fences that differ from the usual one."""
    assumed_accuracy_m: float = 10.0
    """Accuracy of fixes that come without one: three times this is the usual exit band."""
    trusted_gap_s: float = 120.0
    """Between fixes further apart than this nobody knows the path: no crossing is interpolated, no passage seen."""
    most_fences: int = 10_000
    """Fences of a fleet: twice what the index was measured with."""
    most_corners: int = 1_000_000
    """Corners of all of them together: 100 MB of tables. The 263 taxi zones of New York have 98,000."""
    detour: float = 1.5
    """A path around a corner is at most 1.41 times the straight line; a jump there and back is much longer, and no passage."""


@dataclass(frozen=True)
class FenceRules:
    """What governs each fence of an index, in columns by fence number. `policies` is what they were made from."""

    policies: FencePolicies
    fences: list[Fence]
    by_kind: list[FencePolicy]
    kind: Ints
    """Place in `by_kind`."""
    valid_from_us: Ints
    valid_until_us: Ints
    scoped: Flags

    @classmethod
    def of(cls, policies: FencePolicies, fences: list[Fence], told: Mapping[str, FencePolicy]) -> "FenceRules":
        """The rules of fences in the order of their numbers; what was `told` of a kind goes before the settings."""
        kinds: dict[str, int] = {}
        kind = np.array([kinds.setdefault(fence.kind, len(kinds)) for fence in fences], dtype=np.int64)
        starts = np.array([fence.valid_from_us for fence in fences], dtype=np.int64)
        ends = np.array([fence.valid_until_us for fence in fences], dtype=np.int64)
        scoped = np.array([bool(fence.vehicle_ids or fence.vehicle_tags) for fence in fences], dtype=np.bool_)
        by_kind = [told.get(name) or policies.kinds.get(name, policies.usual) for name in kinds]
        return cls(policies, fences, by_kind, kind, starts, ends, scoped)

    @cached_property
    def timed(self) -> bool:
        """Whether any fence is in force for a time only."""
        return bool((self.valid_from_us != ALWAYS_US).any() or (self.valid_until_us != FOR_EVER_US).any())

    @cached_property
    def any_scoped(self) -> bool:
        """Whether any fence is for some vehicles only."""
        return bool(self.scoped.any())

    @cached_property
    def whole(self) -> dict[str, Ints]:
        """Policies that are whole numbers, by fence number: fixes, and times in microseconds."""
        values = {
            "enter_fixes": [policy.enter_fixes for policy in self.by_kind],
            "exit_fixes": [policy.exit_fixes for policy in self.by_kind],
            "enter_hold_us": [round(policy.enter_hold_s * 1e6) for policy in self.by_kind],
            "exit_hold_us": [round(policy.exit_hold_s * 1e6) for policy in self.by_kind],
            "dwell_us": [round(policy.dwell_s * 1e6) for policy in self.by_kind],
            "passages": [int(policy.passages) for policy in self.by_kind],
        }
        return {name: np.array(column, dtype=np.int64)[self.kind] for name, column in values.items()}

    @cached_property
    def bands(self) -> tuple[Floats, Floats]:
        """By fence number: the least band around it in metres, and in accuracies."""
        metres, accuracies = [p.exit_m for p in self.by_kind], [p.exit_accuracies for p in self.by_kind]
        return np.array(metres)[self.kind], np.array(accuracies)[self.kind]

    def band_m(self, numbers: Ints, accuracy_m: Floats) -> Floats:
        """How far from its fence each position must be to be surely outside."""
        metres, accuracies = self.bands
        return np.maximum(metres.take(numbers), accuracies.take(numbers) * accuracy_m)

    def accuracy_m(self, known_m: Floats) -> Floats:
        """The accuracy of fixes; the assumed one where none (NaN) is known."""
        return np.where(np.isnan(known_m), self.policies.assumed_accuracy_m, known_m)

    def is_for(self, number: int, vehicle_id: str, tags: tuple[str, ...]) -> bool:
        """Whether a fence is for a vehicle with these tags."""
        fence = self.fences[number]
        everybody = not fence.vehicle_ids and not fence.vehicle_tags
        return everybody or vehicle_id in fence.vehicle_ids or not set(tags).isdisjoint(fence.vehicle_tags)
