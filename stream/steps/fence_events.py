"""What is told of fences: entered, dwelled, exited, each with when it happened, when it was known, and what it rests on."""

from collections.abc import Iterable
from typing import NamedTuple

from eta_models.columns import MISSING
from geofences.cells import cell_name
from stream.contacts import Contacts
from stream.fleet import FleetState
from stream.moments import instant, instant_or_none
from stream.outputs import Event, Outputs

EXITED, PASSED_IN, PASSED_OUT, ENTERED, DWELLED = range(5)
"""What is told of a contact; of one fix in this order."""

KINDS = ("geofence_exited", "geofence_entered", "geofence_exited", "geofence_entered", "geofence_dwelled")
"""The event of each word."""


class Told(NamedTuple):
    """One word about one contact: where in the log it becomes known, and of which vehicle (`row`) and fence (by number).

    They are told in the order of these fields. `more_us`: after what stay it dwells, or when it ended if it was not seen to leave.
    """

    position: int
    word: int
    row: int
    fence: int
    contact: int
    now_us: int
    accuracy_m: float
    more_us: int = MISSING


def tell(state: FleetState, news: Iterable[Told], out: Outputs, **more: object) -> None:
    """Give the events of some news in order, whatever that in the batch was; visits are numbered. `more` goes into their data."""
    c, v, ids, fences = state.contacts, state.vehicles, state.fence_index.fence_ids, state.fences
    for told in sorted(news):
        word, row, contact = told.word, told.row, told.contact
        state.scalar_rows += 1
        occurred_us, facts = _facts(c, told)
        if word in (ENTERED, PASSED_IN):
            v.fence_visits[row] = c.visit[contact] = v.fence_visits.item(row) + 1
        elif word != DWELLED:
            v.fence_exits[row] += 1
        if word == ENTERED:
            c.accuracy_m[contact] = 0.0  # what is told next rests on other fixes
        vehicle_id, fence_id, visit = state.vehicle_ids[row], ids[told.fence], c.visit.item(contact)
        data: dict[str, object] = {
            "vehicle_id": vehicle_id,
            "fence_id": fence_id,
            "fence_kind": fences[fence_id].kind,
            "visit": visit,
            "cell": cell_name(v.cell.item(row)),
            **facts,
            **more,
        }
        if word in (PASSED_IN, PASSED_OUT):
            data["passed"] = True
        event = Event(KINDS[word], f"{vehicle_id}:{fence_id}:{visit}", f"vehicle/{vehicle_id}", occurred_us, told.now_us, data)
        out.emit(told.position, event)


def _facts(c: Contacts, told: Told) -> tuple[int, dict[str, object]]:
    """When it happened, and what is known of it."""
    word, contact = told.word, told.contact
    entered_us = c.entered_us.item(contact)
    if word in (ENTERED, PASSED_IN):
        before = instant_or_none(c.before_us.item(contact))
        return entered_us, {"accuracy_m": round(c.accuracy_m.item(contact), 1), "last_outside_at": before}
    if word == DWELLED:
        stay_us = told.more_us
        facts = {"accuracy_m": round(told.accuracy_m, 1), "entered_at": instant(entered_us), "dwell_s": stay_us / 1e6}
        return entered_us + stay_us, facts
    left_us = c.left_us.item(contact)
    occurred_us = max(entered_us, told.more_us if left_us == MISSING else left_us)
    return occurred_us, {
        "accuracy_m": round(c.accuracy_m.item(contact) or told.accuracy_m, 1),
        "entered_at": instant(entered_us),
        "dwell_s": round((occurred_us - entered_us) / 1e6, 3),
        "last_inside_at": instant_or_none(c.last_us.item(contact)),
        "first_outside_at": instant_or_none(c.out_us.item(contact)),
    }
