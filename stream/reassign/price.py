"""What a trial would do: put into the plan of a copy of the fleet, and asked of the fleet's own ETA models, before and after."""

from collections.abc import Sequence

from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.moments import instant, instant_or_none, micros
from stream.outputs import Outputs
from stream.proposals import Handing, Proposal, RouteChange, VehicleOutlook, VisitOutlook
from stream.reassign.fork import again
from stream.reassign.outlook import Expected, Loads, ends_us, expect, promised, unserved, vehicle_outlook, weighted_s
from stream.reassign.policy import ReassignPolicy
from stream.reassign.takers import done_by_us, open_visits
from stream.reassign.trial import Trial, changes_of, handings_of
from stream.reassign.view import change, weight_of
from stream.steps.changes import change_plan
from stream.steps.goods import carries
from stream.steps.statuses import Facts
from stream.troubles import Trouble

AT_LEAST_US = 60_000_000
"""A proposal holds for a minute at least: less than it takes to read it."""
AT_ONCE_US = 300_000_000
"""One that sends a vehicle elsewhere at once holds for five minutes: with every one that it drives on, the figures are less true."""

OFFER_US = 900_000_000
"""A customer is asked within a quarter of an hour."""


def price(tried: FleetState, policy: ReassignPolicy, trouble: Trouble, trial: Trial, too_late: set[int]) -> Proposal | None:
    """The trial as a proposal; None where it breaks a shift or a capacity, or does not save enough. Whose is added to `too_late`."""
    changes = changes_of(tried, policy, trial)
    vehicles = [*dict.fromkeys([*trial.orders, *(tried.routes[tried.names[row].route_id].vehicle for row in trouble.visits)])]
    before = expect(tried, policy, vehicles)
    draft = draft_of(trial, changes, handings_of(tried, trial, changes))
    moved = {tried.names[row].visit_id for row in trial.moved}
    shifts = {tried.names[row].visit_id: shift_s for row, shift_s in trial.shifts_s.items() if row not in trial.moved}
    for _ in range(2):
        tested = again(tried)
        change_plan(tested, Facts(tried.position, tried.now_us, tried.now_us), _with_shifts(draft, before, moved, shifts), Outputs())
        after = expect(tested, policy, vehicles)
        shifts = {name: _shift_s(before[name], after.get(name), shifts.get(name, 0.0)) for name in before if name not in moved}
    after = {**{name: unserved(policy) for name in before if name not in after}, **after, **_put_off(policy, trial)}
    outlooks = [
        vehicle_outlook(tested, vehicle, after, _loads(tried, trial, vehicle, draft.handovers))
        for vehicle in vehicles
        if tested.vehicles.down[vehicle] == 0
    ]
    broken = {tried.vehicle_rows[outlook.vehicle_id] for outlook in outlooks if not _possible(tried, before, outlook)}
    too_late.update(broken)
    late_before_s, late_after_s = weighted_s(tried, before) + _given_up_s(tried, policy, trouble), weighted_s(tested, after)
    drive_s = sum(_drive_s(tested, vehicle, after) - _drive_s(tried, vehicle, before) for vehicle in trial.orders)
    if broken or late_before_s - late_after_s - _drive_cost_s(policy, trouble, drive_s) < policy.least_gain_s:
        return None
    saved, late = _turned(tried, policy, before, after)
    return Proposal(
        number=0,
        kind=trial.kind,
        changes=changes,
        windows=trial.windows,
        handovers=[_timed(tried, each, after) for each in draft.handovers],
        visits=[outlook_of(tried, name, before.get(name), after[name], shifts, moved) for name in after],
        vehicles=outlooks,
        drive_added_s=round(drive_s),
        late_before_s=round(late_before_s),
        late_after_s=round(late_after_s),
        saved_visit_ids=saved,
        late_visit_ids=late,
        unserved_visit_ids=_unserved(tested, after),
        holds_until=instant(_holds_until_us(tried, trial, before)),
    )


def _drive_cost_s(policy: ReassignPolicy, trouble: Trouble, drive_s: float) -> float:
    """What driving costs, in seconds of lateness. In a trouble, less of it alone is no way out."""
    return policy.drive_weight * (max(drive_s, 0.0) if trouble.visits else drive_s)


def _given_up_s(tried: FleetState, policy: ReassignPolicy, trouble: Trouble) -> float:
    """A visit that failed is not served at all unless somebody comes again."""
    failed = trouble.visits if trouble.kind == "stop_failed" else ()
    return sum(policy.missed_s * weight_of(tried.names[row].priority) for row in failed)


def _timed(tried: FleetState, handing: Handing, after: dict[str, Expected]) -> Handing:
    """When the call will be made; one that is not ahead any more is where its vehicle stands."""
    call = after.get(handing.visit_id)
    return replace(handing, eta=instant(tried.now_us) if call is None else instant_or_none(call.p50_us))


def _put_off(policy: ReassignPolicy, trial: Trial) -> dict[str, Expected]:
    """Visits that are made another day."""
    offers = trial.windows if trial.kind == "another_day" else []
    return {offer.visit_id: Expected(-1, MISSING, policy.another_day_s, None) for offer in offers}


def draft_of(trial: Trial, changes: list[RouteChange], handovers: list[Handing]) -> Proposal:
    """A proposal of which only the changes are known."""
    return Proposal(
        number=0, kind=trial.kind, changes=changes, windows=trial.windows, handovers=handovers, visits=[], vehicles=[], drive_added_s=0.0,
        late_before_s=0.0, late_after_s=0.0, saved_visit_ids=[], late_visit_ids=[], holds_until=0,
    )  # fmt: skip


def _with_shifts(draft: Proposal, before: dict[str, Expected], moved: set[str], shifts: dict[str, float]) -> Proposal:
    """The draft with what planned arrivals do: those of visits that moved go, the others move along."""
    rows = [_shifted(name, None if name in moved else shifts.get(name, 0.0)) for name in before]
    return Proposal(**{name: getattr(draft, name) for name in draft.__struct_fields__ if name != "visits"}, visits=rows)


def _shifted(visit_id: str, shift_s: float | None) -> VisitOutlook:
    return VisitOutlook(
        visit_id=visit_id, vehicle_id=None, eta_before=None, eta_after=None, late_before_s=0.0, late_after_s=0.0, p_late_before=None,
        p_late_after=None, shift_s=shift_s,
    )  # fmt: skip


def _shift_s(before: Expected, after: Expected | None, so_far_s: float) -> float:
    if after is None or MISSING in (before.p50_us, after.p50_us):
        return so_far_s
    return float(round((after.p50_us - before.p50_us) / 1e6))


def _loads(tried: FleetState, trial: Trial, vehicle: int, handovers: Sequence[Handing]) -> Loads:
    """What a vehicle has on board, and what it would fetch at each new hand-over."""
    route, own = tried.route_of(vehicle), set(open_visits(tried, vehicle))
    on_board = sum(-change("delivery", tried.names[row].load) for row in own if route is not None and carries(tried, row, route))
    load_of = {tried.names[row].visit_id: -change("delivery", tried.names[row].load) for row in trial.fetched}
    mine = [each for each in handovers if each.to_vehicle_id == tried.vehicle_ids[vehicle]]
    return float(on_board), {each.visit_id: float(sum(load_of[name] for name in each.goods_visit_ids)) for each in mine}


def _possible(tried: FleetState, before: dict[str, Expected], outlook: VehicleOutlook) -> bool:
    """Whether a vehicle could do it: no more load than it may have, and done in time, or at least no later than it would be anyway."""
    row = tried.vehicle_rows[outlook.vehicle_id]
    if outlook.capacity is not None and outlook.most_load > outlook.capacity + 1e-6:
        return False
    by_us, ahead = done_by_us(tried, row), open_visits(tried, row)
    if by_us == MISSING or outlook.ends_at is None:
        return True
    anyway_us = ends_us(tried, ahead, before) if ahead else MISSING
    return micros(outlook.ends_at) <= max(by_us, anyway_us)


def _drive_s(tried: FleetState, vehicle: int, expected: dict[str, Expected]) -> float:
    """Driving until the last visit of a vehicle is reached."""
    ahead = open_visits(tried, vehicle)
    return expected[tried.names[ahead[-1]].visit_id].drive_s if ahead else 0.0


def _turned(
    tried: FleetState, policy: ReassignPolicy, before: dict[str, Expected], after: dict[str, Expected]
) -> tuple[list[str], list[str]]:
    """Visits that would have been late and are not any more, and those that become late."""
    was = {name for name, each in before.items() if (each.p_late or 0.0) >= policy.late_from}
    will = {name for name, each in after.items() if (each.p_late or 0.0) >= policy.late_from}
    known = [name for name in before if promised(tried, name)]
    return [name for name in known if name in was - will], [name for name in known if name in will - was]


def _unserved(tested: FleetState, after: dict[str, Expected]) -> list[str]:
    return [name for name, each in after.items() if each.p_late == 1.0 and each.p50_us == MISSING and promised(tested, name)]


def outlook_of(
    tried: FleetState, visit_id: str, before: Expected | None, after: Expected, shifts: dict[str, float], moved: set[str]
) -> VisitOutlook:
    """A visit before and after, in the words of a proposal."""
    return VisitOutlook(
        visit_id=visit_id,
        vehicle_id=tried.vehicle_ids[after.vehicle] if after.vehicle >= 0 else None,
        eta_before=None if before is None else instant_or_none(before.p50_us),
        eta_after=instant_or_none(after.p50_us),
        late_before_s=0.0 if before is None else round(before.late_s),
        late_after_s=round(after.late_s),
        p_late_before=None if before is None or before.p_late is None else round(before.p_late, 3),
        p_late_after=None if after.p_late is None else round(after.p_late, 3),
        shift_s=None if visit_id in moved else shifts.get(visit_id),
    )


def _holds_until_us(tried: FleetState, trial: Trial, before: dict[str, Expected]) -> int:
    """Until the first visit whose place changes would be reached by a vehicle that goes on as before, where that is not the next."""
    ends = [_first_changed_us(tried, trial.orders[vehicle], vehicle, before) for vehicle in trial.orders]
    ends += [_offered_until_us(tried, offer.visit_id) for offer in trial.windows]
    known = [at_us for at_us in ends if at_us != MISSING]
    return max(min(known, default=tried.now_us + AT_ONCE_US), tried.now_us + AT_LEAST_US)


def _offered_until_us(tried: FleetState, visit_id: str) -> int:
    """Another window can be offered until the one that holds closes, or the vehicle comes; for a while in any case."""
    row, visits = tried.visit_rows[visit_id], tried.visits
    return max(int(visits.closes_us[row]), int(visits.p50_us[row]), tried.now_us + OFFER_US)


def _first_changed_us(tried: FleetState, order: Sequence[int], vehicle: int, before: dict[str, Expected]) -> int:
    ahead = open_visits(tried, vehicle)
    same = next((i for i, (old, new) in enumerate(zip(ahead, order, strict=False)) if old != new), min(len(ahead), len(order)))
    if not ahead or tried.vehicles.down[vehicle]:
        return MISSING
    reached_us = before[tried.names[ahead[min(same, len(ahead) - 1)]].visit_id].p50_us
    return reached_us if same else min(reached_us, tried.now_us + AT_ONCE_US)
