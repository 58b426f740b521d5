"""`missed_stop`: a vehicle drove past a stop that it should have served, and went on to a later one."""

from dataclasses import dataclass

from stream.exceptions.kind_policy import FactPolicy


@dataclass(frozen=True, slots=True)
class MissedStopPolicy(FactPolicy):
    """Which stops count, and for how long it is worth turning back."""

    least_service_s: float = 1.0
    """Planned service from which a stop counts: a bus passes by where nobody waits."""
    stands_s: float = 14_400.0
    """It expires after four hours if nobody goes back; it resolves when the stop is served."""
