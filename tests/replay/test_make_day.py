"""A made day: the same for the same seed, indifferent to other fleets, and complete."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from replay.make_day.day import ImpossibleDay, MadeDay, make_day
from replay.make_day.parameters import FROZEN, REGIONS

TABLES = ("pings", "routes", "statuses", "vehicles", "arrivals")
FILES = ("arrivals.parquet", "day.toml", "fences.geojson", "pings.parquet", "routes.parquet", "statuses.parquet", "vehicles.parquet")
UTC = pl.Datetime("us", "UTC")
DAY_SEED = 2
EXPECTED_DAY = (MadeDay(seed=1, fleets=1, vehicles=3, routes=3, stops=137, pings=8657), "f01-depot", "2026-07-10 04:10")
EXPECTED_FIGURES = "89deaf7fa55375866c8cde900a7f14f796d8de5fdfe498ab68d53f7f6f8cf61d"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MadeDay]:
    folder = tmp_path_factory.mktemp("day")
    return folder, make_day(folder, DAY_SEED, fleets=1, vehicles=25)


@pytest.fixture(scope="module")
def day(made: tuple[Path, MadeDay]) -> dict[str, pl.DataFrame]:
    return read(made[0])


def read(folder: Path) -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = make_day(tmp_path / "a", 7, fleets=2, vehicles=3)
    second = make_day(tmp_path / "b", 7, fleets=2, vehicles=3)
    assert first == second
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_another_seed_gives_another_day(tmp_path: Path) -> None:
    make_day(tmp_path / "a", 7, fleets=1, vehicles=1)
    make_day(tmp_path / "b", 8, fleets=1, vehicles=1)
    for name in ("pings", "routes", "arrivals"):
        one, other = (pl.read_parquet(tmp_path / folder / f"{name}.parquet") for folder in "ab")
        assert not one.equals(other)


def test_another_fleet_leaves_the_rows_of_the_first_as_they_were(tmp_path: Path) -> None:
    make_day(tmp_path / "one", 7, fleets=1, vehicles=3)
    make_day(tmp_path / "two", 7, fleets=2, vehicles=3)
    one, two = read(tmp_path / "one"), read(tmp_path / "two")
    for name in TABLES:
        assert set(two[name]["fleet_id"]) == {"f01", "f02"}
        assert one[name].equals(two[name].filter(pl.col("fleet_id") == "f01")), name


def test_version_1_still_makes_the_day_that_it_made(tmp_path: Path) -> None:
    # Whoever changes this has changed what later figures are measured on: raise MAKER and say so in docs/made-days.md.
    made = make_day(tmp_path, 1, fleets=1, vehicles=3)
    last = pl.read_parquet(tmp_path / "arrivals.parquet").filter(pl.col("arrived_at").is_not_null()).row(-1, named=True)
    assert (made, last["stop_id"], str(last["arrived_at"])[:16]) == EXPECTED_DAY


def test_the_figures_of_version_1_are_frozen() -> None:
    assert FROZEN.version == "1"
    assert sha256(repr((FROZEN, REGIONS)).encode()).hexdigest() == EXPECTED_FIGURES


def test_every_figure_is_in_the_docs_with_its_value_unit_and_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "made-days.md").read_text(encoding="utf-8")
    for name, value, unit, why in figures():
        assert f"| `{name}` | {value} | {unit} | {why} |" in page


def figures() -> Iterator[tuple[str, str, str, str]]:
    for group in fields(FROZEN):
        held = getattr(FROZEN, group.name)
        if is_dataclass(held):
            for one in fields(held):
                value = str(getattr(held, one.name)).strip("()").rstrip(",")
                yield f"{group.name}.{one.name}", value, one.metadata["unit"], one.metadata["why"]


@pytest.mark.parametrize(
    ("seed", "fleets", "vehicles", "word"), [(-1, 1, 1, "seed"), (1, 0, 1, "fleets"), (1, 1, 0, "vehicles"), (1, 1, 1000, "vehicles")]
)
def test_an_impossible_day_is_refused_by_name(tmp_path: Path, seed: int, fleets: int, vehicles: int, word: str) -> None:
    with pytest.raises(ImpossibleDay, match=word):
        make_day(tmp_path, seed, fleets, vehicles)
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(tmp_path: Path) -> None:
    shares: list[float] = []
    make_day(tmp_path, 3, fleets=1, vehicles=2, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_tables_have_their_columns(day: dict[str, pl.DataFrame]) -> None:
    words, number, whole = pl.String(), pl.Float64(), pl.Int64()
    columns: dict[str, dict[str, pl.DataType]] = {
        "pings": dict.fromkeys(("fleet_id", "vehicle_id"), words)
        | dict.fromkeys(("ts", "received_at"), UTC)
        | dict.fromkeys(("lat", "lon", "speed_mps", "heading", "accuracy_m"), number),
        "routes": {"fleet_id": words, "route_id": words, "vehicle_id": words, "seq": whole, "stop_id": words, "lat": number, "lon": number}
        | {"kind": words, "planned_arrival": UTC, "window_start": UTC, "window_end": UTC, "service_s": number, "priority": whole}
        | {"load": number, "order_ref": words, "customer_ref": words, "published_at": UTC, "radius_m": number},
        "statuses": {"fleet_id": words, "at": UTC, "received_at": UTC, "type": words, "route_id": words, "vehicle_id": words}
        | {"stop_id": words, "reason": words},
        "vehicles": {"fleet_id": words, "vehicle_id": words, "driver_id": words, "capacity": number, "skills": pl.List(pl.String())}
        | {"shift_start": UTC, "shift_end": UTC},
        "arrivals": {"fleet_id": words, "route_id": words, "stop_id": words, "seq": whole}
        | {"arrived_at": UTC, "departed_at": UTC, "served_at": UTC, "outcome": words, "trusted": pl.Boolean()},
    }
    for name, schema in columns.items():
        assert dict(day[name].schema) == schema, name


def test_the_counts_are_those_of_the_files(made: tuple[Path, MadeDay], day: dict[str, pl.DataFrame]) -> None:
    counts = (day["routes"]["route_id"].n_unique(), day["routes"].height, day["pings"].height)
    assert made[1] == MadeDay(DAY_SEED, 1, 25, *counts)
    assert day["vehicles"].height == day["vehicles"]["vehicle_id"].n_unique() == 25


def test_pings_and_statuses_come_in_the_order_of_their_receipt(day: dict[str, pl.DataFrame]) -> None:
    keys = ["received_at", "fleet_id", "vehicle_id", "ts"]
    assert day["pings"].select(keys).equals(day["pings"].select(keys).sort(keys))
    assert day["statuses"]["received_at"].is_sorted()
    for name, at in (("pings", "ts"), ("statuses", "at")):
        assert (day[name]["received_at"] >= day[name][at]).all()


def test_the_description_names_zone_and_depot_and_the_fences_hold_it(made: tuple[Path, MadeDay], day: dict[str, pl.DataFrame]) -> None:
    described = tomllib.loads((made[0] / "day.toml").read_text(encoding="utf-8"))
    assert (described["seed"], described["parameters_version"]) == (DAY_SEED, FROZEN.version)
    (fleet,) = described["fleets"]
    assert fleet["time_zone"] in {region.time_zone for region in REGIONS}
    hub = day["routes"].filter(pl.col("kind") == "hub").row(0, named=True)
    assert (fleet["depot_lat"], fleet["depot_lon"]) == (hub["lat"], hub["lon"])
    features = json.loads((made[0] / "fences.geojson").read_text(encoding="utf-8"))["features"]
    assert len({feature["id"] for feature in features}) == len(features) == 1 + FROZEN.city.zone_fences
    ring = np.array(features[0]["geometry"]["coordinates"][0])
    assert features[0]["properties"]["kind"] == "depot"
    assert ring[:, 0].min() < hub["lon"] < ring[:, 0].max()
    assert ring[:, 1].min() < hub["lat"] < ring[:, 1].max()
