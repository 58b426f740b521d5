"""`late_risk`: a stop will be late, is late, was missed. Decided with every estimate in `steps/risk.py`; here is its policy."""

from dataclasses import dataclass

from stream.exceptions.kind_policy import KindPolicy

AT_RISK, LATE, MISSED = 1, 2, 3
"""Stages of a visit in the column `at_risk`: predicted, a fact, and a window long closed without anybody there."""

STAGES = {AT_RISK: "at_risk", LATE: "late", MISSED: "missed_window"}

RIGHT_SHARE = 0.5
"""The point of the curve of P(late) that the defaults below name, 10 min and more ahead: every second warning is right, with as many late
stops found as P(late) can find then. `benchmarks/late_warnings.py` checks it on what is really emitted."""


@dataclass(frozen=True, slots=True)
class RiskPolicy(KindPolicy):
    """When a visit is at risk. The gap between opening and resolving keeps a wavering estimate from flapping."""

    open_at: float = 0.35
    """P(late), 0..1, at which it opens: where `RIGHT_SHARE` is met, chosen on the first half of the visits of the buses of Buffalo and
    judged on the second (docs/figures.md). At 0.25 three in five are false; at 0.5 two in three are right, and half as many are found."""
    hold_s: float = 30.0
    """P(late) must have stayed up for so long: a third of the warnings that one fix alone would give are taken back by the next."""
    at_once: float = 0.9
    """P(late) at which nobody waits for a second opinion."""
    first_leg_share: float = 0.25
    """Before a route has reached its first stop, nothing less than `at_once` is believed until so much of the way there is behind the
    vehicle: before, four warnings in five were wrong; from then on, every second is right, as later on the route."""
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
