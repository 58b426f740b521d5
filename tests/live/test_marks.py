"""Wherever reading begins again, everything that is not durable is read again, and the count there is right."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stream.live.log_entry import MOST, position_of
from stream.live.marks import Marks, Resume

FLEETS = ("a", "b", "c")


class Reading(RuleBasedStateMachine):
    """A log whose every message has a position, a number and a fleet; a fleet keeps a checkpoint at any of its own messages."""

    @initialize(begun=st.sampled_from([Resume("0-0", 0), Resume("41-18446744073709551615", 500)]))
    def begin(self, begun):
        self.marks = Marks(begun)
        self.entries = []
        """Of each entry: its id, the number of its first message, and the fleets of its messages."""
        self.next_id = (42, 0)
        self.number = begun.count
        self.read_up_to = 0
        self.durable = dict.fromkeys(FLEETS, -1)
        self.resumed = (int(begun.stream_id.split("-")[0]), int(begun.stream_id.split("-")[1]))

    @rule(fleets=st.lists(st.sampled_from(FLEETS), min_size=1, max_size=4), later=st.booleans(), lost=st.sampled_from([0, 0, 0, 7]))
    def append(self, fleets, later, lost):
        self.number += lost
        self.entries.append((self.next_id, self.number, fleets))
        self.number += len(fleets)
        self.next_id = (self.next_id[0] + 1, 0) if later else (self.next_id[0], self.next_id[1] + 1)

    def messages(self, entries):
        return [(position_of(f"{ms}-{seq}", place), fleet) for (ms, seq), _, fleets in entries for place, fleet in enumerate(fleets)]

    @precondition(lambda self: self.read_up_to < len(self.entries))
    @rule(count=st.integers(1, 3))
    def read(self, count):
        some = self.entries[self.read_up_to : self.read_up_to + count]
        self.read_up_to += len(some)
        (ms, seq), number, _ = some[0]
        last, first_of_last, fleets = some[-1]
        self.marks.read(position_of(f"{ms}-{seq}"), number, position_of(f"{last[0]}-{last[1]}", MOST - 1), first_of_last + len(fleets))
        for fleet in FLEETS:
            if own := [position for position, name in self.messages(some) if name == fleet]:
                self.marks.hand(fleet, own[0], own[-1])

    @rule(fleet=st.sampled_from(FLEETS), share=st.floats(0, 1))
    def keep(self, fleet, share):
        own = [position for position, name in self.messages(self.entries[: self.read_up_to]) if name == fleet]
        if own:
            position = own[round(share * (len(own) - 1))]
            self.marks.keep(fleet, position)
            self.durable[fleet] = max(self.durable[fleet], position)

    @rule()
    def resume(self):
        point = self.marks.resume()
        ms, seq = map(int, point.stream_id.split("-"))
        assert (ms, seq) >= self.resumed
        self.resumed = (ms, seq)
        again = [entry for entry in self.entries if entry[0] > (ms, seq)]
        read_again = {position for position, _ in self.messages(again)}
        behind = {position for position, fleet in self.messages(self.entries[: self.read_up_to]) if position > self.durable[fleet]}
        assert behind <= read_again
        if again and len(again) < len(self.entries):
            _, number, fleets = self.entries[-len(again) - 1]
            assert point.count in (again[0][1], number + len(fleets))  # what was lost in between is a gap that is told

    @precondition(lambda self: self.read_up_to)
    @rule()
    def keep_everything(self):
        for position, fleet in self.messages(self.entries[: self.read_up_to]):
            self.marks.keep(fleet, position)
            self.durable[fleet] = max(self.durable[fleet], position)
        assert self.marks.waiting() == []
        self.resume()
        assert self.resumed == self.entries[self.read_up_to - 1][0]  # all that was read may go
        assert self.marks.starts == []

    @invariant()
    def nobody_waits_without_need(self):
        if hasattr(self, "marks"):
            mine = self.messages(self.entries[: self.read_up_to])
            late = {fleet for position, fleet in mine if position > self.durable[fleet]}
            assert set(self.marks.waiting()) == late


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=80, stateful_step_count=30)


def test_before_anything_was_read_it_begins_where_it_began():
    begun = Resume("7-1", 3)
    assert Marks(begun).resume() == begun


def test_a_fleet_that_came_from_a_later_checkpoint_does_not_hold_the_log():
    marks = Marks(Resume("0-0", 0))
    for first, number in ((position_of("1-0"), 0), (position_of("2-0"), 100)):
        marks.read(first, number, first + MOST - 1, number + 100)
        marks.hand("a", first, first + 99)
    marks.keep("a", position_of("3-0"))
    assert marks.waiting() == []
    assert marks.resume() == Resume("2-0", 200)
