"""Past capacity pings are thinned, the newest of each vehicle is kept, and nothing else is dropped: the same however the log is cut."""

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import messages as m
from stream.checkpoints import Checkpoints
from stream.flow import Fleets
from stream.intake import read_entries
from stream.settings import FleetSettings

SPEC = importlib.util.spec_from_file_location("drawn_logs", Path(__file__).with_name("stories.py"))
stories = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(stories)

SETTINGS = FleetSettings()


def take(made, entries, state=None, cuts=()):
    """What the entries give, and the state behind them; what waits at their end goes on waiting."""
    state, given = state or made.open("depot"), []
    for start, end in pairwise([0, *sorted(set(cuts)), len(entries)]):
        mine = [batch for batch in read_entries(SETTINGS.judge, entries[start:end]) if batch.fleet_id == "depot"]
        given.extend(made.step(state, batch) for batch in mine)
    return [applied for applied in given if applied is not None], state


def play(entries, cuts=()):
    made = Fleets(lambda _: SETTINGS)
    given, state = take(made, entries, cuts=cuts)
    rest = made.end(state)
    return [*given, *([] if rest is None else [rest])], state


def told(given, state):
    events = [(event.now_us, event.sequence, event.kind, event.payload) for part in given for event in part.events]
    refusals = [refusal for part in given for refusal in part.refusals]
    estimates = np.concatenate([part.estimates for part in given]).tobytes()
    return events, refusals, estimates, (state.received, state.refused, state.now_us, state.position, state.thins, state.behind_us)


def thinned(given):
    return [refusal.position for part in given for refusal in part.refusals if refusal.reason == "thinned"]


def say_behind(lines, behind):
    """The lines, with each tick saying how far behind the engine was, in turn."""
    said = iter(behind * len(lines))
    return [(at, m.Tick(fleet_id=one.fleet_id, at=one.at, behind_s=next(said)) if isinstance(one, m.Tick) else one) for at, one in lines]


delays = st.lists(st.sampled_from((0.0, 1.0, 5.0, 12.0, 12.0, 30.0)), min_size=1, max_size=9)


@given(drawn=stories.drawn_logs, behind=delays, data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_same_pings_are_thinned_however_the_log_is_cut(road, entries_of, tmp_path_factory, drawn, behind, data):
    lines = say_behind(stories.told(road, drawn), behind)
    entries = entries_of(lines)
    cuts = data.draw(st.lists(st.integers(1, len(entries) - 1), max_size=8), label="cuts")
    whole = told(*play(entries))
    assert told(*play(entries, cuts)) == whole
    assert told(*play(entries, range(1, len(entries)))) == whole
    places = thinned(play(entries)[0])
    assert all(isinstance(lines[place][1], m.Ping) for place in places)
    assert whole[3][0] == len(entries)
    if cuts:
        first, second = (Fleets(lambda _: SETTINGS, Checkpoints(tmp_path_factory.mktemp("kept"))) for _ in range(2))
        second.checkpoints = first.checkpoints
        first.checkpoints.write(take(first, entries[: cuts[0]])[1])
        given, state = take(second, entries, cuts=cuts[1:])
        assert told([*given, *filter(None, [second.end(state)])], state)[3] == whole[3]


def crowded(road, behind, until_s=120):
    """Two vehicles with a fix a second, one that drives a route, and ticks that say how far behind the engine is."""
    drives = [road.drive(1, until_s, 0, 10 * until_s, step=1), road.drive(1.5, until_s, 5, 5, "v2", step=1)]
    return say_behind(road.log([road.plan(), road.go()], *drives, road.say(m.StopCompleted, 75, visit_id="a1")), behind)


def test_of_each_vehicle_the_newest_ping_between_two_ticks_stands_and_those_before_something_is_said_of_it(road, entries_of):
    lines = crowded(road, [0, 0, 20, 20] + [20] * 20)
    given, state = play(entries_of(lines))
    gone = thinned(given)
    stands = [(at, one.vehicle_id) for place, (at, one) in enumerate(lines) if isinstance(one, m.Ping) and place not in gone]
    by_vehicle = {name: [at for at, vehicle in sorted(stands) if vehicle == name and at > 41] for name in ("v1", "v2")}
    assert by_vehicle["v1"] == [50, 60, 70, 75, 80, 90, 100, 110, 120]
    assert by_vehicle["v2"] == [49.5, 59.5, 69.5, 79.5, 89.5, 99.5, 109.5, 119.5]
    assert state.received == len(lines)
    assert not [place for place in gone if lines[place][0] < 40]
    assert "stop_completed" in {event.kind for part in given for event in part.events}


def test_what_was_thinned_is_counted_and_told(road, entries_of):
    lines = crowded(road, [20] * 20)
    given, state = play(entries_of(lines))
    events = [event for part in given for event in part.events if event.kind == "pings_thinned"]
    assert state.refused["thinned"] == len(thinned(given)) > 100
    said = [json.loads(event.payload) for event in events]
    assert sum(one["data"]["count"] for one in said) == said[-1]["data"]["total"] == state.thinned_told
    assert said[-1]["data"]["behind_s"] == 20
    assert len({one["id"] for one in said}) == len(said) >= 3


@pytest.mark.parametrize(
    "behind", [[0], [9.9], [0, 60, 5, 0], [60, 30, 12, 4, 0], [0, 30, 0, 30]], ids=["none", "little", "once", "catching up", "in turn"]
)
def test_who_catches_up_by_himself_thins_nothing(road, entries_of, behind):
    given, state = play(entries_of(crowded(road, behind)))
    assert thinned(given) == []
    assert state.vehicles.fixes[:2].tolist() == [120, 119]


def test_thinning_ends_when_a_tick_says_so(road, entries_of):
    lines = crowded(road, [20, 20, 8, 2.5, 1.9, 0, 0, 0, 0, 0, 0, 0, 0])
    places = thinned(play(entries_of(lines))[0])
    assert 20 < min(lines[place][0] for place in places) < 22
    assert 48 < max(lines[place][0] for place in places) < 50


def test_of_a_backlog_that_comes_late_the_newest_by_its_own_time_stands(road, entries_of):
    ticks = say_behind(road.ticks(0, 40), [20])
    newest = road.ping(25, 300, received=31)
    lines = sorted(
        [*ticks, road.ping(5, 0), newest, *[road.ping(24 - i, 290, received=32 + i / 10) for i in range(5)]], key=lambda line: line[0]
    )
    given, state = play(entries_of(lines))
    assert state.vehicles.at_us[0] == road.us(25)
    assert len(thinned(given)) == 5
