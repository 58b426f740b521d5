"""The state machine: one stretch of a fleet's log in, its outputs out; the same whether it comes in one piece or message by message.

A stretch is cut at *barriers*: entries that concern the whole fleet (ticks, fences, visits that change vehicles). Between two barriers
vehicles do not see each other, so their messages are taken in *rounds*: the first of every vehicle at once, in columns, then the second, ..
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from eta_models.columns import MISSING, Ints
from stream.batches import FleetBatch, Notice, Pings, Refusal
from stream.events import number
from stream.fleet import FleetState
from stream.messages import RoutePublished, StopAdded, StopReassigned, Tick
from stream.outputs import ESTIMATE, Estimated, NamedVisit, Numbered, Outputs
from stream.reasons import Reason
from stream.rounds import run_rounds, vehicle_lookup
from stream.settings import FleetSettings
from stream.steps.fleetwide import apply_fleetwide
from stream.thin import thins


@dataclass(frozen=True, slots=True)
class Applied:
    """What a stretch gave, in log order.

    Everything is numbered per fleet without gaps (events by `sequence`, estimates from `first_estimate`, visits by `number`), so that
    whoever has seen a stretch before can tell.
    """

    fleet_id: str
    position: int
    now_us: int
    """The fleet's now behind the stretch."""
    entries: int
    """Log entries taken."""
    events: list[Numbered]
    first_estimate: int
    estimates: Estimated
    visits: list[NamedVisit]
    refusals: list[Refusal]
    first_beside: int = 0
    beside: Estimated = field(default_factory=lambda: np.empty(0, ESTIMATE))
    """Estimates of a challenger, numbered as the others."""


class Failed(Exception):
    """A stretch could not be applied (the cause says why), and the state is of no use any more. `position` is where, -1 = not known."""

    def __init__(self, position: int) -> None:
        super().__init__(f"failed at position {position}" if position >= 0 else "failed")
        self.position = position


def apply(settings: FleetSettings, state: FleetState, batch: FleetBatch) -> Applied:
    """Apply a stretch of log to the state of its fleet, which it changes. Raises `Failed`: what one entry may cost is for `apart`."""
    out = Outputs()
    try:
        return _apply(settings, state, batch, out)
    except MemoryError:
        raise  # no fault of an entry: the next attempt may have more room
    except Exception as error:
        raise Failed(out.at) from error


def _apply(settings: FleetSettings, state: FleetState, batch: FleetBatch, out: Outputs) -> Applied:
    state.most_vehicles = settings.most_vehicles
    state.received += len(batch)
    state.pings += len(batch.pings)
    out.refusals.extend(batch.refusals)
    _count(state, batch.pings)
    ping_now_us, notice_now_us = _clock(state, batch)
    if state.now_us == MISSING and (firsts := [int(now_us[0]) for now_us in (ping_now_us, notice_now_us) if len(now_us)]):
        state.utc_offset_s = settings.utc_offset_s(min(firsts))
    lookup = vehicle_lookup(state, batch.pings.names)
    at_work = _at_work(settings, state, batch.notices, notice_now_us)
    working = FleetBatch(batch.fleet_id, batch.pings, [batch.notices[i] for i in at_work])
    for pings, ping_now, notices, notice_now, barrier in _stretches(state, working, ping_now_us, notice_now_us[at_work]):
        run_rounds(settings, state, lookup, (pings, ping_now), (notices, notice_now), out)
        if barrier is not None:
            out.at = barrier[0].position
            apply_fleetwide(settings, state, *barrier, out)
            out.at = -1
    _finish(settings, state, batch, ping_now_us, notice_now_us)
    for refusal in out.refusals:
        state.refused[refusal.reason] = state.refused.get(refusal.reason, 0) + 1
    refusals, estimates = sorted(out.refusals, key=lambda refusal: refusal.position), out.ordered_estimates()
    first_estimate, state.estimates_made = state.estimates_made, state.estimates_made + len(estimates)
    beside = out.ordered_beside()
    first_beside, state.beside_made = state.beside_made, state.beside_made + len(beside)
    told = (number(state, out), first_estimate, estimates, out.visits, refusals, first_beside, beside)
    return Applied(state.fleet_id, state.position, state.now_us, len(batch), *told)


def _count(state: FleetState, pings: Pings) -> None:
    """Pings of which an impossible speed or heading was left out: they count as accepted."""
    for reason, positions in ((Reason.SPEED_RANGE, pings.no_speed), (Reason.HEADING_RANGE, pings.no_heading)):
        if lost := int((positions > state.position).sum()):
            state.counted[reason] = state.counted.get(reason, 0) + lost


def _clock(state: FleetState, batch: FleetBatch) -> tuple[Ints, Ints]:
    """The fleet's now at every ping and every notice: the latest `received_at` of the log so far."""
    notice_at = np.array([notice.position for notice in batch.notices], dtype=np.int64)
    received = np.concatenate([batch.pings.received_us, np.array([notice.received_us for notice in batch.notices], dtype=np.int64)])
    order = np.argsort(np.concatenate([batch.pings.position, notice_at]), kind="stable")
    now_us = np.empty(len(order), dtype=np.int64)
    now_us[order] = np.maximum(np.maximum.accumulate(received[order]), state.now_us) if len(order) else received
    return now_us[: len(batch.pings)], now_us[len(batch.pings) :]


def _finish(settings: FleetSettings, state: FleetState, batch: FleetBatch, ping_now_us: Ints, notice_now_us: Ints) -> None:
    for now_us in (ping_now_us, notice_now_us):
        if len(now_us):
            state.now_us = max(state.now_us, int(now_us[-1]))
    last = [int(batch.pings.position[-1])] if len(batch.pings) else []
    last += [batch.notices[-1].position] if batch.notices else []
    for notice in batch.notices:
        if isinstance(notice.message, Tick):
            state.thins, state.behind_us = thins(settings.thin, state.thins, state.behind_us, notice.message)
    state.position = max(state.position, *last, *(refusal.position for refusal in batch.refusals), -1)


def _at_work(settings: FleetSettings, state: FleetState, notices: Sequence[Notice], now_us: Ints) -> list[int]:
    """Places of the notices without idle ticks: a tick works when `work_every_s` has begun anew, the others only tell the time."""
    step_us, ticked_us, at_work = round(settings.work_every_s * 1e6), state.ticked_us, []
    for i, (notice, now) in enumerate(zip(notices, now_us.tolist(), strict=True)):
        if isinstance(notice.message, Tick):
            if ticked_us != MISSING and ticked_us // step_us == now // step_us:
                continue
            ticked_us = now
        at_work.append(i)
    return at_work


def joined_applied(parts: Sequence[Applied]) -> Applied:
    """What consecutive stretches gave as one."""
    return replace(
        parts[-1],
        entries=sum(part.entries for part in parts),
        events=[event for part in parts for event in part.events],
        first_estimate=parts[0].first_estimate,
        estimates=np.concatenate([part.estimates for part in parts]),
        visits=[visit for part in parts for visit in part.visits],
        refusals=[refusal for part in parts for refusal in part.refusals],
        first_beside=parts[0].first_beside,
        beside=np.concatenate([part.beside for part in parts]),
    )


Stretch = tuple[Pings, Ints, Sequence[Notice], Ints, tuple[Notice, int] | None]


def _stretches(state: FleetState, batch: FleetBatch, ping_now_us: Ints, notice_now_us: Ints) -> Iterator[Stretch]:
    """The batch cut at its barriers: pings and notices before each, with their now, and the barrier itself."""
    barriers = _barriers(state, batch.notices)
    cuts = np.searchsorted(batch.pings.position, np.array([batch.notices[i].position for i in barriers], dtype=np.int64)).tolist()
    first_ping = first_notice = 0
    for i, cut in zip(barriers, cuts, strict=True):
        pings, notices = slice(first_ping, cut), slice(first_notice, i)
        yield (
            batch.pings.take(pings),
            ping_now_us[pings],
            batch.notices[notices],
            notice_now_us[notices],
            (batch.notices[i], int(notice_now_us[i])),
        )
        first_ping, first_notice = cut, i + 1
    rest, others = slice(first_ping, None), slice(first_notice, None)
    yield batch.pings.take(rest), ping_now_us[rest], batch.notices[others], notice_now_us[others], None


def _barriers(state: FleetState, notices: Sequence[Notice]) -> list[int]:
    """Places of the notices that concern more than one vehicle. A route published for the first time does not."""
    barriers, published = [], set[str]()
    for i, notice in enumerate(notices):
        message = notice.message
        if isinstance(message, RoutePublished):
            if message.route_id in published or message.route_id in state.routes:
                barriers.append(i)
            published.add(message.route_id)
        elif isinstance(message, StopAdded | StopReassigned) or notice.vehicle_id is None:
            barriers.append(i)
            if isinstance(message, StopReassigned):
                published.add(message.to_route_id)
    return barriers
