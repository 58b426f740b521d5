"""Tables of how models did: P(late) by lead time, and champion and challenger side by side."""

from rich.table import Table

from replay.scorecard.card import Answered, Truth
from replay.scorecard.draw import number, share, start_table
from replay.scorecard.lead_times import LeadTime

SHOWN = (0.3, 0.5)
"""Thresholds of P(late) that are shown; `score.json` has them all."""


def draw_lead_times(lead_times: tuple[LeadTime, ...]) -> Table:
    """How well P(late) told late visits from the others: the area under the ROC curve, and what acting at two thresholds gives."""
    title = "P(late) by minutes before the window closes; acting from 0.3 or 0.5 on: right / found / false alarms, %"
    table = start_table(title, ["", "visits", "late", "AUC", "mean precision", *(f"from {p}" for p in SHOWN)])
    for one in lead_times:
        acted = [(at.precision, at.recall, at.false_alarms) for at in one.thresholds if at.p in SHOWN]
        shares = [" / ".join(number(None if value is None else 100 * value) for value in values) for values in acted]
        figures = (number(one.auc, ".3f"), number(one.average_precision, ".3f"))
        table.add_row(f"{one.lead_min} min", f"{one.visits:,}", f"{one.late:,}", *figures, *shares)
    return table


def draw_challenger(champion: Truth, challenger: Answered) -> Table:
    """Both models side by side, on the same questions."""
    table = start_table("Champion and challenger", ["", "champion", "challenger"])
    both = (champion, challenger)
    table.add_row("MAE, s", *(number(one.eta.mae_s, ".2f") for one in both), style="bold")
    table.add_row("next stop / later stops", *(f"{number(one.eta.next_stop.mae_s)} / {number(one.eta.later_stops.mae_s)}" for one in both))
    table.add_row("RMSE, s", *(number(one.eta.rmse_s) for one in both))
    table.add_row("answered", *(share(one.eta.answered_share) for one in both))
    table.add_row("P10-P90 holds", *(share(one.intervals.coverage) for one in both))
    table.add_row("mean width, s", *(number(one.intervals.width_s, ".0f") for one in both))
    table.add_row(
        "P(late): Brier skill / ECE", *(f"{number(one.p_late.brier_skill, '.3f')} / {number(one.p_late.ece, '.4f')}" for one in both)
    )
    leads = zip(champion.lead_times, challenger.lead_times, strict=True)
    for ours, theirs in leads:
        table.add_row(f"AUC {ours.lead_min} min ahead", number(ours.auc, ".3f"), number(theirs.auc, ".3f"))
    return table
