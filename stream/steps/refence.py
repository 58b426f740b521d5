"""Fences that are put, put elsewhere, removed, or over: what that means for the vehicles that have to do with them."""

from collections.abc import Iterable

import numpy as np

from eta_models.columns import Ints
from geofences.fence_index import FenceIndex
from geofences.fences import Fence, InvalidFence
from stream.fence_facts import fence_from
from stream.fence_rules import FencePolicies
from stream.fleet import FleetState
from stream.messages import FencePut, FenceRemoved
from stream.outputs import Outputs
from stream.reasons import Reason
from stream.steps.fence_events import EXITED, Told, tell
from stream.steps.fence_fixes import is_for, rules_of


def change_fence(
    policies: FencePolicies, state: FleetState, position: int, now_us: int, message: FencePut | FenceRemoved, out: Outputs
) -> Reason | None:
    """Put or remove a fence. An open visit goes on in one that is put again, unless its vehicle is surely outside now."""
    fence_id, known = message.fence_id, message.fence_id in state.fences
    if isinstance(message, FencePut):
        try:
            fence = fence_from(message)
        except InvalidFence:
            return Reason.BAD_FENCE
        corners = state.fence_corners + fence.corners - (state.fences[fence_id].corners if known else 0)
        if corners > policies.most_corners or len(state.fences) + (not known) > policies.most_fences:
            return Reason.FENCES_FULL
        if known:
            _move(policies, state, position, now_us, fence, out)
        else:
            _hold(state, {**state.fences, fence_id: fence})
    elif known:
        _close(policies, state, position, now_us, _contacts(state, [fence_id]), "fence_removed", out)
        _hold(state, {name: fence for name, fence in state.fences.items() if name != fence_id})
    else:
        return Reason.UNKNOWN_FENCE
    return None


def expire_fences(policies: FencePolicies, state: FleetState, position: int, now_us: int, out: Outputs) -> None:
    """Remove the fences whose time is over; visits end with it."""
    if not state.fences or not rules_of(policies, state).timed:
        return
    over = [fence_id for fence_id, fence in state.fences.items() if fence.valid_until_us <= now_us]
    for fence_id in sorted(over):
        ended_us = state.fences[fence_id].valid_until_us
        _close(policies, state, position, now_us, _contacts(state, [fence_id]), "fence_expired", out, ended_us)
    if over:
        _hold(state, {name: fence for name, fence in state.fences.items() if name not in over})


def rescope(policies: FencePolicies, state: FleetState, position: int, now_us: int, row: int, out: Outputs) -> None:
    """A vehicle has other tags: it leaves the fences that are not for it any more."""
    rules = rules_of(policies, state)
    if row < state.clearings.count:
        state.clearings.clear(np.array([row]))  # a fence that it lies in may be for it now
    _, contacts = state.contacts.of(state.vehicles.contact[[row]])
    numbers = state.contacts.fence[contacts].tolist()
    gone = np.array([not is_for(rules, state, row, number) for number in numbers], dtype=np.bool_)
    _close(policies, state, position, now_us, contacts[gone] if len(contacts) else contacts, "out_of_scope", out)


def stays(state: FleetState, row: int) -> list[tuple[str, int]]:
    """The fences that a vehicle is in, as was told, and since when (us); by id."""
    _, contacts = state.contacts.of(state.vehicles.contact[[row]])
    open_ = contacts[state.contacts.visiting[contacts] == 1]
    ids = [state.fence_index.fence_ids[number] for number in state.contacts.fence[open_].tolist()]
    return sorted(zip(ids, state.contacts.entered_us[open_].tolist(), strict=True))


def _move(policies: FencePolicies, state: FleetState, position: int, now_us: int, fence: Fence, out: Outputs) -> None:
    """Put a fence that is there already: who is surely outside by the last fix leaves it, and so do those for whom it is not any more."""
    contacts = _contacts(state, [fence.fence_id])
    _hold(state, {**state.fences, fence.fence_id: fence})
    if not len(contacts):
        return
    rules, vehicles = rules_of(policies, state), state.vehicles
    rows, numbers = state.contacts.vehicle[contacts], state.contacts.fence[contacts]
    strangers = np.array([not is_for(rules, state, row, n) for row, n in zip(rows.tolist(), numbers.tolist(), strict=True)], dtype=np.bool_)
    accuracy_m = rules.accuracy_m(vehicles.accuracy_m[rows].astype(np.float64))
    outside_m = state.fence_index.outside_m(numbers, vehicles.lat[rows], vehicles.lon[rows])
    idle = not fence.valid_from_us <= now_us < fence.valid_until_us
    left = (outside_m > rules.band_m(numbers, accuracy_m)) | idle
    _close(policies, state, position, now_us, contacts[strangers], "out_of_scope", out)
    _close(policies, state, position, now_us, contacts[left & ~strangers], "fence_moved", out)


def _hold(state: FleetState, fences: dict[str, Fence]) -> None:
    """Take other fences for those in force; contacts follow theirs to its new number."""
    used = state.contacts.used()
    ids = [state.fence_index.fence_ids[number] for number in state.contacts.fence[used].tolist()]
    gone = sum(fence.corners for fence_id, fence in state.fences.items() if fences.get(fence_id) is not fence)
    more = sum(fence.corners for fence_id, fence in fences.items() if state.fences.get(fence_id) is not fence)
    state.fence_corners += more - gone
    state.fences, state.fence_index, state.fence_rules = fences, FenceIndex(list(fences.values()), state.fence_index), None
    if ids:
        number = {fence_id: number for number, fence_id in enumerate(state.fence_index.fence_ids)}
        state.contacts.fence[used] = [number[fence_id] for fence_id in ids]


def _contacts(state: FleetState, fence_ids: Iterable[str]) -> Ints:
    """Rows of the contacts with some fences."""
    used = state.contacts.used()
    numbers = [state.fence_index.fence_ids.index(fence_id) for fence_id in fence_ids]
    return used[np.isin(state.contacts.fence[used], numbers)]


def _close(
    policies: FencePolicies,
    state: FleetState,
    position: int,
    now_us: int,
    contacts: Ints,
    reason: str,
    out: Outputs,
    occurred_us: int | None = None,
) -> None:
    """End contacts that no fix ends: visits are exited with the reason, candidates are forgotten."""
    c, v = state.contacts, state.vehicles
    visits = contacts[c.visiting[contacts] == 1]
    accuracy_m = rules_of(policies, state).accuracy_m(v.accuracy_m[c.vehicle[visits]].astype(np.float64))
    columns = (c.vehicle[visits], c.fence[visits], visits, accuracy_m)
    ended_us = now_us if occurred_us is None else occurred_us
    found = zip(*(column.tolist() for column in columns), strict=True)
    news = [Told(position, EXITED, row, fence, contact, now_us, worst_m, ended_us) for row, fence, contact, worst_m in found]
    tell(state, news, out, reason=reason)
    c.fence[contacts] = -1
