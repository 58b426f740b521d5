"""What is told of fences: entered, dwelled, exited, each with when it happened, when it was known, and what it rests on."""

from collections.abc import Iterator
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
    """One row of `Moments`, and its contact."""

    contact: int
    row: int
    position: int
    now_us: int
    accuracy_m: float


def tell_entered(state: FleetState, contacts: Ints, moments: Moments, out: Outputs, **more: object) -> None:
    """Candidates become visits."""
    c = state.contacts
    for told in _in_order(state, contacts, moments):
        state.vehicles.fence_visits[told.row] += 1
        c.visiting[told.contact], c.visit[told.contact] = 1, state.vehicles.fence_visits[told.row]
        data = {
            "accuracy_m": _accuracy(state, told.contact),
            "last_outside_at": instant_or_none(int(c.before_us[told.contact])),
            **more,
        }
        _emit(state, "geofence_entered", told, int(c.entered_us[told.contact]), data, out)
        c.accuracy_m[told.contact] = 0.0


def tell_dwelled(state: FleetState, contacts: Ints, moments: Moments, dwell_us: Ints, out: Outputs) -> None:
    """Visits have become long: told once each, by a fix that shows it."""
    dwells = dict(zip(contacts.tolist(), dwell_us.tolist(), strict=True))
    for told in _in_order(state, contacts, moments):
        state.contacts.dwelled[told.contact] = 1
        entered_us, dwell = int(state.contacts.entered_us[told.contact]), dwells[told.contact]
        data = {"accuracy_m": round(told.accuracy_m, 1), "entered_at": instant_or_none(entered_us), "dwell_s": dwell / 1e6}
        _emit(state, "geofence_dwelled", told, entered_us + dwell, data, out)


def tell_exited(state: FleetState, contacts: Ints, moments: Moments, out: Outputs, *, occurred_us: int = MISSING, **more: object) -> None:
    """Visits end; the rows are not freed here. `occurred_us` is when, for those that were not seen to leave."""
    c = state.contacts
    for told in _in_order(state, contacts, moments):
        state.vehicles.fence_exits[told.row] += 1
        entered_us, left_us = int(c.entered_us[told.contact]), int(c.left_us[told.contact])
        ended_us = max(entered_us, left_us if left_us != MISSING else occurred_us)
        data = {
            "accuracy_m": _accuracy(state, told.contact) or round(told.accuracy_m, 1),
            "entered_at": instant_or_none(entered_us),
            "dwell_s": round((ended_us - entered_us) / 1e6, 3),
            "last_inside_at": instant_or_none(int(c.last_us[told.contact])),
            "first_outside_at": instant_or_none(int(c.out_us[told.contact])),
            **more,
        }
        _emit(state, "geofence_exited", told, ended_us, data, out)


def tell_passed(state: FleetState, contacts: Ints, moments: Moments, out: Outputs) -> None:
    """Fences that were driven through: entered and exited at once."""
    for i in range(len(contacts)):
        one = slice(i, i + 1)
        moment = Moments(moments.rows[one], moments.position[one], moments.now_us[one], moments.accuracy_m[one])
        accuracy_m = state.contacts.accuracy_m[contacts[one]]
        tell_entered(state, contacts[one], moment, out, passed=True)
        state.contacts.accuracy_m[contacts[one]] = accuracy_m
        tell_exited(state, contacts[one], moment, out, passed=True)


def _in_order(state: FleetState, contacts: Ints, moments: Moments) -> Iterator[Told]:
    """By vehicle and fence, whatever the order in the batch."""
    state.scalar_rows += len(contacts)
    found = zip(contacts.tolist(), *(column.tolist() for column in moments), strict=True)
    fences = state.contacts.fence
    return iter(sorted((Told._make(one) for one in found), key=lambda told: (told.position, told.row, fences[told.contact])))


def _accuracy(state: FleetState, contact: int) -> float:
    return round(float(state.contacts.accuracy_m[contact]), 1)


def _emit(state: FleetState, kind: str, told: Told, occurred_us: int, more: dict[str, object], out: Outputs) -> None:
    vehicle_id, fence_id = state.vehicle_ids[told.row], state.fence_index.fence_ids[int(state.contacts.fence[told.contact])]
    visit = int(state.contacts.visit[told.contact])
    data: dict[str, object] = {
        "vehicle_id": vehicle_id,
        "fence_id": fence_id,
        "fence_kind": state.fences[fence_id].kind,
        "visit": visit,
        "cell": cell_name(int(state.vehicles.cell[told.row])),
        **more,
    }
    out.emit(told.position, Event(kind, f"{vehicle_id}:{fence_id}:{visit}", f"vehicle/{vehicle_id}", occurred_us, told.now_us, data))
