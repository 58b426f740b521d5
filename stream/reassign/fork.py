"""A copy of a fleet to try things on: vehicles, visits and routes as they are now, and a model to ask. Nothing later changes it."""

import copy

from eta_models.still import still
from stream.fleet import FleetState

ROOM = 1_024
"""Rows of visits that an attempt may lay anew before its tables have to grow."""


def fork(state: FleetState) -> FleetState:
    """The fleet as it is now, without its fences, its questions and what it told: these have no part in what could be moved."""
    tried = FleetState(state.fleet_id, still(state.model))
    for name in ("now_us", "ticked_us", "position", "visit_numbers", "route_numbers", "utc_offset_s", "most_vehicles"):
        setattr(tried, name, getattr(state, name))
    tried.vehicles, tried.visits = state.vehicles.copy(), state.visits.copy(ROOM)
    for name in ("vehicle_ids", "vehicle_rows", "facts", "names", "visit_rows", "dropped", "route_ids"):
        setattr(tried, name, getattr(state, name).copy())
    tried.routes = {route_id: copy.copy(route) for route_id, route in state.routes.items()}
    return tried


def again(tried: FleetState) -> FleetState:
    """Another copy of a copy, for one more attempt; the model is shared, because an attempt teaches it nothing but names of legs."""
    other = copy.copy(tried)
    other.vehicles, other.visits = tried.vehicles.copy(), tried.visits.copy(ROOM)
    for name in ("names", "visit_rows", "dropped", "route_ids", "vehicle_ids", "vehicle_rows"):
        setattr(other, name, getattr(tried, name).copy())
    other.routes = {route_id: copy.copy(route) for route_id, route in tried.routes.items()}
    return other
