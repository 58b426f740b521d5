"""Between two ticks, what happens at stops is only noted: to tell it needs all that the fleet knows."""

from stream.exceptions.found import Fact
from stream.fleet import FleetState


def note_fact(state: FleetState, position: int, kind: str, visit: int, row: int, at_us: int, details: dict[str, object]) -> None:
    """Something happened at a visit; the next tick tells it."""
    state.exceptions.facts.append(Fact(position, kind, state.names[visit].visit_id, state.vehicle_ids[row], at_us, details))
