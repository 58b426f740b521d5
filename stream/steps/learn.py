"""Step 4, learn: at a tick, everything that became true since the last one teaches the models, in log order."""

import numpy as np

from eta_models.columns import MISSING, Ints
from eta_models.graft import keep_up
from eta_models.journeys import LegTaken, Reached, StayEnded
from stream.fleet import FleetState, Truth
from stream.moments import minute_of_day
from stream.outputs import Event, Outputs
from stream.steps.first_stop import count_start
from stream.steps.models import models_of
from stream.steps.word import count_word


def learn(state: FleetState, position: int, out: Outputs) -> None:
    """Teach the models what happened and let it count from now on."""
    if not state.truths:
        return
    hour = (state.now_us / 1e6 + state.utc_offset_s) % 86_400 / 3_600
    truths = sorted(state.truths, key=lambda truth: truth.position)
    contest = state.contest
    if contest is not None:
        keep_up(contest.model, state.model)
    for truth in truths:
        _teach(state, truth, hour)
    answered = state.model.questions.answered_by([_reached(state, truth) for truth in truths if truth.kind == "arrival"])
    if contest is not None:
        contest.learn(state.model, answered)
        contest.model.export()
    state.model.learn_answers(answered)
    state.truths.clear()
    if state.model.export():
        resets = state.model.resets
        out.emit(position, Event("model_reset", str(resets), f"fleet/{state.fleet_id}", state.now_us, state.now_us, {"resets": resets}))


def _teach(state: FleetState, truth: Truth, hour: float) -> None:
    match truth.kind:
        case "leg" if not state.visits.again(np.array([truth.visit]))[0]:  # a layover is no way driven
            for model in models_of(state):
                model.learn_leg(_leg(state, truth, hour))
        case "stay":
            service_s = float(state.visits.service_s[truth.visit])
            if service_s > 0:
                early_s = _early_s(state, truth.visit, state.visits.opens_us)
                stay = StayEnded(int(state.visits.place[truth.visit]), truth.took_s, early_s, service_s)
                for model in models_of(state):
                    model.learn_stay(stay)
        case "no_arrival":
            state.model.forget_questions(truth.question)
        case "told" | "stood":
            count_word(state, truth.kind == "told")
        case "began_there" | "began_elsewhere":
            count_start(state, truth.kind == "began_there")


def _reached(state: FleetState, truth: Truth) -> Reached:
    known = state.visits.leg[truth.visit] >= 0
    return Reached(truth.question, truth.at_us, int(state.visits.place[truth.visit - 1]) if known else -1)


def _leg(state: FleetState, truth: Truth, hour: float) -> LegTaken:
    """The leg that ended at a visit. A stop before without service time is part of it: nobody can tell stopping from driving slowly."""
    visits, here, before = state.visits, truth.visit, truth.visit - 1
    served = bool(visits.service_s[before] > 0)
    took_s = truth.took_s if served else (truth.at_us - int(visits.arrived_us[before])) / 1e6
    return LegTaken(
        leg=int(visits.leg[here]),
        area=int(visits.area[here]),
        hour=hour,
        took_s=max(took_s, 1.0),
        drive_s=truth.took_s,
        leg_m=float(visits.leg_m[here]),
        leg_planned_s=float(visits.leg_planned_s[here]),
        place=int(visits.place[before]),
        early_s=0.0 if served else _early_s(state, before, visits.opens_us),
        deviation_before_s=-_early_s(state, before, visits.planned_us, float("nan")),
        deviation_s=-_early_s(state, here, visits.planned_us, float("nan")),
        minute=int(minute_of_day(visits.planned_us[[here]], state.utc_offset_s)[0]),
        run=truth.run,
        served=served,
    )


def _early_s(state: FleetState, visit: int, due_us: Ints, otherwise: float = 0.0) -> float:
    """How long before a time a visit was reached, in seconds."""
    return (int(due_us[visit]) - int(state.visits.arrived_us[visit])) / 1e6 if due_us[visit] != MISSING else otherwise
