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


def test_memory_is_given_back_after_a_checkpoint_but_not_after_each_of_many(tmp_path):
    clock, freed, kept = [100.0], [], []
    folder = Checkpoints(tmp_path)
    keeper = Checkpointer(folder, 10.0, lambda: clock[0], lambda *told: kept.append(told), lambda: freed.append(clock[0]))
    state = FleetState("depot", EtaModel(FleetSettings().model))
    state.position = 7
    keeper.opened(state)
    for _ in range(6):
        clock[0] += 11.0
        assert keeper.offer(state)
        keeper.writing["depot"].result()
    assert kept == [("depot", 7)] * 7
    assert freed == [111.0, 111.0 + 33.0]
    assert GIVE_BACK_EVERY_S == 30.0
    assert folder.read("depot", FleetSettings().model).position == 7


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
