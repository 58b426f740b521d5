"""A day after the other leaves nothing behind: what a fleet holds after its first rounds is what it holds after many."""

import gc
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eta_models.model import EtaModel
from stream import texts
from stream.checkpoint import capture, dump
from stream.fleet import FleetState
from stream.intake import Entry, Intake
from stream.live.shown import Shown
from stream.past import Past
from stream.pieces import in_pieces
from stream.settings import FleetSettings

SETTINGS = FleetSettings()
FILLS = {"model", "corridors", "speeds", "numbers", "recent", "truths"}
"""Learned tables that fill up to their caps; the last 500 events, counts and what waits for a tick are as large as they happen to be."""


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    """The load of the long proof."""
    folder = Path(__file__).resolve().parents[2] / "benchmarks" / "reliability"
    sys.path[:0] = [str(folder), str(folder.parent)]
    spec = importlib.util.spec_from_file_location("soak", folder / "soak.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Driven:
    """A fleet that is driven to and fro, with all that the live system keeps beside its state but Redis."""

    def __init__(self, soak, vehicles):
        self.soak, self.vehicles, self.draw = soak, vehicles, np.random.default_rng(3)
        self.state, self.shown = FleetState("depot", EtaModel(SETTINGS.model)), Shown()
        self.past = Past(SETTINGS, lambda: self.state, lambda *_: None, lambda: None)
        self.now_s = self.position = 0

    def round(self) -> None:
        """One route of every vehicle, a stretch a minute, and a checkpoint."""
        for _ in range(self.soak.ROUND_S // 60):
            intake = Intake(SETTINGS.judge)
            for second in range(self.now_s, self.now_s + 60):
                for payload in self.soak.second(self.draw, "depot", self.vehicles, second):
                    intake.take([Entry(self.position, self.soak.START_US + 1_000_000 * second, payload)])
                    self.position += 1
            (batch,) = intake.batches()
            self.past.apply(self.state, batch)
            self.shown.changes(self.state, batch)
            self.state.questions.clear()
            self.now_s += 60
        self.past.checkpoint(self.state.position)
        self.past.checkpoint(self.state.position)

    def objects(self) -> int:
        gc.collect()
        return len(gc.get_objects())

    def sizes(self) -> dict[str, int]:
        """Bytes of every part of the state."""
        return {name: len(b"".join(in_pieces({name: part}))) for name, part in capture(self.state).items()}


def test_what_a_fleet_holds_does_not_grow_with_its_days(soak, monkeypatch):
    monkeypatch.setattr(texts, "KNOWN_TEXTS", 200)
    driven = Driven(soak, 3)
    for _ in range(4):
        driven.round()
    objects, sizes = driven.objects(), driven.sizes()
    for _ in range(4):
        driven.round()
    assert driven.objects() <= objects * 1.01
    more = {name: (sizes[name], size) for name, size in driven.sizes().items() if name not in FILLS and size > 1.03 * sizes[name] + 40}
    assert more == {}
    assert len(texts._good_ids) <= 200
    assert len(driven.shown.routes) == len(driven.state.routes)
    assert driven.shown.route_of.keys() == driven.state.visit_rows.keys()


def test_what_is_let_go_is_in_no_circle_so_that_it_is_gone_at_once(soak):
    driven = Driven(soak, 3)
    driven.round()
    dump(driven.state)
    gc.collect()
    gc.disable()
    try:
        driven.round()
        dump(driven.state)
        assert gc.collect() == 0
    finally:
        gc.enable()
