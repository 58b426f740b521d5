"""Travel, service, wait and break of published ETAs apart, against what then happened: errors that cancel in the whole are errors still."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from replay.scorecard.day import (
    VISIT_KEY,
    Bools,
    DayTables,
    Floats,
    Ints,
    Visits,
    epoch_s,
    list_fleets,
    name_fleet,
    to_floats,
    with_missing,
)

TERMS = ("drive", "service", "wait", "break")
LEARNING_SHARE = 3
"""One ETA in three, the earliest, is for learning and is not scored."""


@dataclass(frozen=True)
class Component:
    """Of one term, in seconds: how long it really took on average, the mean absolute error, and the mean error (+ = said too long)."""

    term: str
    truth_s: float
    mae_s: float
    bias_s: float


@dataclass(frozen=True)
class Components:
    """Over `n` published ETAs (`eta_updated`); `cancelled_s` is how much of the errors of the terms their sum does not show, on average."""

    n: int
    whole_mae_s: float
    cancelled_s: float
    terms: list[Component]


@dataclass(frozen=True)
class _Stays:
    """What the time at each visit really was, one element a visit as in `Visits`: from when to when, how much of it a wait, and then what.

    A second call in a row at one place ends a wait there. Where nobody recorded a departure `end_s` is NaN.
    """

    begin_s: Floats
    open_s: Floats
    end_s: Floats
    term: Ints


def measure_components(day: DayTables, visits: Visits, events: pl.DataFrame) -> Components | None:
    """Compares the terms of `eta_updated` with what happened between then and the arrival; None where there is nothing to compare."""
    if day.routes is None or day.arrivals is None or "eta_drive_s" not in events.columns:
        return None
    told = _told(events, visits, list_fleets(day.routes))
    stays = _lay_stays(day, visits)
    made_s, visit = to_floats(told, "made_s"), told.get_column("visit").cast(pl.Int64).to_numpy()
    said = np.stack([to_floats(told, f"eta_{term}_s") for term in TERMS])
    took = _took(stays, visits, made_s, visit)
    known = np.isfinite(took).all(axis=0) & (visits.arrived_s[visit] > made_s)
    if not known.any():
        return None
    error = said[:, known] - took[:, known]
    whole = np.abs(error.sum(axis=0))
    terms = [
        Component(term, float(took[i, known].mean()), float(np.abs(error[i]).mean()), float(error[i].mean()))
        for i, term in enumerate(TERMS)
    ]
    return Components(int(known.sum()), float(whole.mean()), float((np.abs(error).sum(axis=0) - whole).mean()), terms)


def _told(events: pl.DataFrame, visits: Visits, fleets: list[str]) -> pl.DataFrame:
    """ETAs that were published with their terms, of planned visits, but for the earliest third."""
    shown = events.filter(pl.col("type") == "eta_updated", pl.col("eta_drive_s").is_not_null())
    rows = (
        name_fleet(shown.lazy(), fleets, "events")
        .with_columns(pl.col("route_id").cast(pl.String), pl.col("seq").cast(pl.Int64), made_s=epoch_s("detected_at"))
        .join(visits.keys.lazy(), on=VISIT_KEY, how="inner", maintain_order="left")
        .sort("made_s", maintain_order=True)
        .collect()
    )
    return rows.slice(rows.height // LEARNING_SHARE)


def _lay_stays(day: DayTables, visits: Visits) -> _Stays:
    assert day.routes is not None
    assert day.arrivals is not None
    fleets, instant = list_fleets(day.routes), pl.Datetime("us", "UTC")
    optional: dict[str, pl.DataType] = {"kind": pl.String(), "window_start": instant, "service_s": pl.Float64()}
    keyed = [pl.col("route_id").cast(pl.String), pl.col("seq").cast(pl.Int64)]
    plan = name_fleet(with_missing(day.routes, optional).lazy(), fleets, "routes").with_columns(*keyed)
    left = name_fleet(with_missing(day.arrivals, {"departed_at": instant}).lazy(), fleets, "arrivals").with_columns(*keyed)
    plan = plan.select(*VISIT_KEY, "stop_id", "kind", "service_s", open_s=epoch_s("window_start")).unique(VISIT_KEY, keep="first")
    left = left.select(*VISIT_KEY, end_s=epoch_s("departed_at")).unique(VISIT_KEY, keep="first")
    rows = visits.keys.lazy().join(plan, on=VISIT_KEY, how="left").join(left, on=VISIT_KEY, how="left").sort("visit").collect()
    begin_s, end_s, service_s = visits.arrived_s, to_floats(rows, "end_s"), to_floats(rows, "service_s")
    rests, works = (rows.get_column("kind") == "break").fill_null(False).to_numpy(), service_s > 0
    stop, route = rows.get_column("stop_id").rank("dense").to_numpy(), visits.route
    again = np.append((stop[1:] == stop[:-1]) & (route[1:] == route[:-1]), False) & ~works
    following_s = np.append(begin_s[1:], np.nan)
    end_s = np.where(again, following_s, np.where(works | rests, end_s, begin_s))
    open_s = np.where(again, end_s, np.fmin(np.fmax(to_floats(rows, "open_s"), begin_s), end_s))
    return _Stays(
        begin_s, np.where(np.isnan(open_s), begin_s, open_s), end_s, np.where(rests, TERMS.index("break"), TERMS.index("service"))
    )


def _took(stays: _Stays, visits: Visits, made_s: Floats, visit: Ints) -> Floats:
    """What of the time from `made_s` to the true arrival at `visit` went to each term: one row a term, NaN where nobody knows."""
    waits = np.maximum(stays.open_s - stays.begin_s, 0.0)
    works = np.maximum(stays.end_s - np.maximum(stays.open_s, stays.begin_s), 0.0)
    at = _standing(visits, made_s, visit)
    here = at >= 0
    waited = np.where(here, np.clip(made_s - stays.begin_s[at], 0.0, waits[at]), 0.0)
    worked = np.where(here, np.clip(made_s - stays.open_s[at], 0.0, works[at]), 0.0)
    first = np.where(here, at, _first_of(visits)[visits.route[visit]])
    service, rest = (np.where(stays.term == TERMS.index(term), works, 0.0) for term in ("service", "break"))
    is_rest = here & (stays.term[at] == TERMS.index("break"))
    took = [
        _between(service, first, visit) - np.where(is_rest, 0.0, worked),
        _between(waits, first, visit) - waited,
        _between(rest, first, visit) - np.where(is_rest, worked, 0.0),
    ]
    drive = visits.arrived_s[visit] - made_s - took[0] - took[1] - took[2]
    return np.stack([drive, *took])


def _first_of(visits: Visits) -> Ints:
    return np.concatenate([[0], visits.route_end[:-1]]).astype(np.int64)


def _standing(visits: Visits, made_s: Floats, visit: Ints) -> Ints:
    """The visit of the same route that had been reached last, -1 = none."""
    reached: Bools = ~np.isnan(visits.arrived_s)
    rows = pl.DataFrame({"route": visits.route, "at_s": visits.arrived_s, "last": np.arange(len(reached))}).filter(reached).sort("at_s")
    asked = pl.DataFrame({"route": visits.route[visit], "at_s": made_s, "row": np.arange(len(visit))}).sort("at_s", maintain_order=True)
    found = asked.join_asof(rows, on="at_s", by="route", check_sortedness=False).sort("row")
    return found.get_column("last").fill_null(-1).to_numpy()


def _between(values: Floats, first: Ints, end: Ints) -> Floats:
    """Sums of `values[first:end]`, NaN where one of them is."""
    known, unknown = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))]), np.concatenate([[0], np.cumsum(np.isnan(values))])
    return np.asarray(np.where(unknown[end] > unknown[first], np.nan, known[end] - known[first]))
