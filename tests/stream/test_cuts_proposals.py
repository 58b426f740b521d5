"""Proposals in drawn logs: any cut gives the same ones, and the same plans from them; and none of them can break what it must not."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import messages as m
from stream.checkpoint import dump, load
from stream.proposals import Proposal
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings

HERE = replace(FleetSettings(), reassign=ReassignPolicy(solving="here", least_gain_s=0.0))
"""What could be done about an exception is solved at a tick and known at the next."""
KINDS = ("ping",) * 12 + ("status",) * 3 + ("tick",) * 6 + ("plan", "start", "end", "replan", "reassign", "add", "window", "break", "hand")
TROUBLE = ("down", "down", "up", "accept", "accept", "accept", "load")

SPEC = importlib.util.spec_from_file_location("borrowed_stories", Path(__file__).with_name("stories.py"))
CUTS = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CUTS)

words = st.tuples(
    st.sampled_from(KINDS + 3 * TROUBLE),
    st.sampled_from((0, 0, 1, 1, 2)),
    st.sampled_from((0.0, 1.0, 4.0, 10.0, 25.0, 60.0, 60.0, 700.0)),
    st.integers(0, 9),
)
drawn_logs = st.lists(words, min_size=20, max_size=70)
patient = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(drawn=drawn_logs, data=st.data())
@patient
def test_any_cut_gives_the_same_proposals_and_the_same_plans_from_them(road, fleet, drawn, data):
    lines = CUTS.told(road, drawn)
    cuts = data.draw(st.lists(st.integers(1, len(lines) - 1), max_size=8), label="cuts")
    played = fleet(HERE).play(lines)
    assert fleet(HERE).play(lines, range(1, len(lines))).bytes() == played.bytes()
    assert fleet(HERE).play(lines, cuts).bytes() == played.bytes()
    refused = [refusal.position for part in played.parts for refusal in part.refusals]
    assert len(refused) == len(set(refused)) == sum(played.state.refused.values())
    ids = [event["id"] for event in played.events if "reassignment" in event["type"]]
    assert len(set(ids)) == len(ids)


@given(drawn=drawn_logs, cut=st.integers(1, 200))
@patient
def test_a_fleet_goes_on_from_a_checkpoint_with_its_proposals(road, fleet, drawn, cut):
    lines = CUTS.told(road, drawn)
    whole = fleet(HERE).play(lines)
    resumed = fleet(HERE).play(lines[:cut])
    resumed.state = load(dump(resumed.state), HERE.model)
    assert resumed.play(lines[cut:]).bytes() == whole.bytes()


@given(drawn=drawn_logs)
@patient
def test_no_proposal_loses_a_visit_gives_one_twice_or_puts_anything_behind_a_hub(road, fleet, drawn):
    played = fleet(HERE).play(CUTS.told(road, drawn))
    for known in played.state.proposals.values():
        for proposal in known.proposals:
            holds_together(proposal)


def holds_together(proposal: Proposal) -> None:
    """What was there is there once, new ones are hand-overs or attempts, and what is told is told of all of it."""
    before = [name for change in proposal.changes for name in change.before_visit_ids]
    after = [name for change in proposal.changes for name in change.visit_ids]
    added = {stop.visit_id: stop for change in proposal.changes for stop in change.added}
    put_off = [offer.visit_id for offer in proposal.windows if proposal.kind == "another_day" and proposal.changes]
    assert sorted([*after, *put_off]) == sorted([*before, *added])
    assert not set(after) & set(put_off)
    assert {stop.kind for stop in added.values()} <= {"handover"} or proposal.kind == "again"
    assert set(after) <= {visit.visit_id for visit in proposal.visits}
    for change in proposal.changes:
        taken = {name for name in change.visit_ids if name not in change.before_visit_ids and name not in added}
        mine = [each for each in proposal.handovers if each.to_vehicle_id == change.vehicle_id]
        assert {each.visit_id for each in mine} == {stop.visit_id for stop in change.added if stop.kind == "handover"}
        for each in mine:
            assert set(each.goods_visit_ids) <= taken
            assert all(change.visit_ids.index(each.visit_id) < change.visit_ids.index(name) for name in each.goods_visit_ids)
    for vehicle in proposal.vehicles:
        assert vehicle.capacity is None or vehicle.most_load <= vehicle.capacity + 1e-6
    assert proposal.late_after_s <= proposal.late_before_s


def test_the_drawn_logs_have_proposals_in_them(road, fleet):
    """So that none of the above holds for want of any."""
    story = [
        ("ping", 0, 25.0, 4),
        ("ping", 1, 10.0, 2),
        ("window", 0, 1.0, 1),
        ("down", 0, 10.0, 1),
        ("tick", 0, 60.0, 0),
        ("tick", 0, 60.0, 0),
    ]
    played = fleet(HERE).play(CUTS.told(road, story))
    assert played.told("reassignment_proposed")
    assert any(isinstance(line, m.VehicleDown) for _, line in CUTS.told(road, story))
    assert msgspec.json.encode(list(played.state.proposals.values()))


@pytest.mark.parametrize("kind", TROUBLE)
def test_every_word_of_trouble_can_be_told(road, kind):
    assert len(CUTS.told(road, [(kind, 0, 1.0, 1)])) > 6
