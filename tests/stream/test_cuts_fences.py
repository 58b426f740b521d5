"""Fences in drawn logs: timed, scoped, narrow, moved and removed under vehicles that drive, jump and fall silent."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.clearings import Clearings
from stream.steps.refence import stays

FENCES = ("fence", "fence", "timed_fence", "scoped_fence", "narrow_fence", "unfence", "tag", "fence_policy")


@pytest.fixture(scope="module")
def told():
    """Makes the log of a drawn story, as the cuts of any log are tested with: no folder of tests is a package."""
    spec = importlib.util.spec_from_file_location("borrowed_cuts", Path(__file__).with_name("stories.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.told


drives = st.lists(
    st.tuples(
        st.sampled_from((*("ping",) * 12, *FENCES, "teleport", "late", "tick")),
        st.integers(0, 1),
        st.sampled_from((4.0, 10.0, 25.0, 60.0, 700.0)),
        st.integers(0, 5),
    ),
    min_size=30,
    max_size=90,
)


@given(drawn=drives, data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_becomes_of_fences_does_not_depend_on_the_cut_and_every_visit_begins_and_ends_once(road, fleet, told, drawn, data):
    lines = told(road, drawn)
    cuts = data.draw(st.lists(st.integers(1, len(lines) - 1), max_size=8), label="cuts")
    played = fleet().play(lines)
    assert fleet().play(lines, cuts).bytes() == played.bytes()
    looked = fleet()
    for line in lines:
        looked.state.clearings = Clearings()  # every fix is looked at as if nothing were clear
        looked.play([line])
    assert looked.bytes() == played.bytes()
    open_, ids = {}, set()
    for event in played.events:
        kind, data_ = event["type"].split(".")[1], event["data"]
        if not kind.startswith("geofence_"):
            continue
        key = data_["vehicle_id"], data_["fence_id"]
        assert event["id"] not in ids
        ids.add(event["id"])
        if kind == "geofence_entered":
            assert key not in open_
            open_[key] = data_["visit"], event["time"]
        else:
            visit, since = open_[key]
            assert (data_["visit"], data_["entered_at"]) == (visit, since)
            assert data_["dwell_s"] >= 0
            if kind == "geofence_exited":
                del open_[key]
    inside = {(name, fence) for name, row in played.state.vehicle_rows.items() for fence, _ in stays(played.state, row)}
    assert inside == set(open_)
    assert {fence for _, fence in inside} <= set(played.state.fences)
