"""Traffic from outside: kept by area with its age and source, and put into the model at working ticks only."""

from typing import TypeVar

import numpy as np

from eta_models.columns import MISSING
from eta_models.graft import keep_up
from geofences.cells import cell_number
from stream.fleet import FleetState
from stream.moments import micros
from stream.reasons import Reason
from stream.road_messages import RoadTimesPut
from stream.routes import AREA_RESOLUTION
from stream.slowed import Slowed, ToldSpeeds
from stream.steps.models import models_of
from stream.steps.statuses import Facts
from stream.traffic_messages import TrafficPut, TrafficSpeedsPut

T = TypeVar("T", Slowed, ToldSpeeds)

HOLDS_US = 3_600_000_000
"""What nobody says the end of holds for an hour: traffic is another one then."""
DAY_US = 86_400_000_000
"""Speeds by hour hold for a day where nobody says: until each hour has come once."""
LEAST_FACTOR, MOST_FACTOR = 0.1, 10.0
"""The same bounds as those of `traffic_put`: beyond, somebody measures something else."""
MOST_ROADS = 8_192
"""Ways that wait for a tick: those of sixteen full messages; the oldest go first."""
MOST_AREAS = 4_096
"""Areas of which something is kept, as many as the model has; what is oldest goes first."""


def put_traffic(state: FleetState, facts: Facts, message: TrafficPut) -> Reason | None:
    """Keep what is said of an area; the model hears of it at the next working tick."""
    cell = cell_number(message.cell, AREA_RESOLUTION)
    if cell is None:
        return Reason.VALUE_RANGE
    from_us, until_us = micros(message.valid_from), micros(message.valid_until)
    from_us = facts.at_us if from_us == MISSING else from_us
    until_us = from_us + HOLDS_US if until_us == MISSING else until_us
    return _keep(state.traffic, cell, Slowed(message.factor, from_us, until_us, facts.at_us, message.source))


def put_speeds(state: FleetState, facts: Facts, message: TrafficSpeedsPut) -> Reason | None:
    """Keep what is said of an area's hours; the model hears of it at the next working tick."""
    cell = cell_number(message.cell, AREA_RESOLUTION)
    if cell is None:
        return Reason.VALUE_RANGE
    until_us = micros(message.valid_until)
    until_us = facts.at_us + DAY_US if until_us == MISSING else until_us
    return _keep(state.told_speeds, cell, ToldSpeeds(tuple(message.speeds_mps), until_us, facts.at_us, message.source))


def _keep(table: dict[int, T], cell: int, said: T) -> Reason | None:
    """What was said last of an area stands, as its newest; word from before that comes too late."""
    known = table.pop(cell, None)
    if known is not None and known.at_us > said.at_us:
        table[cell] = known
        return Reason.TOO_LATE
    table[cell] = said
    if len(table) > MOST_AREAS:
        del table[next(iter(table))]
    return None


def put_roads(state: FleetState, message: RoadTimesPut) -> None:
    """Keep what a routing server says of ways; the model hears of it at the next working tick."""
    for leg in message.legs:
        state.told_roads.pop((leg.from_stop_id, leg.to_stop_id), None)
        state.told_roads[leg.from_stop_id, leg.to_stop_id] = leg.duration_s
    while len(state.told_roads) > MOST_ROADS:
        del state.told_roads[next(iter(state.told_roads))]


def know_roads(state: FleetState) -> None:
    """Let the model know of what was told since the last working tick."""
    for model in models_of(state):
        keep_up(model, state.model)
        for (start, end), seconds in state.told_roads.items():
            model.legs.know_road(start, end, seconds)
    state.told_roads = {}


def slow_down(state: FleetState, now_us: int) -> None:
    """Let the model know of what holds now, and forget what is over."""
    legs = state.model.legs
    if not state.traffic and not state.told_speeds and not len(legs.slow):
        return
    state.traffic = {cell: slowed for cell, slowed in state.traffic.items() if slowed.until_us > now_us}
    state.told_speeds = {cell: told for cell, told in state.told_speeds.items() if told.until_us > now_us}
    areas = legs.areas
    slow = np.zeros((len(areas) if state.traffic or state.told_speeds else 0, legs.HOURS))
    for cell, told in state.told_speeds.items():
        if cell in areas:
            mps = np.array([np.nan if one is None else one for one in told.mps])
            factor = np.minimum(np.maximum(legs.usual_mps(areas[cell]) / mps, LEAST_FACTOR), MOST_FACTOR)
            slow[areas[cell]] = np.where(mps > 0, np.log(factor), 0.0)
    for cell, slowed in state.traffic.items():
        if cell in areas and slowed.from_us <= now_us:
            slow[areas[cell]] = np.log(slowed.factor)
    for model in models_of(state):
        model.legs.slow = slow
