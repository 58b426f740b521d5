"""Faults in what is read before, and in what is made for Redis behind the state machine: each costs one thing, and events are told."""

import pytest

from stream.live import fleets, orders, reader, shown
from stream.live.apiece import apiece
from stream.live.keys import DEAD, fleet_key


def raising(function, fails):
    """`function`, which fails where `fails` says so of its arguments."""

    def wrapped(*args):
        if fails(*args):
            raise KeyError("made to fail")
        return function(*args)

    return wrapped


def named(state, rows):
    return "v2" in [state.vehicle_ids[row] for row in rows]


def test_a_vehicle_that_cannot_be_described_is_not_shown_and_everything_else_is(run, logs, drive, client, monkeypatch):
    monkeypatch.setattr(shown, "vehicle_view", raising(shown.vehicle_view, lambda state, row: state.vehicle_ids[row] == "v2"))
    logs.append("depot", drive)
    run().to_end()
    assert client.hkeys(fleet_key("vehicles", "depot")) == [b"v1"]
    assert set(client.hkeys(fleet_key("fixes", "depot"))) == {b"v1", b"v2"}
    assert logs.events("depot") == logs.plainly("depot")[0]


def test_a_fix_that_cannot_be_packed_costs_itself(run, logs, drive, client, monkeypatch):
    monkeypatch.setattr(shown, "fixes", raising(shown.fixes, named))
    logs.append("depot", drive)
    run().to_end()
    assert client.hkeys(fleet_key("fixes", "depot")) == [b"v1"]
    assert logs.events("depot") == logs.plainly("depot")[0]


def test_a_present_that_fails_as_a_whole_is_made_anew_half_a_minute_later(run, logs, drive, settings, monkeypatch):
    seen = []
    monkeypatch.setattr(shown, "standing", raising(shown.standing, lambda state, _: seen.append(state.now_us) or len(seen) == 3))
    for first in range(0, len(drive), 4):
        logs.append("depot", drive[first : first + 4])
    run(settings=settings.model_copy(update={"batch": 4})).to_end()
    assert seen[3] - seen[2] >= fleets.SHOW_AGAIN_US
    monkeypatch.undo()
    assert logs.are_whole("depot")


def test_an_event_that_cannot_be_read_again_is_told_all_the_same(run, logs, drive, client, monkeypatch):
    monkeypatch.setattr(orders, "_event", raising(orders._event, lambda event: event.kind.startswith("exception_")))
    logs.append("depot", drive)
    run().to_end()
    assert logs.events("depot") == logs.plainly("depot")[0]
    assert any(b"exception_opened" in event for _, event in logs.events("depot"))
    assert client.zcard(fleet_key("open", "depot")) == 0


def test_an_entry_that_cannot_be_read_is_one_dead_letter(run, logs, drive, client, monkeypatch):
    monkeypatch.setattr(reader, "decode_pings", raising(reader.decode_pings, lambda lines, _: b'"type":"junk"' in lines))
    logs.append("depot", drive[:40])
    logs.append("depot", [(drive[40][0], b'{"type":"junk","fleet_id":"depot"}')])
    logs.append("depot", drive[40:])
    run().to_end()
    reasons = [fields[b"r"] for _, fields in client.xrange(DEAD)]
    assert reasons.count(b"internal") == 1
    monkeypatch.undo()
    assert logs.are_whole("depot")


@pytest.mark.parametrize("bad", [[], [3], [0, 1, 6]])
def test_all_but_the_things_at_fault_are_done_in_their_order(bad):
    done = list[int]()

    def do(some: list[int]) -> None:
        if set(some) & set(bad):
            raise ValueError
        done.extend(some)

    apiece("numbers", range(7), do)
    assert done == [number for number in range(7) if number not in bad]
