"""Step 1, clean: which fixes move the live state; repeated, late, impossible and too frequent ones do not."""

from dataclasses import dataclass

import numpy as np

from eta_models.columns import MISSING, Flags, Floats, Ints
from geofences.paths import metres_between
from geofences.positions import distance_m
from stream.batches import Pings
from stream.reasons import Reason
from stream.vehicles import FIRST_HEARD, LATE_FROM, LATE_UNTIL, MINUTE_US, RECENT_FIXES, Vehicles


@dataclass(frozen=True, slots=True)
class CleanPolicy:
    """What a fix must fulfil against the fixes before it."""

    late_s: float = 300.0
    """A fix so much older than the newest one still enters history (a phone's buffer after a dead spot); older ones are refused."""
    max_speed_mps: float = 70.0
    """No delivery vehicle covers ground faster (250 km/h)."""
    slack_m: float = 100.0
    """Distance that GPS noise alone may add to a move."""
    consistent: int = 3
    """So many impossible fixes in a row that agree with each other are the truth: the vehicle is there (Traccar's lock-out)."""
    rate_hz: float = 5.0
    burst: float = 20.0
    """Token bucket in event time: a device that sends 100 Hz hurts nobody else."""


def clean(policy: CleanPolicy, vehicles: Vehicles, rows: Ints, pings: Pings) -> tuple[Flags, dict[int, Reason]]:
    """Judge one fix each of different vehicles (`rows`) against their state.

    Returns which fixes are live, and for the others the reason by place in `pings` (`LATE` = it enters history only). Live fixes are
    stored by `store`.
    """
    last_us = vehicles.at_us[rows]
    age_s = (pings.at_us - last_us) / 1e6
    new = last_us == MISSING
    moved_m = distance_m(vehicles.lat[rows], vehicles.lon[rows], pings.lat, pings.lon)
    tokens = np.minimum(policy.burst, vehicles.tokens[rows] + policy.rate_hz * np.maximum(age_s, 0.0))
    live = new | ((age_s > 0) & (moved_m - policy.slack_m <= policy.max_speed_mps * age_s) & (tokens >= 1.0))
    reasons: dict[int, Reason] = {}
    for i in np.flatnonzero(~live).tolist():
        verdict = _odd(policy, vehicles, int(rows[i]), pings, i, float(tokens[i]))
        if verdict is None:
            live[i] = True
            continue
        reasons[i] = verdict
        if verdict not in (Reason.LATE, Reason.DUPLICATE):
            vehicles.rejected_us[rows[i]] = pings.at_us[i]
    vehicles.tokens[rows[live]] = np.where(new, policy.burst, tokens)[live] - 1.0
    return live, reasons


def _odd(policy: CleanPolicy, vehicles: Vehicles, row: int, pings: Pings, i: int, tokens: float) -> Reason | None:
    """Why one fix is not simply live; None = it is, after all."""
    at_us, last_us = int(pings.at_us[i]), int(vehicles.at_us[row])
    if at_us in vehicles.recent_us[row]:
        same = at_us != last_us or (vehicles.lat[row] == pings.lat[i] and vehicles.lon[row] == pings.lon[i])
        return Reason.DUPLICATE if same else Reason.LATE
    if at_us == vehicles.rejected_us[row]:
        return Reason.DUPLICATE
    if at_us <= last_us:
        if (last_us - at_us) / 1e6 > policy.late_s:
            return Reason.TOO_LATE
        _keep_late(vehicles, row, at_us)
        return Reason.LATE
    if tokens < 1.0:
        return Reason.RATE_LIMITED
    return _stray(policy, vehicles, row, at_us, float(pings.lat[i]), float(pings.lon[i]))


def _stray(policy: CleanPolicy, vehicles: Vehicles, row: int, at_us: int, lat: float, lon: float) -> Reason | None:
    """Quarantine a place that could not be reached, until enough fixes in a row agree on it."""
    agrees = False
    if vehicles.strays[row] and at_us > vehicles.stray_at_us[row]:
        step_m = metres_between(float(vehicles.stray_lat[row]), float(vehicles.stray_lon[row]), lat, lon)
        agrees = step_m - policy.slack_m <= policy.max_speed_mps * (at_us - int(vehicles.stray_at_us[row])) / 1e6
    vehicles.strays[row] = vehicles.strays[row] + 1 if agrees else 1
    vehicles.stray_at_us[row], vehicles.stray_lat[row], vehicles.stray_lon[row] = at_us, lat, lon
    return None if vehicles.strays[row] >= policy.consistent else Reason.TELEPORT


LATE_RUN_MIN = 10
"""Late fixes with less time between them are of one run: a phone empties its buffer behind a dead spot."""


def _keep_late(vehicles: Vehicles, row: int, at_us: int) -> None:
    """A late fix enters history only; of when the newest of them are is known."""
    _remember(vehicles, row, at_us)
    at_min, heard = max(at_us // MINUTE_US, 0), vehicles.heard_min[row]
    if at_min > int(heard[LATE_UNTIL]) + LATE_RUN_MIN:
        heard[LATE_FROM:] = at_min
    elif at_min >= int(heard[LATE_FROM]) - LATE_RUN_MIN:
        heard[LATE_FROM:] = min(at_min, int(heard[LATE_FROM])), max(at_min, int(heard[LATE_UNTIL]))


def _remember(vehicles: Vehicles, row: int, at_us: int) -> None:
    vehicles.recent_us[row, vehicles.fixes[row] % RECENT_FIXES] = at_us
    vehicles.fixes[row] += 1


def store(policy: CleanPolicy, vehicles: Vehicles, rows: Ints, pings: Pings) -> None:
    """Make live fixes the newest ones of their vehicles; the ones before stay known as where the path began."""
    was_at_us = vehicles.at_us[rows]
    fresh = (vehicles.strays[rows] >= policy.consistent) | (was_at_us == MISSING)
    vehicles.was_at_us[rows], vehicles.was_lat[rows], vehicles.was_lon[rows] = was_at_us, vehicles.lat[rows], vehicles.lon[rows]
    if fresh.any():
        new, first = rows[fresh], was_at_us == MISSING
        vehicles.heard_min[rows[first], FIRST_HEARD] = pings.at_us[first] // MINUTE_US
        vehicles.was_at_us[new], vehicles.was_lat[new], vehicles.was_lon[new] = pings.at_us[fresh], pings.lat[fresh], pings.lon[fresh]
    vehicles.strays[rows] = 0
    for name in ("at_us", "received_us", "lat", "lon", "speed_mps", "heading_deg", "accuracy_m", "cell"):
        getattr(vehicles, name)[rows] = getattr(pings, name)
    vehicles.recent_us[rows, vehicles.fixes[rows] % RECENT_FIXES] = pings.at_us
    vehicles.fixes[rows] += 1
    _stand(vehicles, rows, pings, fresh)


STILL_M = 25.0
"""A vehicle stands still while it keeps within this distance: three times the noise of a good fix."""


def _stand(vehicles: Vehicles, rows: Ints, pings: Pings, fresh: Flags) -> None:
    shift_m: Floats = distance_m(vehicles.still_lat[rows], vehicles.still_lon[rows], pings.lat, pings.lon)
    moved = fresh | (shift_m > STILL_M)
    gone = rows[moved]
    vehicles.still_us[gone], vehicles.still_lat[gone], vehicles.still_lon[gone] = pings.at_us[moved], pings.lat[moved], pings.lon[moved]
