"""How far off arrival times were: absolute error of the newest answer, by how far away the arrival truly was."""

from dataclasses import dataclass

import numpy as np

from replay.scorecard.day import Bools, Floats
from replay.scorecard.questions import Questions

HORIZONS_MIN = ((0, 3), (3, 6), (6, 10), (10, 15), (15, 30), (30, 60))


@dataclass(frozen=True)
class Group:
    """Mean absolute error in seconds over `n` answered questions; None where there are none."""

    n: int
    mae_s: float | None


@dataclass(frozen=True)
class HorizonError(Group):
    """A group whose arrival lay `from_min` to `to_min` minutes away, by truth."""

    from_min: int
    to_min: int


@dataclass(frozen=True)
class EtaError:
    """Errors over the protocol's questions; `answered + unanswered = n`, and figures are over the answered ones.

    `median_bias_s` is signed: positive where the answer was later than the truth. `rmse_s` weighs large errors, pooled over all rows.
    """

    n: int
    answered: int
    unanswered: int
    answered_share: float | None
    mae_s: float | None
    rmse_s: float | None
    median_bias_s: float | None
    by_true_minutes: tuple[HorizonError, ...]
    next_stop: Group
    later_stops: Group


def measure_error(questions: Questions, p50_s: Floats) -> EtaError:
    """Measures answers (epoch seconds, NaN = none, one a question) on the protocol's rows."""
    rows = questions.counted
    error_s = (p50_s - questions.arrived_s)[rows]
    given = ~np.isnan(error_s)
    error_s, n = error_s[given], int(rows.sum())
    to_go_s = (questions.arrived_s - questions.ts_s)[rows][given]
    hop = questions.hop[rows][given]
    off_s = np.abs(error_s)
    return EtaError(
        n=n,
        answered=off_s.size,
        unanswered=n - off_s.size,
        answered_share=off_s.size / n if n else None,
        mae_s=mean(off_s),
        rmse_s=float(np.sqrt(np.mean(error_s**2))) if off_s.size else None,
        median_bias_s=float(np.median(error_s)) if off_s.size else None,
        by_true_minutes=tuple(
            HorizonError(n=int(pick.sum()), mae_s=mean(off_s[pick]), from_min=low, to_min=high)
            for low, high in HORIZONS_MIN
            for pick in [within_minutes(to_go_s, low, high)]
        ),
        next_stop=measure_group(off_s, hop == 1),
        later_stops=measure_group(off_s, hop > 1),
    )


def measure_early(questions: Questions, p50_s: Floats) -> tuple[int, Group]:
    """The same for questions before a route's first arrival, which the protocol leaves out: how many, and the error of the answered."""
    to_go_s = questions.arrived_s - questions.ts_s
    rows = questions.early & (to_go_s > 0) & (to_go_s <= 60.0 * HORIZONS_MIN[-1][1])
    off_s = np.abs(p50_s - questions.arrived_s)[rows]
    return int(rows.sum()), measure_group(off_s, ~np.isnan(off_s))


def within_minutes(ahead_s: Floats, low: int, high: int) -> Bools:
    """Which of the spans lie in [low, high) minutes; the last group also takes its upper edge."""
    upper = ahead_s <= 60.0 * high if high == HORIZONS_MIN[-1][1] else ahead_s < 60.0 * high
    return np.logical_and(ahead_s >= 60.0 * low, upper)


def measure_group(off_s: Floats, pick: Bools) -> Group:
    """Mean of the picked absolute errors."""
    return Group(n=int(pick.sum()), mae_s=mean(off_s[pick]))


def mean(values: Floats) -> float | None:
    """The mean, None of nothing."""
    return float(values.mean()) if values.size else None
