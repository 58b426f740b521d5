"""Events about visits: with everything by which their readers know them."""

from eta_models.columns import MISSING
from geofences.cells import cell_name
from stream.fleet import FleetState
from stream.outputs import Event


def visit_event(state: FleetState, kind: str, row: int, visit: int, at_us: int, now_us: int, more: dict[str, object]) -> Event:
    """An event about a visit; its key is the visit, so `kind` and visit name it for ever."""
    names = state.names[visit]
    data: dict[str, object] = {
        "vehicle_id": state.vehicle_ids[row],
        "route_id": names.route_id,
        "visit_id": names.visit_id,
        "stop_id": names.stop_id,
        "seq": names.seq,
        "order_ref": names.order_ref,
        "customer_ref": names.customer_ref,
        "priority": names.priority,
        "cell": cell_name(int(state.vehicles.cell[row])) if state.vehicles.at_us[row] != MISSING else None,
        **({"metadata": names.metadata} if names.metadata else {}),
        **more,
    }
    return Event(kind, names.visit_id, f"visit/{names.visit_id}", at_us, now_us, data)
