"""Traffic from outside: kept by area with its age and source, and put into the model at working ticks only."""

import numpy as np

from eta_models.columns import MISSING
from geofences.cells import cell_number
from stream.fleet import FleetState
from stream.moments import micros
from stream.reasons import Reason
from stream.routes import AREA_RESOLUTION
from stream.slowed import Slowed
from stream.steps.statuses import Facts
from stream.traffic_messages import TrafficPut

HOLDS_US = 3_600_000_000
"""What nobody says the end of holds for an hour: traffic is another one then."""
MOST_AREAS = 4_096
"""Areas of which something is kept, as many as the model has; what is oldest goes first."""


def put_traffic(state: FleetState, facts: Facts, message: TrafficPut) -> Reason | None:
    """Keep what is said of an area; the model hears of it at the next working tick."""
    cell = cell_number(message.cell, AREA_RESOLUTION)
    if cell is None:
        return Reason.VALUE_RANGE
    known = state.traffic.pop(cell, None)
    if known is not None and known.at_us > facts.at_us:
        state.traffic[cell] = known
        return Reason.TOO_LATE
    from_us, until_us = micros(message.valid_from), micros(message.valid_until)
    from_us = facts.at_us if from_us == MISSING else from_us
    state.traffic[cell] = Slowed(
        message.factor, from_us, from_us + HOLDS_US if until_us == MISSING else until_us, facts.at_us, message.source
    )
    if len(state.traffic) > MOST_AREAS:
        del state.traffic[next(iter(state.traffic))]
    return None


def slow_down(state: FleetState, now_us: int) -> None:
    """Let the model know of what holds now, and forget what is over."""
    if not state.traffic and not len(state.model.legs.slow):
        return
    state.traffic = {cell: slowed for cell, slowed in state.traffic.items() if slowed.until_us > now_us}
    areas = state.model.legs.areas
    slow = np.zeros(len(areas) if state.traffic else 0)
    for cell, slowed in state.traffic.items():
        if cell in areas and slowed.from_us <= now_us:
            slow[areas[cell]] = np.log(slowed.factor)
    state.model.legs.slow = slow
