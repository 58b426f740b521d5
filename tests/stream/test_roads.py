"""Road times in proposals: what nobody has driven is as long as the server says, in the search, in the figures, and in the log."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from stream import messages as m
from stream.checkpoint import dump, load
from stream.codec import decode
from stream.reassign.ask import answers
from stream.reassign.policy import ReassignPolicy
from stream.road_messages import RoadTime, RoadTimesPut
from stream.settings import FleetSettings

SPEC = importlib.util.spec_from_file_location("borrowed_reassign", Path(__file__).with_name("test_reassign.py"))
SCENES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCENES)
ASIDE = replace(FleetSettings(), reassign=ReassignPolicy(solving="aside"))


class Detours:
    """A server that finds every way `times` as long as the crow at 10 m/s."""

    source = "osrm"

    def __init__(self, times):
        self.times = times

    def matrix(self, lat, lon, starts, ends):
        north = 111_320.0 * np.abs(lat[starts][:, None] - lat[ends][None])
        return np.maximum(self.times * north / 10.0, 1.0)


def asked(played, roads=None):
    question = played.state.questions[-1]
    question.tried.roads = roads
    return [msgspec.json.decode(line) for line in answers(ASIDE.reassign, question)]


@pytest.fixture
def down(road, fleet):
    return lambda: fleet(ASIDE).play([*SCENES.opening(road), *road.ticks(220, 240)])


def test_what_nobody_has_driven_takes_as_long_as_the_server_says(down):
    (without,) = asked(down())
    told, short = asked(down(), Detours(1.0))
    _, long = asked(down(), Detours(8.0))
    assert (without["road_times"], short["road_times"]) == ("models", "osrm")
    first = [made["proposals"][0]["drive_added_s"] for made in (short, long)]
    assert first[1] > first[0] + 300
    assert told["type"] == "road_times_put"


def test_what_proposals_rest_on_goes_into_the_log_and_counts_from_the_next_working_tick(road, down):
    played = down()
    question = played.state.questions[-1]
    question.tried.roads = Detours(3.0)
    lines = answers(ASIDE.reassign, question)
    told = decode(lines[0])
    played.play([(245, line) for line in lines])
    legs = played.state.model.legs
    pair = told.legs[0].from_stop_id, told.legs[0].to_stop_id
    assert np.isnan(legs.road_s(*pair))
    played.play(road.ticks(250, 280))
    assert played.reasons == []
    assert legs.road_s(*pair) == pytest.approx(told.legs[0].duration_s)
    assert played.state.told_roads == {}


def told(road, second, seconds):
    legs = [RoadTime(from_stop_id=f"s{n}", to_stop_id=f"s{n + 1}", duration_s=seconds) for n in range(1, 5)]
    return road.say(RoadTimesPut, second, source="osrm", legs=legs)


def driving(road):
    return road.log(road.plan([road.stop(n, visit_id=f"a{n}") for n in range(1, 6)]), road.go(1), road.drive(2, 50, 0, 300))


def test_a_known_road_time_moves_the_eta_of_a_way_that_no_plan_times(road, fleet):
    base, slow = (fleet().play([*driving(road), *more, *road.ticks(60, 330)]) for more in ([], [told(road, 55, 900.0)]))
    assert slow.reasons == []
    later_s = (slow.visit("a5")["p50_us"] - base.visit("a5")["p50_us"]) / 1e6
    assert later_s > 1_000


def test_any_cut_and_a_checkpoint_give_the_same(road, fleet):
    lines = [*driving(road), told(road, 55, 900.0), *road.ticks(60, 120)]
    whole = fleet().play(lines)
    assert fleet().play(lines, range(1, len(lines))).bytes() == whole.bytes()
    for cut in range(len(lines) - 8, len(lines)):
        resumed = fleet().play(lines[:cut])
        resumed.state = load(dump(resumed.state), FleetSettings().model)
        assert resumed.play(lines[cut:]).bytes() == whole.bytes()


def test_a_time_that_cannot_be_is_refused(road, fleet):
    assert fleet().play([told(road, 1, -1.0), road.say(m.Tick, 40)]).reasons == ["value_range"]
