"""An entry on which the engine fails costs that entry: it is refused as `internal`, and all else is as it was, however the log is cut."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import messages as m
from stream import past, rounds
from stream.checkpoints import Checkpoints
from stream.flow import Fleets
from stream.intake import read_entries
from stream.settings import FleetSettings
from stream.steps import fleetwide

SPEC = importlib.util.spec_from_file_location("drawn_logs", Path(__file__).with_name("stories.py"))
stories = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(stories)

SETTINGS = FleetSettings()


class Fault(Exception):
    """A bug of a step."""


@pytest.fixture(scope="module")
def faulty():
    """Steps that fail on the entries of some positions: in the midst of what they change, some where nobody knows on which."""
    patch, places = pytest.MonkeyPatch(), set()
    notice, progress, whole = rounds.apply_notice, rounds.progress, fleetwide.apply_fleetwide

    def bad_notice(settings, state, one, now_us, out):
        reason = notice(settings, state, one, now_us, out)
        if one.position in places:
            raise Fault(one.position)
        return reason

    def bad_progress(policy, state, rows, position, now_us, out):
        changed = progress(policy, state, rows, position, now_us, out)
        if places & set(position.tolist()):
            state.visits.state[:] = 3
            raise Fault
        return changed

    def bad_fleetwide(settings, state, one, now_us, out):
        whole(settings, state, one, now_us, out)
        if one.position in places:
            state.routes.clear()
            raise KeyError(one.position)

    patch.setattr(rounds, "apply_notice", bad_notice)
    patch.setattr(rounds, "progress", bad_progress)
    patch.setattr("stream.apply.apply_fleetwide", bad_fleetwide)
    yield places
    patch.undo()


def play(entries, cuts=()):
    """Everything that the entries give to a new fleet, cut before the given places."""
    return take(Fleets(lambda _: SETTINGS), entries, cuts=cuts)


def take(made, entries, state=None, cuts=()):
    """What the entries give, and the state behind them."""
    state, given = state or made.open("depot"), []
    for start, end in pairwise([0, *sorted(set(cuts)), len(entries)]):
        mine = [batch for batch in read_entries(SETTINGS.judge, entries[start:end]) if batch.fleet_id == "depot"]
        given.extend(made.step(state, batch) for batch in mine)
    return [applied for applied in given if applied is not None], state


def told(played):
    given, state = played
    events = [(event.now_us, event.sequence, event.kind, event.payload) for part in given for event in part.events]
    refusals = [refusal for part in given for refusal in part.refusals]
    estimates = np.concatenate([part.estimates for part in given]).tobytes()
    return events, refusals, estimates, (state.received, state.refused, state.now_us, state.position, state.faults)


@given(drawn=stories.drawn_logs, data=st.data())
@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_same_entries_are_at_fault_however_the_log_is_cut(road, entries_of, faulty, drawn, data):
    entries = entries_of(stories.told(road, drawn))
    faulty.clear()
    faulty |= set(data.draw(st.lists(st.integers(0, len(entries) - 1), max_size=6), label="at fault"))
    cuts = data.draw(st.lists(st.integers(1, len(entries) - 1), max_size=6), label="cuts")
    whole = told(play(entries))
    assert told(play(entries, cuts)) == whole
    assert told(play(entries, range(1, len(entries)))) == whole
    found = {refusal.position for refusal in whole[1] if refusal.reason == "internal"}
    assert found <= faulty
    assert whole[3][0] == len(entries)


@given(drawn=stories.drawn_logs, data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_process_that_ends_and_begins_again_from_an_older_checkpoint_finds_the_same(
    road, entries_of, faulty, tmp_path_factory, drawn, data
):
    entries = entries_of(stories.told(road, drawn))
    faulty.clear()
    faulty |= set(data.draw(st.lists(st.integers(0, len(entries) - 1), max_size=6), label="at fault"))
    saved, ended = sorted(data.draw(st.tuples(*[st.integers(1, len(entries))] * 2), label="saved and ended"))
    whole, folder = play(entries), Checkpoints(tmp_path_factory.mktemp("checkpoints"))
    first, second = (Fleets(lambda _: SETTINGS, folder) for _ in range(2))
    state = take(first, entries[:saved])[1]
    folder.write(state)
    first.past("depot").checkpoint(state.position)
    take(first, entries[saved:ended], state)
    again = take(second, entries)
    assert told(again)[3] == told(whole)[3]
    position = first.past("depot").opened().position
    assert [part for part in told(again)[1] if part.position > position] == [part for part in told(whole)[1] if part.position > position]
    sequence = again[0][0].events[0].sequence if again[0] and again[0][0].events else None
    assert sequence is None or told(again)[0] == told(whole)[0][sequence:]


def test_everything_else_is_as_if_the_entry_had_never_been(road, entries_of, faulty):
    lines = road.log(road.plan(), road.go(), road.drive(5, 605, 0, 6_050), road.say(m.WindowChanged, 95, visit_id="a4"))
    entries, kinds = entries_of(lines), [type(message) for _, message in lines]
    for kind in (m.WindowChanged, m.Ping):
        faulty.clear()
        faulty.add(kinds.index(kind, 20))
        given, state = play(entries)
        (refusal,) = [one for part in given for one in part.refusals]
        assert (refusal.position, refusal.reason, refusal.vehicle_id) == (*faulty, "internal", "v1")
        without, other = play([entry for entry in entries if entry.position not in faulty])
        assert [event.payload for part in given for event in part.events] == [event.payload for part in without for event in part.events]
        assert state.received == other.received + 1
        assert len([event for part in given for event in part.events]) > 10


def test_the_dead_letter_says_what_failed_and_where_in_the_same_words_every_time(road, entries_of, faulty):
    lines = [
        road.plan(),
        road.go(),
        road.ping(1, 0),
        road.say(m.WindowChanged, 2, visit_id="a4"),
        road.say(m.WindowChanged, 3, visit_id="a5"),
    ]
    faulty.clear()
    faulty |= {2, 3, 4}
    heads = [[one.head for part in play(entries_of(lines), cuts)[0] for one in part.refusals] for cuts in ((), (3,), range(1, 5))]
    assert heads[0] == heads[1] == heads[2]
    ping, *windows = heads[0]
    assert b" Fault test_apart.py:" in ping
    assert [head.split()[0] == windows[0].split()[0] for head in heads[0]] == [False, True, True]
    assert b'"visit_id":"a4"' not in windows[1]
    assert b'{"type":"window_changed"' in windows[0]


def test_pings_of_a_vehicle_on_which_everything_fails_are_set_aside_until_the_fleet_is_tidied_up(road, entries_of, faulty):
    lines = road.log(road.plan(), road.go(), road.drive(5, 1_505, 0, 15_000), road.drive(6, 1_506, 0, 0, "v2"))
    entries = entries_of(lines)
    mine = [i for i, (_, said) in enumerate(lines) if isinstance(said, m.Ping) and said.vehicle_id == "v1"]
    faulty.clear()
    faulty |= set(mine)
    failures = []
    made = Fleets(lambda _: SETTINGS, failed=lambda refusal, _: failures.append(refusal.position))
    given, state = take(made, entries)
    refused = [one for part in given for one in part.refusals]
    assert [one.position for one in refused] == mine
    assert {one.reason for one in refused} == {"internal"}
    tidied = [i for i, (second, said) in enumerate(lines) if isinstance(said, m.Tick) and second in (600.0, 1_200.0)]
    assert [sum(a < place < b for place in failures) for a, b in pairwise([-1, *tidied, len(lines)])] == [3, 3, 3]
    assert state.vehicles.fixes[state.vehicle_rows["v2"]] == len(lines) - len(mine) - 2 - sum(isinstance(said, m.Tick) for _, said in lines)
    assert told(play(entries, range(1, len(entries)))) == told((given, state))


def test_a_tick_on_which_learning_fails_lets_go_of_what_it_should_have_taught(road, entries_of, faulty, monkeypatch):
    faulty.clear()
    lines = road.log(road.plan(), road.go(), road.drive(5, 605, 0, 6_050))
    learned = []

    def learn(model, fact):
        learned.append(fact)
        raise ZeroDivisionError

    monkeypatch.setattr("eta_models.model.EtaModel.learn_leg", learn)
    given, state = play(entries_of(lines))
    refused = [one for part in given for one in part.refusals]
    assert {(one.reason, one.kind) for one in refused} == {("internal", "tick")}
    assert 3 <= len(refused) == len(learned) // 2 <= 6
    assert state.truths == [] or state.now_us - state.ticked_us < 30_000_000
    open_questions = int(state.visits.kept[: state.visits.count].sum()) + sum(truth.question >= 0 for truth in state.truths)
    assert state.model.questions.kept <= open_questions + 16
    assert told(play(entries_of(lines), range(1, len(lines)))) == told((given, state))


def test_a_fleet_without_checkpoints_can_still_go_back_after_more_entries_than_are_kept(road, entries_of, faulty, monkeypatch):
    entries = entries_of(road.log(road.plan(), road.go(), road.drive(5, 605, 0, 6_050)))
    faulty.clear()
    faulty |= {90}
    whole = told(play(entries, range(10, len(entries), 10)))
    monkeypatch.setattr(past, "MOST", 25)
    monkeypatch.setattr(past, "AT_ONCE", 7)
    assert told(play(entries, range(10, len(entries), 10))) == whole
    assert whole[3][1]["internal"] == 1


def test_many_small_stretches_are_kept_as_few_large_ones_and_can_be_gone_back_to(road, entries_of, faulty, monkeypatch):
    entries = entries_of(road.log(road.plan(), road.go(), road.drive(5, 605, 0, 6_050)))
    faulty.clear()
    faulty |= {70, len(entries) - 2}
    whole = told(play(entries))
    monkeypatch.setattr(past, "MANY", 8)
    made = Fleets(lambda _: SETTINGS)
    assert told(take(made, entries, cuts=range(1, len(entries)))) == whole
    faulty.clear()
    made = Fleets(lambda _: SETTINGS)
    take(made, entries, cuts=range(1, len(entries)))
    kept = made.past("depot").since
    assert [entry.position for batch in kept for entry in batch.notices] == [
        entry.position for batch in read_entries(SETTINGS.judge, entries) for entry in batch.notices
    ]
    assert sum(map(len, kept)) == len(entries)
    assert len(kept) < len(entries) / 8 + 8


def test_memory_that_is_full_is_no_fault_of_an_entry(road, entries_of, faulty, monkeypatch):
    faulty.clear()
    monkeypatch.setattr(rounds, "progress", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        play(entries_of([road.plan(), road.go(), road.ping(1, 0)]))
