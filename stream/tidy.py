"""What nobody will ask for any more is forgotten: routes that are over, rows that plans left behind, names that were dropped."""

import numpy as np

from eta_models.columns import MISSING
from stream.fleet import FleetState, Route
from stream.model_parts import KEEP_US as KEEP_PARTS_US

KEEP_ENDED_US = 3_600_000_000
"""An ended route stays for an hour: drivers report late."""
KEEP_UNSTARTED_US = 48 * 3_600_000_000
"""A route that nobody starts stays for two days, and so does what a new plan left out."""


def tidy(state: FleetState) -> None:
    """Drop what is over. Row numbers of visits change; call it at a tick only."""
    state.faults.clear()
    if state.parts.pieces and state.now_us - state.parts.at_us > KEEP_PARTS_US:
        state.parts.clear()
    for route in [r for r in state.routes.values() if _is_over(state, r)]:
        del state.routes[route.route_id], state.route_ids[route.number]
    state.dropped = {name: gone for name, gone in state.dropped.items() if state.now_us - gone.at_us <= KEEP_UNSTARTED_US}
    rows: list[int] = []
    for route in sorted(state.routes.values(), key=lambda r: r.first):
        first, length = len(rows), route.end - route.first
        rows.extend(range(route.first, route.end))
        route.first, route.end = first, first + length
    if len(rows) < state.visits.count:
        _keep(state, rows)
    vehicles = state.vehicles
    for row, route_number in enumerate(vehicles.route[: vehicles.count].tolist()):
        route_id = state.route_ids.get(route_number)
        vehicles.end[row] = -1 if route_id is None else state.routes[route_id].end
        if route_id is None:
            vehicles.route[row] = vehicles.next[row] = -1


def _keep(state: FleetState, rows: list[int]) -> None:
    """Keep the visits of `rows` only, under new numbers."""
    number = np.full(state.visits.count + 1, -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    state.visits.keep(np.array(rows, dtype=np.int64))
    state.names = [state.names[row] for row in rows]
    state.visit_rows = {names.visit_id: row for row, names in enumerate(state.names)}
    vehicles = state.vehicles
    for column in (vehicles.here, vehicles.next, vehicles.left_visit):
        used = column[: vehicles.count]
        used[:] = number[used]


def _is_over(state: FleetState, route: Route) -> bool:
    if route.ended_us != MISSING:
        return state.now_us - route.ended_us > KEEP_ENDED_US
    return not route.started and state.now_us - route.published_us > KEEP_UNSTARTED_US


def trim(state: FleetState) -> None:
    """Let the model forget legs and places that are too many, and renumber those that visits name; at a tick only."""
    visits, model = state.visits, state.model
    for trimmed, column in ((model.trim_legs, visits.leg), (model.stays.trim, visits.place)):
        used = column[: visits.count]
        if (number := trimmed(used.astype(np.int64))) is not None:
            used[:] = number[used]
            legs = column is visits.leg
            if legs:
                state.corridors.renumber(number)
            if state.contest is not None:
                state.contest.follow_trim(model, number if legs else None, None if legs else number)
