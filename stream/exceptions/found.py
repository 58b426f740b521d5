"""What detectors find: conditions that hold at a tick, and facts that happened since the last one."""

from typing import NamedTuple

from msgspec import Struct


class Found(NamedTuple):
    """A condition that may be an exception."""

    name: str
    """What makes its id unique within fleet and kind."""
    subject: str
    row: int
    """Row of the vehicle, -1 = about none."""
    visits: list[int]
    """Rows of the visits that it harms."""
    level: float
    """How bad it is, in the unit of its kind."""
    details: dict[str, object]


class Fact(Struct, frozen=True, array_like=True):
    """Something that was seen between two ticks, and is told at the next one, in log order."""

    position: int
    kind: str
    visit_id: str
    vehicle_id: str
    at_us: int
    details: dict[str, object]
