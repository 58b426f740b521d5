"""What published ETAs are made of, against what then happened, worked out by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from replay.scorecard.components import measure_components
from replay.scorecard.day import DayTables, list_visits

NOON = datetime(2026, 5, 28, 12, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def at(*seconds):
    return pl.Series([None if second is None else NOON + timedelta(seconds=second) for second in seconds], dtype=INSTANT)


def a_day(departed=(160, 700, 1_000), stops=("a", "lunch", "c", "d")):
    """Reached at 100, opening only at 130, served until 160; lunch from 300 to 700; c from 800 to 1,000; d at 1,500."""
    routes = pl.DataFrame(
        {
            "route_id": ["r"] * 4, "vehicle_id": ["v"] * 4, "seq": [1, 2, 3, 4], "stop_id": list(stops), "lat": [0.0] * 4, "lon": [0.0] * 4,
            "kind": ["delivery", "break", "delivery", "delivery"], "service_s": [30.0, 400.0, 200.0, 30.0],
            "window_start": at(130, None, None, None), "published_at": at(0, 0, 0, 0),
        }
    )  # fmt: skip
    arrivals = pl.DataFrame(
        {"route_id": ["r"] * 4, "seq": [1, 2, 3, 4], "arrived_at": at(100, 300, 800, 1_500), "departed_at": at(*departed, None)}
    )
    return DayTables(pl.DataFrame(), routes, None, arrivals)


def told(*etas):
    """Events: when, about which visit, and the four terms."""
    rows = [(second, seq, *terms) for second, seq, terms in etas]
    names = ["second", "seq", *(f"eta_{term}_s" for term in ("drive", "service", "wait", "break"))]
    frame = pl.DataFrame(rows, names, orient="row").with_columns(pl.selectors.starts_with("eta_").cast(pl.Float64))
    return frame.with_columns(type=pl.lit("eta_updated"), route_id=pl.lit("r"), detected_at=at(*frame["second"].to_list())).drop("second")


def measured(day, *etas):
    found = measure_components(day, list_visits(day.routes, day.arrivals), told(*etas))
    return found if found is None else {one.term: (one.truth_s, one.mae_s, one.bias_s) for one in found.terms} | {"of": found}


def test_the_time_to_an_arrival_is_split_into_what_it_was_spent_with():
    found = measured(a_day(), (50, 4, (790, 230, 30, 400)))
    assert {term: found[term] for term in ("drive", "service", "wait", "break")} == {
        "drive": (790.0, 0.0, 0.0), "service": (230.0, 0.0, 0.0), "wait": (30.0, 0.0, 0.0), "break": (400.0, 0.0, 0.0),
    }  # fmt: skip
    assert (found["of"].whole_mae_s, found["of"].cancelled_s) == (0.0, 0.0)


def test_errors_that_cancel_in_the_whole_are_seen():
    found = measured(a_day(), (50, 4, (890, 130, 30, 400)))
    assert (found["drive"][1:], found["service"][1:]) == ((100.0, 100.0), (100.0, -100.0))
    assert (found["of"].whole_mae_s, found["of"].cancelled_s) == (0.0, 200.0)


@pytest.mark.parametrize(
    ("second", "truth"),
    [
        (110, (790 - 50, 230, 20, 400)),
        (145, (740, 215, 0, 400)),
        (500, (600, 200, 0, 200)),
        (900, (500, 100, 0, 0)),
        (1_200, (300, 0, 0, 0)),
    ],
)
def test_what_was_over_when_the_eta_was_made_counts_no_more(second, truth):
    found = measured(a_day(), (second, 4, (0, 0, 0, 0)))
    assert tuple(found[term][0] for term in ("drive", "service", "wait", "break")) == tuple(map(float, truth))


def test_an_eta_across_a_stop_that_nobody_saw_left_is_not_compared():
    assert measured(a_day((160, 700, None)), (50, 4, (0, 0, 0, 0))) is None
    assert measured(a_day((160, 700, None)), (50, 3, (0, 0, 0, 0)))["of"].n == 1


def test_an_eta_that_was_told_when_the_vehicle_was_there_is_not_compared():
    assert measured(a_day(), (1_600, 4, (0, 0, 0, 0))) is None


def test_events_without_terms_have_none_to_compare():
    day = a_day()
    assert measure_components(day, list_visits(day.routes, day.arrivals), told((50, 4, (0, 0, 0, 0))).drop("eta_drive_s")) is None


def test_the_earliest_third_only_teaches():
    found = measured(a_day(), (40, 4, (0, 0, 0, 0)), (50, 4, (790, 230, 30, 400)), (50, 4, (790, 230, 30, 400)))
    assert (found["of"].n, found["of"].whole_mae_s) == (2, 0.0)
