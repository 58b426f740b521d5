"""Changes of a proposal put into the plan: the same whether they are tried on a copy of the fleet or were accepted."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.fleet import FleetState, Route
from stream.messages import StopReassigned
from stream.moments import instant, micros
from stream.outputs import Outputs
from stream.planned_stop import PlannedStop
from stream.proposals import Handing, Proposal, RouteChange, WindowOffer
from stream.reasons import Reason
from stream.routes import Place, lay
from stream.steps.arrivals import Segment, close
from stream.steps.goods import carries, hand_over
from stream.steps.plans import open_route, reassign_stop, refresh, take_questions
from stream.steps.statuses import Facts, set_out
from stream.visit_events import visit_event
from stream.visits import CANCELLED, FAILED, OPEN


def fits(state: FleetState, proposal: Proposal) -> Reason | None:
    """Why a proposal cannot be put into the plan any more: None where nothing that it is about has changed.

    What was visited since, in the order that held before and would hold after, does not matter.
    """
    given = {visit_id for change in proposal.changes for visit_id in change.before_visit_ids}
    new = {stop.visit_id for change in proposal.changes for stop in change.added}
    taken = [visit_id for change in proposal.changes for visit_id in change.visit_ids]
    moved = {row for change in proposal.changes for row in change.visit_ids if row not in change.before_visit_ids} - new
    if len(set(taken)) < len(taken) or not set(taken) <= given | new or any(visit_id in state.visit_rows for visit_id in new):
        return Reason.STALE_PROPOSAL
    if any(moved & set(change.visit_ids) and set(change.before_visit_ids) - set(change.visit_ids) for change in proposal.changes):
        return Reason.STALE_PROPOSAL  # a route that both gives and takes: no solver of ours makes one
    if not all(_route_fits(state, change) for change in proposal.changes):
        return Reason.STALE_PROPOSAL
    possible = (OPEN, FAILED) if proposal.kind == "another_day" else (OPEN,)
    windows = [state.visit_rows.get(offer.visit_id, -1) for offer in proposal.windows]
    return None if all(row >= 0 and state.visits.state[row] in possible for row in windows) else Reason.STALE_PROPOSAL


def _route_fits(state: FleetState, change: RouteChange) -> bool:
    route = state.routes.get(change.route_id)
    vehicle = state.vehicle_rows.get(change.vehicle_id, -1)
    if vehicle < 0:
        return False
    if change.starts:
        return route is None and state.vehicles.route[vehicle] < 0 and not state.vehicles.down[vehicle]
    if route is None or route.ended_us != MISSING or route.vehicle != vehicle:
        return False
    now = [state.names[row].visit_id for row in open_rows(state, route)]
    gone = len(change.before_visit_ids) - len(now)
    if gone < 0 or change.before_visit_ids[gone:] != now or any(_is_open(state, visit_id) for visit_id in change.before_visit_ids[:gone]):
        return False  # visits that are open, but not here any more, were moved by somebody since
    takes = any(visit_id not in change.before_visit_ids for visit_id in change.visit_ids)
    return change.visit_ids[:gone] == change.before_visit_ids[:gone] and not (takes and state.vehicles.down[vehicle])


def open_rows(state: FleetState, route: Route) -> list[int]:
    """Rows of the open visits of a route, in order."""
    return [row for row in range(route.first, route.end) if state.visits.state[row] == OPEN]


def change_plan(state: FleetState, facts: Facts, proposal: Proposal, out: Outputs) -> list[str]:
    """Put a proposal that fits into the plan; returns the routes that changed."""
    _retime(state, proposal)
    for offer in proposal.windows:
        (_put_off if proposal.kind == "another_day" else _rewindow)(state, facts, offer, out)
    _exchange(state, facts, proposal.changes, out)
    # Who takes comes first: a visit is carried from the row where it still stands.
    for change in sorted(proposal.changes, key=lambda change: set(change.visit_ids) <= set(change.before_visit_ids)):
        _lay(state, facts, change, out)
    for handing in proposal.handovers:
        _note_goods(state, handing)
    windowed = [state.names[state.visit_rows[offer.visit_id]].route_id for offer in proposal.windows]
    return [*(change.route_id for change in proposal.changes), *windowed]


def _exchange(state: FleetState, facts: Facts, changes: Sequence[RouteChange], out: Outputs) -> None:
    """What a route takes that gives some away itself moves one by one, as dispatch would say it; only what is supposed has such routes."""
    for change in changes:
        given = set(change.before_visit_ids) - set(change.visit_ids)
        for visit_id in [name for name in change.visit_ids if given and name not in change.before_visit_ids]:
            reassign_stop(state, facts, to_reassign(state, facts.at_us, visit_id, change.route_id, change.vehicle_id), out)


def to_reassign(state: FleetState, at_us: int, visit_id: str, to_route_id: str, to_vehicle_id: str) -> StopReassigned:
    """What dispatch says to move a visit from the route that it is on to another one."""
    before = state.routes[state.names[state.visit_rows[visit_id]].route_id]
    return StopReassigned(
        fleet_id=state.fleet_id,
        at=instant(at_us),
        route_id=before.route_id,
        vehicle_id=state.vehicle_ids[before.vehicle],
        visit_id=visit_id,
        to_route_id=to_route_id,
        to_vehicle_id=to_vehicle_id,
    )


def _rewindow(state: FleetState, facts: Facts, offer: WindowOffer, _: Outputs) -> None:
    """The customer has another window today."""
    row = state.visit_rows[offer.visit_id]
    state.visits.opens_us[row], state.visits.closes_us[row] = micros(offer.window_start), micros(offer.window_end)
    state.visits.revised_us[row] = facts.at_us
    refresh(state, state.routes[state.names[row].route_id])


def _put_off(state: FleetState, facts: Facts, offer: WindowOffer, out: Outputs) -> None:
    """A visit is made another day: it leaves today's route, and whoever plans that day hears of it."""
    row = state.visit_rows[offer.visit_id]
    vehicle = state.routes[state.names[row].route_id].vehicle
    if state.visits.state[row] == OPEN:
        segment = Segment.of(state, vehicle, facts.position, facts.now_us)
        close(state, segment, row, CANCELLED, facts.at_us, "rescheduled", out)
    said: dict[str, object] = {"window_start": offer.window_start, "window_end": offer.window_end}
    out.emit(facts.position, visit_event(state, "stop_rescheduled", vehicle, row, facts.at_us, facts.now_us, said))


def _note_goods(state: FleetState, handing: Handing) -> None:
    """Remember where goods that change hands are to be fetched."""
    for visit_id in handing.goods_visit_ids:
        if (row := state.visit_rows.get(visit_id, -1)) >= 0:
            state.names[row] = replace(state.names[row], fetched_at=handing.visit_id)


def _retime(state: FleetState, proposal: Proposal) -> None:
    """Planned arrivals move along with what is expected; a visit that has another place in the order has none any more."""
    for outlook in proposal.visits:
        row = state.visit_rows.get(outlook.visit_id, -1)
        if row >= 0 and state.visits.state[row] == OPEN and state.visits.planned_us[row] != MISSING:
            moved = outlook.shift_s is None
            state.visits.planned_us[row] = MISSING if moved else state.visits.planned_us[row] + round((outlook.shift_s or 0.0) * 1e6)


def _lay(state: FleetState, facts: Facts, change: RouteChange, out: Outputs) -> None:
    """Give a route its new order behind what is over; visits that it gave away are on another one by now."""
    vehicle = state.vehicle_rows[change.vehicle_id]
    route = state.routes.get(change.route_id)
    if route is None:
        route = open_route(state, facts, change.route_id, vehicle, 1)
    own = set(range(route.first, route.end))
    over = [Place(row) for row in range(route.first, route.end) if state.visits.state[row] != OPEN and _is_here(state, row)]
    added = {stop.visit_id: stop for stop in change.added}
    places = [
        Place(-1, added[name]) if name in added else Place(state.visit_rows[name])
        for name in change.visit_ids
        if _stays(state, name, added)
    ]
    for row in [place.row for place in places if place.row >= 0 and place.row not in own]:
        before = state.routes[state.names[row].route_id]
        take_questions(state, before.vehicle, vehicle, [row])
        if carries(state, row, before):
            hand_over(state, state.names[row].visit_id, state.vehicle_ids[before.vehicle], change.vehicle_id)
    lay(state, route, [*over, *places], out)
    if change.starts:
        set_out(state, facts, route, out)
    refresh(state, route)


def _stays(state: FleetState, visit_id: str, added: Mapping[str | None, PlannedStop]) -> bool:
    """What was visited since the proposal was made stands among what is over."""
    return visit_id in added or _is_open(state, visit_id)


def _is_open(state: FleetState, visit_id: str) -> bool:
    row = state.visit_rows.get(visit_id, -1)
    return row >= 0 and state.visits.state[row] == OPEN


def _is_here(state: FleetState, row: int) -> bool:
    """Rows that a visit left for another route are of nobody."""
    return state.visit_rows.get(state.names[row].visit_id) == row


def touched(changes: Sequence[RouteChange]) -> list[str]:
    """The vehicles that changes are about, each once."""
    return list(dict.fromkeys(change.vehicle_id for change in changes))
