"""Whether a fleet's drivers drive until they say that a stop is done. Where they do, coming into its radius is not yet an arrival.

A taxi comes within its radius of the destination a minute before the meter stops, and may leave it again; a van stands there first. So the
fleet is watched: of the visits without planned work that were reached under way, how many ended with a word and without a stand?
"""

from dataclasses import dataclass

from eta_models.columns import MISSING
from geofences.paths import metres_between
from stream.fleet import FleetState, Route, Truth
from stream.steps.habit import is_habit, seen_once_more
from stream.visits import ARRIVED, DEPARTED


@dataclass(frozen=True, slots=True)
class WordPolicy:
    """When the word of a fleet's drivers is awaited."""

    least: int = 20
    """Visits that ended with a word and without a stand before it is."""
    share: float = 0.8
    """Of all visits without planned work that were reached under way, those that ended so."""
    stands_s: float = 60.0
    """Who stood inside the radius for so long before the word was there before it; .."""
    served_s: float = 300.0
    """.. and who left after standing so long at the stop itself was there without a word; .."""
    near_share: float = 0.33
    """.. at the stop itself: within this share of its radius. Further away he may have stood at a light."""
    forgets_s: float = 7_200.0
    """Who stands at the stop itself for so long is there, and has forgotten to say so: meters run on for an hour while somebody waits."""
    memory: int = 1_000
    """Visits that are remembered; at twice as many, both counts are halved."""


WORD = WordPolicy()


def is_word_awaited(state: FleetState, visit: int) -> bool:
    """Whether position alone does not decide that this visit is reached."""
    if not is_habit(state.told, state.untold, WORD.least, WORD.share) or state.visits.service_s[visit] > 0:
        return False
    return visit != state.routes[state.names[visit].route_id].first  # routes begin where the vehicle already is


def hear(state: FleetState, row: int, visit: int, position: int, said_us: int) -> None:
    """A driver says that a visit is done: did he stand there before? As all that a fleet learns, it counts from the next tick on."""
    if state.visits.service_s[visit] > 0:
        return
    until_us = min(said_us, int(state.vehicles.at_us[row]))
    stood = stood_s(state, row, visit, until_us, 1.0) >= WORD.stands_s
    state.truths.append(Truth(position, "stood" if stood else "told", visit))


def count_untold(state: FleetState, route: Route, position: int) -> None:
    """A route is over: of the visits that it reached under way, some ended without a word."""
    visits, started_us = state.visits, int(state.vehicles.started_us[route.vehicle])
    for visit in range(route.first, route.end):
        silent = visits.state[visit] in (ARRIVED, DEPARTED) and visits.arrived_us[visit] > started_us
        if silent and not visits.service_s[visit] > 0:
            state.truths.append(Truth(position, "stood", visit))


def stood_s(state: FleetState, row: int, visit: int, until_us: int, share: float) -> float:
    """How long a vehicle has stood within a share of a visit's radius, as far as its fixes say; 0 = it stands elsewhere."""
    vehicles, visits = state.vehicles, state.visits
    if vehicles.still_us[row] == MISSING:
        return 0.0
    place = float(vehicles.still_lat[row]), float(vehicles.still_lon[row])
    if metres_between(*place, float(visits.lat[visit]), float(visits.lon[visit])) > share * float(visits.radius_m[visit]):
        return 0.0
    since_us = max(int(visits.entered_us[visit]), int(vehicles.still_us[row]))
    return max((until_us - since_us) / 1e6, 0.0)


def count_word(state: FleetState, told: bool) -> None:
    """Remember, at a tick, how a visit ended. Vehicles do not see each other between two ticks, so never in between."""
    state.told, state.untold = seen_once_more(state.told, state.untold, told, WORD.memory)
