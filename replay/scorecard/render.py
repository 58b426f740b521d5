"""The scorecard as a person reads it: a few tables that fit a terminal of 100 columns."""

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from replay.scorecard.arrivals import ArrivalsFound
from replay.scorecard.card import Counts, Scorecard, Truth
from replay.scorecard.components import Components
from replay.scorecard.draw import draw_visits, number, share, start_table
from replay.scorecard.draw_models import draw_challenger, draw_lead_times
from replay.scorecard.exceptions import KindFigures, LateRisk
from replay.scorecard.fences import FenceDwell
from replay.scorecard.intervals import Intervals
from replay.scorecard.lateness import Lateness
from replay.scorecard.reassignments import Reassignments


def render(scorecard: Scorecard) -> RenderableType:
    """Lays the scorecard out as rich tables, at most 100 columns wide; says so where there was no truth to score against."""
    counts = say_counts(scorecard.counts)
    truth, dwell = scorecard.truth, [draw_dwell(scorecard.fences)] if scorecard.fences else []
    dwell += [draw_kinds(scorecard.exceptions)] if scorecard.exceptions else []
    if scorecard.reassignments.proposed:
        dwell.append(draw_visits("Reassignments, by exception and by visit", list_reassignments(scorecard.reassignments)))
    if truth is None:
        return Stack(counts, *dwell, Text("No true arrivals were recorded for this day: nothing to score, only counted.", style="yellow"))
    return Stack(
        counts,
        draw_errors(truth),
        Text(),
        say_left_out(truth),
        draw_yardsticks(truth),
        *([draw_components(truth.components)] if truth.components else []),
        draw_intervals(truth.intervals),
        draw_visits("Arrivals found", list_arrivals(truth.arrivals)),
        draw_visits("P(late), questions with the window still open", list_lateness(truth.p_late)),
        draw_calibration(truth.p_late),
        draw_lead_times(truth.lead_times),
        *([] if truth.challenger is None else [draw_challenger(truth, truth.challenger)]),
        draw_visits("Late-risk exceptions, by visit", list_late_risk(truth.late_risk)),
        *dwell,
    )


def say_counts(counts: Counts) -> Text:
    """One line of what there was."""
    return Text(
        f"{counts.pings:,} pings, {counts.routes:,} routes, {counts.visits:,} stops ({counts.visits_planned:,} with a planned time, "
        f"{counts.visits_with_window:,} with a window), {counts.predictions:,} predictions, {counts.events:,} events"
    )


def draw_errors(truth: Truth) -> Table:
    """Absolute errors of the engine beside both rules of thumb, by true minutes to arrival."""
    table = start_table("ETA error, s, by true minutes to arrival", ["", "engine", "n", "plan + deviation", "n", "crow / mean speed", "n"])
    tried = (truth.eta, truth.plan_and_deviation, truth.crow_and_mean_speed)
    for at, group in enumerate(truth.eta.by_true_minutes):
        cells = [cell for eta in tried for cell in (number(eta.by_true_minutes[at].mae_s), f"{eta.by_true_minutes[at].n:,}")]
        table.add_row(f"{group.from_min}-{group.to_min} min", *cells)
    table.add_section()
    table.add_row("next stop", *(cell for eta in tried for cell in (number(eta.next_stop.mae_s), f"{eta.next_stop.n:,}")))
    table.add_row("later stops", *(cell for eta in tried for cell in (number(eta.later_stops.mae_s), f"{eta.later_stops.n:,}")))
    table.add_section()
    table.add_row("mean (MAE)", *(cell for eta in tried for cell in (number(eta.mae_s), f"{eta.answered:,}")), style="bold")
    table.add_row("RMSE", *(cell for eta in tried for cell in (number(eta.rmse_s), "")))
    table.add_row("median bias", *(cell for eta in tried for cell in (number(eta.median_bias_s, "+.1f"), "")))
    table.add_row("answered", *(cell for eta in tried for cell in (share(eta.answered_share), "")))
    table.add_row("unanswered", *(cell for eta in tried for cell in ("", f"{eta.unanswered:,}")))
    return table


def draw_yardsticks(truth: Truth) -> Table:
    """The engine by other people's measures, beside the rules of thumb."""
    table = start_table("By other people's yardsticks", ["", "engine", "plan + deviation"])
    ours, plan = truth.yardsticks, truth.plan_yardsticks
    table.add_row("ETA Accuracy Benchmark", share(ours.eta_benchmark), share(plan.eta_benchmark))
    table.add_row("MBTA, by predicted minutes", share(ours.mbta), share(plan.mbta))
    table.add_row("Cal-ITP reliable", share(ours.cal_itp), share(plan.cal_itp))
    table.add_row(
        "LaDe MAE / RMSE, min", *(f"{number(one.lade_mae_min, '.2f')} / {number(one.lade_rmse_min, '.2f')}" for one in (ours, plan))
    )
    table.add_row("LaDe ACC@20", share(ours.acc20), share(plan.acc20))
    others = ((truth.crow_and_last_speed, "last speed"), (truth.running_mean, "running mean of past legs"))
    for eta, name in others:
        table.add_row(f"MAE, s, beside {name}", number(truth.eta.mae_s), f"{number(eta.mae_s)} (answers {share(eta.answered_share)})")
    return table


def draw_components(found: Components) -> Table:
    """What published ETAs were made of, beside what then happened."""
    table = start_table(f"Terms of {found.n:,} published ETAs, s", ["", "truth", "MAE", "bias"])
    for one in found.terms:
        table.add_row(one.term, number(one.truth_s), number(one.mae_s), number(one.bias_s, "+.1f"))
    table.add_section()
    table.add_row("the whole", "", number(found.whole_mae_s), "", style="bold")
    table.add_row("cancelled in it", "", number(found.cancelled_s), "")
    return table


def draw_calibration(lateness: Lateness) -> Table:
    """What P(late) said and what came true."""
    table = start_table("P(late), by tenths", ["said", "came true", "n"])
    for one in lateness.bins:
        table.add_row(share(one.said), share(one.came_true), f"{one.n:,}")
    return table


def say_left_out(truth: Truth) -> Text:
    """The questions that the table above leaves out."""
    left, early = truth.left_out, truth.left_out.early_answered
    return Text(
        f"{truth.eta.n:,} questions, {truth.eta.unanswered:,} unanswered. Left out above: {left.beyond_hour:,} for arrivals over 60 min "
        f"away, {left.never_reached:,} for stops never reached at a trusted time, and {left.early:,} before a route's first arrival "
        f"({early.n:,} answered, MAE {number(early.mae_s)} s). Stops never reached: {truth.arrivals.never_arrived:,}.",
        style="dim",
    )


def draw_intervals(intervals: Intervals) -> Table:
    """Coverage and width of P10-P90 by predicted minutes."""
    table = start_table("P10-P90 by predicted minutes", ["", "holds (aim 80 %)", "mean width, s", "pinball, s", "n", "never reached"])
    for group in intervals.by_predicted_minutes:
        cells = (share(group.coverage), number(group.width_s, ".0f"), number(group.pinball_s), f"{group.n:,}", f"{group.unresolved:,}")
        table.add_row(f"{group.from_min}-{group.to_min} min", *cells)
    table.add_section()
    table.add_row(
        "all",
        share(intervals.coverage),
        number(intervals.width_s, ".0f"),
        number(intervals.pinball_s),
        f"{intervals.n:,}",
        "",
        style="bold",
    )
    table.add_row("P50 already past", "", "", "", f"{intervals.overdue:,}", "")
    return table


def list_arrivals(found: ArrivalsFound) -> list[tuple[str, str]]:
    """What to say of arrivals found."""
    return [
        ("true arrivals", f"{found.truth:,}"),
        ("found", share(found.found_share)),
        ("within 15 s", share(found.within_15s_share)),
        ("within 60 s", share(found.within_60s_share)),
        ("median off, s", number(found.median_off_s)),
        ("median delay to detect, s", number(found.median_delay_s)),
        ("stops never reached", f"{found.never_arrived:,}"),
        ("of these reported reached", f"{found.extra:,}"),
        ("at unknown true time", f"{found.unverifiable:,}"),
        ("repeated / unplanned", f"{found.repeated:,} / {found.unplanned:,}"),
    ]


def list_lateness(lateness: Lateness) -> list[tuple[str, str]]:
    """What to say of P(late)."""
    return [
        ("questions", f"{lateness.n:,}"),
        ("unanswered", f"{lateness.unanswered:,}"),
        ("base rate", share(lateness.base_rate)),
        ("Brier", number(lateness.brier, ".4f")),
        ("Brier skill", number(lateness.brier_skill, ".3f")),
        ("calibration error (ECE)", number(lateness.ece, ".4f")),
    ]


def list_late_risk(risk: LateRisk) -> list[tuple[str, str]]:
    """What to say of late-risk exceptions."""
    minutes = None if risk.median_lead_s is None else risk.median_lead_s / 60
    return [
        ("opened", f"{risk.opened:,}"),
        ("reopened", f"{risk.reopened:,}"),
        ("told when it was late already", f"{risk.told_late:,}"),
        ("visits warned of", f"{risk.visits_warned:,}"),
        ("visits really late", f"{risk.visits_late:,}"),
        ("precision", share(risk.precision)),
        ("recall", share(risk.recall)),
        ("recall before the window closed", share(risk.recall_before_close)),
        ("median lead time, min", number(minutes)),
        ("warned, but truth unknown", f"{risk.unverifiable:,}"),
        *((f"{one.lead_s // 60} min ahead: right / found", f"{share(one.precision)} / {share(one.recall)}") for one in risk.ahead),
    ]


def draw_kinds(kinds: list[KindFigures]) -> Table:
    """How many exceptions there were of each kind, and what became of them."""
    columns = ["", "opened", "again", "updated", "resolved", "expired", "superseded", "stood, min"]
    table = start_table("Exceptions by kind", columns)
    for one in kinds:
        counts = (one.opened, one.reopened, one.updated, one.resolved, one.expired, one.superseded)
        minutes = None if one.median_stood_s is None else one.median_stood_s / 60
        table.add_row(one.kind, *(f"{count:,}" for count in counts), number(minutes))
    return table


def list_reassignments(made: Reassignments) -> list[tuple[str, str]]:
    """What to say of proposals, and of what came of those that were accepted."""
    hours = [number(seconds / 3600, ",.2f") for seconds in (made.without_s, made.expected_s, made.came_s)]
    return [
        ("proposed", f"{made.proposed:,}"),
        ("accepted", f"{made.accepted:,}"),
        ("visits settled", f"{made.settled:,}"),
        ("of them moved", f"{made.moved:,}"),
        ("not reached", f"{made.not_reached:,}"),
        ("late without, h", hours[0]),
        ("late expected, h", hours[1]),
        ("late in the end, h", hours[2]),
    ]


MOST_FENCES = 12
"""Fences that are shown; `score.json` has them all."""


def draw_dwell(fences: list[FenceDwell]) -> Table:
    """Where vehicles stayed for how long, by fence."""
    more = f", the first {MOST_FENCES} of {len(fences)}" if len(fences) > MOST_FENCES else ""
    table = start_table(f"Time in fences{more}", ["", "visits", "hours", "median, min", "longest, min", "driven through"])
    for fence in fences[:MOST_FENCES]:
        minutes = (None if value is None else value / 60 for value in (fence.median_s, fence.longest_s))
        cells = (f"{fence.visits:,}", number(fence.total_s / 3600), *map(number, minutes), f"{fence.passages:,}")
        table.add_row(f"{fence.fleet_id} {fence.fence_id}".strip(), *cells)
    return table
