"""What a folder of tables may leave out, what it may hold, and what it must not."""

import json
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.day_errors import BadDay
from replay.day_folder import read_folder
from replay.day_tables import DayIds, clean_id, day_ids
from replay.read_day import read_day
from replay.score import ScoreOptions, score_folder
from stream.codec import Rejected
from stream.messages import FencePut, RoutePublished, RouteStarted, StopFailed, VehiclePut
from stream.texts import is_id

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def pings(**more: object) -> pl.DataFrame:
    """Ten fixes, a minute apart, of one vehicle going north."""
    columns = {"vehicle_id": "bus 1", "ts": [START + i * MINUTE for i in range(10)], "lat": [42 + i / 100 for i in range(10)], "lon": -78.0}
    return pl.DataFrame({**columns, **more})


def routes(**more: object) -> pl.DataFrame:
    """A route of three stops."""
    stops = {"stop_id": ["s/1", "s 1", "s_1"], "seq": [1, 2, 3], "lat": [42.03, 42.06, 42.09], "lon": -78.0}
    return pl.DataFrame({"route_id": "r#1", "vehicle_id": "bus 1", **stops, "published_at": START - 5 * MINUTE, "radius_m": 60.0, **more})


def statuses(**more: object) -> pl.DataFrame:
    rows = {"at": [START, START + 9 * MINUTE], "type": ["route_started", "stop_failed"], "route_id": "r#1", "vehicle_id": "bus 1"}
    return pl.DataFrame({**rows, "stop_id": [None, "s 1"], "reason": [None, "nobody home"], **more})


@pytest.fixture
def write(tmp_path):
    """Write tables into a folder called `day`."""

    def write(**tables: pl.DataFrame):
        folder = tmp_path / "day"
        folder.mkdir(exist_ok=True)
        for name, frame in tables.items():
            frame.write_parquet(folder / f"{name}.parquet")
        return folder

    return write


def messages(folder, kind: type):
    return [said.message for said in read_folder(folder).said if isinstance(said.message, kind)]


def test_pings_alone_are_a_day_of_one_fleet_named_after_the_folder(write):
    score = score_folder(write(pings=pings()), None, ScoreOptions("loop"))
    day = read_folder(write())
    assert day.fleets == {"day": "UTC"}
    assert day.pings["received_at"].equals(day.pings["ts"], check_names=False)
    assert (score.accounting.received, score.accounting.refused) == (10 + 55, {})


def test_plans_and_statuses_without_a_receipt_came_when_they_were_known(write):
    day = read_folder(write(pings=pings(), routes=routes(), statuses=statuses()))
    came = {type(said.message): said.received_us for said in day.said}
    first_us = round(START.timestamp() * 1e6)
    assert came == {RoutePublished: first_us - 300_000_000, RouteStarted: first_us, StopFailed: first_us + 540_000_000}


def test_a_receipt_that_is_missing_here_and_there_is_filled_in(write):
    late = [None if i in {0, 4} else START + i * MINUTE + timedelta(seconds=5) for i in range(10)]
    ts = [START + i * MINUTE if i != 7 else None for i in range(10)]
    received = read_folder(write(pings=pings(received_at=late, ts=ts))).pings["received_at"].to_list()
    assert received[0] == START
    assert received[4] == START + 4 * MINUTE
    assert received[7] == START + 7 * MINUTE + timedelta(seconds=5)


def test_ids_that_would_be_refused_are_renamed_alike_in_every_table_and_told(write):
    day = read_folder(write(pings=pings(), routes=routes(), statuses=statuses()))
    plan, _, failed = (said.message for said in day.said)
    assert day.pings["vehicle_id"].unique().to_list() == [plan.vehicle_id] == ["bus_1"]
    assert plan.route_id == failed.route_id == "r_1"
    assert failed.stop_id == plan.stops[1].stop_id
    assert "1 vehicle_id values are not what an id may be: 'bus 1' is read as 'bus_1'" in day.notes
    assert sum("values are not what an id may be" in note for note in day.notes) == 3


def test_two_ids_never_become_one(write):
    (plan,) = messages(write(pings=pings(), routes=routes()), RoutePublished)
    assert [stop.stop_id for stop in plan.stops] == ["s_1-3", "s_1-2", "s_1"]


@given(st.sets(st.text(max_size=70) | st.text("a/ _", max_size=4), max_size=30))
def test_every_id_gets_a_good_name_of_its_own_and_good_ones_keep_theirs(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("ids")
    pings(vehicle_id="v").with_columns(vehicle_id=pl.lit(None, pl.String)).clear().write_parquet(folder / "pings.parquet")
    ids = day_ids(folder, texts)
    names = {text: ids.of("fleet_id", text) for text in texts}
    assert len(set(names.values())) == len(texts)
    assert all(is_id(name) for name in names.values())
    assert all(names[text] == text for text in texts if is_id(text))


def test_many_ids_in_a_foreign_alphabet_stay_apart(tmp_path):
    texts = [f"{chr(0x4E00 + i)}{chr(0x5E00 + i % 7)}" for i in range(9_000)]
    ids = day_ids(tmp_path, texts)
    assert len({ids.of("fleet_id", text) for text in texts}) == len(texts)


def test_a_clean_id_is_an_id_whatever_the_text():
    assert [clean_id(text) for text in ("v-1", "", "-1", "é", "a" * 99)] == ["v-1", "x", "x-1", "x_", "a" * 64]
    assert DayIds({}).of("stop_id", "s 1") == "s 1"


def test_a_fleet_on_every_row_needs_no_other_fleet(write):
    spoken = statuses(fleet_id=["b", None], vehicle_id="bus 1")
    folder = write(pings=pings(fleet_id=["b"] * 5 + ["a"] * 5), routes=routes(fleet_id="b"))
    assert list(read_folder(folder).fleets) == ["a", "b"]
    folder = write(statuses=spoken)
    day = read_folder(folder)
    assert list(day.fleets) == ["day", "a", "b"]
    assert [said.fleet_id for said in day.said] == ["b", "b", "day"]


def test_a_fleet_that_only_plans_is_a_fleet_too(write):
    folder = write(pings=pings(), routes=routes(fleet_id="planner"))
    assert list(read_folder(folder).fleets) == ["day", "planner"]
    assert len(read_day(folder).log.fleet_ids) == 2


def test_time_zones_come_from_the_description(write):
    folder = write(pings=pings(fleet_id=["b x"] * 5 + ["c"] * 5))
    (folder / "day.toml").write_text('[[fleets]]\nfleet_id = "a"\n[[fleets]]\nfleet_id = "b x"\ntime_zone = "Asia/Tokyo"\n')
    assert read_folder(folder).fleets == {"a": "UTC", "b_x": "Asia/Tokyo", "c": "UTC"}


def test_a_vehicle_is_known_from_the_start_whenever_its_shift_begins(write):
    facts = pl.DataFrame(
        {"vehicle_id": ["bus 1", "7"], "driver_id": ["Ann B", None], "shift_start": [START + 30 * MINUTE, None], "capacity": 40}
    )
    folder = write(pings=pings(), vehicles=facts)
    first, second = messages(folder, VehiclePut)
    assert (first.vehicle_id, first.driver_id, first.shift_start, first.capacity) == ("bus_1", "Ann_B", START + 30 * MINUTE, 40.0)
    assert (second.vehicle_id, second.shift_start) == ("7", None)
    assert score_folder(folder, None, ScoreOptions("loop")).accounting.refused == {}


def square(west: float, fleet_id: str | None = None, **more: object) -> dict:
    ring = [[west, 42.0], [west + 0.01, 42.0], [west + 0.01, 42.01], [west, 42.01], [west, 42.0]]
    named = {} if fleet_id is None else {"fleet_id": fleet_id}
    return {"type": "Feature", "properties": named, "geometry": {"type": "Polygon", "coordinates": [ring]}, **more}


def test_a_fence_is_for_the_fleet_that_it_names_else_for_all(write):
    folder = write(pings=pings(fleet_id=["a"] * 5 + ["b c"] * 5))
    features = [
        square(1, "a", id="yard"),
        square(2, id="town"),
        square(3, "b c", id="yard"),
        square(4, "gone"),
        {**square(5), "geometry": None},
    ]
    (folder / "fences.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    day = read_folder(folder)
    puts = {(said.fleet_id, said.message.fence_id): said.message for said in day.said if isinstance(said.message, FencePut)}
    assert set(puts) == {("a", "yard"), ("a", "town"), ("b_c", "yard"), ("b_c", "town")}
    assert puts["b_c", "yard"].geometry["coordinates"][0][0] == [3.0, 42.0]
    assert "1 fences are for 'gone', which is no fleet of this day" in day.notes
    assert sum(note.startswith("fence ") for note in day.notes) == 2


@pytest.mark.parametrize("text", ["[]", '{"type": "FeatureCollection"}', "7", '{"type": "FeatureCollection", "features": 3}'])
def test_fences_that_are_no_collection_are_a_bad_day(write, text):
    (write(pings=pings()) / "fences.geojson").write_text(text)
    with pytest.raises(BadDay, match="FeatureCollection"):
        read_day(write())


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"statuses": statuses(type=["route_started", "lunch"])}, "statuses.parquet holds the type 'lunch', which is no status"),
        ({"statuses": statuses(type=["route_started", None])}, "holds the type None"),
        ({"pings": pings().drop("lat", "ts")}, "pings.parquet lacks the columns ts, lat"),
        ({"routes": routes().drop("seq")}, "routes.parquet lacks the column seq"),
        ({"statuses": statuses().drop("at")}, "statuses.parquet lacks the column at"),
        ({"pings": pings(ts=1_700_000_000)}, "pings.parquet: the column ts holds Int32, and no times"),
        ({"pings": pings(lat="north")}, "cannot be read as a recorded day"),
    ],
    ids=["unknown", "null", "columns", "column", "when", "numbers", "words"],
)
def test_what_is_wrong_with_a_table_is_said(write, tables, words):
    with pytest.raises(BadDay, match=words):
        read_day(write(**{"pings": pings(), **tables}))


@pytest.mark.parametrize(("unit", "zone"), [("us", None), ("ms", "UTC"), ("ns", "America/New_York")])
def test_times_are_utc_whatever_unit_and_zone_they_are_written_in_and_wherever_this_runs(write, unit, zone, monkeypatch):
    def kept(frame: pl.DataFrame) -> pl.DataFrame:
        times = pl.selectors.datetime()
        return frame.with_columns(times.dt.convert_time_zone(zone) if zone else times.dt.replace_time_zone(None)).cast(
            {times: pl.Datetime(unit, zone)}
        )

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        day = read_folder(write(pings=kept(pings()), routes=kept(routes(window_end=START)), statuses=kept(statuses())))
    finally:
        monkeypatch.undo()
        time.tzset()
    plan, started, _ = day.said
    assert day.pings["ts"].to_list() == pings()["ts"].to_list()
    assert (plan.message.at, plan.message.stops[0].window_end, started.message.at) == (START - 5 * MINUTE, START, START)


def test_a_row_that_is_no_message_does_not_stop_the_day(write):
    spoken = statuses(route_id=["r#1", None])
    plan = routes(lat=[42.03, None, 42.09])
    folder = write(pings=pings(lat=[None, 95.0, float("nan"), *[42.0] * 7]), routes=plan, statuses=spoken)
    assert [said.message.reason for said in read_folder(folder).said if isinstance(said.message, Rejected)] == [
        "missing_field",
        "missing_field",
    ]
    accounting = score_folder(folder, None, ScoreOptions("loop")).accounting
    assert accounting.refused == {"lat_range": 1, "missing_field": 2, "not_finite": 2, "unknown_route": 1}
