"""Time in fences, by fence, worked out by hand; and that a scored day has it."""

import polars as pl
import pytest

from replay.make_day.day import make_day
from replay.score import score_folder
from replay.scorecard.fences import FenceDwell, measure_dwell


def left(*rows) -> pl.DataFrame:
    """Events of type, fence, dwell, passed, reason, of fleet f."""
    schema = {"type": pl.String, "fence_id": pl.String, "dwell_s": pl.Float64, "passed": pl.Boolean, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(fleet_id=pl.lit("f"))


def test_visits_are_summed_by_fence_and_passages_only_counted():
    events = left(
        ("geofence_entered", "yard", None, None, None),
        ("geofence_exited", "yard", 600.0, None, None),
        ("geofence_exited", "shop", 30.0, True, None),
        ("geofence_exited", "yard", 100.0, None, "fence_removed"),
        ("geofence_exited", "yard", 200.0, None, None),
        ("geofence_exited", "yard", 5.0, True, None),
        ("stop_departed", None, None, None, None),
    )
    yard, shop = measure_dwell(events)
    assert yard == FenceDwell("f", "yard", 3, 1, 1, 900.0, 200.0, 600.0)
    assert shop == FenceDwell("f", "shop", 0, 1, 0, 0.0, None, None)


def test_events_without_fences_have_no_time_in_them():
    assert measure_dwell(pl.DataFrame({"type": ["stop_arrived"]})) == []


@pytest.fixture(scope="module")
def score(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fences") / "day"
    make_day(folder, seed=6, fleets=1, vehicles=3)
    return score_folder(folder)


def test_the_vans_of_a_made_day_leave_their_depot_and_come_back(score):
    found = {fence.fence_id: fence for fence in score.scorecard.fences}
    depot = next(fence for fence_id, fence in found.items() if "depot" in fence_id)
    assert depot.visits >= 3
    assert 0 < depot.median_s <= depot.longest_s <= depot.total_s
    assert score.scorecard.figures()["fences"][0]["fence_id"] in found
