"""Forgetting in the state of a fleet, as it stands in its checkpoint."""

import msgspec

from eta_models.columns import MISSING
from replay.day_errors import NotDone
from replay.forget_lines import Order, Vehicle, Wish, rough
from stream.exceptions.life import document
from stream.fleet import FleetState
from stream.vehicles import Vehicles
from stream.visits import OPEN

WHERE = (
    "at_us", "received_us", "lat", "lon", "was_at_us", "was_lat", "was_lon", "speed_mps", "heading_deg", "accuracy_m", "cell", "recent_us",
    "rejected_us", "strays", "stray_at_us", "stray_lat", "stray_lon", "still_us", "still_lat", "still_lon", "traced",
    "trail", "trail_visit", "trail_from_us", "trail_count", "way", "way_visit", "way_cells", "off_since_us", "off_fixes",
    "heard_min",
)  # fmt: skip
"""Columns that say where and when a vehicle was: they become those of one that has not been heard of yet."""


def forget_in_state(state: FleetState, wish: Wish) -> bool:
    """Forget; whether there was anything. Raises `NotDone` for an order that is still to be visited."""
    before = len(state.recent)
    state.recent = [event for event in state.recent if not any(text in event.payload for text in wish.marks[:1])]
    _exceptions(state, wish)
    state.model.questions.trips.clear()  # where vehicles were when they were asked about: what they were to teach is lost with it
    found = _vehicle(state, wish) if isinstance(wish, Vehicle) else _order(state, wish) if isinstance(wish, Order) else False
    return found or len(state.recent) < before


def _exceptions(state: FleetState, wish: Wish) -> None:
    """Exceptions that name it keep their life (no id is given twice), and lose everything else; what waits to be told of it goes."""
    table, named = state.exceptions, wish.marks[0]
    for one in list(table.known.values()):
        if named in msgspec.json.encode(document(one)):
            table.put(msgspec.structs.replace(one, details={}, notes=()))
    table.facts = [fact for fact in table.facts if named not in msgspec.json.encode({"vehicle_id": fact.vehicle_id, **fact.details})]
    state.proposals = {name: known for name, known in state.proposals.items() if named not in msgspec.json.encode(known)}
    state.corridors.runs.clear()  # of the last seconds, without names
    if isinstance(wish, Order):
        table.attempts.pop(wish.order_ref, None)


def _vehicle(state: FleetState, wish: Vehicle) -> bool:
    row = state.vehicle_rows.get(wish.vehicle_id, -1)
    if row < 0 or state.vehicles.at_us[row] == MISSING:
        return False
    for name in WHERE:
        getattr(state.vehicles, name)[row] = Vehicles.FIELDS[name][1]
    state.contacts.forget(row)
    _handovers(state, wish)
    following, v = int(state.vehicles.next[row]), state.vehicles
    if v.left_visit[row] < 0 and following >= 0:  # its leg began where it was: now it began at the stop it goes to
        v.left_lat[row], v.left_lon[row] = state.visits.lat[following], state.visits.lon[following]
    elif v.left_visit[row] < 0:
        v.left_lat[row] = v.left_lon[row] = 0.0
    return True


def _handovers(state: FleetState, wish: Vehicle) -> None:
    """Where others fetched goods from it. Raises `NotDone` where somebody is still on the way to it."""
    rows = [row for row, names in enumerate(state.names) if wish.gave(names.kind, names.metadata)]
    if any(state.visits.state[row] == OPEN for row in rows):
        raise NotDone(f"somebody is on the way to fetch goods from {wish.vehicle_id}: cancel that visit, or wait until it is over")
    _make_rough(state, rows)


def _order(state: FleetState, wish: Order) -> bool:
    rows = [row for row, names in enumerate(state.names) if names.order_ref == wish.order_ref]
    if any(state.visits.state[row] == OPEN for row in rows):
        raise NotDone(f"order {wish.order_ref} has a visit that is still open: cancel it, or wait until it is over")
    calls = {state.names[row].fetched_at for row in rows} - {None}
    for row in rows:
        state.names[row] = msgspec.structs.replace(state.names[row], order_ref=None, customer_ref=None, metadata={})
    _make_rough(state, [*rows, *(row for row, names in enumerate(state.names) if names.visit_id in calls)])
    return bool(rows)


def _make_rough(state: FleetState, rows: list[int]) -> None:
    for row in rows:
        state.visits.lat[row], state.visits.lon[row] = rough(float(state.visits.lat[row]), float(state.visits.lon[row]))
