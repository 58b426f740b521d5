"""The loop: every entry goes when it is due, as far ahead of the engine as is allowed, and keys and signals are answered."""

from collections import Counter

import pytest

from replay.encoded import EncodedEntry
from replay.pace import Pace
from replay.play import CHUNK, LONGEST_SLEEP_S, Engine, Player

START_US, SECOND_US, DAY_US = 1_700_000_000_000_000, 1_000_000, 86_400_000_000


class FakeClock:
    """Time that passes only while somebody sleeps, and sometimes a little longer than was asked for."""

    def __init__(self, late_s=0.0):
        self.now_s, self.late_s, self.sleeps = 100.0, late_s, []

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now_s += seconds + self.late_s


class FakeLog:
    """Remembers when what was appended; its engine takes so many entries each time it is looked at."""

    def __init__(self, clock, takes=10**9):
        self.clock, self.takes = clock, takes
        self.chunks, self.behind, self.most_behind = [], 0, 0

    def append(self, entries):
        self.chunks.append((self.clock(), list(entries)))
        self.behind += len(entries)
        self.most_behind = max(self.most_behind, self.behind)

    def engine(self):
        self.behind = max(self.behind - self.takes, 0)
        return Engine(self.behind, None)

    def appended(self):
        return [entry for _, entries in self.chunks for entry in entries]

    def at(self):
        """Seconds from the begin of the clock to when each entry was appended."""
        return [moment - 100.0 for moment, entries in self.chunks for _ in entries]


def player_of(clock, log, speed=60.0, keys=str, **more):
    return Player(log, Pace(speed), clock, clock.sleep, keys, lambda state: None, **more)


def entries(count, every_us=SECOND_US):
    return [EncodedEntry("f", i, START_US + i * every_us, "tick", b"%d" % i) for i in range(count)]


def pressing(clock, **at):
    """A keyboard on which keys are pressed at moments of the clock."""
    left = sorted((moment + 100.0, key) for key, moment in at.items())
    return lambda: "".join(left.pop(0)[1] for _ in range(sum(moment <= clock() for moment, _ in left)))


@pytest.mark.parametrize("late_s", [0.0, 0.004])
def test_every_entry_goes_when_it_is_due_and_lateness_does_not_add_up(late_s):
    clock = FakeClock(late_s)
    log = FakeLog(clock)
    player_of(clock, log).play(entries(1_200), START_US)
    late = [at - i / 60 for i, at in enumerate(log.at())]
    assert log.appended() == entries(1_200)
    assert min(late) > -1e-6
    assert max(late) <= 0.01 + late_s + 1e-6
    assert max(clock.sleeps) <= LONGEST_SLEEP_S


def test_what_came_before_the_begin_goes_at_once_and_a_night_without_entries_takes_its_time():
    clock = FakeClock()
    log = FakeLog(clock)
    day = [*entries(5_000), EncodedEntry("f", 5_000, START_US + 4_999 * SECOND_US + DAY_US, "tick", b"")]
    player_of(clock, log, speed=3_600).play(day, START_US + 4_999 * SECOND_US)
    assert log.at()[4_999] == 0.0
    assert max(len(chunk) for _, chunk in log.chunks) <= CHUNK
    assert log.at()[5_000] == pytest.approx(24.0, abs=0.06)


def test_as_fast_as_it_will_go_is_never_further_ahead_of_the_engine_than_allowed():
    clock = FakeClock()
    log = FakeLog(clock, takes=1_000)
    player_of(clock, log, speed=0, most_behind=30_000).play(iter(entries(100_000)), START_US)
    assert len(log.appended()) == 100_000
    assert 20_000 < log.most_behind <= 30_000
    assert clock.sleeps


def test_an_engine_that_does_not_run_is_waited_for_until_somebody_quits():
    clock = FakeClock()
    log, seen = FakeLog(clock, takes=0), []
    player = player_of(clock, log, speed=0, keys=pressing(clock, q=30.0))
    player.show = seen.append
    player.play(iter(entries(300_000)), START_US)
    assert player.stopped
    assert 100_000 < len(log.appended()) <= 200_000
    assert seen[-1].held


def test_space_holds_plus_doubles_f_skips_ten_minutes_and_q_ends():
    clock = FakeClock()
    log = FakeLog(clock)
    keys = pressing(clock, **{" ": 1.0, "  ": 3.0, "+": 4.0, "f": 5.0, "q": 6.0})
    player = player_of(clock, log, speed=1, keys=lambda: keys()[:1])
    player.play(entries(10_000), START_US)
    at = Counter(int(moment) for moment in log.at())
    assert at[0] in {1, 2}
    assert at[1] + at[2] <= 1
    assert at[5] >= 600
    assert 600 < len(log.appended()) < 612
    assert player.stopped


def test_a_signal_ends_it_after_what_is_in_hand():
    clock = FakeClock()
    log = FakeLog(clock)
    player = player_of(clock, log, speed=0)
    player.show = lambda state: player.stop() if state.appended else None
    player.play(iter(entries(50_000)), START_US)
    assert log.appended() == entries(len(log.appended()))
    assert 0 < len(log.appended()) < 50_000
