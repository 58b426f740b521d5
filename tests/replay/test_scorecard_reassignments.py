"""Proposals in the scorecard, worked out by hand; and that a day scored with proposals has them, the same for both engines."""

import polars as pl

from replay.make_day.day import Troubles, make_day
from replay.score import ScoreOptions, score_folder
from replay.scorecard.reassignments import Reassignments, judge_reassignments
from replay.scorecard.render import list_reassignments


def test_what_was_expected_is_compared_over_the_visits_that_were_reached():
    events = pl.DataFrame(
        {
            "type": [
                "reassignment_proposed",
                "reassignment_proposed",
                "reassignment_accepted",
                *["reassignment_settled"] * 3,
                "eta_updated",
            ],
            "late_expected_s": [None, None, None, 100.0, 20.0, 0.0, None],
            "late_s": [None, None, None, 130.0, 0.0, None, None],
            "late_without_s": [None, None, None, 14_400.0, 600.0, 0.0, None],
            "moved": [None, None, None, True, False, True, None],
        }
    )
    found = judge_reassignments(events)
    assert found == Reassignments(2, 1, 3, 2, 1, 120.0, 130.0, 15_000.0)
    assert dict(list_reassignments(found))["late in the end, h"] == "0.04"


def test_events_without_proposals_have_none():
    assert judge_reassignments(pl.DataFrame({"type": ["eta_updated"]})) == Reassignments(0, 0, 0, 0, 0, 0.0, 0.0, 0.0)


def test_a_day_scored_with_proposals_has_them_from_both_engines_alike(tmp_path):
    make_day(tmp_path, seed=6, fleets=1, vehicles=3, troubles=Troubles(breakdowns=1, jams=3))
    scores = [score_folder(tmp_path, options=ScoreOptions(engine, proposals=True)) for engine in ("loop", "bytewax")]
    assert scores[0].scorecard.reassignments.proposed > 0
    assert scores[0].digest == scores[1].digest
    assert score_folder(tmp_path).scorecard.reassignments.proposed == 0
