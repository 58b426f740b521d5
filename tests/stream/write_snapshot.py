"""Writes the checkpoint that every later release must load: once a release, when its version is settled.

    PYTHONPATH=. python tests/stream/write_snapshot.py

An hour of a small fleet with everything in its state that there can be; beside it, in JSON, what must be found when it is loaded.
"""

import importlib.util
import json
import tomllib
from pathlib import Path
from typing import Any

from eta_models.model import EtaModel
from stream import messages as m
from stream.apply import apply
from stream.checkpoint import dump
from stream.fleet import FleetState
from stream.intake import read_entries
from stream.settings import FleetSettings

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "snapshots"


def made(conftest: Any) -> FleetState:
    """The fleet: under way, late, in a fence, with a plan that changed, a fault of a vehicle, and what it has learned."""
    road, settings = conftest.Road(), FleetSettings()
    late = road.stops(range(1, 6), window_end=road.at(900), service_s=60.0, order_ref="o1", metadata={"door": "blue"})
    lines = road.log(
        [road.plan(late), road.go(), road.square("f1", 5, 2_500, 4_500)],
        [road.plan(road.stops((6, 7, 8), "b"), second=6, route_id="r2", vehicle_id="v2")],
        road.drive(10, 1_800, 0, 4_100, step=20),
        road.say(m.VehiclePut, 20, driver_id="ann", capacity=3.5, skills=["lift"]),
        road.say(m.StopReassigned, 300, visit_id="a5", to_vehicle_id="v2", to_route_id="r2"),
        road.go(310, route_id="r2", vehicle_id="v2"),
        road.drive(310, 1_800, 4_000, 6_100, "v2", step=20),
        road.plan(road.stops((6, 8), "b"), second=400, route_id="r2", vehicle_id="v2", plan_version=2),
        road.say(m.StopCompleted, 700, visit_id="a2"),
        [road.ping(405, 90_000), (401, b'{"type":"ping"}'), (402, b'{"type":"x","fleet_id":"depot"}')],
    )
    state = FleetState(conftest.FLEET, EtaModel(settings.model))
    for batch in read_entries(settings.judge, conftest.entries_of(lines)):
        if batch.fleet_id == conftest.FLEET:
            apply(settings, state, batch)
    state.faults["v3"] = 1
    return state


def inside(state: FleetState) -> dict[str, list[str]]:
    """Vehicles and the fences in which they are."""
    c, found = state.contacts, dict[str, list[str]]()
    for row in (c.visiting[: c.count] == 1).nonzero()[0].tolist():
        found.setdefault(state.vehicle_ids[c.vehicle[row]], []).append(state.fence_index.fence_ids[c.fence[row]])
    return {vehicle_id: sorted(fences) for vehicle_id, fences in sorted(found.items())}


def facts(state: FleetState) -> dict[str, object]:
    """What must be found when it is loaded."""
    return {
        "fleet_id": state.fleet_id, "position": state.position, "received": state.received, "sequence": state.sequence,
        "now_us": state.now_us, "refused": state.refused, "vehicles": state.vehicle_ids, "visits": sorted(state.visit_rows),
        "visit_states": state.visits.state[: state.visits.count].tolist(), "routes": sorted(state.routes), "fences": sorted(state.fences),
        "inside": inside(state), "dropped": sorted(state.dropped),
        "lats": state.vehicles.lat[: state.vehicles.count].tolist(),
        "drivers": {name: known.driver_id for name, known in state.facts.items()},
        "legs_learned": int((state.model.legs.table.seen[: state.model.legs.table.count] > 0).sum()),
        "questions": state.model.questions.kept, "truths": len(state.truths), "recent": len(state.recent), "cells": len(state.speeds.rows),
        "faults": state.faults,
    }  # fmt: skip


def main() -> None:
    """Write both files of this release."""
    spec = importlib.util.spec_from_file_location("conftest_of_stream", HERE / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    version = tomllib.loads((HERE.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    state = made(conftest)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{version}.checkpoint").write_bytes(dump(state))
    (FOLDER / f"{version}.json").write_text(json.dumps(facts(state), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
