"""What is told of fences: entered, dwelled, exited, each with when it happened, when it was known, and what it rests on."""

from typing import NamedTuple

from eta_models.columns import MISSING, Floats, Ints
from geofences.cells import cell_name
from stream.fleet import FleetState
from stream.moments import instant_or_none
from stream.outputs import Event, Outputs


class Moments(NamedTuple):
    """Where in the log something becomes known, one row for each contact that it is told of."""

    rows: Ints
    position: Ints
    now_us: Ints
    accuracy_m: Floats


class Told(NamedTuple):
    """One contact and the moment at which something of it is told; names as in `Contacts` and `Moments`."""

    position: int
    row: int
    fence: int
    contact: int
    now_us: int
    fix_accuracy_m: float
    accuracy_m: float
    visit: int
    before_us: int
    entered_us: int
    last_us: int
    left_us: int
    out_us: int


_OF_A_CONTACT = ("accuracy_m", "visit", "before_us", "entered_us", "last_us", "left_us", "out_us")


def tell_entered(state: FleetState, contacts: Ints, moments: Moments, out: Outputs, **more: object) -> None:
    """Candidates become visits."""
    c, v = state.contacts, state.vehicles
    for told in _in_order(state, contacts, moments):
        v.fence_visits[told.row] += 1
        visit = int(v.fence_visits[told.row])
        c.visiting[told.contact], c.visit[told.contact] = 1, visit
        data = {"accuracy_m": round(told.accuracy_m, 1), "last_outside_at": instant_or_none(told.before_us), **more}
        _emit(state, "geofence_entered", told, visit, told.entered_us, data, out)


def tell_dwelled(state: FleetState, contacts: Ints, moments: Moments, dwell_us: Ints, out: Outputs) -> None:
    """Visits have become long: told once each, by a fix that shows it."""
    dwells = dict(zip(contacts.tolist(), dwell_us.tolist(), strict=True))
    state.contacts.dwelled[contacts] = 1
    for told in _in_order(state, contacts, moments):
        dwell = dwells[told.contact]
        data = {
            "accuracy_m": round(told.fix_accuracy_m, 1),
            "entered_at": instant_or_none(told.entered_us),
            "dwell_s": dwell / 1e6,
        }
        _emit(state, "geofence_dwelled", told, told.visit, told.entered_us + dwell, data, out)


def tell_exited(state: FleetState, contacts: Ints, moments: Moments, out: Outputs, *, occurred_us: int = MISSING, **more: object) -> None:
    """Visits end; the rows are not freed here. `occurred_us` is when, for those that were not seen to leave."""
    for told in _in_order(state, contacts, moments):
        state.vehicles.fence_exits[told.row] += 1
        ended_us = max(told.entered_us, told.left_us if told.left_us != MISSING else occurred_us)
        data = {
            "accuracy_m": round(told.accuracy_m or told.fix_accuracy_m, 1),
            "entered_at": instant_or_none(told.entered_us),
            "dwell_s": round((ended_us - told.entered_us) / 1e6, 3),
            "last_inside_at": instant_or_none(told.last_us),
            "first_outside_at": instant_or_none(told.out_us),
            **more,
        }
        _emit(state, "geofence_exited", told, told.visit, ended_us, data, out)


def tell_passed(state: FleetState, contacts: Ints, moments: Moments, out: Outputs) -> None:
    """Fences that were driven through: entered and exited at once."""
    tell_entered(state, contacts, moments, out, passed=True)
    tell_exited(state, contacts, moments, out, passed=True)


def _in_order(state: FleetState, contacts: Ints, moments: Moments) -> list[Told]:
    """By vehicle and fence, whatever the order in the batch."""
    state.scalar_rows += len(contacts)
    c = state.contacts
    columns = (moments.position, moments.rows, c.fence[contacts], contacts, moments.now_us, moments.accuracy_m)
    known = (getattr(c, name)[contacts] for name in _OF_A_CONTACT)
    return sorted(map(Told, *(column.tolist() for column in (*columns, *known))))


def _emit(state: FleetState, kind: str, told: Told, visit: int, occurred_us: int, more: dict[str, object], out: Outputs) -> None:
    vehicle_id, fence_id = state.vehicle_ids[told.row], state.fence_index.fence_ids[told.fence]
    data: dict[str, object] = {
        "vehicle_id": vehicle_id,
        "fence_id": fence_id,
        "fence_kind": state.fences[fence_id].kind,
        "visit": visit,
        "cell": cell_name(int(state.vehicles.cell[told.row])),
        **more,
    }
    out.emit(told.position, Event(kind, f"{vehicle_id}:{fence_id}:{visit}", f"vehicle/{vehicle_id}", occurred_us, told.now_us, data))
