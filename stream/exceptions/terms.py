"""Which term moved an ETA away from its plan: what was behind already, the drive, the service, or the wait."""

import numpy as np

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.steps.estimate import Asked


def moved_terms(state: FleetState, asked: Asked, i: int) -> dict[str, object]:
    """Seconds by which each term puts visit `i` of an answer behind its plan; `most` names the largest. Empty without a plan."""
    visits, visit = state.visits, int(asked.visit[i])
    planned_us = int(visits.planned_us[visit])
    if MISSING in (planned_us, int(visits.p50_us[visit])):
        return {}
    journey = int(asked.ahead.journey[i])
    before = slice(int(np.searchsorted(asked.ahead.journey, journey)), i)
    behind_s = float(state.vehicles.deviation_s[asked.vehicle[journey]])
    planned_s = asked.ahead.service_s[before]
    longer = asked.answer.service_s[before] - np.where(planned_s == planned_s, planned_s, 0.0)
    terms = {
        "behind_s": behind_s if behind_s == behind_s else 0.0,
        "service_s": float(sum(longer.tolist())),
        "wait_s": float(asked.answer.wait_s[i]),
    }
    terms["drive_s"] = (int(visits.p50_us[visit]) - planned_us) / 1e6 - sum(terms.values())
    most = max(terms, key=lambda name: terms[name])
    return {"terms": {**{name: round(value) for name, value in terms.items()}, "most": most.removesuffix("_s")}}
