"""One stretch of log in, its outputs out: everything is accounted for, numbered, and the same each time."""

from collections import Counter
from dataclasses import replace

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from stream import messages as m
from stream.events import EVENTS
from stream.log import shard_of
from stream.settings import FleetSettings


@pytest.fixture(scope="module")
def busy(road):
    """A log with something of everything: two routes, statuses, fences, junk, repeats, late fixes and a teleport."""
    odd = [
        road.ping(33, 90_000),
        road.ping(25, 900, received=35),
        road.ping(30, 300),
        road.ping(36, 0, lat=95.0),
        road.ping(37, 0, accuracy_m=-1.0),
    ]
    said = [
        road.say(m.StopCompleted, 110, visit_id="a1"),
        road.say(m.StopCompleted, 111, visit_id="a1"),
        road.say(m.StopFailed, 112, visit_id="nope"),
    ]
    plans = [
        road.plan(),
        road.go(),
        road.plan(road.stops((1, 2), "b", window_end=road.at(50)), route_id="r2", vehicle_id="v2"),
        road.go(route_id="r2", vehicle_id="v2"),
    ]
    fences = [road.square("yard", 0, 150, 350), road.say(m.FenceRemoved, 1, fence_id="none")]
    lines = road.log(plans, fences, road.drive(0, 300, 0, 3000), road.drive(0, 300, 0, 1500, "v2"), odd, said)
    return [
        *lines,
        (310.0, b'{"type":"ping","fleet_id":"depot"}'),
        (310.0, b'{"type":"tick","fleet_id":"depot","at":"2026-03-02T09:05:10"}'),
    ]


@pytest.fixture(scope="module")
def played(busy, fleet):
    return fleet().play(busy)


def test_accepted_and_rejected_are_all_that_was_received(busy, played):
    assert played.state.received == len(busy)
    assert played.state.refused == Counter(played.reasons)
    assert played.state.refused == {
        "duplicate": 2, "teleport": 1, "lat_range": 1, "accuracy": 1,
        "unknown_visit": 1, "unknown_fence": 1, "missing_field": 1, "naive_time": 1,
    }  # fmt: skip
    assert played.state.kept_late == 1


def test_refusals_stand_in_log_order_and_say_what_came(busy, played):
    refusals = played.parts[0].refusals
    assert [refusal.position for refusal in refusals] == sorted(refusal.position for refusal in refusals)
    unknown = next(refusal for refusal in refusals if refusal.reason == "unknown_visit")
    assert (unknown.kind, unknown.vehicle_id, b"nope" in unknown.head) == ("stop_failed", "v1", True)


def test_the_same_log_gives_the_same_bytes(busy, played, fleet):
    assert fleet().play(busy).bytes() == played.bytes()


def test_every_event_is_a_cloud_event_that_others_can_read(played):
    kinds = set()
    for part in played.parts:
        for event in part.events:
            read = JSONFormat().read(CloudEvent, event.payload)
            assert (read.get_specversion(), read.get_source()) == ("1.0", "/fleetcast/depot")
            assert read.get_type() == f"fleetcast.{event.kind}.v1"
            kinds.add(event.kind)
    assert kinds <= set(EVENTS)
    assert kinds >= {
        "stop_arrived",
        "stop_departed",
        "stop_completed",
        "eta_updated",
        "exception_opened",
        "geofence_entered",
        "geofence_exited",
        "ping_rejected",
    }


def test_events_stand_in_the_order_in_which_they_became_known(played):
    known = [event["data"]["detected_at"] for event in played.events]
    assert known == sorted(known)
    assert all(event["time"] <= event["data"]["detected_at"] for event in played.events)


def test_event_ids_are_unique(played):
    ids = Counter(event["id"] for event in played.events)
    assert [event_id for event_id, count in ids.items() if count > 1] == []


def test_estimates_and_events_are_numbered_on_from_stretch_to_stretch(busy, played, fleet):
    parts = fleet().play(busy, range(40, len(busy), 40)).parts
    assert len(parts) > 1
    first = 0
    for part in parts:
        assert part.first_estimate == first
        first += len(part.estimates)
    assert [event.sequence for part in parts for event in part.events] == list(range(len(played.events)))


def test_a_fleets_now_never_goes_back(road, fleet):
    played = fleet().play([road.say(m.Tick, 100), road.ping(50, 0, received=50)])
    assert played.state.now_us == road.us(100)
    assert played.play([road.plan(second=60), road.go(60)]).state.now_us == road.us(100)
    played.play([road.say(m.Tick, 125), road.say(m.Tick, 60)])
    assert played.state.now_us == road.us(125)
    assert played.told("eta_updated")[0]["data"]["detected_at"] == "2026-03-02T09:02:05Z"


def test_what_is_not_received_yet_is_not_known_yet(road, fleet):
    early = [road.go(0), road.say(m.StopCompleted, 1, visit_id="a1"), road.plan(second=2)]
    assert fleet().play(early).reasons == ["unknown_route", "unknown_visit"]


def test_vehicles_and_dispatch_facts_are_kept(road, fleet):
    facts = road.say(m.VehiclePut, 0, driver_id="ann", capacity=12.0, skills=["crane"], loaded_visit_ids=["a1"], shift_end=road.at(9000))
    down = [road.say(m.VehicleDown, 1, reason="flat tyre"), road.say(m.DriverBreak, 2, duration_s=600.0)]
    played = fleet().play([facts, *down])
    known = played.state.facts["v1"]
    assert (known.driver_id, known.capacity, known.skills, known.loaded_visit_ids, known.shift_end_us) == (
        "ann",
        12.0,
        ("crane",),
        ("a1",),
        road.us(9000),
    )
    assert (played.vehicle()["down"], played.vehicle()["paused_until_us"]) == (1, road.us(602))
    assert played.play([road.say(m.VehicleUp, 3)]).vehicle()["down"] == 0


def test_a_tick_between_two_that_work_only_tells_the_time(road, fleet):
    played = fleet().play([road.say(m.Tick, 60), road.plan(second=61), road.go(61), road.say(m.Tick, 70)])
    assert (played.state.now_us, played.told("eta_updated")) == (road.us(70), [])
    assert played.play([road.say(m.Tick, 90)]).told("eta_updated")


def test_a_break_delays_what_is_ahead(road, fleet):
    lines = [*road.log(road.plan(), road.go(), road.drive(0, 60, 0, 600))]
    rested = fleet().play([*lines, road.say(m.DriverBreak, 61, duration_s=1200.0), road.say(m.Tick, 95)])
    assert rested.visit("a3")["p50_s"] > fleet().play(lines).visit("a3")["p50_s"] + 600


def test_facts_about_routes_reach_their_route(road, fleet):
    played = fleet().play(
        [road.plan(), road.say(m.LoadReady, 1), road.say(m.DockAssigned, 1, dock_id="d4"), road.say(m.LoadReady, 1, route_id="r9")]
    )
    assert (played.state.routes["r1"].load_ready, played.state.routes["r1"].dock_id, played.reasons) == (True, "d4", ["unknown_route"])


def test_facts_about_visits_nobody_knows_are_refused(road, fleet):
    moved = road.say(m.HandedOver, 1, visit_id="a9", from_vehicle_id="v1", to_vehicle_id="v2")
    played = fleet().play(
        [road.plan(), road.say(m.AvailabilityConfirmed, 1, visit_id="a1"), road.say(m.AvailabilityConfirmed, 1, visit_id="a9"), moved]
    )
    assert played.reasons == ["unknown_visit", "unknown_visit"]


def test_learning_waits_for_the_tick(road, fleet):
    lines = [road.plan(), road.go(), *road.drive(0, 500, 0, 5000)]
    played = fleet().play(lines)
    assert len(played.state.truths) > 0
    assert float(played.state.model.legs.table.seen.sum()) == 0
    played.play([road.say(m.Tick, 501)])
    assert (played.state.truths, played.state.model.legs.table.seen.sum() > 0) == ([], True)


def test_the_local_hour_is_known_before_the_first_tick(road, fleet):
    played = fleet(replace(FleetSettings(), time_zone="America/New_York")).play([road.plan(), road.go(), road.ping(0, 0)])
    assert played.state.utc_offset_s == -5 * 3600


def test_local_time_follows_the_clock_change(road, fleet):
    spring = FleetSettings(time_zone="America/New_York")
    assert [spring.utc_offset_s(road.us(86_400 * days)) // 3600 for days in (5, 6)] == [-5, -4]


def test_a_fleet_lives_in_the_same_shard_for_ever():
    assert [shard_of(name) for name in ("depot", "nfta", "f01")] == [12, 2, 9]
