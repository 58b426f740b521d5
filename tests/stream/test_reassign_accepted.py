"""Proposals in the state: known at a tick, accepted, refused when they no longer fit, settled when their visits are reached."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import json, structs

from stream import messages as m
from stream.moments import instant
from stream.proposal_messages import ProposalAccepted, ProposalsMade
from stream.reassign.ask import answers
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings

SPEC = importlib.util.spec_from_file_location("borrowed_reassign", Path(__file__).with_name("test_reassign.py"))
SCENES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCENES)
opening, plan, stops, orders = SCENES.opening, SCENES.plan, SCENES.stops, SCENES.orders

POLICY = ReassignPolicy()
HERE = replace(FleetSettings(), reassign=ReassignPolicy(solving="here"))


def test_a_replay_knows_the_answer_at_its_next_working_tick(road, fleet):
    played = fleet(HERE).play([*opening(road), *road.ticks(220, 270)])
    (told,) = played.told("reassignment_proposed")
    assert told["data"]["exception_id"] == "depot:vehicle_down:v1"
    assert told["data"]["proposals"][0]["number"] == 1
    assert told["time"] > road.at(240).isoformat()
    assert list(played.state.proposals) == ["depot:vehicle_down:v1"]


def test_the_exception_says_what_could_be_done_about_it(road, fleet):
    played = fleet(HERE).play([*opening(road), *road.ticks(220, 270)])
    (told,) = [event["data"] for event in played.told("exception_updated") if event["data"]["exception_kind"] == "vehicle_down"]
    (known,) = played.state.proposals.values()
    assert told["change"] == "proposed"
    assert [one["number"] for one in told["proposals"]] == [proposal.number for proposal in known.proposals]
    assert told["proposals"][0]["late_after_s"] == known.proposals[0].late_after_s
    assert road.at(0).fromisoformat(told["actionable_until"]) == instant(known.actionable_until_us)


def test_an_exception_that_is_over_offers_nothing_any_more(road, fleet):
    played = fleet(HERE).play([*opening(road), *road.ticks(220, 270), road.say(m.VehicleUp, 275, vehicle_id="v1"), *road.ticks(280, 310)])
    (told,) = [event["data"] for event in played.told("exception_resolved") if event["data"]["exception_kind"] == "vehicle_down"]
    assert "proposals" not in told


def accept(road, second, number=1, exception_id="depot:vehicle_down:v1"):
    return road.say(ProposalAccepted, second, exception_id=exception_id, number=number, by="ann")


def test_an_accepted_proposal_changes_the_plan_and_etas_follow(road, fleet):
    played = fleet(HERE).play([*opening(road, kind="delivery"), *road.ticks(220, 240), accept(road, 245), *road.ticks(250, 340)])
    state = played.state
    assert played.reasons == []
    route = state.routes["r2"]
    names = [state.names[row].visit_id for row in range(route.first, route.end)]
    assert {"a2", "a3", "a4"} <= set(names)
    assert any(name.startswith("handover.v1.v2") for name in names)
    assert state.routes["r1"].first == state.routes["r1"].end
    assert played.visit("a3")["p50_us"] > road.us(245)
    assert "depot:vehicle_down:v1" not in state.proposals
    (told,) = played.told("reassignment_accepted")
    assert told["data"]["by"] == "ann"
    assert set(state.settling) == set(names)


def served(road):
    """v2 drives on, and stands for a minute and a half at each of the next two kilometres."""
    stands = [road.drive(420, 510, 2000, 2000, "v2"), road.drive(640, 730, 3000, 3000, "v2")]
    ways = [road.drive(345, 410, 1400, 2000, "v2"), road.drive(520, 630, 2100, 3000, "v2"), road.drive(740, 770, 3100, 3400, "v2")]
    return [line for part in (ways[0], stands[0], ways[1], stands[1], ways[2]) for line in part]


def test_what_came_of_it_is_told_beside_what_was_expected(road, fleet):
    lines = [*opening(road), *road.ticks(220, 240), accept(road, 245), *road.ticks(250, 340)]
    played = fleet(HERE).play(lines).play(road.log(served(road)))
    told = {event["data"]["visit_id"]: event["data"] for event in played.told("reassignment_settled")}
    assert {"a2", "b2"} <= set(told)
    assert told["a2"]["moved"]
    assert told["a2"]["outcome"] == "reached"
    assert told["a2"]["late_without_s"] == POLICY.missed_s
    assert (
        abs((road.at(0).fromisoformat(told["a2"]["arrived_at"]) - road.at(0).fromisoformat(told["a2"]["eta_expected"])).total_seconds())
        < 600
    )


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        (lambda road: [], "unknown_proposal"),
        (lambda road: [road.say(m.StopCancelled, 243, route_id="r2", vehicle_id="v2", visit_id="b4")], "stale_proposal"),
        (lambda road: [road.say(m.VehicleDown, 243, vehicle_id="v2")], "stale_proposal"),
        (lambda road: [road.say(m.Tick, 900)], "unknown_proposal"),
    ],
)
def test_a_proposal_that_no_longer_fits_is_refused_with_the_reason(road, fleet, between, reason):
    lines = [*opening(road), *road.ticks(220, 240), *between(road)]
    number = 1 if between(road) else 9
    played = fleet(HERE).play([*lines, accept(road, max(second for second, _ in lines) + 1, number)])
    assert played.reasons == [reason]
    assert not played.told("reassignment_accepted")


def test_what_was_visited_meanwhile_does_not_make_a_proposal_stale(road, fleet):
    lines = [*opening(road, kind="delivery"), *road.ticks(220, 240)]
    played = fleet(HERE).play(lines)
    (change,) = [each for each in played.state.proposals["depot:vehicle_down:v1"].proposals[0].changes if each.vehicle_id == "v2"]
    assert change.visit_ids[0] != "b2"  # so that it is the fetching that is passed by: this one is stale
    played.play([road.say(m.StopCompleted, 242, vehicle_id="v2", route_id="r2", visit_id="b2"), accept(road, 243)])
    assert played.reasons == ["stale_proposal"]


def test_a_fleet_may_accept_by_rule(road, fleet):
    settings = replace(FleetSettings(), reassign=ReassignPolicy(solving="here", auto_accept=True, auto_others_late=9))
    played = fleet(settings).play([*opening(road), *road.ticks(220, 300)])
    assert [event["data"]["by"] for event in played.told("reassignment_accepted")] == ["rule"]
    assert "a2" in [played.state.names[row].visit_id for row in range(played.state.routes["r2"].first, played.state.routes["r2"].end)]


def test_an_answer_is_a_message_that_the_log_can_carry(road, fleet):
    aside = replace(FleetSettings(), reassign=ReassignPolicy(solving="aside"))
    played = fleet(aside).play([*opening(road), *road.ticks(220, 240)])
    (question,) = played.state.questions
    (answer,) = answers(aside.reassign, question)
    played.play([(245, answer), accept(road, 250)])
    assert played.reasons == []
    assert played.told("reassignment_accepted")


@pytest.mark.parametrize(("first", "reasons"), [("long.gone", []), ("c8", ["unknown_proposal"])])
def test_what_was_before_a_routes_visits_may_be_forgotten_but_not_be_open_elsewhere(road, fleet, first, reasons):
    aside = replace(FleetSettings(), reassign=ReassignPolicy(solving="aside"))
    played = fleet(aside).play([*road.log(plan(road, "v3", "r3", stops(road, (8, 9), "c"))), *opening(road), *road.ticks(220, 240)])
    (raw,) = answers(aside.reassign, played.state.questions[0])
    answer = json.decode(raw, type=ProposalsMade)
    changes = [
        structs.replace(each, before_visit_ids=[first, *each.before_visit_ids], visit_ids=[first, *each.visit_ids])
        if each.vehicle_id == "v2"
        else each
        for each in answer.proposals[0].changes
    ]
    offered = structs.replace(answer, proposals=[structs.replace(answer.proposals[0], changes=changes)])
    played.play([(245, json.encode(offered)), accept(road, 250)])
    assert played.reasons == reasons  # what does not fit is not even offered
    assert len(played.told("reassignment_accepted")) == (not reasons)


def test_a_visit_that_failed_is_tried_again_by_the_same_vehicle_before_its_hub(road, fleet):
    hub = road.stop(5, visit_id="hub", kind="hub", service_s=60.0)
    lines = road.log(
        plan(road, "v1", "r1", [*stops(road, (1, 2), "a"), hub]),
        road.drive(2, 152, 0, 1000),
        road.say(m.StopFailed, 160, visit_id="a1", reason="not_home"),
    )
    played = fleet(HERE).play([*lines, *road.ticks(180, 240)])
    (known,) = played.state.proposals.values()
    (first,) = known.proposals
    assert first.kind == "again"
    assert orders(first) == {"v1": ["a2", "a1.again", "hub"]}
    played.play([accept(road, 245, exception_id="depot:stop_failed:a1"), *road.ticks(250, 280)])
    assert played.reasons == []
    assert played.visit("a1.again")["state"] == "OPEN"
    assert played.visit("a1.again")["p50_s"] > 245


def test_a_visit_that_is_put_off_leaves_todays_route_through_the_log(road, fleet):
    played = fleet(HERE).play([*opening(road, second={"capacity": 9.0}, order_ref="o1"), *road.ticks(220, 240)])
    last = played.state.proposals["depot:vehicle_down:v1"].proposals[-1]
    (offer,) = last.windows
    lines = [accept(road, 245, last.number), *road.ticks(250, 310)]
    played.play(lines)
    assert played.reasons == []
    assert played.visit(offer.visit_id)["state"] == "CANCELLED"
    (told,) = played.told("stop_rescheduled")
    assert (told["data"]["visit_id"], told["data"]["order_ref"]) == (offer.visit_id, "o1")
    assert road.at(0).fromisoformat(told["data"]["window_end"]) == offer.window_end
    (closed,) = played.told("stop_cancelled")
    assert closed["data"]["reason"] == "rescheduled"
    assert offer.visit_id not in played.state.settling


def test_a_failed_visit_that_can_not_be_tried_again_today_is_offered_another_day(road, fleet):
    hub = road.stop(5, visit_id="hub", kind="hub", service_s=60.0)
    lines = road.log(
        road.say(m.VehiclePut, 0, vehicle_id="v1", shift_end=road.at(400)),
        plan(road, "v1", "r1", [*stops(road, (1, 2), "a"), hub]),
        road.drive(2, 152, 0, 1000),
        road.say(m.StopFailed, 160, visit_id="a1", reason="not_home"),
    )
    late = [accept(road, 245, exception_id="depot:stop_failed:a1"), *road.ticks(250, 280)]
    played = fleet(HERE).play([*lines, *road.ticks(180, 240)])
    (first,) = played.state.proposals["depot:stop_failed:a1"].proposals
    assert (first.kind, first.changes, [offer.visit_id for offer in first.windows]) == ("another_day", [], ["a1"])
    played.play(late)
    assert played.reasons == []
    assert played.visit("a1")["state"] == "FAILED"
    assert len(played.told("stop_rescheduled")) == 1
    assert played.state.failed == []


def test_goods_that_wait_where_the_first_broke_down_are_fetched_there_by_whom_takes_over_from_the_second(road, fleet):
    played = fleet(HERE).play([*opening(road, kind="delivery"), *road.ticks(220, 240)])
    goods = set(played.state.proposals["depot:vehicle_down:v1"].proposals[0].handovers[0].goods_visit_ids)
    third = [road.say(m.VehiclePut, 246, vehicle_id="v3", capacity=50.0), road.ping(248, 1300, "v3")]
    played.play([accept(road, 245), *third, road.say(m.VehicleDown, 249, vehicle_id="v2"), *road.ticks(250, 310)])
    assert played.reasons == []
    best = played.state.proposals["depot:vehicle_down:v2"].proposals[0]
    homes = {each.from_vehicle_id: set(each.goods_visit_ids) for each in best.handovers}
    assert homes["v1"] <= goods
    assert len(homes["v1"]) > 0
    assert not homes.get("v2", set()) & goods
    places = {each.from_vehicle_id: (each.lat, each.lon) for each in best.handovers}
    assert places["v1"] == pytest.approx((road.lat(1500), -78.9), abs=1e-6)
    order = next(change.visit_ids for change in best.changes if change.vehicle_id == "v3")
    calls = {each.from_vehicle_id: order.index(each.visit_id) for each in best.handovers}
    assert all(order.index(name) > calls[owner] for owner, names in homes.items() for name in names)


def test_goods_change_lists_with_an_accepted_hand_over_and_with_the_word_of_the_driver(road, fleet):
    loaded = {"first": {"loaded_visit_ids": ["a2", "a3", "a4"]}, "second": {"loaded_visit_ids": ["b2", "b3", "b4", "b5", "b6"]}}
    lines = [*opening(road, kind="delivery", **loaded), *road.ticks(220, 240), accept(road, 245)]
    played = fleet(HERE).play(lines)
    assert played.reasons == []
    assert set(played.state.facts["v2"].loaded_visit_ids) == {"a2", "a3", "a4", "b2", "b3", "b4", "b5", "b6"}
    assert not {"a2", "a3", "a4"} & set(played.state.facts["v1"].loaded_visit_ids)
    assert played.state.facts["v1"].loaded_visit_ids
    played.play([road.say(m.HandedOver, 250, visit_id="b6", from_vehicle_id="v2", to_vehicle_id="v1")])
    assert "b6" in played.state.facts["v1"].loaded_visit_ids
    assert "b6" not in played.state.facts["v2"].loaded_visit_ids


def test_proposals_that_hold_no_longer_are_forgotten_at_the_next_tick(road, fleet):
    played = fleet(HERE).play([*opening(road), *road.ticks(220, 240)])
    assert list(played.state.proposals) == ["depot:vehicle_down:v1"]
    until = played.state.proposals["depot:vehicle_down:v1"].proposals[0].holds_until
    held_s = (until - road.at(0)).total_seconds()
    played.play(road.ticks(250, held_s + 45))
    known = played.state.proposals.get("depot:vehicle_down:v1")
    assert known is None or known.made_us > road.us(held_s)
