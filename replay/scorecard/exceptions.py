"""Whether late-risk exceptions named the visits that really were late, how long before; and how many there were of every kind."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from eta_models.columns import Flags, Floats
from replay.scorecard.day import Visits, epoch_s, to_floats

LATE_RISK = "late_risk"
LEADS_S = (600, 300, 60)
"""Lead times for which is told how good the warnings were that came so long before the window closed."""


@dataclass(frozen=True)
class Ahead:
    """First warnings of visits at least `lead_s` before their window closed: how many, how many right, of all late visits."""

    lead_s: int
    visits_warned: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class LateRisk:
    """Late-risk exceptions over the whole day, by visit: warned visits against visits that arrived after their window closed.

    `opened` counts openings, `reopened` those after a visit's first, `told_late` those that opened only when the window had closed: a
    fact, no warning, and in none of the figures below but `recall`. `unverifiable` warned visits have no trusted arrival or no window and
    are left out of precision. `recall` takes any opening; `recall_before_close` only one detected before the window closed.
    `median_lead_s` is `window_end` minus detection of the first opening over late visits that were warned of; `lead_deciles_s` its
    nine deciles.
    """

    opened: int
    reopened: int
    told_late: int
    visits_warned: int
    unverifiable: int
    visits_late: int
    precision: float | None
    recall: float | None
    recall_before_close: float | None
    median_lead_s: float | None
    lead_deciles_s: list[float]
    ahead: list[Ahead]


def judge_late_risk(opened: pl.DataFrame, visits: Visits) -> LateRisk:
    """Judges `exception_opened` events (as `find_events` gives them) of the kind `late_risk`."""
    openings = opened.filter(pl.col("exception_kind") == LATE_RISK)
    known = openings.filter(pl.col("visit").is_not_null())
    first = known.unique("visit", keep="first", maintain_order=True)
    facts = first.get_column("stage").fill_null("at_risk").to_numpy() == "late"
    visit = first.get_column("visit").cast(pl.Int64).to_numpy()
    verifiable = ~np.isnan(visits.arrived_s) & ~np.isnan(visits.window_end_s)
    late = visits.arrived_s > visits.window_end_s
    lead_s = visits.window_end_s[visit] - to_floats(first, "detected_s")
    warned, n_late = ~facts & verifiable[visit], int(late.sum())
    right_s = lead_s[~facts & late[visit]]
    return LateRisk(
        opened=openings.height,
        reopened=known.height - first.height,
        told_late=int(facts.sum()),
        visits_warned=int((~facts).sum()),
        unverifiable=openings.height - known.height + int((~facts & ~verifiable[visit]).sum()),
        visits_late=n_late,
        precision=right_s.size / int(warned.sum()) if warned.any() else None,
        recall=int(late[visit].sum()) / n_late if n_late else None,
        recall_before_close=int((right_s > 0).sum()) / n_late if n_late else None,
        median_lead_s=float(np.median(right_s)) if right_s.size else None,
        lead_deciles_s=[round(float(value), 1) for value in np.quantile(right_s, np.arange(1, 10) / 10)] if right_s.size else [],
        ahead=[_ahead(lead, lead_s[warned], late[visit][warned], n_late) for lead in LEADS_S],
    )


def _ahead(least_s: int, lead_s: Floats, late: Flags, n_late: int) -> Ahead:
    early = lead_s >= least_s
    warned, right = int(early.sum()), int((early & late).sum())
    return Ahead(least_s, warned, right / warned if warned else None, right / n_late if n_late else None)


@dataclass(frozen=True)
class KindFigures:
    """What became of the exceptions of one kind: events by phase, and how long an episode stood."""

    kind: str
    opened: int
    reopened: int
    updated: int
    resolved: int
    expired: int
    superseded: int
    median_stood_s: float | None


def count_kinds(events: pl.DataFrame) -> list[KindFigures]:
    """Counts the events about exceptions, by kind; nothing where the table does not say the kind."""
    if not {"exception_kind", "exception_id", "episode"} <= set(events.columns):
        return []
    told = events.filter(pl.col("exception_kind").is_not_null()).with_columns(phase=pl.col("type").str.strip_prefix("exception_"))
    return [_figures(str(kind[0]), of) for kind, of in sorted(told.group_by("exception_kind"), key=lambda pair: str(pair[0][0]))]


def _figures(kind: str, told: pl.DataFrame) -> KindFigures:
    phases = dict(told.get_column("phase").value_counts().iter_rows())
    opened, closed = told.filter(phase="opened"), told.filter(pl.col("phase").is_in(["resolved", "expired", "superseded"]))
    keys = ["fleet_id", "exception_id", "episode"]
    stood = opened.join(closed, on=keys, suffix="_closed").select(stood=epoch_s("detected_at_closed") - epoch_s("detected_at"))
    median = stood.get_column("stood").median()
    return KindFigures(
        kind=kind,
        opened=opened.height,
        reopened=opened.filter(pl.col("episode") > 1).height,
        **{phase: int(phases.get(phase, 0)) for phase in ("updated", "resolved", "expired", "superseded")},
        median_stood_s=float(median) if isinstance(median, int | float) else None,
    )
