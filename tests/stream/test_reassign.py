"""What could save a stop: visits of a vehicle that is down go to others, where goods, load, skills and shifts allow it."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from stream import messages as m
from stream.proposal_messages import ProposalAccepted
from stream.reassign.ask import answers
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.solve import solve
from stream.reassign.trouble import troubles
from stream.settings import FleetSettings

POLICY = ReassignPolicy()
HERE = replace(FleetSettings(), reassign=ReassignPolicy(solving="here"))


def put(road, vehicle, second=0, **more):
    return road.say(m.VehiclePut, second, vehicle_id=vehicle, **more)


def plan(road, vehicle, route, stops):
    return [road.plan(stops, vehicle_id=vehicle, route_id=route), road.go(1, vehicle_id=vehicle, route_id=route)]


def stops(road, numbers, prefix, **more):
    """Stops with a window that closes five minutes of driving after each could be reached."""
    return [road.stop(n, visit_id=f"{prefix}{n}", window_end=road.at(240 * n + 300), service_s=60.0, **more) for n in numbers]


def opening(road, *, kind="pickup", first=None, second=None, **more):
    """Two vehicles on the same road; the first breaks down at kilometre 1.5, before its first stop at 1.6."""
    first, second = {"capacity": 10.0, **(first or {})}, {"capacity": 20.0, **(second or {})}
    return road.log(
        put(road, "v1", **first),
        put(road, "v2", **second),
        plan(
            road, "v1", "r1", [replaced(stop, lat=stop.lat - 0.0036) for stop in stops(road, range(2, 5), "a", kind=kind, load=2.0, **more)]
        ),
        plan(road, "v2", "r2", stops(road, range(2, 7), "b", kind=kind, load=1.0)),
        road.drive(2, 202, 0, 1500, "v1"),
        road.drive(2, 202, 0, 1400, "v2"),
        road.say(m.VehicleDown, 205, vehicle_id="v1"),
    )


def proposals(played, kind="vehicle_down"):
    state = played.state
    (trouble,) = [each for each in troubles(state, POLICY) if each.kind == kind]
    return solve(fork(state), POLICY, trouble).proposals


def orders(proposal):
    return {change.vehicle_id: change.visit_ids for change in proposal.changes}


def test_the_visits_of_a_vehicle_that_is_down_go_to_the_one_that_passes_by(road, fleet):
    first, *_ = proposals(fleet().play(opening(road)))
    assert orders(first)["v1"] == []
    assert sorted(orders(first)["v2"]) == ["a2", "a3", "a4", "b2", "b3", "b4", "b5", "b6"]
    assert not first.unserved_visit_ids
    assert [change.added for change in first.changes] == [[], []]


def test_every_visit_of_every_touched_route_is_told_before_and_after(road, fleet):
    first, *_ = proposals(fleet().play(opening(road)))
    told = {visit.visit_id: visit for visit in first.visits}
    assert set(told) == {"a2", "a3", "a4", "b2", "b3", "b4", "b5", "b6"}
    assert told["a2"].eta_before is None
    assert told["a2"].late_before_s == POLICY.missed_s
    assert told["a2"].vehicle_id == "v2"
    assert told["b6"].eta_after > told["b6"].eta_before
    assert first.late_after_s < first.late_before_s
    assert first.drive_added_s >= 0


def test_goods_on_board_are_fetched_where_the_vehicle_stands_before_they_are_delivered(road, fleet):
    first, *_ = proposals(fleet().play(opening(road, kind="delivery")))
    (taker,) = [change for change in first.changes if change.vehicle_id == "v2"]
    (call,) = taker.added
    assert call.kind == "handover"
    assert call.metadata == {"from_vehicle_id": "v1"}
    assert (call.lat, call.lon) == pytest.approx((road.lat(1500), -78.9), abs=1e-6)
    place = taker.visit_ids.index(call.visit_id)
    assert all(taker.visit_ids.index(name) > place for name in ("a2", "a3", "a4"))


def test_goods_that_are_not_listed_as_loaded_need_no_hand_over(road, fleet):
    first, *_ = proposals(fleet().play(opening(road, kind="delivery", first={"loaded_visit_ids": ["elsewhere"]})))
    assert [change.added for change in first.changes] == [[], []]


def test_nobody_takes_more_than_has_room(road, fleet):
    found = proposals(fleet().play(opening(road, second={"capacity": 9.0})))
    taken = {name for proposal in found for name in orders(proposal).get("v2", []) if name.startswith("a")}
    assert len(taken) == 2  # 5 of its own, and two of two each
    for proposal in found:
        assert all(vehicle.capacity is None or vehicle.most_load <= vehicle.capacity for vehicle in proposal.vehicles)
        assert len(proposal.unserved_visit_ids) == 1


def test_a_vehicle_without_the_skill_takes_nothing(road, fleet):
    assert proposals(fleet().play(opening(road, skills=["cooling"]))) == []
    able = proposals(fleet().play(opening(road, skills=["cooling"], second={"skills": ["cooling", "lift"]})))
    assert "a2" in orders(able[0])["v2"]


def test_nobody_is_kept_beyond_the_end_of_the_shift(road, fleet):
    assert proposals(fleet().play(opening(road, second={"shift_end": road.at(900)}))) == []
    long = proposals(fleet().play(opening(road, second={"shift_end": road.at(9000)})))
    assert all(vehicle.ends_at is None or vehicle.ends_at <= road.at(9000) for vehicle in long[0].vehicles)


def test_a_vehicle_that_stands_by_gets_a_route_of_its_own(road, fleet):
    lines = road.log(opening(road, second={"shift_end": road.at(900)}), put(road, "v3"), road.ping(200, 1000, "v3"), ticks=False)
    first, *_ = proposals(fleet().play(lines))
    assert first.kind == "standby"
    (own,) = [change for change in first.changes if change.vehicle_id == "v3"]
    assert own.starts
    assert own.before_visit_ids == []
    assert sorted(own.visit_ids) == ["a2", "a3", "a4"]


def late_one(road):
    """One vehicle that calls at a far stop first, and comes too late to a near one whose window closes soon."""
    far = road.stop(9, visit_id="far", service_s=600.0, window_end=road.at(9000))
    near = road.stop(2, visit_id="near", service_s=60.0, window_end=road.at(800), priority=2)
    return road.log(plan(road, "v1", "r1", [far, near]), road.drive(2, 300, 0, 1000), ticks=True)


def test_a_late_stop_is_saved_by_another_order_where_that_is_enough(road, fleet):
    first, *rest = proposals(fleet().play(late_one(road)), "late_risk")
    assert first.kind == "resequence"
    assert orders(first) == {"v1": ["near", "far"]}
    assert first.saved_visit_ids == ["near"]
    assert first.late_visit_ids == []
    assert [proposal.kind for proposal in rest] == ["reschedule"]


def test_the_last_moment_to_act_lies_ahead_and_before_the_window_closes(road, fleet):
    state = fleet().play(late_one(road)).state
    (trouble,) = troubles(state, POLICY)
    made = solve(fork(state), POLICY, trouble)
    assert road.at(300) < made.actionable_until < road.at(800)
    assert all(proposal.holds_until > road.at(300) for proposal in made.proposals)


def test_solving_changes_nothing_of_the_fleet(road, fleet):
    played = fleet().play(opening(road, kind="delivery"))
    before = {name: column.tobytes() for name, column in vars(played.state.visits).items() if hasattr(column, "tobytes")}
    proposals(played)
    assert {name: column.tobytes() for name, column in vars(played.state.visits).items() if hasattr(column, "tobytes")} == before
    assert list(played.state.routes) == ["r1", "r2"]


def test_a_replay_knows_the_answer_at_its_next_working_tick(road, fleet):
    played = fleet(HERE).play([*opening(road), *road.ticks(220, 300)])
    (told,) = played.told("reassignment_proposed")
    assert told["data"]["exception_id"] == "depot:vehicle_down:v1"
    assert told["data"]["proposals"][0]["number"] == 1
    assert told["time"] > road.at(240).isoformat()
    assert list(played.state.proposals) == ["depot:vehicle_down:v1"]


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


def test_what_came_of_it_is_told_beside_what_was_expected(road, fleet):
    lines = [*opening(road), *road.ticks(220, 240), accept(road, 245), *road.ticks(250, 340)]
    played = fleet(HERE).play(lines).play(road.log(road.drive(345, 545, 1400, 3100, "v2")))
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
        (lambda road: [road.say(m.Tick, 3000)], "stale_proposal"),
    ],
)
def test_a_proposal_that_no_longer_fits_is_refused_with_the_reason(road, fleet, between, reason):
    lines = [*opening(road), *road.ticks(220, 240), *between(road)]
    number = 9 if reason == "unknown_proposal" else 1
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
