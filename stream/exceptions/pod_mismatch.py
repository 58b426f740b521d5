"""`pod_mismatch`: a stop was completed far from it, or by somebody who has not been there. Distance, dwell and time are the evidence."""

from dataclasses import dataclass

from eta_models.columns import MISSING
from geofences.paths import metres_between
from stream.exceptions.kind_policy import FactPolicy
from stream.fleet import FleetState
from stream.messages import StopCompleted


@dataclass(frozen=True, slots=True)
class PodMismatchPolicy(FactPolicy):
    """What counts as far."""

    far_m: float = 200.0
    """Beyond the stop's radius: parking, a large yard, and the noise of a phone between houses."""
    fresh_s: float = 120.0
    """A fix so far from the moment of completion says nothing about it."""
    stands_s: float = 86_400.0
    """It stands for a day, for somebody to look at, and then expires."""


def measured(state: FleetState, row: int, visit: int, message: StopCompleted, at_us: int) -> dict[str, object]:
    """Where a stop was completed, called before that is applied; empty where everything lies within its radius, or nothing is known."""
    v, visits, proof = state.vehicles, state.visits, message.proof
    place, radius_m = (float(visits.lat[visit]), float(visits.lon[visit])), float(visits.radius_m[visit])
    proof_m = None if proof is None or proof.lat is None or proof.lon is None else metres_between(proof.lat, proof.lon, *place)
    known, arrived_us = int(v.at_us[row]) != MISSING, int(visits.arrived_us[visit])
    vehicle_m = metres_between(float(v.lat[row]), float(v.lon[row]), *place) if known else None
    if max(proof_m or 0.0, vehicle_m or 0.0) <= radius_m:
        return {}
    return {
        "proof_distance_m": None if proof_m is None else round(proof_m),
        "vehicle_distance_m": None if vehicle_m is None else round(vehicle_m),
        "radius_m": round(radius_m),
        "been_there": bool(visits.found[visit]),
        "dwell_s": round((at_us - arrived_us) / 1e6) if arrived_us != MISSING else None,
        "fix_age_s": round((at_us - int(v.at_us[row])) / 1e6) if known else None,
    }


def is_mismatch(policy: PodMismatchPolicy, details: dict[str, object]) -> str | None:
    """What is wrong with what was measured, in one word; None where it is as it should be."""
    limit_m = _number(details["radius_m"]) + policy.far_m
    if _number(details["proof_distance_m"]) > limit_m:
        return "proof_far_from_stop"
    fresh = details["fix_age_s"] is not None and abs(_number(details["fix_age_s"])) <= policy.fresh_s
    far = fresh and _number(details["vehicle_distance_m"]) > limit_m
    return "not_been_there" if far and not details["been_there"] else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
