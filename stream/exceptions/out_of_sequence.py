"""`out_of_sequence`: the driver is at a stop although an earlier one with planned service is still open."""

from dataclasses import dataclass

from stream.exceptions.kind_policy import FactPolicy


@dataclass(frozen=True, slots=True)
class OutOfSequencePolicy(FactPolicy):
    """Which stops count."""

    least_service_s: float = 1.0
    """Planned service from which an earlier stop counts."""
    stands_s: float = 3_600.0
    """It expires after an hour; it resolves when the earlier stop is served."""
