"""Every table that a fleet keeps has a cap, or something with a cap that it goes with; docs/reliability.md says which, row by row."""

from dataclasses import fields
from pathlib import Path

from eta_models.model import EtaModel
from stream import corridors
from stream.corridors import Corridors, Run
from stream.exceptions import tidy
from stream.exceptions.table import DispatchException
from stream.fleet import FleetState
from stream.outputs import Outputs
from stream.settings import FleetSettings
from stream.steps import traffic
from stream.steps.statuses import Facts
from stream.traffic_messages import TrafficPut

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reliability.md").read_text()

VEHICLES, VISITS = "vehicles and their facts", "routes and visits"
ROWS = {
    "refused": "as many as there are reasons", "counted": "as many as there are reasons",
    "vehicles": VEHICLES, "vehicle_ids": VEHICLES, "vehicle_rows": VEHICLES, "facts": VEHICLES,
    "visits": VISITS, "names": VISITS, "visit_rows": VISITS, "routes": VISITS, "route_ids": VISITS, "dropped": "names of dropped visits",
    "fences": "| fences; policies", "fence_index": "| fences; policies", "fence_rules": "| fences; policies", "contacts": VEHICLES,
    "speeds": "speeds by cell", "truths": "kept until the next tick", "recent": "last events for readers",
    "corridors": "corridors (", "exceptions": "| exceptions (", "faults": "faults by vehicle",
    "traffic": "| traffic (", "told_speeds": "| traffic (", "told_roads": "| road times (", "roads": "| road times (",
    "contest": "| a second model", "named": "| a second model", "parts": "| a model file on its way", "clearings": VEHICLES,
    "fence_told": "| fences; policies",
    "fence_told_us": "| fences; policies", "failed": "visits that failed of late", "asked": "what was asked about them",
    "proposals": "| proposals, ", "answers": "kept until the next tick", "settling": "accepted proposals that wait",
    "questions": "kept until the next tick", "replanned": "accepted proposals that wait",
}  # fmt: skip
MODEL = {
    "legs": "| legs, places", "stays": "| legs, places", "deviation": "deviation |",
    "correction": "| corrections", "intervals": "intervals",
    "lateness": "lateness", "spread": "spread", "runs": "past runs of a leg", "daily": "trips by minute of the day",
    "trackers": "errors of lately", "trips": "trips without a plan", "questions": "questions that wait",
    "second_look": "examples of a network", "restraint": "restraint", "skill": "| skill",
}  # fmt: skip


def test_every_table_of_a_fleet_and_of_its_model_stands_on_the_page_with_its_cap():
    plain = (int, str, float, bool)
    state = FleetState("depot", EtaModel(FleetSettings().model))
    tables = {part.name for part in fields(state) if not isinstance(getattr(state, part.name), plain)} - {"model"}
    assert tables == ROWS.keys()
    assert vars(state.model).keys() - {"policy"} == MODEL.keys()
    assert [row for row in {*ROWS.values(), *MODEL.values()} if row not in PAGE] == []


def test_of_corridors_the_least_driven_legs_and_cells_go(monkeypatch):
    monkeypatch.setattr(corridors, "MOST_LEGS", 8)
    monkeypatch.setattr(corridors, "MOST_CELLS", 2)
    cells = [0x8A2A1072B59FFFF, 0x8A2A10728DA7FFF, 0x8A2A107289AFFFF]
    kept = Corridors()
    kept.runs = [Run(leg * 10 + n, leg, cells[: 1 + n % 3]) for leg in range(9) for n in range(3 if leg != 4 else 1)]
    kept.learn()
    assert sorted(kept.legs) == [0, 1, 2, 3, 5, 6, 7]
    assert all(len(leg.cells) <= 2 for leg in kept.legs.values())
    assert all(cells[0] in leg.cells for leg in kept.legs.values())


def test_of_exceptions_the_oldest_closed_go_and_then_the_oldest_open_expire(monkeypatch, fleet):
    monkeypatch.setattr(tidy, "MOST", 3)
    state, out = fleet().state, Outputs()
    state.vehicle("v1")
    for number, closed in enumerate(("", "", "resolved", "", "", "resolved")):
        known = DispatchException(
            f"depot:stalled:v1:{number}", "stalled", "vehicle/v1", "v1", 1, number, {}, closed=closed, closed_us=number
        )
        state.exceptions.put(known)
    tidy.forget_exceptions(state, (7, 10), out)
    assert sorted(name[-1] for name in state.exceptions.known) == ["1", "3", "4"]
    assert all(one.is_open for one in state.exceptions.known.values())


def test_more_areas_of_traffic_than_there_is_room_for_push_the_oldest_out(monkeypatch, fleet, road):
    monkeypatch.setattr(traffic, "MOST_AREAS", 2)
    state = fleet().state
    cells = ["87283472bffffff", "872834728ffffff", "872834729ffffff"]
    for second, cell in enumerate(cells):
        message = TrafficPut(fleet_id="depot", at=road.at(second), cell=cell, factor=2.0)
        assert traffic.put_traffic(state, Facts(second, road.us(second), road.us(second)), message) is None
    assert len(state.traffic) == 2
    assert [one.from_us for one in state.traffic.values()] == [road.us(1), road.us(2)]
