"""A golden day for every kind of exception: the smallest log that opens it and, where it can close, closes it.

Used by the tests and by docs/generate_exceptions.py, which shows what came of them.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from stream import messages as m
from stream.exception_messages import ExceptionAcknowledged, ExceptionAssigned, ExceptionNoted, ExceptionSnoozed
from stream.proof_of_delivery import ProofOfDelivery

Lines = list[tuple[float, Any]]


def late_risk(road: Any) -> Lines:
    """A last stop that cannot be reached in time: at risk, late, missed, and reached after all."""
    stops = [*road.stops((1, 2, 3)), road.stop(4, planned_arrival=road.at(300), window_end=road.at(600), customer_ref="acme", priority=2)]
    return road.log(road.plan(stops), road.go(), road.drive(0, 3_000, 0, 4_500, step=20))


def stalled(road: Any) -> Lines:
    """A van stops between two stops for a quarter of an hour while its phone goes on telling where it is."""
    served = road.stops(service_s=30.0)
    under_way = road.drive(0, 250, 0, 1_500)
    return road.log(road.plan(served), road.go(), under_way, road.drive(260, 1_200, 1_500, 1_500), road.drive(1_210, 1_400, 1_510, 2_500))


def signal_lost(road: Any) -> Lines:
    """A phone falls silent between two stops, and speaks again after ten minutes."""
    return road.log(road.plan(), road.go(), road.drive(0, 250, 0, 1_500), road.drive(910, 1_000, 2_500, 3_000))


def off_route(road: Any) -> Lines:
    """After five runs of a leg along the road, the sixth leaves it for a kilometre to the side."""
    days = []
    for run in range(6):
        start, prefix = 1_000.0 * run, f"d{run}."
        plan = road.plan(road.stops((1, 4), prefix), second=start, route_id=f"r{run}", vehicle_id=f"v{run}")
        to_the_side = [0.012 if run == 5 and 200 <= second <= 450 else 0.0 for second in range(0, 601, 10)]
        fixes = [road.ping(start + 10 * i, 8.0 * 10 * i, f"v{run}", lon=-78.9 + east_deg) for i, east_deg in enumerate(to_the_side)]
        days += [plan, road.go(start, route_id=f"r{run}", vehicle_id=f"v{run}"), *fixes]
    return road.log(days)


def vehicle_down(road: Any) -> Lines:
    """A van with late customers breaks down, and is up again after ten minutes."""
    stops = road.stops(range(1, 6), window_end=road.at(500), customer_ref="acme")
    down = [road.say(m.VehicleDown, 400, reason="flat tyre"), road.say(m.VehicleUp, 1_000)]
    return road.log(
        road.plan(stops),
        road.go(),
        road.drive(0, 390, 0, 1_500),
        down,
        road.drive(410, 990, 1_500, 1_500),
        road.drive(1_000, 1_100, 1_550, 2_500),
    )


def pod_mismatch(road: Any) -> Lines:
    """The driver taps "delivered" two kilometres before the door, and so says the proof."""
    proof = ProofOfDelivery(recipient="M. Keller", lat=road.lat(1_000), lon=-78.9)
    said = road.say(m.StopCompleted, 105, visit_id="a3", proof=proof)
    return road.log(road.plan(road.stops(service_s=60.0)), road.go(), road.drive(0, 100, 0, 900), said, road.drive(110, 200, 950, 1_000))


def early_risk(road: Any) -> Lines:
    """The next stop opens in two hours; the van will be there in minutes."""
    stops = [road.stop(1), road.stop(2, window_start=road.at(7_200), window_end=road.at(10_800))]
    return road.log(road.plan(stops), road.go(), road.drive(0, 600, 0, 2_400))


def departure_late(road: Any) -> Lines:
    """Ten minutes before departure the load should stand ready. It comes late, and so does the departure."""
    plan = road.plan(planned_departure=road.at(900), load_by=road.at(300), wave_cutoff=road.at(3_600))
    ready = road.say(m.LoadReady, 1_500)
    return road.log(plan, road.ping(1, 0), ready, road.go(1_800), road.drive(1_810, 1_900, 0, 900))


def long_dwell(road: Any) -> Lines:
    """Five minutes of service are planned; the van is still there after half an hour."""
    stops = road.stops(service_s=300.0)
    return road.log(
        road.plan(stops),
        road.go(),
        road.drive(0, 100, 0, 1_000),
        road.drive(110, 2_000, 1_000, 1_000),
        road.drive(2_010, 2_100, 1_010, 2_000),
    )


def missed_stop(road: Any) -> Lines:
    """The van drives past a customer to the next one, and comes back when it is told."""
    around = [road.ping(210 + 10 * i, 1_100 + 100 * i, lon=-78.9 + 0.004 * (3 <= i <= 15)) for i in range(20)]
    there = [*road.drive(0, 200, 0, 1_000), *around, *road.drive(410, 700, 3_000, 3_000), *road.drive(710, 800, 2_900, 2_000)]
    back = [road.say(m.StopArrived, 805, visit_id="a2"), *road.drive(810, 900, 2_000, 2_000)]
    return road.log(road.plan(road.stops(service_s=60.0)), road.go(), there, back)


def out_of_sequence(road: Any) -> Lines:
    """The driver reports a later customer first."""
    told = [
        road.say(m.StopArrived, 120, visit_id="a3"),
        road.say(m.StopArrived, 300, visit_id="a1"),
        road.say(m.StopArrived, 450, visit_id="a2"),
    ]
    return road.log(road.plan(road.stops(service_s=60.0)), road.go(), road.drive(0, 60, 0, 600), told, road.ping(500, 1_000))


def stop_failed(road: Any) -> Lines:
    """Nobody home; the window of the day is over before another attempt makes sense, so it is tomorrow."""
    stops = road.stops(service_s=60.0, window_start=road.at(0), window_end=road.at(3_600), order_ref="o1")
    said = road.say(m.StopFailed, 130, visit_id="a1", reason="nobody home")
    return road.log(road.plan(stops), road.go(), road.drive(0, 120, 0, 1_000), said, road.drive(140, 200, 1_100, 1_700))


def fence_violation(road: Any) -> Lines:
    """A van enters a yard that it must keep out of, and leaves it."""
    second, fence = road.square("yard", 0, 1_000, 2_000)
    forbidden = replace(fence, kind="forbidden", name="Old yard")
    return road.log([(second, forbidden)], road.plan(), road.go(), road.drive(0, 600, 0, 4_000))


def missed_connection(road: Any) -> Lines:
    """A feeder brings goods to a hub after the van that carries them on has left."""
    feeder = [road.stop(1), road.stop(4, connects_to_visit_id="on.4")]
    onward = [road.stop(4, visit_id="on.4", kind="hub", planned_arrival=road.at(200), service_s=60.0), road.stop(8, visit_id="on.8")]
    plans = [road.plan(feeder), road.plan(onward, route_id="r2", vehicle_id="v2")]
    starts = [road.go(), road.go(1, route_id="r2", vehicle_id="v2")]
    return road.log(plans, starts, road.drive(0, 1_200, 0, 4_800), road.drive(2, 1_200, 3_000, 7_800, "v2"))


def plan_infeasible(road: Any) -> Lines:
    """Too much for the van, nobody to drive it, a skill that is missing and a window that nobody can reach; a new plan is possible."""
    van = road.say(m.VehiclePut, 0, capacity=10.0, skills=["lift"])
    stops = [
        road.stop(1, load=8.0, planned_arrival=road.at(3_600)),
        road.stop(60, load=8.0, skills=["cooling"], planned_arrival=road.at(3_700), window_end=road.at(3_700)),
    ]
    driver = road.say(m.VehiclePut, 600, driver_id="ann", capacity=10.0, skills=["lift"])
    better = road.plan([road.stop(1, load=8.0)], second=620, plan_version=2)
    return road.log(van, road.plan(stops, planned_departure=road.at(3_500)), driver, better, road.ping(700, 0))


def eta_quality(road: Any) -> Lines:
    """Forty runs as the plan says, then traffic stands: every leg takes five times as long."""
    lines: Lines = []
    start = 0.0
    for run in range(60):
        pace = 10.0 if run < 40 else 2.0
        route, end = f"q{run}", start + 5_000 / pace
        stops = road.stops(range(1, 6), f"q{run}.", planned_arrival=road.at(start + 600))
        lines += [road.plan(stops, second=start, route_id=route), road.go(start + 1, route_id=route)]
        lines += [*road.drive(start + 2, end, 0, 5_000, step=20), road.say(m.RouteEnded, end + 5, route_id=route)]
        start = end + 60
    return road.log(lines)


GOLDEN: dict[str, Callable[[Any], Lines]] = {
    "late_risk": late_risk,
    "stalled": stalled,
    "signal_lost": signal_lost,
    "off_route": off_route,
    "vehicle_down": vehicle_down,
    "pod_mismatch": pod_mismatch,
    "early_risk": early_risk,
    "departure_late": departure_late,
    "long_dwell": long_dwell,
    "missed_stop": missed_stop,
    "out_of_sequence": out_of_sequence,
    "stop_failed": stop_failed,
    "fence_violation": fence_violation,
    "missed_connection": missed_connection,
    "plan_infeasible": plan_infeasible,
    "eta_quality": eta_quality,
}


def lived(road: Any) -> Lines:
    """One late stop through all that a dispatcher can do with it."""
    name = "depot:late_risk:a4"
    deeds = [
        road.say(ExceptionAcknowledged, 300, exception_id=name, by="ann"),
        road.say(ExceptionAssigned, 330, exception_id=name, by="ann", to="ben"),
        road.say(ExceptionNoted, 340, exception_id=name, by="ben", text="customer called, will wait"),
        road.say(ExceptionSnoozed, 350, exception_id=name, by="ben", until=road.at(900)),
    ]
    return sorted([*late_risk(road), *deeds], key=lambda line: line[0])
