"""Step 4, learn: at a tick, everything that became true since the last one teaches the models, in log order."""

import numpy as np

from eta_models.columns import MISSING
from eta_models.journeys import LegTaken, StayEnded
from stream.fleet import FleetState, Truth
from stream.outputs import Event, Outputs


def learn(state: FleetState, position: int, out: Outputs) -> None:
    """Teach the models what happened and let it count from now on."""
    if not state.truths:
        return
    hour = (state.now_us / 1e6 + state.utc_offset_s) % 86_400 / 3_600
    for truth in sorted(state.truths, key=lambda t: t.position):
        _teach(state, truth, hour)
    state.truths.clear()
    if state.model.export():
        resets = state.model.correction.resets
        out.emit(position, Event("model_reset", str(resets), f"fleet/{state.fleet_id}", state.now_us, state.now_us, {"resets": resets}))


def _teach(state: FleetState, truth: Truth, hour: float) -> None:
    visits, visit = state.visits, truth.visit
    match truth.kind:
        case "leg":
            planned_s = float(visits.leg_planned_s[visit])
            leg, area = int(visits.leg[visit]), int(visits.area[visit])
            state.model.learn_leg(LegTaken(leg, area, hour, max(truth.took_s, 1.0), float(visits.leg_m[visit]), planned_s))
        case "stay":
            opens_us = int(visits.opens_us[visit])
            ready_us = opens_us if opens_us != MISSING else int(visits.planned_us[visit])
            early_s = (ready_us - int(visits.arrived_us[visit])) / 1e6 if ready_us != MISSING else 0.0
            service_s = float(visits.service_s[visit])
            if np.isnan(service_s) or opens_us != MISSING or early_s <= 0:
                state.model.learn_stay(StayEnded(int(visits.place[visit]), truth.took_s, early_s, opens_us != MISSING, service_s))
        case _:
            state.model.learn_arrival(truth.question, truth.at_us, truth.kind == "arrival")
