"""Real days, or the first hours of one: everything is accounted for, and the arrivals are found where and when they happened."""

from collections import Counter
from datetime import datetime, timedelta

import polars as pl
import pytest

from replay.score import ScoreOptions, score_folder

LOOP = ScoreOptions("loop")


def cut_hours(data, folder, start: str, hours: float, vehicles: int):
    """The routes that were started in these hours by so many of the vehicles, with all that belongs to them."""
    first = datetime.fromisoformat(start)
    end = first + timedelta(hours=hours)
    tables = {name: pl.scan_parquet(data / f"{name}.parquet") for name in ("pings", "routes", "statuses", "arrivals")}
    started = pl.col("at").is_between(first, end) & (pl.col("type") == "route_started")
    begun = tables["statuses"].filter(started).select("route_id", "vehicle_id").collect()
    mine = begun["vehicle_id"].unique().sort().head(vehicles).implode()
    routes = begun.filter(pl.col("vehicle_id").is_in(mine))["route_id"].implode()
    wanted = {
        "pings": pl.col("vehicle_id").is_in(mine) & pl.coalesce("received_at", "ts").is_between(first, end),
        "routes": pl.col("route_id").is_in(routes),
        "statuses": pl.col("route_id").is_in(routes) & pl.col("at").is_between(first, end),
        "arrivals": pl.col("route_id").is_in(routes) & (pl.col("arrived_at") < end),
    }
    for name, table in tables.items():
        table.filter(wanted[name]).sink_parquet(folder / f"{name}.parquet")
    return folder


def holds(score):
    """Everything is accounted for, and nothing was refused for a reason that only our own reading could have given."""
    accounting = score.accounting
    assert accounting.received == accounting.applied + sum(accounting.refused.values())
    assert not set(accounting.refused) & {"internal", "bad_id", "bad_type", "missing_field", "unknown_field", "wrong_partition"}
    return score.scorecard.truth.arrivals if score.scorecard.truth else None


@pytest.fixture
def whole_or_not(shared_data):
    """One of the recorded days."""

    def find(name):
        if not (shared_data / name).is_dir():
            pytest.skip(f"no recorded day {shared_data / name}")
        return shared_data / name

    return find


def test_the_van_of_google_is_followed_to_all_its_stops(whole_or_not):
    score = score_folder(whole_or_not("google_lmfs"), None, LOOP)
    arrivals = holds(score)
    assert score.accounting.received > 649
    assert (arrivals.truth, arrivals.found_share, arrivals.extra, arrivals.repeated) == (7, 1.0, 0, 0)


def test_campus_shuttles_are_seen_arriving_within_15_seconds(whole_or_not, tmp_path):
    arrivals = holds(score_folder(cut_hours(whole_or_not("shubble"), tmp_path, "2025-10-30T12:00Z", 3, 12), None, LOOP))
    assert arrivals.truth > 200
    assert arrivals.found_share >= 0.97
    assert arrivals.within_15s_share >= 0.95


def test_city_buses_are_seen_arriving_within_a_minute(whole_or_not, tmp_path):
    arrivals = holds(score_folder(cut_hours(whole_or_not("nfta"), tmp_path, "2020-07-30T15:00Z", 3, 60), None, LOOP))
    assert arrivals.truth > 200
    assert arrivals.found_share >= 0.97
    assert arrivals.within_60s_share >= 0.95


def test_a_feed_that_mostly_repeats_itself_is_accounted_for(whole_or_not, tmp_path):
    pings = pl.read_parquet(whole_or_not("rpi2017_dirty") / "pings.parquet").head(10_000)
    pings.write_parquet(tmp_path / "pings.parquet")
    out = tmp_path / "out"
    score = score_folder(tmp_path, out, LOOP)
    holds(score)
    refused = pl.read_parquet(out / "refused.parquet")
    assert Counter(refused["reason"].to_list()) == score.accounting.refused
    repeats = pings.height - pings.select("vehicle_id", "ts", "lat", "lon").n_unique()
    assert repeats > 5_000
    assert score.accounting.refused["duplicate"] >= 0.98 * repeats
    assert refused["vehicle_id"].str.contains("^[A-Za-z0-9_.:-]+$").all()
    assert any("is read as" in note for note in score.notes)
