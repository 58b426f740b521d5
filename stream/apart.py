"""An entry on which the engine fails costs that entry and nothing else: found, refused as `internal`, and everything else applied.

An entry is at fault when it fails *alone*, behind all that came before it. That depends on the log only, so the outcome is the same
however the log was cut: a stretch that failed is put back and taken in parts, until those that fail hold one entry.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from stream.apply import Applied, Failed, apply, joined_applied
from stream.batches import FleetBatch, Notice, Refusal, no_pings
from stream.checkpoint import recall, remember
from stream.fault import fault
from stream.fleet import FleetState
from stream.messages import Tick
from stream.reasons import Reason
from stream.settings import FleetSettings
from stream.thin import thins

FAULTS = 3
"""Pings of a vehicle that may be at fault before the next ones are refused unseen, until the fleet is tidied up."""

SET_ASIDE = b"set aside: the engine failed on this vehicle's last pings"

Told = Callable[[Refusal, BaseException], None]


def apply_apart(settings: FleetSettings, state: FleetState, batch: FleetBatch, told: Told, alive: Callable[[], None]) -> Applied:
    """Apply a stretch that fails as a whole, without the entries at fault.

    `told` is told of each with its error, and `alive` is called every now and then.
    """
    todo, given, before = [batch], list[Applied](), remember(state)
    while todo:
        alive()
        part, *rest = without_set_aside(state, todo.pop())
        todo += reversed(rest)
        try:
            given.append(apply(settings, state, part))
        except Failed as failed:
            state.become(recall(before, settings.model))
            if len(part) > 1:
                todo += reversed(_parts(part, failed.position))
                continue
            given.append(apply(settings, state, _refused(settings, state, part, failed.__cause__ or failed, told)))
        before = remember(state) if todo else b""
    return joined_applied(given)


def without_set_aside(state: FleetState, batch: FleetBatch) -> list[FleetBatch]:
    """The stretch up to its next tick, without pings that are set aside, and what comes behind that tick: there they may be forgiven."""
    aside = {vehicle_id for vehicle_id, faults in state.faults.items() if faults >= FAULTS}
    if not aside:
        return [batch]
    tick = next((notice.position for notice in batch.notices if isinstance(notice.message, Tick)), None)
    parts = [batch] if tick is None else [part for part in (batch.until(tick), batch.after(tick)) if part is not None]
    codes = [code for code, name in enumerate(parts[0].pings.names) if name in aside]
    places = np.flatnonzero(np.isin(parts[0].pings.vehicle, codes))
    return [parts[0].without(places, str(Reason.INTERNAL), SET_ASIDE), *parts[1:]]


def _parts(batch: FleetBatch, position: int) -> list[FleetBatch]:
    """The stretch in two or three: around the entry that seems to be at fault, else in halves."""
    others = [*(notice.position for notice in batch.notices), *(refusal.position for refusal in batch.refusals)]
    positions = np.sort(np.concatenate([batch.pings.position, np.array(others, dtype=np.int64)]))
    cuts = [position - 1, position] if position in positions else [int(positions[len(positions) // 2 - 1])]
    parts, rest = list[FleetBatch](), batch
    for cut in cuts:
        if (part := rest.until(cut)) is not None:
            parts.append(part)
        if (behind := rest.after(cut)) is None:
            return parts
        rest = behind
    return [*parts, rest]


def _refused(settings: FleetSettings, state: FleetState, batch: FleetBatch, error: BaseException, told: Told) -> FleetBatch:
    """A stretch of one entry, refused."""
    if batch.notices:
        notice = batch.notices[0]
        kind, vehicle_id = str(notice.message.__struct_config__.tag), getattr(notice.message, "vehicle_id", "") or ""
        refusal = Refusal(notice.position, notice.received_us, str(Reason.INTERNAL), kind, vehicle_id, _head(error, notice))
        if isinstance(notice.message, Tick):
            _pass_over(settings, state, notice, notice.message)
    else:
        refusal = next(iter(batch.without(np.array([0]), str(Reason.INTERNAL), fault(error)).refusals))
        state.faults[refusal.vehicle_id] = state.faults.get(refusal.vehicle_id, 0) + 1
    told(refusal, error)
    return FleetBatch(batch.fleet_id, no_pings(), [], [refusal])


def _head(error: BaseException, notice: Notice) -> bytes:
    return (fault(error) + b" " + msgspec.json.encode(notice.message))[:200]


def _pass_over(settings: FleetSettings, state: FleetState, notice: Notice, tick: Tick) -> None:
    """A tick at fault still tells the time; and what it should have taught is let go, else all later ones would fail on it too."""
    for truth in state.truths:
        state.model.forget_questions(truth.question)
    state.truths.clear()
    state.now_us = state.ticked_us = max(state.now_us, notice.received_us)
    state.thins, state.behind_us = thins(settings.thin, state.thins, state.behind_us, tick)
