"""What proposals are made for: the seam to exceptions."""

from typing import Literal

from msgspec import Struct

TroubleKind = Literal["late_risk", "vehicle_down", "stop_failed"]


class Trouble(Struct, frozen=True):
    """An exception that something could be done about. `visits` are rows of the fleet, the ones to be saved."""

    exception_id: str
    kind: TroubleKind
    vehicle: int
    visits: tuple[int, ...]
    worst: float
    """By what it is ranked: the highest first."""
