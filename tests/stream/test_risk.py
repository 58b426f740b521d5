"""`late_risk`: opened once, updated when it matters, resolved, and one id for all of its episodes."""

from types import SimpleNamespace

import numpy as np
import pytest

from stream import messages as m
from stream.exception_messages import ExceptionAcknowledged
from stream.outputs import Outputs
from stream.steps.risk import RiskPolicy, risk

PHASES = ("opened", "updated", "resolved")


def phases(played, visit="a5"):
    kinds = [(event["type"].split(".")[1], event["data"].get("visit_id")) for event in played.events]
    return [kind[10:] for kind, visit_id in kinds if kind.startswith("exception_") and visit_id == visit]


def hopeless(road, closes=60.0, **more):
    """A plan whose last stop cannot be reached in time."""
    return road.plan([*road.stops((1, 2, 3, 4)), road.stop(5, window_end=road.at(closes), **more)])


def judged(played, *chances, p50_s=1000.0, step_s=60, hop=0, first=0, policy=RiskPolicy(update_share=0.0, open_at=0.3)):  # noqa: B008 - frozen
    """What `risk` tells of a4 for one P(late) a minute after another, and, where pairs are given, P50 in seconds."""
    row, out = played.visit("a4")["row"], Outputs()
    for i, chance in enumerate(chances):
        p_late, p50 = chance if isinstance(chance, tuple) else (chance, p50_s)
        played.state.visits.p_late[row], played.state.visits.p50_us[row] = p_late, round(p50 * 1e6)
        one = np.array([0])
        asked = SimpleNamespace(
            visit=np.array([row]), vehicle=one, position=np.array([i]), now_us=np.array([round((first + i) * step_s * 1e6)]),
            ahead=SimpleNamespace(journey=one, hop=np.array([hop]), service_s=np.array([0.0])),
            answer=SimpleNamespace(p_late=np.array([p_late]), p50_s=np.array([p50]), service_s=one * 1.0, wait_s=one * 1.0),
        )  # fmt: skip
        risk(policy, played.state, asked, out)
    return [event for _, event in out.events]


@pytest.fixture
def known(road, fleet):
    return fleet().play([hopeless(road, closes=86_000.0), road.go(), *road.drive(0, 130, 0, 1300)])


def test_a_stop_that_will_be_late_opens_once(road, fleet):
    played = fleet().play(road.log(hopeless(road), road.go(), road.drive(0, 200, 0, 2000)))
    assert phases(played).count("opened") == 1
    opened = played.told("exception_opened")[0]["data"]
    assert (opened["exception_id"], opened["exception_kind"], opened["episode"]) == ("depot:late_risk:a5", "late_risk", 1)
    assert (opened["window_end"], opened["slack_s"] < 0, opened["p_late"] >= 0.5) == ("2026-03-02T09:01:00Z", True, True)


def test_a_stop_without_a_window_is_never_at_risk(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 200, 0, 200)))
    assert phases(played) == []
    assert np.isnan(played.estimates["p_late"]).all()


def kinds(events):
    return [event.kind.removeprefix("exception_") for event in events]


def test_risk_between_the_thresholds_neither_opens_nor_resolves(known):
    assert kinds(judged(known, 0.29, 0.2, 0.29)) == []
    assert kinds(judged(known, 0.4, 0.4, 0.2, 0.16, 0.29)) == ["opened"]


def test_a_chance_opens_when_it_has_held_or_is_very_high(known):
    assert kinds(judged(known, 0.5, 0.1, 0.5, 0.1)) == []
    assert kinds(judged(known, 0.5, 0.5, step_s=29)) == []
    assert kinds(judged(known, 0.95)) == ["opened"]


def test_a_stop_far_ahead_is_warned_of_only_when_it_is_all_but_sure(known):
    assert kinds(judged(known, 0.6, 0.6, 0.6, hop=8)) == []
    assert kinds(judged(known, 0.6, 0.6, 0.6, p50_s=3_601.0)) == []
    assert kinds(judged(known, 0.91, hop=20)) == ["opened"]


def test_a_risk_resolves_when_it_has_been_low_for_long_enough(known):
    assert kinds(judged(known, 0.3, 0.3, 0.14, 0.14, 0.2, 0.14)) == ["opened"]
    assert kinds(judged(known, 0.14, 0.14, first=6)) == ["resolved"]


def test_a_wavering_chance_does_not_flap(known):
    assert kinds(judged(known, *(0.5, 0.1) * 20)) == []
    assert kinds(judged(known, 0.5, 0.5, *(0.5, 0.1) * 20)).count("resolved") == 0


def test_a_visit_opens_again_once_in_a_day_and_not_twice(known):
    hours = [event for event in judged(known, *(0.95, 0.01, 0.01) * 8, step_s=3_600) if event.kind != "exception_updated"]
    assert kinds(hours) == ["opened", "resolved", "opened", "resolved"]
    assert [event.data["episode"] for event in hours] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("news", "told"),
    [((0.69, 1000), 0), ((0.71, 1000), 1), ((0.31, 1000), 0), ((0.29, 1000), 1), ((0.5, 1299), 0), ((0.5, 1301), 1), ((0.5, 699), 1)],
)
def test_only_a_material_change_is_told(known, news, told):
    events = judged(known, (0.5, 1000), (0.5, 1000), news, step_s=400)
    assert kinds(events[1:]) == ["updated"] * told


def test_updates_do_not_come_more_often_than_every_five_minutes(known):
    assert len(judged(known, 0.5, 0.5, 0.75, 0.99, 0.6, 0.75, 0.99)) == 2


def test_one_exception_lives_through_its_episodes(known):
    events = judged(known, 0.95, 0.1, 0.1, 0.1, 0.95, 0.6, step_s=400)
    assert kinds(events) == ["opened", "updated", "resolved", "opened", "updated"]
    assert {event.data["exception_id"] for event in events} == {"depot:late_risk:a4"}
    assert [event.data["episode"] for event in events] == [1, 1, 1, 2, 2]
    assert len({(event.kind, event.key) for event in events}) == 5


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (m.StopCancelled, "cancelled"),
        (m.StopSkipped, "missed_window"),
        (m.StopCompleted, "arrived_late"),
        (m.StopArrived, "arrived_late"),
        (m.StopFailed, "arrived_late"),
    ],
)
def test_what_becomes_of_a_stop_resolves_its_risk(road, fleet, status, reason):
    played = fleet().play(road.log(hopeless(road), road.go(), road.drive(0, 90, 0, 900), road.say(status, 95, visit_id="a5")))
    assert [phase for phase in phases(played) if phase != "updated"] == ["opened", "resolved"]
    assert played.told("exception_resolved")[0]["data"]["reason"] == reason


def test_an_arrival_in_time_resolves_as_such(road, fleet):
    lines = road.log(hopeless(road, closes=200.0), road.go(), road.drive(0, 60, 0, 60), road.say(m.StopArrived, 65, visit_id="a5"))
    assert fleet().play(lines).told("exception_resolved")[0]["data"]["reason"] == "arrived_in_time"


def test_a_route_that_ends_leaves_no_risk_open(road, fleet):
    played = fleet().play(road.log(hopeless(road), road.go(), road.drive(0, 60, 0, 60), road.say(m.RouteEnded, 65)))
    assert phases(played)[-1] == "resolved"


def test_a_later_window_lets_the_stop_recover(road, fleet):
    lines = road.log(
        hopeless(road), road.go(), road.drive(0, 260, 0, 2600), road.say(m.WindowChanged, 65, visit_id="a5", window_end=road.at(9000))
    )
    played = fleet().play(lines)
    assert [phase for phase in phases(played) if phase != "updated"] == ["opened", "resolved"]
    assert played.told("exception_resolved")[0]["data"]["reason"] == "recovered"


def test_a_window_taken_away_takes_the_chance_of_being_late_with_it(road, fleet):
    gone = road.say(m.WindowChanged, 60.2, visit_id="a5")
    played = fleet().play([hopeless(road), road.go(), *road.drive(0, 60, 0, 600), gone, road.say(m.Tick, 60.4)])
    assert phases(played)[-1] == "resolved"
    assert played.told("exception_resolved")[0]["data"]["p_late"] is None
    assert np.isnan(played.visit("a5")["p_late"])


def test_a_stop_that_the_new_plan_leaves_out_is_at_risk_no_longer(road, fleet):
    lines = road.log(hopeless(road), road.go(), road.drive(0, 60, 0, 600), road.plan(road.stops((1, 2, 3, 4)), second=65, plan_version=2))
    assert phases(fleet().play(lines))[-1] == "resolved"


def test_a_risk_survives_a_new_order_of_stops_without_opening_again(road, fleet):
    stops = [*road.stops((1, 2, 4)), road.stop(5, window_end=road.at(60)), road.stop(3)]
    played = fleet().play(road.log(hopeless(road), road.go(), road.drive(0, 200, 0, 2000), road.plan(stops, second=65, plan_version=2)))
    assert phases(played).count("opened") == 1


def test_an_exception_is_acknowledged_while_it_is_open(road, fleet):
    seen = road.say(ExceptionAcknowledged, 61, exception_id="depot:late_risk:a5", by="ann")
    played = fleet().play([*road.log(hopeless(road), road.go(), road.drive(0, 60, 0, 600)), seen])
    assert played.told("exception_acknowledged")[0]["data"]["by"] == "ann"
    played.play([road.say(m.StopCancelled, 62, visit_id="a5"), seen])
    assert played.reasons == ["unknown_exception"]


def test_an_exception_that_was_resolved_after_a_replan_cannot_be_acknowledged(road, fleet):
    lines = [*road.log(hopeless(road), road.go(), road.drive(0, 60, 0, 600)), hopeless(road)]
    lines[-1] = road.plan(lines[-1][1].stops, second=61, plan_version=2)
    gone = road.say(m.StopCancelled, 62, visit_id="a5")
    seen = road.say(ExceptionAcknowledged, 63, exception_id="depot:late_risk:a5", by="ann")
    assert fleet().play([*lines, gone, seen]).reasons == ["unknown_exception"]


def test_an_acknowledgement_that_comes_twice_is_told_once(road, fleet):
    seen = road.say(ExceptionAcknowledged, 61, exception_id="depot:late_risk:a5", by="ann")
    played = fleet().play([*road.log(hopeless(road), road.go(), road.drive(0, 60, 0, 600)), seen, seen])
    assert len(played.told("exception_acknowledged")) == 1


@pytest.mark.parametrize(("metres", "told"), [(100, []), (700, []), (800, ["opened"]), (2_900, ["opened"])])
def test_before_the_first_stop_a_chance_counts_once_a_quarter_of_the_way_there_is_behind_the_vehicle(road, fleet, metres, told):
    stops = [road.stop(3), road.stop(4, window_end=road.at(86_000.0))]
    played = fleet().play([road.ping(0, 0), road.plan(stops), road.go(), *road.drive(10, 500, 0, metres, step=10)])
    assert played.vehicle()["left_visit"] == -1
    assert kinds(judged(played, 0.5, 0.5, first=10)) == told
