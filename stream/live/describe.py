"""A fleet's state in the words and rows that stand in Redis."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from eta_models.columns import MISSING, Ints
from eta_models.contest import Named, Record
from eta_models.model import EtaModel
from eta_models.model_file import learned
from geofences.cells import cell_name
from geofences.fences import ALWAYS_US, FOR_EVER_US, Fence
from stream.fleet import FleetState, Route, VehicleFacts
from stream.live.views import (
    FIX,
    VISIT,
    CellsView,
    DrawnView,
    FenceStay,
    FenceView,
    ModelsView,
    ModelView,
    PlannedVisit,
    ProposalsView,
    RouteView,
    Totals,
    VehicleView,
)
from stream.open_proposals import OpenProposals
from stream.steps.refence import stays
from stream.steps.terms import TERMS, moves_s, terms_s


def totals(state: FleetState) -> Totals:
    """Counts of the log and of what the fleet has."""
    counts = len(state.vehicle_ids), len(state.routes), len(state.fences)
    return Totals(state.received, state.pings, state.kept_late, state.refused, state.counted, *counts)


def fixes(state: FleetState, rows: Ints) -> NDArray[np.void]:
    """The newest fix of each vehicle, as `FIX`."""
    packed = np.empty(len(rows), dtype=FIX)
    for name in FIX.names or ():
        packed[name] = getattr(state.vehicles, name)[rows]
    return packed


WORDS = 11
"""Columns of `standing`."""


def standing(state: FleetState, rows: Ints) -> Ints:
    """What of each vehicle is said in words, as numbers that change with it."""
    v, number = state.vehicles, state.visits.number
    following, here = v.next[rows], v.here[rows]
    visits = (np.where(place >= 0, number[place], -1) for place in (following, here))
    columns = (v.route[rows], *visits, v.down[rows], v.off_plan[rows], v.paused_until_us[rows], v.fence_visits[rows], v.fence_exits[rows])
    columns += tuple(v.heard_min[rows].T)
    return np.stack(columns, axis=1).astype(np.int64)


def vehicle_view(state: FleetState, row: int) -> VehicleView:
    """What is known of a vehicle besides its fix."""
    v, facts = state.vehicles, state.facts.get(state.vehicle_ids[row], VehicleFacts())
    following, here = int(v.next[row]), int(v.here[row])
    return VehicleView(
        vehicle_id=state.vehicle_ids[row],
        route_id=state.route_ids.get(int(v.route[row])),
        next_visit_id=state.names[following].visit_id if following >= 0 else None,
        here_visit_id=state.names[here].visit_id if here >= 0 else None,
        down=bool(v.down[row]),
        off_plan=bool(v.off_plan[row]),
        paused_until_us=int(v.paused_until_us[row]),
        fences=[FenceStay(fence_id, entered_us) for fence_id, entered_us in stays(state, row)],
        driver_id=facts.driver_id,
        capacity=facts.capacity,
        skills=list(facts.skills),
        heard_min=v.heard_min[row].tolist(),
    )


def route_view(state: FleetState, route: Route) -> RouteView:
    """A route as it is planned now."""
    visits = [planned_visit(state, row) for row in range(route.first, route.end)]
    moments = route.published_us, route.started, route.ended_us
    return RouteView(
        route.route_id, state.vehicle_ids[route.vehicle], route.plan_version, *moments, route.load_ready, route.dock_id, visits
    )


def planned_visit(state: FleetState, row: int) -> PlannedVisit:
    """What of a visit seldom changes."""
    names, visits = state.names[row], state.visits
    service_s = float(visits.service_s[row])
    return PlannedVisit(
        visit_id=names.visit_id,
        stop_id=names.stop_id,
        seq=names.seq,
        kind=names.kind,
        lat=float(visits.lat[row]),
        lon=float(visits.lon[row]),
        radius_m=float(visits.radius_m[row]),
        service_s=service_s if service_s == service_s else None,
        priority=names.priority,
        order_ref=names.order_ref,
        customer_ref=names.customer_ref,
        metadata=names.metadata,
    )


MOST_S, MOST_MOVED_S = (2**31 - 1, 32_767, 2**31 - 1, 32_767), 32_767
"""Service, break and moves are shorter than nine hours, so that two bytes are enough for each."""


def visit_rows(state: FleetState, routes: list[Route]) -> NDArray[np.void]:
    """The visits of whole routes one after the other, as `VISIT`."""
    rows = np.concatenate([np.arange(route.first, route.end) for route in routes])
    vehicle = np.concatenate([np.full(route.end - route.first, route.vehicle) for route in routes])
    packed = np.empty(len(rows), dtype=VISIT)
    for name in (VISIT.names or ())[: -2 * len(TERMS)]:
        packed[name] = getattr(state.visits, name)[rows]
    for name, part, most_s in zip(TERMS, terms_s(state, rows, vehicle).T, MOST_S, strict=True):
        packed[f"by_{name}"] = np.minimum(part, most_s)
    for name, moved in zip(TERMS, np.clip(moves_s(state, rows), -MOST_MOVED_S, MOST_MOVED_S).T, strict=True):
        packed[f"moved_{name}"] = moved
    return packed


LEAST_MOVES, MOST_CELLS = 3, 5_000
"""A cell is shown when it was seen to be crossed three times; a map of more cells is no help to anybody."""


def cells_view(state: FleetState) -> CellsView:
    """How fast the fleet moves, by cell."""
    table = state.speeds.table(LEAST_MOVES, MOST_CELLS)
    return CellsView(state.now_us, {cell_name(cell): (round(speed_mps, 2), moves) for cell, speed_mps, moves in table})


def models_view(state: FleetState) -> ModelsView:
    """The models of a fleet, and how both did lately, as of the last tick: nothing of it changes in between."""
    contest = state.contest
    if contest is None:
        return ModelsView(state.ticked_us, _model_view(state.named, state.model, None))
    champion, challenger = (
        _model_view(state.named, state.model, contest.champion),
        _model_view(contest.named, contest.model, contest.challenger),
    )
    return ModelsView(state.ticked_us, champion, challenger)


def _model_view(named: Named, model: EtaModel, record: Record | None) -> ModelView:
    lately = (None, None) if record is None else (record.mae_s(), record.coverage())
    return ModelView(named.name, named.sha256, named.settings, named.since_us, learned(model), model.resets, *lately, *_skill(model))


def _skill(model: EtaModel) -> tuple[float | None, float | None, float | None]:
    return model.skill.mae_s(), model.skill.plain_mae_s(), model.skill.late_skill()


def proposals_view(known: OpenProposals) -> ProposalsView:
    """What could be done about an exception."""
    return ProposalsView(known.exception_id, known.made_us, known.actionable_until_us, known.proposals)


def fence_view(fence: Fence) -> FenceView:
    """A fence: its area, and what was drawn where that is something else."""
    drawn, view = fence.as_drawn(), None
    if fence.repairs or drawn.radius_m is not None or drawn.width_m is not None:
        view = DrawnView(msgspec.json.decode(drawn.geometry), drawn.radius_m, drawn.width_m)
    return FenceView(
        fence.fence_id,
        fence.kind,
        fence.name,
        fence.geometry.__geo_interface__,
        view,
        fence.repairs,
        fence.tags,
        MISSING if fence.valid_from_us == ALWAYS_US else fence.valid_from_us,
        MISSING if fence.valid_until_us == FOR_EVER_US else fence.valid_until_us,
        fence.vehicle_ids,
        fence.vehicle_tags,
    )
