"""Scoring a day: what came of it does not depend on the truth, and every entry is accounted for."""

import json
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from replay.accounting import Unaccounted, account
from replay.day_errors import BadDay
from replay.provenance import INPUTS, data_hash, settings_hash
from replay.score import Nobody, ScoreOptions, fleet_settings, score_folder
from replay.truth_tables import truth_tables


class Onlooker(Nobody):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        self.entries, self.kinds, self.stages = 0, Counter(), []

    def stage(self, doing):
        self.stages.append(doing)

    def advance(self, entries, applied):
        self.entries += entries
        self.kinds.update(event.kind for stretch in applied for event in stretch.events)


@pytest.fixture(scope="module")
def scored(morning, tmp_path_factory):
    out, onlooker = tmp_path_factory.mktemp("out"), Onlooker()
    return score_folder(morning, out, ScoreOptions("bytewax"), onlooker), out, onlooker, json.loads((out / "score.json").read_text())


@pytest.fixture(scope="module")
def without_truth(morning, tmp_path_factory):
    folder = tmp_path_factory.mktemp("truthless") / "day"
    shutil.copytree(morning, folder)
    (folder / "arrivals.parquet").unlink()
    out = tmp_path_factory.mktemp("truthless-out")
    return score_folder(folder, out, ScoreOptions("loop")), out


def test_a_day_without_truth_is_only_counted(scored, without_truth):
    score, _ = without_truth
    assert score.scorecard.truth is None
    assert scored[0].scorecard.truth is not None
    assert score.scorecard.counts == scored[0].scorecard.counts


def test_truth_changes_nothing_of_what_the_engine_says_and_the_loop_says_what_bytewax_says(scored, without_truth):
    assert without_truth[0].digest == scored[0].digest
    for name in ("predictions.parquet", "refused.parquet"):
        assert pl.read_parquet(without_truth[1] / name).equals(pl.read_parquet(scored[1] / name))
    assert (without_truth[1] / "events.ndjson").read_bytes() == (scored[1] / "events.ndjson").read_bytes()


def test_only_the_results_are_left_in_the_folder(scored):
    score, out, _, _ = scored
    assert sorted(out.iterdir()) == score.files
    assert [path.name for path in score.files] == ["events.ndjson", "predictions.parquet", "refused.parquet", "score.json"]


def test_without_a_folder_nothing_is_left_behind(morning, tmp_path, monkeypatch, scored):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(morning.iterdir())
    score = score_folder(morning, None, ScoreOptions("loop"))
    assert score.files == []
    assert score.digest == scored[0].digest
    assert list(tmp_path.iterdir()) == []
    assert sorted(morning.iterdir()) == before


def test_accepted_and_rejected_are_all_that_was_received(scored):
    accounting, out = scored[3]["accounting"], scored[1]
    assert accounting["received"] == accounting["applied"] + sum(accounting["refused"].values())
    assert sum(accounting["refused"].values()) == pl.read_parquet(out / "refused.parquet").height > 0
    assert accounting["received"] == scored[2].entries


def test_an_entry_too_few_or_too_many_is_noticed():
    assert account(10, 10, {"stale": 3}, {"stale": 3}, 1).applied == 7
    for wrong in ((11, 10, {}, {}, 0), (10, 10, {"stale": 3}, {"stale": 2}, 0), (10, 10, {"stale": 9}, {"stale": 9}, 2)):
        with pytest.raises(Unaccounted):
            account(*wrong)


def test_the_onlooker_sees_every_event_and_every_stage(scored):
    lines = (scored[1] / "events.ndjson").read_bytes().splitlines()
    assert scored[2].kinds == Counter(json.loads(line)["type"].split(".")[1] for line in lines)
    assert scored[2].stages == ["reading the day", "writing the results", "scoring"]


def test_score_json_says_what_the_figures_were_made_with_and_from(scored, morning):
    told = scored[3]
    assert set(told) >= {"figures", "versions", "settings_sha256", "data_sha256", "digest", "accounting", "speed", "engine"}
    assert set(told["versions"]) == {"fleetcast", "python", "bytewax", "river", "numpy", "polars", "h3", "shapely", "valkey"}
    assert told["versions"]["valkey"] is None
    assert told["versions"]["numpy"]
    assert told["digest"] == scored[0].digest
    assert told["data_sha256"] == data_hash(morning)
    assert told["figures"]["counts"]["events"] == sum(scored[2].kinds.values())
    assert told["speed"]["entries_per_s"] > 0
    assert told["speed"]["python_share"] > 0


def test_the_data_hash_knows_every_input_but_not_the_truth(morning, tmp_path):
    folder = tmp_path / "day"
    shutil.copytree(morning, folder)
    hashes = {data_hash(folder)}
    (folder / "arrivals.parquet").unlink()
    assert {data_hash(folder)} == hashes
    for number, name in enumerate(INPUTS, 2):
        with (folder / name).open("ab") as file:
            file.write(b" ")
        hashes.add(data_hash(folder))
        assert len(hashes) == number


def test_the_settings_hash_changes_with_a_setting_and_not_with_the_order_of_fleets():
    ab, ba = fleet_settings({"a": "UTC", "b": "UTC"}, None), fleet_settings({"b": "UTC", "a": "UTC"}, None)
    assert settings_hash(ab) == settings_hash(ba) != settings_hash(fleet_settings({"a": "UTC", "b": "UTC"}, "Europe/Berlin"))


@pytest.mark.parametrize("zone", ["Mars", "", "../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none_is_named(zone):
    with pytest.raises(BadDay, match="fleet f: the time zone"):
        fleet_settings({"f": zone}, None)


def test_the_scorecard_is_given_the_ids_that_the_engine_saw(tmp_path):
    pl.DataFrame({"vehicle_id": ["bus 1", "2"], "lat": 0.0, "lon": 0.0}).write_parquet(tmp_path / "pings.parquet")
    routes = pl.DataFrame({"route_id": ["r/1", None], "vehicle_id": "bus 1", "fleet_id": ["x", None]})
    routes.with_columns(published_at=None, seq=1, stop_id=pl.lit("s"), lat=0.0, lon=0.0).write_parquet(tmp_path / "routes.parquet")
    tables = truth_tables(tmp_path, "day")
    assert tables.pings.collect().select("vehicle_id", "fleet_id").rows() == [("bus_1", "day"), ("2", "day")]
    assert tables.routes.select("route_id", "vehicle_id", "fleet_id").rows() == [("r_1", "bus_1", "x"), (None, "bus_1", "day")]
    assert tables.arrivals is None


def ruin(name: str, text: bytes):
    def write(folder: Path) -> None:
        (folder / name).write_bytes(text)

    return write


def drop_a_column(folder: Path) -> None:
    pl.read_parquet(folder / "pings.parquet").drop("ts").write_parquet(folder / "pings.parquet")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda folder: (folder / "pings.parquet").unlink(), "pings.parquet"),
        (ruin("pings.parquet", b"no table"), "pings.parquet"),
        (drop_a_column, "ts"),
        (ruin("fences.geojson", b"{"), "fences"),
        (ruin("day.toml", b"= 7"), "recorded day"),
        (ruin("routes.parquet", b""), "routes.parquet"),
    ],
    ids=["no pings", "no table", "no column", "no fences", "no description", "no plan"],
)
def test_a_folder_that_is_no_day_is_refused_in_words(morning, tmp_path, spoil, named):
    folder = tmp_path / "day"
    shutil.copytree(morning, folder)
    spoil(folder)
    with pytest.raises(BadDay, match=named):
        score_folder(folder, tmp_path / "out", ScoreOptions("loop"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(BadDay, match="there is no folder"):
        score_folder(tmp_path / "nowhere")
