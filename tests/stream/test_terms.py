"""An ETA is made of drive, service, wait and break that sum up to it, and it is known which of them moved it."""

from datetime import datetime

import numpy as np
import pytest

from stream import messages as m
from stream.steps.terms import TERMS, moves_s, terms_s

KINDS = ("drive_s", "service_s", "wait_s", "break_s")


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


def last(played, visit):
    return played.told("eta_updated", visit_id=visit)[-1]["data"]


def terms(played, visit):
    """The terms as they stand, and what they sum up to."""
    row = played.state.visit_rows[visit]
    return dict(zip(TERMS, terms_s(played.state, np.array([row]), np.array([0]))[0].tolist(), strict=True))


def moved(played, visit):
    row = played.state.visit_rows[visit]
    told = moves_s(played.state, np.array([row]))[0].tolist()
    return dict(zip(TERMS, told, strict=True))


@pytest.fixture
def with_a_break(road):
    stops = [
        road.stop(1, service_s=120.0),
        road.stop(2, service_s=1_800.0, kind="break"),
        road.stop(3, service_s=60.0, window_start=road.at(7_200)),
        road.stop(4),
    ]
    return [road.plan(stops), road.go(), *road.drive(0, 60, 0, 400)]


def test_the_terms_of_every_published_eta_sum_up_to_it(road, fleet, with_a_break):
    played = fleet().play(road.log(with_a_break, road.drive(70, 300, 500, 2_000)))
    told = played.told("eta_updated")
    assert len(told) >= 4
    for event in told:
        data = event["data"]
        ahead_s = seconds(data["eta_p50"]) - seconds(data["detected_at"])
        assert abs(sum(data["eta_terms"].values()) - ahead_s) <= 1
        assert min(data["eta_terms"].values()) >= 0


def test_service_breaks_and_waits_before_a_stop_are_told_apart(road, fleet, with_a_break):
    played = fleet().play(road.log(with_a_break))
    assert [terms(played, visit)["break_s"] for visit in ("a1", "a2", "a3", "a4")] == [0, 0, 1_800, 1_800]
    assert [terms(played, visit)["service_s"] for visit in ("a1", "a2", "a3", "a4")] == [0, 120, 120, 180]
    assert terms(played, "a3")["wait_s"] == 0 < terms(played, "a4")["wait_s"]


def test_what_is_left_of_a_service_counts_and_a_break_that_is_told_is_one(road, fleet, with_a_break):
    at_the_stop = [*road.drive(70, 120, 500, 1_000), *road.drive(130, 180, 1_000, 1_000)]
    standing = fleet().play(road.log(with_a_break, at_the_stop))
    assert 0 < terms(standing, "a2")["service_s"] < 120
    pausing = fleet().play(road.log(with_a_break, road.say(m.DriverBreak, 61, duration_s=600.0), road.drive(70, 120, 400, 400)))
    assert 500 <= terms(pausing, "a1")["break_s"] <= 600


def test_terms_that_would_be_more_than_the_whole_share_it(road, fleet, with_a_break):
    played = fleet().play(road.log(with_a_break))
    for visit in ("a1", "a2", "a3", "a4"):
        row = played.visit(visit)
        made_s = (played.vehicle()["estimated_us"] - road.start_us) / 1e6
        assert abs(sum(terms(played, visit).values()) - (row["p50_s"] - made_s)) <= 2
        assert min(terms(played, visit).values()) >= 0


def test_a_break_that_a_driver_takes_is_the_term_that_moves_the_eta(road, fleet):
    lines = road.log(road.plan(), road.go(), road.drive(0, 60, 0, 400), road.say(m.DriverBreak, 61, duration_s=900.0), road.ping(70, 400))
    told = last(fleet().play(lines), "a3")["eta_moved"]
    assert told["most"] == "break"
    assert abs(told["break_s"] - 890) <= 10
    assert sum(told[name] for name in KINDS) == last(fleet().play(lines), "a3")["moved_s"]


def test_a_service_that_takes_longer_is_the_term_that_moves_the_eta(road, fleet):
    stops = road.stops(service_s=120.0)
    stay = [*road.drive(0, 100, 0, 1_000), *road.drive(110, 700, 1_000, 1_000)]
    played = fleet().play(road.log(road.plan(stops), road.go(), stay))
    told = [event["data"]["eta_moved"] for event in played.told("eta_updated", visit_id="a4")]
    assert "service" in [one["most"] for one in told if one]


def test_driving_as_expected_moves_nothing(road, fleet):
    played = fleet().play(road.log(road.plan(), road.go(), road.drive(0, 300, 0, 3_000)))
    assert {name: value for name, value in moved(played, "a5").items() if name != "drive_s"} == {"service_s": 0, "wait_s": 0, "break_s": 0}
    assert abs(moved(played, "a5")["drive_s"]) < 60


def test_a_second_call_at_a_place_is_a_wait(road, fleet):
    end = [road.stop(2, planned_arrival=road.at(250)), road.stop(2, visit_id="again", seq=3, planned_arrival=road.at(3_000))]
    played = fleet().play(road.log(road.plan([road.stop(1), *end]), road.go(), road.drive(0, 150, 0, 1_500)))
    assert terms(played, "again")["wait_s"] > 2_000 > terms(played, "again")["drive_s"]


def test_an_exception_says_which_term_moved_the_eta(road, fleet):
    stops = [*road.stops((1, 2, 3)), road.stop(4, window_end=road.at(600))]
    stay = [*road.drive(0, 60, 0, 400), road.say(m.DriverBreak, 61, duration_s=1_500.0), *road.drive(70, 200, 400, 400)]
    played = fleet().play(road.log(road.plan(stops), road.go(), stay))
    opened = played.told("exception_opened", exception_kind="late_risk")[0]["data"]
    assert set(opened["eta_terms"]) == set(KINDS)
    assert opened["eta_moved"] is not None


def test_terms_do_not_depend_on_the_cut(road, fleet, with_a_break):
    lines = road.log(with_a_break, road.drive(70, 400, 500, 2_000))
    whole, cut = fleet().play(lines), fleet().play(lines, range(0, len(lines), 3))
    assert whole.bytes() == cut.bytes()
    for name in ("by_service_s", "by_wait_s", "by_break_s", "moved_service_s"):
        assert getattr(whole.state.visits, name).tolist() == getattr(cut.state.visits, name).tolist()
    assert whole.state.vehicles.spent_ms.tolist() == cut.state.vehicles.spent_ms.tolist()
