"""Rounds: within a stretch without barriers, the first fix of every vehicle with the notices before it, then the second, and so on.

The result is that of taking them one by one in log order, because vehicles do not see each other between two barriers.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from eta_models.columns import Flags, Ints
from stream.batches import Notice, Pings, Refusal
from stream.fleet import FleetState
from stream.messages import RoutePublished
from stream.outputs import Event, Outputs
from stream.reasons import Reason
from stream.settings import FleetSettings
from stream.steps.clean import clean, store
from stream.steps.estimate import due, estimate, keep_questions
from stream.steps.locate import locate
from stream.steps.notices import apply_notice, refuse, vehicle_of
from stream.steps.plans import publish_route
from stream.steps.progress import progress
from stream.steps.publish import publish
from stream.steps.risk import risk
from stream.steps.statuses import Facts


def run_rounds(settings: FleetSettings, state: FleetState, pings: tuple[Pings, Ints], notices: tuple[Sequence[Notice], Ints], out: Outputs) -> None:
    """Apply pings and notices (each with the fleet's now there) of a stretch without barriers."""
    if not len(pings[0]) and not notices[0]:
        return
    ping_rows, notice_rows = _vehicles(settings, state, pings[0], notices[0], out)
    _publish_first(state, notices, out)
    for ping_round, notice_round in _rounds(pings[0], ping_rows, notices[0], notice_rows):
        for place in notice_round.tolist():
            _notice(state, notices[0][place], int(notices[1][place]), out)
        if len(ping_round):
            rows, now_us = ping_rows[ping_round], pings[1][ping_round]
            fixes = pings[0].take(ping_round) if len(ping_round) < len(pings[0]) else pings[0]
            live, changed = _fixes(settings, state, rows, now_us, fixes, out)
            ask(settings, state, rows[live], pings[0].position[ping_round][live], now_us[live], changed, out)


def _vehicles(settings: FleetSettings, state: FleetState, pings: Pings, notices: Sequence[Notice], out: Outputs) -> tuple[Ints, Ints]:
    """Rows of the vehicles that messages are about, new ones in the order of their first message; -1 = no room for it."""
    codes, first = np.unique(pings.vehicle, return_index=True)
    arrivals = [(int(pings.position[place]), pings.names[code]) for code, place in zip(codes.tolist(), first.tolist(), strict=True)]
    named = [vehicle_of(notice.message) or "" for notice in notices]
    arrivals += [(notice.position, name) for notice, name in zip(notices, named, strict=True)]
    for _, name in sorted(arrivals):
        if len(state.vehicle_ids) < settings.most_vehicles:
            state.vehicle(name)
    lookup = np.full(int(codes.max(initial=-1)) + 1, -1, dtype=np.int64)
    lookup[codes] = [state.vehicle_rows.get(pings.names[code], -1) for code in codes.tolist()]
    rows = lookup[pings.vehicle]
    for i in np.flatnonzero(rows < 0).tolist():
        name = pings.names[int(pings.vehicle[i])]
        out.refusals.append(Refusal(int(pings.position[i]), int(pings.received_us[i]), Reason.FLEET_FULL, "ping", name))
    return rows, np.array([state.vehicle_rows.get(name, -1) for name in named], dtype=np.int64)


def _rounds(pings: Pings, ping_rows: Ints, notices: Sequence[Notice], notice_rows: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Places of the pings of each round, one a vehicle, and of the notices that come before them; what there was no room for is left out."""
    split = len(ping_rows)
    rows = np.concatenate([ping_rows, notice_rows])
    position = np.concatenate([pings.position, np.array([notice.position for notice in notices], dtype=np.int64)])
    order = np.lexsort((position, rows))
    is_ping = (order < split).astype(np.int64)
    before = np.cumsum(is_ping) - is_ping
    turn = np.empty(len(rows), dtype=np.int64)
    turn[order] = before - before[np.searchsorted(rows[order], rows[order])]
    turn[rows < 0] = -1
    for number in range(int(turn.max(initial=-1)) + 1):
        yield np.flatnonzero(turn[:split] == number), np.flatnonzero(turn[split:] == number)


def _notice(state: FleetState, notice: Notice, now_us: int, out: Outputs) -> None:
    """Apply one notice. What it changes is estimated at the vehicle's next fix or the next tick, whichever comes first."""
    if not isinstance(notice.message, RoutePublished) and (reason := apply_notice(state, notice, now_us, out)) is not None:
        refuse(notice, reason, out)


def _publish_first(state: FleetState, notices: tuple[Sequence[Notice], Ints], out: Outputs) -> None:
    """Routes that are new are laid in log order, before any round: that changes no vehicle until one of them starts."""
    for notice, now_us in zip(notices[0], notices[1].tolist(), strict=True):
        if isinstance(notice.message, RoutePublished):
            facts = Facts(notice.position, notice.at_us, now_us)
            reason = publish_route(state, facts, notice.message, out) if notice.message.vehicle_id in state.vehicle_rows else Reason.FLEET_FULL
            if reason is not None:
                refuse(notice, reason, out)


def _fixes(settings: FleetSettings, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> tuple[Ints, Flags]:
    """Steps 1 to 3 for one fix each of different vehicles; returns which are live, and whether their progress changed."""
    live, reasons = clean(settings.clean, state.vehicles, rows, pings)
    for i, reason in reasons.items():
        _refuse(state, rows, now_us, pings, i, reason, out)
    kept = np.flatnonzero(live)
    fixes = pings.take(kept) if len(kept) < len(rows) else pings
    store(settings.clean, state.vehicles, rows[kept], fixes)
    locate(state, rows[kept], now_us[kept], fixes, out)
    changed = progress(settings.progress, state, rows[kept], fixes.position, now_us[kept], out)
    return kept, changed


def _refuse(state: FleetState, rows: Ints, now_us: Ints, pings: Pings, i: int, reason: Reason, out: Outputs) -> None:
    """A fix that does not move the live state: late ones enter history, the others are dead letters."""
    if reason == Reason.LATE:
        out.kept_late += 1
        state.kept_late += 1
        return
    vehicle_id, at_us = state.vehicle_ids[int(rows[i])], int(pings.at_us[i])
    out.refusals.append(Refusal(int(pings.position[i]), int(pings.received_us[i]), str(reason), "ping", vehicle_id))
    if reason != Reason.DUPLICATE:
        data = {"vehicle_id": vehicle_id, "reason": str(reason)}
        key = f"{vehicle_id}:{at_us}:{reason}"
        out.emit(int(pings.position[i]), Event("ping_rejected", key, f"vehicle/{vehicle_id}", at_us, int(now_us[i]), data))


def ask(settings: FleetSettings, state: FleetState, rows: Ints, position: Ints, now_us: Ints, changed: Flags, out: Outputs) -> None:
    """Steps 5 to 7 for those of the vehicles that are due."""
    pick = due(settings.estimate, state, rows, now_us, changed) if len(rows) else rows
    if not len(pick) or not pick.any():
        return
    asked = estimate(state, rows[pick], position[pick], now_us[pick])
    if asked is None:
        return
    keep_questions(settings.estimate, state, asked)
    publish(settings.publish, state, asked, out)
    risk(settings.risk, state, asked, out)
