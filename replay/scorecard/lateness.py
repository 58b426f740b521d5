"""Whether P(late) meant what it said: of the visits given 30 %, three in ten should have come after their window closed."""

from dataclasses import dataclass

import numpy as np

from replay.scorecard.answers import Answers
from replay.scorecard.day import Floats, Ints, Visits
from replay.scorecard.questions import Questions

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Bin:
    """Of `n` answers between two tenths: what they said on average, and what share came true."""

    n: int
    said: float
    came_true: float


@dataclass(frozen=True)
class Lateness:
    """Figures of P(late) over the protocol's questions asked while the visit's window was still open.

    `brier_skill` is 1 - Brier / (base rate x (1 - base rate)), None where all or none were late; `ece` is the expected calibration
    error over `CALIBRATION_BINS` equal bins. `unanswered` had an open window but no P(late), and are in no other figure.
    """

    n: int
    unanswered: int
    base_rate: float | None
    brier: float | None
    brier_skill: float | None
    ece: float | None
    bins: tuple[Bin, ...]
    """Bins that hold answers, from the lowest."""


def measure_lateness(questions: Questions, answers: Answers, visits: Visits) -> Lateness:
    """Measures P(late) against arrival later than `window_end`."""
    window_end_s = visits.window_end_s[questions.visit]
    open_now = questions.counted & (window_end_s > questions.asked_s)
    told = open_now & ~np.isnan(answers.p_late)
    late = (questions.arrived_s > window_end_s)[told].astype(np.float64)
    p_late = answers.p_late[told]
    unanswered = int(open_now.sum()) - late.size
    if not late.size:
        return Lateness(0, unanswered, None, None, None, None, ())
    base_rate, brier = float(late.mean()), float(np.mean((p_late - late) ** 2))
    skill = 1 - brier / (base_rate * (1 - base_rate)) if 0 < base_rate < 1 else None
    return Lateness(late.size, unanswered, base_rate, brier, skill, calibration_error(p_late, late), list_bins(p_late, late))


def bin_of(p_late: Floats) -> Ints:
    """The tenth that each answer lies in."""
    return np.clip((p_late * CALIBRATION_BINS).astype(np.int64), 0, CALIBRATION_BINS - 1)


def list_bins(p_late: Floats, late: Floats) -> tuple[Bin, ...]:
    """What was said and what came true, tenth by tenth."""
    bins = bin_of(p_late)
    picks = (bins == number for number in range(CALIBRATION_BINS))
    return tuple(Bin(int(pick.sum()), float(p_late[pick].mean()), float(late[pick].mean())) for pick in picks if pick.any())


def calibration_error(p_late: Floats, late: Floats) -> float:
    """Mean over bins of |mean P - share late|, weighted by their rows."""
    gap = np.bincount(bin_of(p_late), weights=p_late - late, minlength=CALIBRATION_BINS)
    return float(np.abs(gap).sum() / late.size)
