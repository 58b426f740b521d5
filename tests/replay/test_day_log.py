"""The log of a day gives what its tables gave, and accounts for whatever else is in it."""

from datetime import timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from replay.__main__ import app
from replay.day_errors import BadDay
from replay.day_log import COLUMNS, read_log
from replay.read_day import read_day
from replay.run_day import DayRun, run_loop
from replay.score import ScoreOptions, fleet_settings, score_folder
from replay.spool import Spool
from stream.judge import JudgePolicy

run = CliRunner().invoke


@pytest.fixture(scope="module")
def exported(four_fleets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    result = run(app, ["export-log", str(four_fleets), str(folder)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def altered(exported, tmp_path):
    """The log, changed."""

    def alter(change) -> object:
        change(pl.read_parquet(exported / "log.parquet")).write_parquet(tmp_path / "log.parquet")
        (tmp_path / "day.toml").write_bytes((exported / "day.toml").read_bytes())
        return tmp_path

    return alter


def played(folder, spool):
    day = read_day(folder)
    kept = DayRun(day.log, fleet_settings(day.fleets, None), Spool(spool), batch=777)
    report = run_loop(kept)
    return kept.spool.digest(), report, day


def test_the_log_gives_the_digest_of_the_tables(four_fleets, exported, tmp_path):
    tables, from_tables, day = played(four_fleets, tmp_path / "tables")
    log, from_log, recorded = played(exported, tmp_path / "log")
    assert log == tables
    assert recorded.fleets == day.fleets
    assert (from_log.pings, from_log.kept_late, from_log.refused) == (from_tables.pings, from_tables.kept_late, from_tables.refused)
    assert len(recorded.log) == len(day.log)


def test_a_log_is_scored_by_the_command(exported):
    result = run(app, ["score", str(exported), "--engine", "loop", "--quiet"])
    assert result.exit_code == 0, result.output
    assert "entries received" in result.output


def test_a_log_of_some_fleets_and_its_span_are_those_of_the_tables(four_fleets, exported):
    log, line = read_day(exported).log, read_day(four_fleets).log
    assert log.span_us() == line.span_us()
    found = [batch for stretch in log.stretches(JudgePolicy(), 500, ["f02"]) for batch in stretch]
    assert {batch.fleet_id for batch in found} == {"f02"}
    assert sum(map(len, found)) == pl.read_parquet(exported / "log.parquet").filter(pl.col("fleet_id") == "f02").height


def spoil(frame: pl.DataFrame) -> pl.DataFrame:
    """Six payloads of fleet f01 are lost in different ways."""
    f01 = frame.with_row_index().filter(pl.col("fleet_id") == "f01")
    pings = f01.filter(pl.col("type") == "ping")["index"].to_list()
    ticks = f01.filter(pl.col("type") == "tick")["index"].to_list()
    payload = frame["payload"].to_list()
    payload[pings[3]], payload[pings[5]], payload[ticks[2]] = b"", b'{"type":"ping"', b"\xff\xfe"
    payload[pings[7]] = payload[pings[7]].replace(b'"f01"', b'"f02"')
    payload[ticks[4]] = payload[ticks[4]].replace(b'"f01"', b'"f09"')
    payload[pings[9]] = b'{"type":"ping","fleet_id":"f01","vehicle_id":"f01-v001","at":0,"lat":1.0,"lon":1.0}'
    return frame.with_columns(payload=pl.Series(payload, dtype=pl.Binary))


def test_payloads_that_are_no_messages_are_dead_letters_of_their_fleet(altered, exported, tmp_path):
    folder = altered(spoil)
    out = tmp_path / "out"
    score = score_folder(folder, out, ScoreOptions("loop"))
    assert score.accounting.received == pl.read_parquet(exported / "log.parquet").height
    expected = {"empty": 1, "bad_json": 2, "ts_range": 1, "wrong_partition": 2}
    assert {reason: count for reason, count in score.accounting.refused.items() if reason != "duplicate"} == expected
    refused = pl.read_parquet(out / "refused.parquet").filter(pl.col("reason").is_in(list(expected)))
    assert refused["fleet_id"].unique().to_list() == ["f01"]
    assert refused.filter(pl.col("reason") == "wrong_partition")["type"].sort().to_list() == ["ping", "tick"]
    assert {b"\xff\xfe", b'{"type":"ping"'} <= set(refused["head"].to_list())


@pytest.mark.parametrize("column", COLUMNS)
def test_a_log_that_lacks_a_column_says_which(altered, column):
    with pytest.raises(BadDay, match=f"is no log: {column} is not there"):
        read_day(altered(lambda log: log.drop(column)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda log: log.cast({"position": pl.String}), "position is String"),
        (lambda log: log.cast({"received_at": pl.Int64}), "received_at is Int64"),
        (lambda log: log.with_columns(fleet_id=pl.lit("../up")), r"no log of fleet '\.\./up'"),
        (lambda log: log.with_columns(fleet_id=pl.when(pl.col("fleet_id") != "f02").then("fleet_id")), "no log of fleet None"),
        (lambda log: log.reverse(), "positions do not rise"),
        (lambda log: pl.concat([log, log.tail(1)]), "positions do not rise"),
        (lambda log: log.with_columns(payload=pl.when(pl.col("position") != 5).then("payload")), "a payload is missing"),
    ],
    ids=["words", "numbers", "path", "nobody", "backwards", "twice", "nothing"],
)
def test_a_log_that_is_none_is_refused_in_words(altered, change, words):
    with pytest.raises(BadDay, match=words):
        read_day(altered(change))


def test_fleets_that_nobody_described_and_a_log_without_entries_can_be_read(exported, tmp_path):
    pl.read_parquet(exported / "log.parquet").write_parquet(tmp_path / "log.parquet")
    zones = read_log([tmp_path / "log.parquet"], {"f09": "Asia/Tokyo"}, "x").fleets
    assert zones == {"f01": "UTC", "f02": "UTC", "f03": "UTC", "f04": "UTC", "f09": "Asia/Tokyo"}
    pl.DataFrame(schema=COLUMNS).write_parquet(tmp_path / "log.parquet")
    log = read_day(tmp_path).log
    assert (len(log), log.span_us(), list(log.stretches(JudgePolicy(), 10))) == (0, (0, 0), [])
    assert score_folder(tmp_path, None, ScoreOptions("loop")).accounting.received == 0


def test_a_day_that_is_no_day_is_not_exported(tmp_path, exported):
    for folder, words in ((tmp_path / "nowhere", "there is no folder"), (exported, "holds a log.parquet already")):
        result = run(app, ["export-log", str(folder), str(tmp_path / "out")])
        assert (result.exit_code, words in result.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_log_keeps_microseconds(exported, four_fleets):
    log = pl.read_parquet(exported / "log.parquet")
    assert log.schema == pl.Schema(COLUMNS)
    assert log["received_at"].is_sorted()
    assert log["received_at"].max() - log["received_at"].min() > timedelta(minutes=40)
    assert set(log["type"]) > {"ping", "tick", "route_published", "route_started", "vehicle_put", "fence_put"}
