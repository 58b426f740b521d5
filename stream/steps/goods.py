"""Which vehicle has the goods of a visit on board, as far as somebody said or a plan shows."""

from msgspec.structs import replace

from stream.fleet import FleetState, Route, VehicleFacts

NOTHING_SAID = VehicleFacts()


def carries(state: FleetState, visit: int, route: Route) -> bool:
    """Whether a visit's goods are on board of its vehicle: a delivery that is listed as loaded, or, with no list, on a started route."""
    names = state.names[visit]
    if names.kind != "delivery":
        return False
    loaded = state.facts.get(state.vehicle_ids[route.vehicle], NOTHING_SAID).loaded_visit_ids
    return names.visit_id in loaded if loaded else route.started


def hand_over(state: FleetState, visit_id: str, from_vehicle_id: str, to_vehicle_id: str) -> None:
    """Goods go from one list of what is loaded to another; where nobody keeps a list, the plan says enough."""
    giver, taker = (state.facts.get(name, NOTHING_SAID) for name in (from_vehicle_id, to_vehicle_id))
    if visit_id in giver.loaded_visit_ids:
        # A list that is empty would say that nobody knows.
        left = tuple(name for name in giver.loaded_visit_ids if name != visit_id) or (EMPTY,)
        state.facts[from_vehicle_id] = replace(giver, loaded_visit_ids=left)
    if taker.loaded_visit_ids and visit_id not in taker.loaded_visit_ids:
        state.facts[to_vehicle_id] = replace(taker, loaded_visit_ids=(*taker.loaded_visit_ids, visit_id))


EMPTY = "-"
"""Stands in the list of a vehicle that is known to have nothing on board: no id begins like this."""
