"""The questions of a day: against a plain loop, and against the kept questions of the recorded sets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.scorecard import answers as answering
from replay.scorecard.answers import find_newest
from replay.scorecard.day import DayTables, list_visits
from replay.scorecard.questions import HORIZON_S, STOPS_AHEAD, ask, find_fixes

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
START = datetime(2024, 3, 1, 8, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def times(seconds) -> pl.Series:
    return pl.Series([None if s is None else START + timedelta(seconds=s) for s in seconds], dtype=INSTANT)


second = st.integers(0, 3000)
a_route = st.tuples(st.integers(0, 1), second, st.lists(st.none() | second, min_size=1, max_size=12))


def a_day(routes, pings) -> DayTables:
    """Routes of (vehicle, start, arrival or None by stop), pings of (vehicle, second)."""
    stops = [(r, f"v{v}", n, a) for r, (v, _, arrived) in enumerate(routes) for n, a in enumerate(arrived)]
    plan = pl.DataFrame({"route_id": [f"r{s[0]}" for s in stops], "vehicle_id": [s[1] for s in stops], "seq": [s[2] for s in stops]})
    return DayTables(
        pings=pl.DataFrame({"vehicle_id": [f"v{v}" for v, _ in pings], "lat": 0.0, "lon": 0.0}).with_columns(ts=times(t for _, t in pings)),
        routes=plan.with_columns(lat=0.0, lon=0.0, planned_arrival=times([None] * len(stops)), window_end=times([None] * len(stops))),
        statuses=pl.DataFrame(
            {"type": "route_started", "route_id": [f"r{r}" for r in range(len(routes))], "vehicle_id": [f"v{v}" for v, _, _ in routes]}
        ).with_columns(at=times(start for _, start, _ in routes)),
        arrivals=plan.select("route_id", "seq").with_columns(arrived_at=times(s[3] for s in stops)),
    )


def asked_by_loop(routes, pings) -> list[tuple[int, int, int]]:
    """What the protocol counts, said plainly: (second, route, stop) of the last two thirds in time order."""
    rows = []
    for vehicle, now in sorted(pings, key=lambda ping: ping[1]):
        begun = [(start, r) for r, (v, start, _) in enumerate(routes) if v == vehicle and start <= now]
        if not begun:
            continue
        latest = max(start for start, _ in begun)
        route = max(r for start, r in begun if start == latest)
        arrived = routes[route][2]
        known = [a for a in arrived if a is not None]
        if not known or now >= max(known) or min(known) > now:
            continue
        behind = {n: max((a for a in arrived[:n] if a is not None), default=-1) for n in range(len(arrived))}
        order = sorted(range(len(arrived)), key=lambda n: (behind[n] if arrived[n] is None else arrived[n], n))
        last = max(place for place, n in enumerate(order) if arrived[n] is not None and arrived[n] <= now)
        ahead = order[last + 1 : last + 1 + STOPS_AHEAD]
        rows += [(now, route, n) for n in ahead if arrived[n] is not None and arrived[n] - now <= HORIZON_S]
    return rows[len(rows) // 3 :]


@settings(max_examples=150, deadline=None)
@given(st.lists(a_route, min_size=1, max_size=4), st.lists(st.tuples(st.integers(0, 1), second), min_size=1, max_size=12, unique=True))
def test_questions_are_those_of_a_plain_loop(routes, pings):
    pings = list({t: (v, t) for v, t in pings}.values())  # two vehicles heard in one second could be asked in either order
    day = a_day(routes, pings)
    visits = list_visits(day.routes, day.arrivals)
    questions = ask(find_fixes(day, visits), visits)
    counted = np.flatnonzero(questions.counted)
    keys = visits.keys[questions.visit[counted]]
    now = np.round(questions.ts_s[counted] - START.timestamp()).astype(int).tolist()
    found = list(zip(now, [int(r[1:]) for r in keys["route_id"]], keys["seq"].to_list(), strict=True))
    assert found == asked_by_loop(routes, pings)
    assert (questions.hop[counted] <= STOPS_AHEAD).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2000)), max_size=25), st.integers(1, 4))
def test_the_newest_answer_does_not_depend_on_how_the_work_is_sliced(made, slice_rows):
    day = a_day([(0, 0, [0, 300, 600, 900, 1200, 1500])], [(0, t) for t in range(10, 1500, 170)])
    visits = list_visits(day.routes, day.arrivals)
    questions = ask(find_fixes(day, visits), visits)
    predictions = pl.DataFrame(
        {"route_id": "r0", "seq": [n for n, _ in made]}, schema={"route_id": pl.String, "seq": pl.Int32}
    ).with_columns(made_at=times(t for _, t in made))
    usual = answering.SLICE_ROWS
    answering.SLICE_ROWS = slice_rows
    try:
        found = find_newest(questions.visit, questions.asked_s, predictions, visits, []).tolist()
    finally:
        answering.SLICE_ROWS = usual
    asked = [round(s - START.timestamp()) for s in questions.asked_s]
    seq = visits.keys["seq"].to_numpy()[questions.visit].tolist()
    expected = []
    for now, stop in zip(asked, seq, strict=True):
        usable = [(t, row) for row, (n, t) in enumerate(made) if n == stop and t <= now]
        expected.append(max(usable)[1] if usable else -1)
    assert found == expected


def test_a_stop_passed_over_and_reached_later_is_asked_about_until_it_is_reached():
    day = a_day([(0, 0, [0, 900, 300, 600, 1200])], [(0, t) for t in (100, 400, 700, 1000)])
    visits = list_visits(day.routes, day.arrivals)
    questions = ask(find_fixes(day, visits), visits)
    asked = {(round(t - START.timestamp()), int(n)) for t, n in zip(questions.ts_s, visits.seq[questions.visit], strict=True)}
    assert {n for t, n in asked if t == 400} == {3, 1, 4}
    assert {n for t, n in asked if t == 700} == {1, 4}
    assert {n for t, n in asked if t == 1000} == {4}


def test_a_vehicle_that_starts_an_unknown_route_is_asked_nothing():
    day = a_day([(0, 0, [0, 900])], [(0, 100), (0, 300)])
    elsewhere = pl.DataFrame({"type": "route_started", "route_id": ["unplanned"], "vehicle_id": ["v0"]}).with_columns(at=times([200]))
    visits = list_visits(day.routes, day.arrivals)
    both = DayTables(day.pings, day.routes, pl.concat([day.statuses, elsewhere]), day.arrivals)
    assert find_fixes(both, visits).ts_s.tolist() == [START.timestamp() + 100]


@pytest.mark.parametrize("name", ["nfta", "shubble"])
def test_the_recorded_sets_are_asked_the_kept_questions(name):
    kept_at, folder = DATA / "questions" / f"{name}.parquet", DATA / name
    if not kept_at.exists() or not folder.exists():
        pytest.skip(f"the recorded set {name} and its kept questions are not beside the project")
    tables = [pl.read_parquet(folder / f"{table}.parquet") for table in ("routes", "statuses", "arrivals")]
    day = DayTables(pl.scan_parquet(folder / "pings.parquet"), *tables)
    visits = list_visits(day.routes, day.arrivals)
    questions = ask(find_fixes(day, visits), visits)
    mine = (
        visits.keys[questions.visit]
        .with_columns(ms=pl.Series(np.round(questions.ts_s * 1e3)).cast(pl.Int64))
        .filter(pl.Series(questions.counted))
    )
    kept = (
        pl.read_parquet(kept_at)
        .filter("scored")
        .select("route_id", pl.col("seq").cast(pl.Int64), ms=(pl.col("t") * 1e3).round().cast(pl.Int64))
    )
    key = ["route_id", "seq", "ms"]
    assert kept.join(mine, on=key, how="semi").height >= 0.99 * kept.height
    assert mine.join(kept, on=key, how="semi").height >= 0.99 * mine.height
