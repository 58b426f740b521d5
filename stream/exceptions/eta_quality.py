"""`eta_quality`: our own ETAs have become worse: we alarm on ourselves, with running figures of every answer whose truth has come."""

from dataclasses import dataclass

from eta_models.columns import MISSING
from stream.exceptions.found import Found
from stream.exceptions.kind_policy import ConditionPolicy
from stream.fleet import FleetState


@dataclass(frozen=True, slots=True)
class EtaQualityPolicy(ConditionPolicy):
    """What is worse than usual."""

    least: float = 500.0
    """Answers that must be known before anything is said."""
    coverage_below: float = 0.65
    """Share of lately answered arrivals within P10..P90, which should hold 0.8 of them."""
    error_times: float = 2.0
    """The error lately is so many times the usual one,"""
    error_s: float = 60.0
    """and so many seconds more."""
    clear_s: float = 600.0
    hold_s: float = 120.0


def look_back(state: FleetState) -> None:
    """At a tick, before models learn: how good the answers were whose truth came since the last one."""
    kept = state.model.questions
    for truth in sorted((truth for truth in state.truths if truth.kind == "arrival"), key=lambda truth: truth.position):
        chain, question = [], truth.question
        while question >= 0:
            chain.append(question)
            question = int(kept.before[question])
        for row in reversed(chain):
            if kept.asked_us[row] == MISSING:
                continue  # it was put to another model
            took_s = (truth.at_us - int(kept.asked_us[row])) / 1e6
            inside = float(kept.p10_s[row]) <= took_s <= float(kept.p90_s[row])
            state.exceptions.record.learn(abs(took_s - float(kept.p50_s[row])), inside)


def detect(policy: EtaQualityPolicy, state: FleetState) -> list[Found]:
    """The fleet itself, when its answers have become worse."""
    record = state.exceptions.record
    worse = record.lately_error_s > max(policy.error_times * record.usual_error_s, record.usual_error_s + policy.error_s)
    narrow = record.lately_inside < policy.coverage_below
    if record.count < policy.least or not (worse or narrow):
        return []
    details: dict[str, object] = {
        "cause": "error" if worse else "coverage",
        "coverage": round(record.lately_inside, 3),
        "error_s": round(record.lately_error_s, 1),
        "usual_error_s": round(record.usual_error_s, 1),
        "answers": record.count,
    }
    return [Found(state.fleet_id, f"fleet/{state.fleet_id}", -1, [], record.lately_error_s, details)]
