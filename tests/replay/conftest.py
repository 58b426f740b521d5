"""Stretches as the engine gives them, without the engine; and a morning of a made day, short enough to run in every test that wants to."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from replay.make_day.day import make_day
from stream.apply import Applied
from stream.batches import Refusal
from stream.outputs import ESTIMATE, NamedVisit, Numbered

START_US = 1_700_000_000_000_000


def give(fleet_id: str, first: int, end: int, late: float = 0.25) -> Applied:
    """What entries `first .. end - 1` gave: of each an event, two estimates, a visit and a refusal, a second apart."""
    events = [
        Numbered(START_US + n * 1_000_000, n, "eta_updated", json.dumps({"fleet": fleet_id, "n": n, "text": "one two"}).encode())
        for n in range(first, end)
    ]
    estimates = np.zeros(2 * (end - first), dtype=ESTIMATE)
    estimates["visit"] = np.arange(first, end).repeat(2)
    estimates["made_us"] = START_US + estimates["visit"] * 1_000_000
    for ahead, name in enumerate(("p10_us", "p50_us", "p90_us"), 1):
        estimates[name] = estimates["made_us"] + ahead * 60_000_000
    estimates["p_late"] = np.where(np.arange(len(estimates)) % 2, np.nan, late)
    visits = [NamedVisit(n, f"{fleet_id}-v", f"{fleet_id}-r", f"{fleet_id}-r:{n}", f"s{n}", n) for n in range(first, end)]
    refusals = [Refusal(10 * n, START_US, "duplicate", "ping", "v", b"\xff\x00 head") for n in range(first, end)]
    return Applied(fleet_id, 10 * (end - 1), START_US + end * 1_000_000, 10 * (end - first), events, 2 * first, estimates, visits, refusals)


@pytest.fixture(scope="session")
def given() -> Callable[..., Applied]:
    return give


@pytest.fixture(scope="session")
def morning(tmp_path_factory) -> Path:
    """The first one and a half hours of a made day of three vehicles, truth included."""
    folder = tmp_path_factory.mktemp("days") / "morning"
    make_day(folder, seed=3, fleets=1, vehicles=3)
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("pings", "statuses", "arrivals")}
    end = tables["pings"]["received_at"].min() + timedelta(hours=1.5)
    for name, moment in (("pings", "received_at"), ("statuses", "received_at"), ("arrivals", "arrived_at")):
        tables[name].filter(pl.col(moment) < end).write_parquet(folder / f"{name}.parquet")
    return folder


def make_short_day(folder: Path, seed: int, fleets: int, vehicles: int, hours: float) -> Path:
    """The first hours of a made day; all fleets are moved to the time of the first, so that they are on the road together."""
    make_day(folder, seed=seed, fleets=fleets, vehicles=vehicles)
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("pings", "routes", "statuses", "vehicles", "arrivals")}
    starts = tables["pings"].group_by("fleet_id").agg(pl.col("received_at").min().alias("start"))
    ahead = starts.select("fleet_id", ahead=pl.col("start") - pl.col("start").min())
    end = starts["start"].min() + timedelta(hours=hours)
    came = {"pings": "received_at", "statuses": "received_at", "arrivals": "arrived_at"}
    for name, table in tables.items():
        times = [column for column, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
        moved = table.join(ahead, on="fleet_id", maintain_order="left").with_columns(pl.col(times) - pl.col("ahead")).drop("ahead")
        moved.filter(pl.col(came[name]) < end if name in came else True).write_parquet(folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="session")
def short_day() -> Callable[..., Path]:
    return make_short_day


@pytest.fixture(scope="session")
def four_fleets(tmp_path_factory) -> Path:
    """Fifty minutes of four fleets, in shards 9, 3, 5 and 6: the last is in another process than the others where there are two."""
    return make_short_day(tmp_path_factory.mktemp("days") / "four", seed=3, fleets=4, vehicles=1, hours=0.8)
