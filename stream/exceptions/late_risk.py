"""`late_risk`: a stop will be late, is late, was missed. Decided with every estimate in `steps/risk.py`; here is its policy."""

from dataclasses import dataclass

from stream.exceptions.kind_policy import KindPolicy

AT_RISK, LATE, MISSED = 1, 2, 3
"""Stages of a visit in the column `at_risk`: predicted, a fact, and a window long closed without anybody there."""

STAGES = {AT_RISK: "at_risk", LATE: "late", MISSED: "missed_window"}


@dataclass(frozen=True, slots=True)
class RiskPolicy(KindPolicy):
    """When a visit is at risk. The gap between opening and resolving keeps a wavering estimate from flapping."""

    open_at: float = 0.3
    """P(late), 0..1, at which it opens, 10 min and more ahead: about every second warning is right, and one late stop in three is
    warned of (measured on the buses of Buffalo; at 0.5 it would be one in seven)."""
    hold_s: float = 30.0
    """P(late) must have stayed up for so long: a third of the warnings that one fix alone would give are taken back by the next."""
    at_once: float = 0.9
    """P(late) at which nobody waits for a second opinion. Before a route has reached its first stop, nothing less is believed: how far
    it is behind is not known yet, and three warnings in four were wrong."""
    stops_ahead: int = 8
    """Only for so many next stops, .."""
    ahead_s: float = 3_600.0
    """.. and so many seconds ahead: what is said of later ones changes too often to act on."""
    resolve_at: float = 0.15
    """P(late) below which it eases."""
    clear_s: float = 120.0
    """and for how long, before it resolves."""
    reopen_after_s: float = 86_400.0
    """A visit opens again at most once in a day."""
    update_by: float = 0.2
    """P(late) has moved by so much since it was last told,"""
    update_s: float = 300.0
    """or P50 by so many seconds, and .."""
    update_share: float = 0.5
    """.. by this share of the time between it and the window's end: an hour late or 65 minutes is the same;"""
    update_every_s: float = 300.0
    """and nobody is told more often than this, but of a new stage."""
    missed_after_s: float = 1_800.0
    """A window that has been closed for so long without anybody there is missed."""
