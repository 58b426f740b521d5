"""What could save a stop: visits of a vehicle that is down go to others, where goods, load, skills and shifts allow it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from msgspec.structs import replace as replaced

from stream import messages as m
from stream.reassign.fork import fork
from stream.reassign.moves import trials
from stream.reassign.policy import ReassignPolicy
from stream.reassign.solve import solve
from stream.reassign.takers import takers
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


def kinds(found):
    return [proposal.kind for proposal in found]


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
    assert [len(proposal.unserved_visit_ids) for proposal in found if proposal.kind == "move"] == [1]


def test_whom_nobody_can_come_to_today_is_offered_another_day_and_told_of(road, fleet):
    *_, last = proposals(fleet().play(opening(road, second={"capacity": 9.0}, customer_ref="c7")))
    assert last.kind == "another_day"
    (offer,) = last.windows
    assert (offer.customer_ref, offer.window_end - road.at(0)) == ("c7", timedelta(days=1, seconds=240 * int(offer.visit_id[1]) + 300))
    (change,) = last.changes
    assert set(change.before_visit_ids) - set(change.visit_ids) == {offer.visit_id}
    assert 0 < last.late_before_s - last.late_after_s == POLICY.missed_s - POLICY.another_day_s


def test_nobody_is_put_off_who_can_still_be_saved(road, fleet):
    assert "another_day" not in {proposal.kind for proposal in proposals(fleet().play(opening(road)))}


def test_all_that_is_at_risk_and_on_board_changes_hands_at_one_place_and_time(road, fleet):
    """The first is held up at a stop, and what it carries has to be elsewhere soon; the second comes by."""
    slow = road.stop(1, visit_id="slow", service_s=3000.0, kind="delivery")
    mine = [road.stop(n, visit_id=f"a{n}", kind="delivery", load=1.0, service_s=60.0, window_end=road.at(1500 + 300 * n)) for n in (3, 4)]
    theirs = [road.stop(n, visit_id=f"b{n}", service_s=60.0, window_end=road.at(9000)) for n in (2, 5)]
    lines = road.log(
        plan(road, "v1", "r1", [slow, *mine]),
        plan(road, "v2", "r2", theirs),
        road.drive(2, 150, 0, 900, "v1"),
        road.drive(2, 150, 0, 500, "v2"),
        *(road.ping(second, 900, "v1") for second in range(160, 300, 20)),
    )
    played = fleet().play(lines)
    best = next(one for one in proposals_of_late(played) if len(one.handovers) == 1 and len(one.handovers[0].goods_visit_ids) == 2)
    (handing,) = best.handovers
    assert (handing.from_vehicle_id, handing.to_vehicle_id, set(handing.goods_visit_ids)) == ("v1", "v2", {"a3", "a4"})
    assert (handing.lat, handing.lon) == pytest.approx((slow.lat, slow.lon))
    assert handing.eta is not None
    order = orders(best)["v2"]
    assert min(order.index("a3"), order.index("a4")) > order.index(handing.visit_id)
    assert set(best.saved_visit_ids) >= {"a3", "a4"}


def proposals_of_late(played):
    return [one for trouble in troubles(played.state, POLICY) for one in solve(fork(played.state), POLICY, trouble).proposals]


def test_a_vehicle_without_the_skill_takes_nothing(road, fleet):
    assert kinds(proposals(fleet().play(opening(road, skills=["cooling"])))) == ["another_day"]
    able = proposals(fleet().play(opening(road, skills=["cooling"], second={"skills": ["cooling", "lift"]})))
    assert "a2" in orders(able[0])["v2"]


def test_nobody_is_kept_beyond_the_end_of_the_shift(road, fleet):
    assert kinds(proposals(fleet().play(opening(road, second={"shift_end": road.at(900)})))) == ["another_day"]
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


@pytest.mark.parametrize(("near", "nearest"), [(("v2",), "v2"), (("v3",), "v3")])
def test_of_too_many_vehicles_those_that_come_near_are_tried(road, fleet, near, nearest):
    """From where they are, or from a stop on their way; everybody else is further."""
    places = {"v2": 9_000, "v3": 9_000} | dict.fromkeys(near, 1_000)
    others = [plan(road, v, f"r{v}", [road.stop(8, visit_id=f"{v}8")]) for v in places]
    lines = road.log(plan(road, "v1", "r1", stops(road, [2], "a")), *others, *(road.ping(20, metres, v) for v, metres in places.items()))
    state = fork(fleet().play(lines).state)
    assert takers(state, ReassignPolicy(most_takers=1), np.array([state.visit_rows["a2"]])) == [state.vehicle_rows[nearest]]
    assert len(takers(state, POLICY, np.array([state.visit_rows["a2"]]))) == 2


def test_who_would_not_be_done_in_time_gets_a_reserve_and_in_the_end_nothing(road, fleet):
    """The search believes that all fits before the end of the shift; the models that price it, it is supposed, never do."""
    tried = fork(fleet().play(opening(road, second={"shift_end": road.at(4_000)})).state)
    (trouble,) = troubles(tried, POLICY)
    taken, too_late, second = [], set[int](), tried.vehicle_rows["v2"]
    for trial in trials(tried, POLICY, trouble, [], too_late):
        taken.append((trial.kind, len(trial.orders.get(second, ()))))
        too_late.add(second)
    assert taken[0] == ("move", 8)
    assert taken == sorted(taken, key=lambda each: (each[0] != "move", -each[1]))
    assert 1 < [kind for kind, _ in taken].count("move") <= 5
    assert taken[-1] == ("another_day", 0)
