"""What drivers press in their app, and when dispatch hears of it."""

from typing import NamedTuple

from numpy.random import Generator

from replay.make_day.drive import Call, Driven, Run
from replay.make_day.parameters import DriveParameters, StatusParameters
from replay.make_day.plan import Duty, Visit
from replay.make_day.seeding import between


class Status(NamedTuple):
    """One row of `statuses.parquet`, in seconds of the local day."""

    at_s: float
    received_s: float
    type: str
    route_id: str
    vehicle_id: str
    stop_id: str | None
    reason: str | None


def press(rng: Generator, duty: Duty, driven: Driven, drive: DriveParameters, p: StatusParameters) -> tuple[list[Status], float | None]:
    """All statuses of a vehicle's day, and when its device goes off if it broke down (else None)."""
    presses_arrived = rng.random() < p.arrives_pressed_share
    rows: list[Status] = []
    for run in driven.runs:
        vehicle, route = duty.vehicle_id, run.route.route_id
        rows.append(_status(rng, run.started_s + between(rng, p.press_s), "route_started", route, vehicle, p))
        for visit, call in zip(run.route.visits, run.calls, strict=False):
            rows.extend(_visit(rng, vehicle, run, visit, call, presses_arrived, p))
        if driven.down_s is None:
            rows.append(_status(rng, run.ended_s + p.press_s[1] + between(rng, p.press_s), "route_ended", route, vehicle, p))
    if driven.down_s is None:
        return rows, None
    off_s = driven.down_s + between(rng, drive.down_stays_s)
    told_s = driven.down_s + between(rng, drive.down_reported_s)
    route = driven.runs[-1].route.route_id
    rows.append(_status(rng, told_s, "vehicle_down", route, duty.vehicle_id, p, reason=driven.down_reason))
    rows.append(_status(rng, off_s, "route_ended", route, duty.vehicle_id, p))
    return rows, off_s


def _visit(rng: Generator, vehicle: str, run: Run, visit: Visit, call: Call, presses_arrived: bool, p: StatusParameters) -> list[Status]:
    """Arrived, from drivers who press it; then completed, perhaps late or never, or failed."""
    route, stop = run.route.route_id, visit.door.stop_id
    rows: list[Status] = []
    if presses_arrived and rng.random() < p.arrived_share:
        rows.append(_status(rng, call.parked_s + between(rng, p.press_s), "stop_arrived", route, vehicle, p, stop))
    if call.outcome == "failed":
        return [*rows, _status(rng, call.done_s, "stop_failed", route, vehicle, p, stop, call.reason)]
    drawn, done_s = float(rng.random()), call.done_s + between(rng, p.press_s)
    if visit.kind != "hub" and drawn < p.forgotten_share:
        return rows
    if visit.kind != "hub" and drawn < p.forgotten_share + p.late_press_share:
        done_s += between(rng, p.late_press_s)
    return [*rows, _status(rng, done_s, "stop_completed", route, vehicle, p, stop)]


def _status(
    rng: Generator,
    at_s: float,
    kind: str,
    route: str,
    vehicle: str,
    p: StatusParameters,
    stop: str | None = None,
    reason: str | None = None,
) -> Status:
    """A status and the time of its receipt."""
    lag_s = p.lag_s[0] + (p.lag_s[1] - p.lag_s[0]) * float(rng.random()) ** 2
    return Status(at_s, at_s + lag_s, kind, route, vehicle, stop, reason)
