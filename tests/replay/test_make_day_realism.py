"""A made day is realistic: what dispatchers, drivers and devices do wrong is in it, in about the share in which they do."""

import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from replay.make_day.city import M_PER_DEG
from replay.make_day.day import MadeDay, breaks_down, make_day
from replay.make_day.parameters import FROZEN

TABLES = ("pings", "routes", "statuses", "vehicles", "arrivals")
DAY_SEED = 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MadeDay]:
    folder = tmp_path_factory.mktemp("day")
    return folder, make_day(folder, DAY_SEED, fleets=1, vehicles=25)


@pytest.fixture(scope="module")
def day(made: tuple[Path, MadeDay]) -> dict[str, pl.DataFrame]:
    return read(made[0])


@pytest.fixture(scope="module")
def visits(day: dict[str, pl.DataFrame]) -> pl.DataFrame:
    joined = day["routes"].join(day["arrivals"], on=["fleet_id", "route_id", "stop_id", "seq"], validate="1:1")
    return joined.sort("route_id", "seq")


def read(folder: Path) -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def seconds(column: pl.Series) -> NDArray[np.float64]:
    return column.drop_nulls().dt.total_microseconds().to_numpy().astype(np.float64) / 1e6


def share(column: pl.Series) -> float:
    return float(np.mean(column.to_numpy()))


def test_the_day_lies_between_early_morning_and_evening_where_it_happens(made: tuple[Path, MadeDay], day: dict[str, pl.DataFrame]) -> None:
    zone = tomllib.loads((made[0] / "day.toml").read_text(encoding="utf-8"))["fleets"][0]["time_zone"]
    hours = day["pings"]["ts"].dt.convert_time_zone(zone).dt.hour()
    assert 5 <= int(hours.to_numpy().min()) <= 7
    assert 15 <= int(hours.to_numpy().max()) <= 20


def test_routes_have_20_to_60_stops_and_end_at_the_depot(visits: pl.DataFrame) -> None:
    for (_,), route in visits.group_by(["route_id"], maintain_order=True):
        assert 20 <= route.height <= 60
        assert route["seq"].to_list() == list(range(route.height))
        assert route["kind"].to_list().count("hub") == 1
        assert route["kind"][-1] == "hub"
        assert route["planned_arrival"].is_sorted()
    assert set(visits["kind"]) == {"pickup", "delivery", "hub", "break"}


def test_windows_hold_the_plan_and_most_but_not_all_stops_have_one(visits: pl.DataFrame) -> None:
    customers = visits.filter(pl.col("kind").is_in(["pickup", "delivery"]))
    assert 0.5 < share(customers["window_start"].is_not_null()) < 0.7
    assert 0.1 < share(customers["window_end"].is_null()) < 0.3
    windowed = customers.drop_nulls("window_start")
    length_h = seconds(windowed["window_end"] - windowed["window_start"]) / 3600
    assert set(length_h) <= set(FROZEN.plan.window_h)
    assert (windowed["planned_arrival"] < windowed["window_end"]).all()
    assert 0.0 < share(windowed["planned_arrival"] < windowed["window_start"]) < 0.15


def test_a_realistic_share_of_the_windowed_visits_is_late(tmp_path: Path) -> None:
    make_day(tmp_path, 31, fleets=3, vehicles=16)
    day = read(tmp_path)
    visits = day["routes"].join(day["arrivals"], on=["route_id", "stop_id", "seq"]).drop_nulls(["window_start", "arrived_at"])
    assert 0.02 < share(visits["arrived_at"] > visits["window_end"]) < 0.12


def test_some_stops_fail_and_for_a_reason(visits: pl.DataFrame, day: dict[str, pl.DataFrame]) -> None:
    assert 0.01 < share(visits["outcome"] == "failed") < 0.06
    failed = day["statuses"].filter(pl.col("type") == "stop_failed")
    assert failed.height == (visits["outcome"] == "failed").sum()
    assert failed["reason"].null_count() == 0


def test_one_vehicle_breaks_down_and_its_later_stops_are_never_reached(visits: pl.DataFrame, day: dict[str, pl.DataFrame]) -> None:
    (down,) = day["statuses"].filter(pl.col("type") == "vehicle_down").to_dicts()
    route = visits.filter(pl.col("route_id") == down["route_id"])
    reached = route["arrived_at"].is_not_null().to_list()
    assert 0 < sum(reached) < len(reached)
    assert reached == sorted(reached, reverse=True)
    assert visits.filter(pl.col("outcome") == "missed")["route_id"].unique().to_list() == [down["route_id"]]
    pings = day["pings"].filter(pl.col("vehicle_id") == down["vehicle_id"])
    assert pings.filter(pl.col("ts") > down["at"])["speed_mps"].to_numpy().max() < 2.0


@given(seed=st.integers(0, 10_000))
def test_any_day_of_eight_vehicles_or_more_has_a_breakdown(seed: int) -> None:
    assert sum(breaks_down(seed, number, FROZEN) for number in range(8)) == 1
    assert sum(breaks_down(seed, number, FROZEN) for number in range(100)) == 4


def test_same_buildings_and_stops_visited_twice_occur(visits: pl.DataFrame) -> None:
    twice = visits.group_by("route_id", "stop_id").len().filter(pl.col("len") == 2)
    assert twice.height >= 1
    north = (pl.col("lat").diff().over("route_id") * M_PER_DEG) ** 2
    east = (pl.col("lon").diff().over("route_id") * M_PER_DEG * pl.col("lat").radians().cos()) ** 2
    apart = visits.with_columns((north + east).sqrt().alias("apart_m"), (pl.col("stop_id") != pl.col("stop_id").shift()).alias("other"))
    assert apart.filter((pl.col("apart_m") < 15) & pl.col("other")).height >= 5


def test_arrivals_rise_along_the_route_and_departures_lie_between_them(visits: pl.DataFrame) -> None:
    reached = visits.drop_nulls("arrived_at")
    steps = reached.select(
        pl.col("arrived_at").diff().over("route_id").alias("step"),
        (pl.col("arrived_at") - pl.col("departed_at").shift().over("route_id")).alias("drive"),
        (pl.col("departed_at") - pl.col("served_at")).alias("stay"),
        (pl.col("served_at") - pl.col("arrived_at")).alias("before"),
    )
    assert (seconds(steps["step"]) > 0).all()
    for name in ("drive", "stay", "before"):
        assert (seconds(steps[name]) >= 0).all(), name
    assert reached["trusted"].all()


def test_hard_windows_are_waited_for_and_soft_ones_not(visits: pl.DataFrame) -> None:
    early = visits.drop_nulls(["window_start", "arrived_at"]).filter(pl.col("arrived_at") < pl.col("window_start") - pl.duration(minutes=2))
    waited = (early["served_at"] == early["window_start"]).sum()
    assert 0 < waited < early.height
    assert early.filter(pl.col("served_at") > pl.col("window_start")).height == 0


def test_fixes_repeat_come_late_and_stay_away(day: dict[str, pl.DataFrame]) -> None:
    pings = day["pings"]
    fixes = pings.unique(["vehicle_id", "ts"]).sort("vehicle_id", "ts")
    assert 0.005 < 1 - fixes.height / pings.height < 0.02
    newest = pings.with_columns(pl.col("ts").cum_max().over("vehicle_id").alias("newest"))
    assert 0.01 < share(newest["ts"] < newest["newest"]) < 0.06
    delays = seconds(pings["received_at"] - pings["ts"])
    assert delays.min() >= 0.5
    assert 120 < np.quantile(delays, 0.999) < 900
    steps = seconds(fixes.select(pl.col("ts").diff().over("vehicle_id"))["ts"])
    assert 5 <= np.median(steps) <= 15
    assert 3 <= (steps > 115).sum() <= 40


def test_every_vehicle_is_seen_at_the_depot_before_it_leaves(day: dict[str, pl.DataFrame]) -> None:
    hub = day["routes"].filter(pl.col("kind") == "hub").row(0, named=True)
    started = day["statuses"].filter(pl.col("type") == "route_started").group_by("vehicle_id").agg(pl.col("at").min())
    before = day["pings"].join(started, on="vehicle_id").filter(pl.col("ts") < pl.col("at") - pl.duration(seconds=15))
    assert before["vehicle_id"].n_unique() == 25
    off_m = np.hypot((before["lat"] - hub["lat"]).to_numpy(), (before["lon"] - hub["lon"]).to_numpy() * np.cos(np.radians(hub["lat"])))
    assert np.quantile(off_m * M_PER_DEG, 0.98) < FROZEN.plan.hub_radius_m


def test_statuses_name_the_visits_of_their_route(day: dict[str, pl.DataFrame]) -> None:
    kinds = {"route_started", "stop_arrived", "stop_completed", "stop_failed", "vehicle_down", "route_ended"}
    assert set(day["statuses"]["type"]) == kinds
    named = day["statuses"].drop_nulls("stop_id")
    assert named.join(day["routes"], on=["route_id", "vehicle_id", "stop_id"], how="anti").height == 0
    for once in ("route_started", "route_ended"):
        assert day["statuses"].filter(pl.col("type") == once)["route_id"].is_unique().all()
        assert day["statuses"].filter(pl.col("type") == once).height == day["routes"]["route_id"].n_unique()
