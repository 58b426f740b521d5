"""Which step takes which message about one vehicle."""

import msgspec

from eta_models.columns import MISSING
from stream.batches import Notice, Refusal
from stream.codec import HEAD_BYTES
from stream.exceptions.breakdown import break_down
from stream.fleet import FleetState, VehicleFacts
from stream.messages import AnyMessage, DriverBreak, RouteEnded, RouteStarted, VehicleDown, VehiclePut, VehicleUp, VisitFact, WindowChanged
from stream.moments import micros
from stream.outputs import Outputs
from stream.reasons import Reason
from stream.settings import FleetSettings
from stream.steps.plans import change_window
from stream.steps.refence import rescope
from stream.steps.statuses import Facts, end_route, report, start_route


def refuse(notice: Notice, reason: Reason, out: Outputs) -> None:
    """A message that fits the log but not the state is a dead letter too, with its text."""
    head = msgspec.json.encode(notice.message)[:HEAD_BYTES]
    kind = str(notice.message.__struct_config__.tag)
    out.refusals.append(Refusal(notice.position, notice.received_us, str(reason), kind, notice.vehicle_id or "", head))


def apply_notice(settings: FleetSettings, state: FleetState, notice: Notice, now_us: int, out: Outputs) -> Reason | None:
    """Apply one message about one vehicle; a reason when it cannot be."""
    facts = Facts(notice.position, notice.at_us, now_us)
    match notice.message:
        case RouteStarted():
            return start_route(state, facts, notice.message, out)
        case RouteEnded():
            return end_route(state, facts, notice.message, out)
        case WindowChanged():
            return change_window(state, facts, notice.message, out)
        case VisitFact():
            return report(state, facts, notice.message, out)
        case _:
            return _note(settings, state, facts, notice.message, out)


def _note(settings: FleetSettings, state: FleetState, facts: Facts, message: AnyMessage, out: Outputs) -> Reason | None:
    """Facts about the vehicle itself."""
    match message:
        case VehiclePut():
            shift = micros(message.shift_start), micros(message.shift_end)
            loaded = tuple(message.loaded_visit_ids or ())
            known = VehicleFacts(message.driver_id, message.capacity, tuple(message.skills), *shift, loaded, tuple(message.tags))
            state.facts[message.vehicle_id] = known
            state.exceptions.unchecked.update(_routes_of(state, message.vehicle_id))
            rescope(settings.fences, state, facts.position, facts.now_us, state.vehicle_rows[message.vehicle_id], out)
        case VehicleDown() | VehicleUp():
            row, down = state.vehicle_rows[message.vehicle_id], isinstance(message, VehicleDown)
            state.vehicles.down[row] = down
            if down:
                break_down(settings.exceptions, state, row, message.reason, (facts.position, facts.now_us), out)
        case DriverBreak():
            row = state.vehicle_rows[message.vehicle_id]
            state.vehicles.paused_until_us[row], state.vehicles.estimated_us[row] = facts.at_us + round(message.duration_s * 1e6), MISSING
        case _:
            return Reason.UNKNOWN_TYPE
    return None


def _routes_of(state: FleetState, vehicle_id: str) -> list[str]:
    """Routes that a vehicle has not begun."""
    row = state.vehicle_rows[vehicle_id]
    return [route.route_id for route in state.routes.values() if route.vehicle == row and not route.started]
