"""Every kind of exception on its golden day: it opens once, says what it should, closes as it should, and whatever the cut."""

import importlib.util
from pathlib import Path

import pytest

from stream import messages as m
from stream.exceptions.kinds import KINDS
from stream.exceptions.table import KEEP_CLOSED_US

SPEC = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
GOLDEN = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GOLDEN)
EXPIRES = {"pod_mismatch", "stop_failed"}
"""Kinds that stand for a day: longer than their golden day."""


def life(played, kind):
    """Phases of the exceptions of a kind, with their ids."""
    told = [event for event in played.events if event["data"].get("exception_kind") == kind]
    return [(event["type"].split(".")[1].removeprefix("exception_"), event["data"]["exception_id"]) for event in told]


def opened(played, kind):
    return played.told("exception_opened", exception_kind=kind)[0]["data"]


@pytest.fixture(scope="module")
def days(road, fleet):
    return {kind: fleet().play(make(road)) for kind, make in GOLDEN.GOLDEN.items()}


def test_every_kind_has_a_golden_day():
    assert list(GOLDEN.GOLDEN) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_opens_once_on_its_day_and_closes(days, kind):
    phases = [phase for phase, _ in life(days[kind], kind)]
    assert phases.count("opened") >= 1
    ends = [phase for phase in phases if phase in {"resolved", "expired", "superseded"}]
    assert ends == ([] if kind in EXPIRES else ["resolved"] * phases.count("opened"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_says_who_is_harmed_what_it_rests_on_and_whom_to_tell(days, kind):
    told = opened(days[kind], kind)
    assert {"harm", "harm_min", "evidence", "actionable_until", "severity", "tell_first", "clock", "status"} <= told.keys()
    assert (told["status"], told["episode"]) == ("open", 1)
    assert told["clock"]["opened_at"] == told["detected_at"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "eta_quality"])
def test_a_golden_day_gives_the_same_bytes_entry_by_entry(road, fleet, days, kind):
    lines = GOLDEN.GOLDEN[kind](road)
    assert fleet().play(lines, range(1, len(lines))).bytes() == days[kind].bytes()


def test_a_late_stop_goes_through_its_stages(days):
    stages = [event["data"]["stage"] for event in days["late_risk"].events if event["data"].get("exception_kind") == "late_risk"]
    assert [stage for i, stage in enumerate(stages) if i == 0 or stages[i - 1] != stage] == ["at_risk", "late", "missed_window"]
    told = opened(days["late_risk"], "late_risk")
    assert (told["harm"][0]["customer_ref"], told["priority"], told["harm"][0]["late_min"] > 0) == ("acme", 2, True)
    assert days["late_risk"].told("exception_resolved")[0]["data"]["reason"] == "arrived_late"


def test_a_breakdown_is_one_exception_and_supersedes_what_it_explains(days):
    played = days["vehicle_down"]
    risks = [phase for phase, _ in life(played, "late_risk")]
    assert risks[:8] == ["opened"] * 4 + ["superseded"] * 4
    told = opened(played, "vehicle_down")
    assert (told["cause"], told["harmed_visits"], told["harm"][0]["customer_ref"]) == ("flat tyre", 4, "acme")
    assert {event["data"]["superseded_by"] for event in played.told("exception_superseded")} == {"depot:vehicle_down:v1"}
    assert life(played, "stalled") == []


def test_a_breakdown_with_thirty_visits_opens_one_exception(road, fleet):
    stops = road.stops(range(1, 32), window_end=road.at(900))
    down = road.say(m.VehicleDown, 150)
    played = fleet().play(road.log(road.plan(stops), road.go(), road.drive(0, 140, 0, 1_400), down, road.drive(160, 900, 1_400, 1_400)))
    after = [event for event in played.told("exception_opened") if event["time"] >= "2026-03-02T09:02:30Z"]
    assert [event["data"]["exception_kind"] for event in after] == ["vehicle_down"]
    assert after[0]["data"]["harmed_visits"] == 30


def test_a_quiet_vehicle_is_told_within_a_minute_of_its_limit(days):
    told = opened(days["signal_lost"], "signal_lost")
    assert 300 <= told["silent_s"] <= 360
    assert told["likely"] == "device"


def test_a_silent_fleet_is_one_exception(road, fleet):
    plans = [line for n in range(6) for line in (road.plan(road.stops(prefix=f"f{n}."), route_id=f"f{n}", vehicle_id=f"w{n}"),)]
    starts = [road.go(1, route_id=f"f{n}", vehicle_id=f"w{n}") for n in range(6)]
    fixes = [fix for n in range(6) for fix in road.drive(2, 100, 0, 500, f"w{n}")]
    played = fleet().play(road.log([*plans, *starts, *fixes], road.ticks(110, 600), ticks=False))
    assert {name for _, name in life(played, "signal_lost")} == {"depot:signal_lost:depot"}
    assert opened(played, "signal_lost")["likely"] == "feed"


def test_a_dead_phone_is_no_stall_and_a_stall_no_dead_phone(days):
    assert life(days["signal_lost"], "stalled") == []
    assert life(days["stalled"], "signal_lost") == []


def test_a_made_detour_is_found_within_three_minutes_and_the_runs_before_are_not(days):
    found = days["off_route"].told("exception_opened", exception_kind="off_route")
    assert [event["data"]["vehicle_id"] for event in found] == ["v5"]
    assert "10:26:40" < found[0]["time"][11:19] <= "10:29:40"  # it leaves the road 5,200 s after nine


def test_a_doubtful_proof_says_distance_dwell_and_time(days):
    told = opened(days["pod_mismatch"], "pod_mismatch")
    assert (told["cause"], told["visit_id"], told["proof_distance_m"], told["been_there"]) == ("proof_far_from_stop", "a3", 2_000, False)
    assert (told["fix_age_s"], told["dwell_s"]) == (5, None)


def test_a_failed_stop_says_how_often_and_when_to_try_again(days):
    told = opened(days["stop_failed"], "stop_failed")
    assert (told["attempts"], told["try_again_at"], told["cause"]) == (1, "2026-03-03T09:00:00Z", "nobody home")


def test_a_plan_that_cannot_be_driven_says_everything_that_is_wrong(days):
    told = opened(days["plan_infeasible"], "plan_infeasible")
    found = [problem["problem"] for problem in told["problems"]]
    assert sorted(found) == ["missing_skills", "no_driver", "overload", "window_unreachable"]


def test_a_late_load_is_told_before_the_departure(days):
    told = opened(days["departure_late"], "departure_late")
    assert (told["cause"], told["late_s"]) == ("load_not_ready", 0)
    assert told["detected_at"] < "2026-03-02T09:06:00Z"


def test_a_life_knows_who_saw_it_who_acted_and_when(road, fleet):
    played = fleet().play(GOLDEN.lived(road))
    phases = [phase for phase, _ in life(played, "late_risk")]
    assert [phase for phase in phases if phase not in {"opened", "updated", "resolved"}] == ["acknowledged", "assigned", "noted", "snoozed"]
    told = played.told("exception_resolved")[0]["data"]
    assert (told["assigned_to"], told["acknowledged_by"], told["notes"][0]["text"]) == ("ben", "ann", "customer called, will wait")
    clock = [told["clock"][name][11:19] for name in ("acknowledged_at", "acted_at")]
    assert clock == ["09:05:00", "09:05:30"]
    quiet = [event for event in played.told("exception_updated") if "09:05:50" < event["time"][11:19] < "09:15:00"]
    assert quiet == []
    assert played.told("exception_updated", change="woken")[0]["time"][11:16] == "09:15"


def test_a_changed_plan_of_a_stop_at_risk_is_an_action(road, fleet):
    later = road.say(m.WindowChanged, 500, visit_id="a4", window_end=road.at(650))
    played = fleet().play(sorted([*GOLDEN.late_risk(road), later], key=lambda line: line[0]))
    assert played.told("exception_resolved", exception_kind="late_risk")[0]["data"]["clock"]["acted_at"] == "2026-03-02T09:08:20Z"


def test_a_late_stop_behind_a_stall_names_it_as_its_cause(road, fleet):
    stops = road.stops(service_s=30.0, window_end=road.at(1_500))
    there = [*road.drive(0, 250, 0, 1_500), *road.drive(260, 2_000, 1_500, 1_500)]
    played = fleet().play(road.log(road.plan(stops), road.go(), there))
    told = played.told("exception_opened", exception_kind="late_risk", visit_id="a2")[0]["data"]
    assert (told["cause"], told["caused_by"]) == ("stalled", "depot:stalled:v1")


def test_a_life_is_the_same_entry_by_entry(road, fleet):
    lines = GOLDEN.lived(road)
    assert fleet().play(lines, range(1, len(lines))).bytes() == fleet().play(lines).bytes()


def test_a_closed_exception_is_forgotten_after_a_day(road, fleet):
    played = fleet().play(GOLDEN.vehicle_down(road))
    assert "depot:vehicle_down:v1" in played.state.exceptions.known
    later_s = KEEP_CLOSED_US / 1e6 + 3_000
    again = [road.say(m.Tick, later_s), road.say(m.Tick, later_s + 700), road.say(m.VehicleDown, later_s + 710)]
    played.play(again)
    assert played.told("exception_opened", exception_kind="vehicle_down")[-1]["data"]["episode"] == 2
    ids = [event["id"] for event in played.events]
    assert len(ids) == len(set(ids))
