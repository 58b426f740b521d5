"""The files that a run leaves."""

import json

import polars as pl
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from replay.event_table import read_events
from replay.results import finish
from replay.score import ScoreOptions, score_folder
from replay.spool import Spool
from stream.events import EVENTS

INSTANT = pl.Datetime("us", "UTC")
PREDICTED = {
    "made_at": INSTANT,
    "fleet_id": pl.String,
    "vehicle_id": pl.String,
    "route_id": pl.String,
    "stop_id": pl.String,
    "seq": pl.Int64,
    "visit_id": pl.String,
    "p10": INSTANT,
    "p50": INSTANT,
    "p90": INSTANT,
    "p_late": pl.Float64,
}


@pytest.fixture
def two_fleets(tmp_path, given) -> Spool:
    spool = Spool(tmp_path / "spool")
    for fleet_id in ("b", "a"):
        spool.put(given(fleet_id, 0, 4))
    return spool


@pytest.fixture(scope="module")
def made(morning, tmp_path_factory):
    """The results of a real morning."""
    out = tmp_path_factory.mktemp("out")
    score_folder(morning, out, ScoreOptions("loop"))
    return out


def test_events_of_all_fleets_are_merged_by_time_then_fleet_with_unchanged_bytes(two_fleets, tmp_path):
    results = finish(two_fleets, tmp_path / "out")
    lines = results.events_path.read_bytes().splitlines()
    assert [(json.loads(line)["n"], json.loads(line)["fleet"]) for line in lines] == [(n, fleet) for n in range(4) for fleet in "ab"]
    assert sorted(lines) == sorted(payload for fleet in "ab" for _, _, payload in two_fleets.events(fleet))
    assert results.events == 8


def test_predictions_have_the_promised_columns_and_the_names_of_their_own_fleets_visits(two_fleets, tmp_path):
    results = finish(two_fleets, tmp_path / "out")
    frame = pl.read_parquet(results.predictions_path)
    assert dict(frame.schema) == PREDICTED
    assert frame.height == results.predictions == 16
    assert frame["made_at"].is_sorted()
    assert frame["fleet_id"].to_list() == ["a", "a", "b", "b"] * 4
    assert (frame["vehicle_id"] == frame["fleet_id"] + "-v").all()
    assert frame["seq"].to_list() == [n for n in range(4) for _ in range(4)]
    assert ((frame["p50"] - frame["made_at"]).dt.total_seconds() == 120).all()


def test_a_probability_that_is_no_number_is_null(two_fleets, tmp_path):
    frame = pl.read_parquet(finish(two_fleets, tmp_path / "out").predictions_path)
    assert frame["p_late"].to_list() == [0.25, None] * 8


def test_every_refused_input_is_in_the_table_of_dead_letters(two_fleets, tmp_path):
    results = finish(two_fleets, tmp_path / "out")
    frame = pl.read_parquet(results.refused_path)
    assert frame.columns == ["fleet_id", "position", "received_at", "reason", "type", "vehicle_id", "head"]
    assert frame.select("fleet_id", "position").rows() == [(fleet, 10 * n) for fleet in "ab" for n in range(4)]
    assert frame["head"].unique().to_list() == [b"\xff\x00 head"]
    assert frame.schema["received_at"] == INSTANT
    assert results.refused == 8


def test_a_run_that_gave_nothing_leaves_empty_tables(tmp_path):
    results = finish(Spool(tmp_path / "spool"), tmp_path / "out")
    assert results.events_path.read_bytes() == b""
    assert dict(pl.read_parquet_schema(results.predictions_path)) == PREDICTED
    assert read_events(results.events_path).is_empty()
    assert (results.events, results.predictions, results.refused) == (0, 0, 0)


def test_every_event_of_a_real_morning_is_a_valid_cloudevent_of_a_documented_type(made):
    lines = (made / "events.ndjson").read_bytes().splitlines()
    assert lines
    ids = set()
    for sequence, line in enumerate(lines):
        event = from_structured(HTTPMessage({"content-type": "application/cloudevents+json"}, line), JSONFormat())
        assert event.get_type().split(".")[1] in EVENTS
        assert event.get_extension("sequence") == f"{sequence:012d}"
        assert event.get_time().utcoffset().total_seconds() == 0
        ids.add(event.get_id())
    assert len(ids) == len(lines)


def test_the_table_of_events_says_what_the_lines_say(made):
    frame = read_events(made / "events.ndjson")
    lines = [json.loads(line) for line in (made / "events.ndjson").read_bytes().splitlines()]
    assert frame["type"].to_list() == [line["type"].removeprefix("fleetcast.").removesuffix(".v1") for line in lines]
    assert frame["route_id"].to_list() == [line["data"].get("route_id") for line in lines]
    arrived = frame.filter(pl.col("type") == "stop_arrived")
    assert arrived.height
    assert (arrived["detected_at"] >= arrived["occurred_at"]).all()
    assert arrived["seq"].null_count() == 0


def test_predictions_of_a_real_morning_are_in_order_and_their_quantiles_too(made):
    frame = pl.read_parquet(made / "predictions.parquet")
    assert dict(frame.schema) == PREDICTED
    assert frame.height
    assert frame.select((pl.col("p10") <= pl.col("p50")) & (pl.col("p50") <= pl.col("p90"))).to_series().all()
    assert frame["p_late"].drop_nulls().is_between(0, 1).all()
    assert frame["made_at"].is_sorted()
    assert frame.select(pl.col("visit_id").is_null().any()).item() is False
