"""Rounds: within a stretch without barriers, the first fix of every vehicle with the notices before it, then the second, and so on.

The result is that of taking them one by one in log order, because vehicles do not see each other between two barriers.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from eta_models.columns import Flags, Ints
from stream.batches import Notice, Pings, Refusal
from stream.exceptions.policies import in_force
from stream.fleet import FleetState
from stream.messages import RoutePublished
from stream.outputs import Event, Outputs
from stream.reasons import Reason
from stream.settings import FleetSettings
from stream.steps.clean import clean, store
from stream.steps.corridor import follow_legs
from stream.steps.estimate import due, estimate, keep_questions
from stream.steps.locate import locate
from stream.steps.notices import apply_notice, refuse
from stream.steps.plans import publish_route
from stream.steps.progress import progress
from stream.steps.publish import publish
from stream.steps.risk import KIND, risk
from stream.steps.speeds import learn_speeds
from stream.steps.statuses import Facts

LIMITED_US = 60_000_000
"""That a vehicle sends too many fixes is told once in so much log time."""


def vehicle_lookup(state: FleetState, names: Sequence[str]) -> Ints:
    """The rows of the vehicles that pings name by number; -1 = not known yet."""
    return np.array([state.vehicle_rows.get(name, -1) for name in names], dtype=np.int64)


def run_rounds(
    settings: FleetSettings,
    state: FleetState,
    lookup: Ints,
    pings: tuple[Pings, Ints],
    notices: tuple[Sequence[Notice], Ints],
    out: Outputs,
) -> None:
    """Apply pings and notices (each with the fleet's now there) of a stretch without barriers; `lookup` learns of new vehicles."""
    if not len(pings[0]) and not notices[0]:
        return
    ping_rows, notice_rows = _vehicles(state, lookup, pings[0], notices[0], out)
    _publish_first(state, notices, notice_rows, out)
    for ping_round, notice_round in _rounds(pings[0], ping_rows, notices[0], notice_rows):
        for place in notice_round.tolist():
            _notice(settings, state, notices[0][place], int(notices[1][place]), out)
        if len(ping_round):
            rows, now_us = ping_rows[ping_round], pings[1][ping_round]
            fixes = pings[0].take(ping_round) if len(ping_round) < len(pings[0]) else pings[0]
            live, changed = _fixes(settings, state, rows, now_us, fixes, out)
            ask(settings, state, rows[live], pings[0].position[ping_round][live], now_us[live], changed, out)


def _vehicles(state: FleetState, lookup: Ints, pings: Pings, notices: Sequence[Notice], out: Outputs) -> tuple[Ints, Ints]:
    """Rows of the vehicles that messages are about, new ones in the order of their first message; -1 = no room for it."""
    named = [notice.vehicle_id or "" for notice in notices]
    strangers = np.flatnonzero(lookup[pings.vehicle] < 0)
    codes = pings.vehicle[strangers].tolist()
    arrivals = [(position, pings.names[code]) for position, code in zip(pings.position[strangers].tolist(), codes, strict=True)]
    arrivals += [(notice.position, name) for notice, name in zip(notices, named, strict=True) if name not in state.vehicle_rows]
    for _, name in sorted(arrivals):
        state.vehicle(name)
    lookup[codes] = [state.vehicle_rows.get(pings.names[code], -1) for code in codes]
    rows = lookup[pings.vehicle]
    for i in strangers[rows[strangers] < 0].tolist():
        name = pings.names[int(pings.vehicle[i])]
        out.refusals.append(Refusal(int(pings.position[i]), int(pings.received_us[i]), Reason.FLEET_FULL, "ping", name))
    notice_rows = [state.vehicle_rows.get(name, -1) for name in named]
    for notice, row in zip(notices, notice_rows, strict=True):
        if row < 0:
            refuse(notice, Reason.FLEET_FULL, out)
    return rows, np.array(notice_rows, dtype=np.int64)


def _rounds(pings: Pings, ping_rows: Ints, notices: Sequence[Notice], notice_rows: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Places of the pings of each round, one a vehicle, and of the notices before them; what there was no room for is left out."""
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


def _notice(settings: FleetSettings, state: FleetState, notice: Notice, now_us: int, out: Outputs) -> None:
    """Apply one notice. What it changes is estimated at the vehicle's next fix or the next tick, whichever comes first."""
    out.at = notice.position
    if not isinstance(notice.message, RoutePublished) and (reason := apply_notice(settings, state, notice, now_us, out)) is not None:
        refuse(notice, reason, out)
    out.at = -1


def _publish_first(state: FleetState, notices: tuple[Sequence[Notice], Ints], rows: Ints, out: Outputs) -> None:
    """Routes that are new are laid in log order, before any round: that changes no vehicle until one of them starts."""
    for notice, now_us, row in zip(notices[0], notices[1].tolist(), rows.tolist(), strict=True):
        if row >= 0 and isinstance(notice.message, RoutePublished):
            out.at = notice.position
            facts = Facts(notice.position, notice.at_us, now_us)
            if (reason := publish_route(state, facts, notice.message, out)) is not None:
                refuse(notice, reason, out)
    out.at = -1


def _fixes(settings: FleetSettings, state: FleetState, rows: Ints, now_us: Ints, pings: Pings, out: Outputs) -> tuple[Ints, Flags]:
    """Steps 1 to 3 for one fix each of different vehicles; returns which are live, and whether their progress changed."""
    live, reasons = clean(settings.clean, state.vehicles, rows, pings)
    for i, reason in reasons.items():
        _refuse(state, rows, now_us, pings, i, reason, out)
    kept = np.flatnonzero(live)
    fixes = pings.take(kept) if len(kept) < len(rows) else pings
    store(settings.clean, state.vehicles, rows[kept], fixes)
    learn_speeds(state, rows[kept])
    locate(settings.fences, state, rows[kept], now_us[kept], fixes, out)
    changed = progress(settings.progress, state, rows[kept], fixes.position, now_us[kept], out)
    follow_legs(state, rows[kept])
    return kept, changed


def _refuse(state: FleetState, rows: Ints, now_us: Ints, pings: Pings, i: int, reason: Reason, out: Outputs) -> None:
    """A fix that does not move the live state: late ones enter history, the others are dead letters."""
    if reason == Reason.LATE:
        out.kept_late += 1
        state.kept_late += 1
        return
    vehicles, row = state.vehicles, int(rows[i])
    vehicle_id, at_us = state.vehicle_ids[row], int(pings.at_us[i])
    out.refusals.append(Refusal(int(pings.position[i]), int(pings.received_us[i]), str(reason), "ping", vehicle_id))
    if reason == Reason.DUPLICATE or (reason == Reason.RATE_LIMITED and now_us[i] - vehicles.limited_us[row] < LIMITED_US):
        return
    if reason == Reason.RATE_LIMITED:
        vehicles.limited_us[row] = now_us[i]
    vehicles.rejections[row] += 1
    event = Event(
        "ping_rejected", vehicle_id, f"vehicle/{vehicle_id}", at_us, int(now_us[i]), {"vehicle_id": vehicle_id, "reason": str(reason)}
    )
    out.emit(int(pings.position[i]), event.again(int(vehicles.rejections[row])))


def ask(settings: FleetSettings, state: FleetState, rows: Ints, position: Ints, now_us: Ints, changed: Flags, out: Outputs) -> None:
    """Steps 5 to 7 for those of the vehicles that are due."""
    pick = due(settings.estimate, state, rows, now_us, changed) if len(rows) else rows
    if not len(pick) or not pick.any():
        return
    asked = estimate(state, rows[pick], position[pick], now_us[pick])
    if asked is None:
        return
    keep_questions(settings.estimate, state, asked)
    moved = publish(settings.publish, state, asked, out)
    risk(in_force(settings.exceptions.late_risk, KIND, state.exceptions), state, asked, out, moved)
