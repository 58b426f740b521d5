"""What is told of fences: entered, dwelled, exited, each with when it happened, when it was known, and what it rests on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

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


EXITED, PASSED_IN, PASSED_OUT, ENTERED, DWELLED = range(5)
"""What is told of a contact; of one fix in this order."""

KINDS = ("geofence_exited", "geofence_entered", "geofence_exited", "geofence_entered", "geofence_dwelled")
"""The event of each word."""


class News(NamedTuple):
    """One word about some contacts. `more_us`: after what stay they dwell, or when those ended that were not seen to leave."""

    word: int
    contacts: Ints
    moments: Moments
    more_us: Ints | None = None


class Told(NamedTuple):
    """One word about one contact; names as in `Contacts`, `Moments` and `News`. Ordered by entry of the log, word, vehicle and fence."""

    position: int
    word: int
    row: int
    fence: int
    contact: int
    more_us: int
    now_us: int
    fix_accuracy_m: float
    accuracy_m: float
    before_us: int
    entered_us: int
    last_us: int
    left_us: int
    out_us: int


_OF_A_CONTACT = ("accuracy_m", "before_us", "entered_us", "last_us", "left_us", "out_us")


def tell(state: FleetState, news: Sequence[News], out: Outputs, **more: object) -> None:
    """Give the events of some news in order; visits are numbered. `more` goes into their data."""
    c, v, ids, kinds = state.contacts, state.vehicles, state.fence_index.fence_ids, state.fences
    for told in _in_order(state, news):
        word, row = told.word, told.row
        if word in (ENTERED, PASSED_IN):
            v.fence_visits[row] += 1
            c.visit[told.contact], c.accuracy_m[told.contact] = v.fence_visits[row], 0.0
        elif word != DWELLED:
            v.fence_exits[row] += 1
        vehicle_id, fence_id, visit = state.vehicle_ids[row], ids[told.fence], int(c.visit[told.contact])
        occurred_us, facts = _facts(told)
        data: dict[str, object] = {
            "vehicle_id": vehicle_id,
            "fence_id": fence_id,
            "fence_kind": kinds[fence_id].kind,
            "visit": visit,
            "cell": cell_name(v.cell[row]),
            **facts,
            **more,
        }
        if word in (PASSED_IN, PASSED_OUT):
            data["passed"] = True
        key, subject = f"{vehicle_id}:{fence_id}:{visit}", f"vehicle/{vehicle_id}"
        out.emit(told.position, Event(KINDS[word], key, subject, occurred_us, told.now_us, data))


def _facts(told: Told) -> tuple[int, dict[str, object]]:
    """When it happened, and what is known of it."""
    entered_us = told.entered_us
    facts: dict[str, object]
    if told.word in (ENTERED, PASSED_IN):
        return entered_us, {"accuracy_m": round(told.accuracy_m, 1), "last_outside_at": instant_or_none(told.before_us)}
    if told.word == DWELLED:
        accuracy_m, stay_us = told.fix_accuracy_m, told.more_us
        facts = {"accuracy_m": round(accuracy_m, 1), "entered_at": instant_or_none(entered_us), "dwell_s": stay_us / 1e6}
        return entered_us + stay_us, facts
    occurred_us = max(entered_us, told.left_us if told.left_us != MISSING else told.more_us)
    return occurred_us, {
        "accuracy_m": round(told.accuracy_m or told.fix_accuracy_m, 1),
        "entered_at": instant_or_none(entered_us),
        "dwell_s": round((occurred_us - entered_us) / 1e6, 3),
        "last_inside_at": instant_or_none(told.last_us),
        "first_outside_at": instant_or_none(told.out_us),
    }


def _in_order(state: FleetState, news: Sequence[News]) -> list[Told]:
    """By entry of the log, whatever the order in the batch."""
    c, contacts = state.contacts, np.concatenate([one.contacts for one in news])
    state.scalar_rows += len(contacts)
    words = np.repeat([one.word for one in news], [len(one.contacts) for one in news])
    more_us = np.concatenate([np.full(len(one.contacts), MISSING) if one.more_us is None else one.more_us for one in news])
    rows, position, now_us, accuracy_m = (np.concatenate(parts) for parts in zip(*(one.moments for one in news), strict=True))
    columns = (position, words, rows, c.fence.take(contacts), contacts, more_us, now_us, accuracy_m)
    known = (getattr(c, name).take(contacts) for name in _OF_A_CONTACT)
    return sorted(map(Told, *(column.tolist() for column in (*columns, *known))))
