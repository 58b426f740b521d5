"""Free memory goes back to the machine after checkpoints, and not more often than it is worth."""

import sys
from pathlib import Path

import pytest

from eta_models.model import EtaModel
from stream.checkpoints import Checkpoints
from stream.fleet import FleetState
from stream.live.checkpointer import Checkpointer
from stream.live.memory import GIVE_BACK_EVERY_S, give_back, keep_one_heap
from stream.settings import FleetSettings


def resident_mb() -> float:
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked")
def test_what_is_free_between_things_that_stay_goes_back():
    keep_one_heap()
    blocks = [bytes(30_000) for _ in range(4_000)]
    kept = blocks[::2]
    del blocks
    before_mb = resident_mb()
    give_back()
    assert before_mb - resident_mb() > 20
    assert all(not any(block) for block in kept[::200])


class Keeper:
    """A keeper of some fleets, each due at a moment of its own, and a clock of which it is told; notes when memory was given back."""

    def __init__(self, folder: Path, due_s: dict[str, float]) -> None:
        self.clock, self.freed, self.kept = [100.0], list[float](), list[tuple[str, int]]()
        self.keeper = Checkpointer(
            Checkpoints(folder), 20.0, lambda: self.clock[0], lambda *told: self.kept.append(told), lambda: self.freed.append(self.clock[0])
        )
        self.states = [FleetState(name, EtaModel(FleetSettings().model)) for name in due_s]
        for state in self.states:
            state.position = 7
            self.keeper.opened(state)
        self.keeper.due_s = dict(due_s)

    def run(self, until_s: int) -> None:
        """Offer all fleets each second."""
        while self.clock[0] < until_s:
            self.clock[0] += 1.0
            for state in self.states:
                if self.keeper.offer(state):
                    self.keeper.writing[state.fleet_id].result()


def test_memory_is_given_back_behind_the_last_of_the_checkpoints_that_come_together(tmp_path):
    two = Keeper(tmp_path, {"depot": 111.0, "yard": 113.0})
    two.run(155)
    assert two.freed == [111.0, 113.0, 133.0, 153.0]  # the first one after a start always
    assert two.kept == [("depot", 7), ("yard", 7)] * 4
    assert Checkpoints(tmp_path).read("depot", FleetSettings().model).position == 7


def test_memory_is_given_back_twice_a_minute_where_checkpoints_come_all_the_time(tmp_path):
    many = Keeper(tmp_path, {f"depot-{i}": 102.0 + 2 * i for i in range(10)})
    many.run(170)
    assert many.freed == [102.0, 132.0, 162.0]
    assert GIVE_BACK_EVERY_S == 30.0


def test_checkpoints_of_fleets_keep_in_step_however_late_each_one_is_taken(tmp_path):
    clock = [0.0]
    keeper = Checkpointer(Checkpoints(tmp_path), 45.0, lambda: clock[0], lambda *_: None, lambda: None)
    states = [FleetState(name, EtaModel(FleetSettings().model)) for name in ("depot", "yard")]
    taken: dict[str, list[float]] = {state.fleet_id: [] for state in states}
    for state in states:
        state.position = 7
        keeper.opened(state)
    due_s = dict(keeper.due_s)
    for turn in range(120):
        clock[0] += 2.9 + 1.7 * (turn % 7)
        for state in states:
            if keeper.offer(state):
                taken[state.fleet_id].append(clock[0])
                keeper.writing[state.fleet_id].result()
    for name, moments in taken.items():
        assert len(moments) == int((clock[0] - due_s[name]) // 45) + 1
        assert all(0 <= (moment - due_s[name]) % 45 < 13.2 for moment in moments)
