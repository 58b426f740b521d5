"""Proposals beside the flow: asked at a tick, solved by a thread, read again from the log, shown, accepted."""

import msgspec
import pytest

from stream import messages as m
from stream.live.keys import EVENTS, answer_key
from stream.proposal_messages import ProposalAccepted
from stream.question_messages import CandidatesAsked, Supposition, WhatIfAsked

DOWN = "depot:vehicle_down:v1"


@pytest.fixture
def solving(settings):
    return settings.model_copy(update={"proposals": True})


@pytest.fixture
def breakdown(road):
    """Two vans on one road; the first breaks down before it has reached anything."""
    puts = [road.say(m.VehiclePut, 0, vehicle_id=vehicle, capacity=20.0) for vehicle in ("v1", "v2")]
    mine = [road.stop(n, visit_id=f"a{n}", kind="pickup", service_s=60.0, window_end=road.at(300 * n)) for n in (3, 4)]
    theirs = [road.stop(n, visit_id=f"b{n}", kind="pickup", service_s=60.0) for n in (5, 6)]
    return road.log(
        puts,
        road.plan(mine),
        road.plan(theirs, vehicle_id="v2", route_id="r2"),
        road.go(1),
        road.go(1, vehicle_id="v2", route_id="r2"),
        road.drive(2, 202, 0, 1_500),
        road.drive(2, 202, 0, 1_400, "v2"),
        road.say(m.VehicleDown, 205),
    )


def test_what_could_be_done_is_found_beside_the_flow_and_read_again_from_the_log(run, logs, breakdown, client, solving):
    logs.append("depot", breakdown)
    run(settings=solving).to_end()
    assert b"proposals_made" in b"".join(entry.payload for entry in logs.entries("depot"))
    run(settings=solving).to_end()
    view = msgspec.json.decode(logs.present("depot")["proposals"][DOWN.encode()])
    assert view["proposals"][0]["changes"][0]["vehicle_id"] == "v2"
    assert [fields[b"k"] for _, fields in client.xrange(EVENTS)].count(b"reassignment_proposed") == 1
    assert logs.are_whole("depot")


def test_an_accepted_proposal_is_shown_as_the_plan_that_it_makes(run, logs, breakdown, solving, road):
    logs.append("depot", breakdown)
    run(settings=solving).to_end()
    accepted = road.say(ProposalAccepted, 215, exception_id=DOWN, number=1, by="ann")
    logs.append("depot", [accepted, road.ping(216, 1_450, "v2")])
    run(settings=solving).to_end()
    present = logs.present("depot")
    route = msgspec.json.decode(present["routes"][b"r2"])
    assert {visit["visit_id"] for visit in route["visits"]} == {"a3", "a4", "b5", "b6"}
    assert present["visits"][b"a3"] == b"r2"
    assert present["proposals"] is None
    assert logs.are_whole("depot")


def test_a_set_engine_does_not_look_for_anything(run, logs, breakdown, settings):
    logs.append("depot", breakdown)
    run(settings=settings).to_end()
    assert len(logs.entries("depot")) == len(breakdown)


def ask(run, logs, client, solving, breakdown, question):
    logs.append("depot", [*breakdown, question])
    run(settings=solving).to_end()
    return client.get(answer_key("depot", "q1"))


def test_what_if_is_answered_before_and_after_and_changes_nothing(run, logs, breakdown, client, solving, road):
    changes = [Supposition(change="delay", vehicle_id="v2", delay_s=1800.0), Supposition(change="vehicle_out", vehicle_id="nobody")]
    question = road.say(WhatIfAsked, 206, question_id="q1", changes=changes)
    found = msgspec.json.decode(ask(run, logs, client, solving, breakdown, question))
    told = {visit["visit_id"]: visit for visit in found["visits"]}
    assert set(told) == {"b5", "b6"}
    later = [road.at(0).fromisoformat(told["b5"][name]) for name in ("eta_before", "eta_after")]
    assert (later[1] - later[0]).total_seconds() == pytest.approx(1_800, abs=120)
    assert found["not_possible"] == ["vehicle_out: no vehicle nobody"]
    assert client.ttl(answer_key("depot", "q1")) > 500


def test_a_plan_made_anew_comes_with_the_messages_that_publish_it_and_nobody_sends_them(run, logs, breakdown, client, solving, road):
    muddle = [road.stop(n, visit_id=f"c{n}", kind="pickup", service_s=60.0) for n in (9, 3, 8, 4)]
    third = {"vehicle_id": "v3", "route_id": "r3"}
    lines = [road.plan(muddle, 206, **third), road.go(206, **third), *road.drive(207, 257, 0, 500, "v3")]
    question = road.say(WhatIfAsked, 258, question_id="q1", changes=[Supposition(change="reoptimise", vehicle_ids=["v3"])])
    found = msgspec.json.decode(ask(run, logs, client, solving, [*breakdown, *lines], question))
    (said,) = found["publish"]
    assert (said["type"], said["plan_version"], found["drive_added_s"] < 0) == ("route_published", 2, True)
    assert [stop["visit_id"] for stop in said["stops"]] == ["c3", "c4", "c8", "c9"]
    route = msgspec.json.decode(logs.present("depot")["routes"][b"r3"])
    assert [visit["visit_id"] for visit in route["visits"]] == ["c9", "c3", "c8", "c4"]


def test_who_can_take_an_order_is_answered_with_what_it_does_to_the_others(run, logs, breakdown, client, solving, road):
    stop = road.stop(2, visit_id="new", kind="pickup", service_s=60.0, window_end=road.at(3_000))
    found = msgspec.json.decode(ask(run, logs, client, solving, breakdown, road.say(CandidatesAsked, 206, question_id="q1", stop=stop)))
    (only,) = found["candidates"]
    assert (only["vehicle_id"], only["route_id"], only["before_visit_id"]) == ("v2", "r2", "b5")
    (change,) = only["impact"]["changes"]
    assert change["visit_ids"] == ["new", "b5", "b6"]
    assert [stop["visit_id"] for stop in change["added"]] == ["new"]
    (said,) = only["publish"]
    assert (said["type"], said["route_id"], said["before_visit_id"], said["stop"]["visit_id"]) == ("stop_added", "r2", "b5", "new")


def test_an_order_that_nobody_has_the_skills_for_has_no_candidates(run, logs, breakdown, client, solving, road):
    stop = road.stop(2, visit_id="new", kind="pickup", skills=["cooling"])
    found = msgspec.json.decode(ask(run, logs, client, solving, breakdown, road.say(CandidatesAsked, 206, question_id="q1", stop=stop)))
    assert found["candidates"] == []


def test_goods_that_have_to_be_fetched_are_fetched_first_as_it_would_be_published(run, logs, breakdown, client, solving, road):
    stop = msgspec.structs.replace(road.stop(2, service_s=60.0, load=1.0), stop_id="s77", visit_id=None)
    asked = road.say(CandidatesAsked, 206, question_id="q1", stop=stop, load_lat=road.lat(1_500), load_lon=-78.9)
    (only,) = msgspec.json.decode(ask(run, logs, client, solving, breakdown, asked))["candidates"]
    said = [(one["stop"]["kind"], one["stop"]["visit_id"], one["before_visit_id"]) for one in only["publish"]]
    (fetch,) = [name for kind, name, _ in said if kind == "handover"]
    assert said == [("delivery", "s77", "b5"), ("handover", fetch, "s77")]
