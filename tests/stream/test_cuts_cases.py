"""Cuts at which something once depended on the batch, and two hours of a made day in batches of three sizes."""

from dataclasses import replace

import pytest

from eta_models.legs import LegPolicy
from eta_models.model import EtaModel, ModelPolicy
from replay.day_folder import read_folder
from replay.make_day.day import make_day
from replay.timeline import PING, batches, timeline
from stream import messages as m
from stream.apply import apply
from stream.fleet import FleetState
from stream.settings import FleetSettings

HOUR_US = 3_600_000_000


def same(fleet, lines, policies=FleetSettings()):  # noqa: B008 - frozen
    """Whether one batch gives the same as one batch a message."""
    return fleet(policies).play(lines).bytes() == fleet(policies).play(lines, range(1, len(lines))).bytes()


def test_what_a_tick_forgets_does_not_depend_on_the_cut(road, fleet):
    ended = [road.plan(), road.plan(road.stops(prefix="b"), route_id="r2"), road.say(m.RouteEnded, 599)]
    lines = [*ended, road.say(m.Tick, 4195), road.ping(4201, 0), road.say(m.Tick, 4205), road.say(m.StopArrived, 4206, visit_id="a1")]
    assert same(fleet, lines)


def test_a_replan_of_a_route_that_a_reassignment_opened_waits_for_its_turn(road, fleet):
    moved = road.say(m.StopReassigned, 1, visit_id="a3", to_vehicle_id="v2", to_route_id="r2")
    start = road.go(2, route_id="r2", vehicle_id="v2")
    lines = [
        road.plan(),
        moved,
        start,
        road.ping(3, 0, "v2"),
        road.plan(road.stops((6, 7), "b"), second=4, route_id="r2", vehicle_id="v2", plan_version=2),
    ]
    assert same(fleet, lines)


def test_a_plan_without_room_is_refused_each_time(road, fleet):
    plan = road.plan(second=1, vehicle_id="v2")
    assert same(fleet, [road.ping(0, 0), plan, plan], replace(FleetSettings(), most_vehicles=1))


def test_a_full_table_of_legs_forgets_at_the_same_moment(road, fleet):
    policies = FleetSettings(model=ModelPolicy(legs=LegPolicy(capacity=4)))
    driven = [*road.log(road.plan(), road.go(), road.drive(0, 240, 0, 2400))]
    again = [road.plan(road.stops(prefix="b"), second=250, route_id="r2", vehicle_id="v2"), road.go(251, route_id="r2", vehicle_id="v2")]
    other = road.plan([road.stop(n, visit_id=f"c{n}", stop_id=f"t{n}") for n in range(1, 6)], second=326, route_id="r3", vehicle_id="v3")
    last = [road.ping(325, 150, "v2"), other]
    one, many = (fleet(policies).play([*driven, *again, road.ping(300, 0, "v2")]).play(last, cuts) for cuts in ((), (1,)))
    assert one.bytes() == many.bytes()


def lap(road, number: int, vehicle: str) -> list:
    """A planned run up the road, early at its second stop, with a layover at its end, and the same at the same minute of the next day."""
    first = 86_400 * (number // 3) + 2_000 * (number % 3) + (150 if vehicle == "v2" else 0)
    due = {1: 100, 2: 320, 3: 420}
    stops = [road.stop(n, visit_id=f"{vehicle}{number}-{n}", planned_arrival=road.at(first + due[n])) for n in due]
    stops.append(road.stop(3, visit_id=f"{vehicle}{number}-again", seq=4, planned_arrival=road.at(first + 1_200)))
    route = {"vehicle_id": vehicle, "route_id": f"{vehicle}{number}"}
    drive = [*road.drive(first, first + 200, 0, 2_000, vehicle), *road.drive(first + 210, first + 300, 2_000, 2_000, vehicle)]
    drive += [
        *road.drive(first + 310, first + 410, 2_000, 3_000, vehicle),
        *road.drive(first + 440, first + 1_340, 3_000, 3_000, vehicle, 60),
    ]
    return [road.plan(stops, first, **route), road.go(first, **route), *drive, *road.ticks(first + 10, first + 1_350)]


def test_what_runs_layovers_lingering_and_other_days_teach_does_not_depend_on_the_cut(road, fleet):
    lines = sorted(
        (line for number in range(6) for vehicle in ("v1", "v2") for line in lap(road, number, vehicle)), key=lambda line: line[0]
    )
    whole = fleet().play(lines)
    model = whole.state.model
    row = int(model.legs.table.runs[model.legs.leg("s2", "s3")])
    assert model.runs.table.put[row] > 20
    assert model.stays.table.leads[model.stays.place("s2")] > 0
    assert model.daily.table.days.max() == 2.0
    assert len([name for name in whole.visits("stop_arrived") if name.endswith("again")]) == 12
    assert same(fleet, lines)
    assert fleet().play(lines, range(7, len(lines), 50)).bytes() == whole.bytes()


def ride(road, number, vehicle):
    """A run without a plan from one end of the road to somewhere else on it, to stops that nobody comes to again."""
    first, to = 700 * number + {"v1": 0, "v2": 3, "v3": 6}[vehicle], 2 + (number + ord(vehicle[1])) % 4
    pace_s = 60 + 10 * (ord(vehicle[1]) - ord("0")) * (1 + number % 2)
    ends = [(place, f"{vehicle}{number}-{place}", {"seq": seq}) for seq, place in enumerate((1, to), start=1)]
    stops = [road.stop(place, stop_id=name, visit_id=name, **more) for place, name, more in ends]
    route = {"vehicle_id": vehicle, "route_id": f"{vehicle}{number}"}
    drive = [*road.drive(first, first + 60, 900, 1_000, vehicle), *road.drive(first + 70, first + pace_s * to, 1_000, 1_000 * to, vehicle)]
    return [road.plan(stops, first, **route), road.go(first, **route), *drive, *road.drive(first + 690, first + 695, 900, 900, vehicle)]


def test_what_runs_without_a_plan_teach_does_not_depend_on_the_cut(road, fleet):
    lines = road.log(*(ride(road, number, vehicle) for number in range(7) for vehicle in ("v1", "v2", "v3")))
    whole = fleet().play(lines)
    trips = whole.state.model.trips
    assert trips.network.steps > 3
    assert trips.shares.share[0] > 0.0
    assert (trips.lately.count > 0.0).sum(axis=1).min() > 0
    assert same(fleet, lines)
    assert fleet().play(lines, range(7, len(lines), 50)).bytes() == whole.bytes()


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """Two hours of a made day of three vans, in log order, and all that was said before."""
    folder = tmp_path_factory.mktemp("day")
    made = make_day(folder, seed=3, fleets=1, vehicles=3)
    assert made.pings > 5_000
    whole = timeline(read_folder(folder))
    end_us = int(whole.received_us[-1]) - 5 * HOUR_US
    kept = (whole.received_us <= end_us) & ((whole.rank < PING) | (whole.received_us > end_us - 2 * HOUR_US))
    return replace(whole, **{name: getattr(whole, name)[kept] for name in ("received_us", "rank", "source", "fleet", "position")})


def told_of(day, size):
    """What a day gives in batches of a size, as bytes."""
    policies = FleetSettings()
    state = FleetState("f01", EtaModel(policies.model))
    parts = [apply(policies, state, batch) for cut in batches(policies.judge, day, size) for batch in cut]
    events = [(event.sequence, event.payload) for part in parts for event in part.events]
    assert state.received == len(day)
    return events, b"".join(part.estimates.tobytes() for part in parts), [refusal for part in parts for refusal in part.refusals]


def test_a_made_day_gives_the_same_bytes_in_batches_of_any_size(day):
    whole = told_of(day, 1_000)
    assert len(day) > 2_000
    assert sum(b"stop_arrived" in payload for _, payload in whole[0]) > 20
    assert [told_of(day, size) == whole for size in (1, 7)] == [True, True]
