"""What a correction may look at: every feature dimensionless and clipped, so that linear models need no scaler."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eta_models.chain import LAYOVER_S, Chain
from eta_models.columns import Floats
from eta_models.journeys import Ahead, Journeys
from eta_models.outlooks import Outlooks
from eta_models.trackers import NAMES as OFF

ESTIMATES = ("chain", "transfer", "from_last", "by_plan", "plan", "lingering", "daily", "daily_late")
"""Other answers to the same question, as their distance from the base."""

NAMES = (
    *ESTIMATES, "late", "early", "wait", "lead", "from_last_first", "horizon", "horizon2", "still", "still_near", "left", "left_horizon",
    "overdue", "elapsed", "long_elapsed", "hops", "speed", "approach", "spread", "first_spread", "runs", "fix_age", "standing", "stood",
    "last", "again", "again_early", "plan_far", "plan_near", "late_far", "early_far", "most", "least", *OFF,
)  # fmt: skip
"""Names of the features, in the order of the columns."""

CLIP = 4.0

FIX_AGE_S = 30.0
"""The unit of the age of a fix."""


def scale_s(base_s: Floats) -> Floats:
    """The size of errors at a horizon, in seconds: they grow as its root (25 s at one minute, measured on two feeds)."""
    return 25.0 * np.sqrt(np.maximum(base_s, 30.0) / 60.0)


def target_of(took_s: Floats, answer_s: Floats, scale: Floats) -> Floats:
    """What an answer got wrong, in error scales, cut so that one breakdown teaches no more than a bad delay."""
    return np.asarray(np.minimum(np.maximum((took_s - answer_s) / scale, -8.0), 8.0))


def side_by_side(columns: Sequence[Floats]) -> Floats:
    """Columns as a table whose rows lie in one piece, so that their sums do not depend on how many there are; NaN becomes 0."""
    table = np.empty((len(columns[0]), len(columns)))
    for place, column in enumerate(columns):
        table[:, place] = column
    table[table != table] = 0.0
    return table


def by_plan_s(journeys: Journeys, ahead: Ahead) -> Floats:
    """Planned time shifted by the current deviation, in seconds from now; NaN without a plan."""
    deviation = journeys.deviation_s[ahead.journey]
    return np.maximum(ahead.planned_in_s + np.where(deviation == deviation, deviation, 0.0), 3.0)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the plain estimates say, one row a visit; NaN where one has nothing to say."""

    plain: Chain
    transfer_s: Floats
    from_last_s: Floats
    by_plan_s: Floats
    ways: Outlooks
    base_s: Floats


def features(journeys: Journeys, ahead: Ahead, answers: Answers, off: Floats) -> Floats:
    """One row a visit, one column a name of `NAMES`, every value in -4 .. 4. `off`: the mean errors of the trackers, one row each."""
    columns = [*_estimates(ahead, answers), *_place(journeys, ahead, answers), *_hinges(journeys, ahead, answers), *off]
    return np.minimum(np.maximum(side_by_side(columns), -CLIP), CLIP)


def _estimates(ahead: Ahead, answers: Answers) -> list[Floats]:
    """How far the other answers are from the base."""
    base_s, scale = answers.base_s, scale_s(answers.base_s)
    others = (
        answers.plain.arrival_s, answers.transfer_s, answers.from_last_s, answers.by_plan_s, ahead.planned_in_s,
        answers.ways.lingering_s, answers.ways.daily_s, ahead.planned_in_s + answers.ways.daily_late_s,
    )  # fmt: skip
    return [(other - base_s) / scale for other in others]


def _place(journeys: Journeys, ahead: Ahead, answers: Answers) -> list[Floats]:
    """Where the vehicle is, how it got there, and what lies ahead."""
    at, base_s, plain = ahead.journey, answers.base_s, answers.plain
    firsts = ahead.hop == 0
    first, scale, horizon = firsts.astype(np.float64), scale_s(base_s), np.log(base_s / 300.0)
    deviation = np.where(journeys.deviation_s == journeys.deviation_s, journeys.deviation_s, 0.0)[at]
    leg_s, left, still = np.maximum(plain.leg_s[firsts], 30.0)[at], plain.share_left[at], journeys.still_s[at] / 60.0
    elapsed = np.minimum(journeys.elapsed_s[at] / leg_s, 10.0)
    last = np.append(firsts[1:], True).astype(np.float64)
    first_scale = scale_s(plain.first_s)[at]
    return [
        np.maximum(deviation, 0.0) / scale,
        np.minimum(deviation, 0.0) / scale,
        plain.wait_s / scale,
        answers.ways.lead_s[at] / scale,
        (answers.from_last_s[firsts] - plain.first_s)[at] / first_scale,
        horizon,
        horizon * horizon / 4.0,
        still,
        np.where(left > 0.9, still, 0.0),
        left,
        left * horizon,
        np.where(journeys.standing[at], 0.0, (journeys.elapsed_s[at] + plain.first_s[at] - leg_s) / scale) * first,
        elapsed,
        np.maximum(elapsed - 1.0, 0.0),
        ahead.hop / 4.0,
        journeys.speed_mps[at] / 10.0,
        journeys.approach_mps[at] / 10.0,
        plain.spread_s / scale,
        plain.seen.spread_s[at] / scale,
        (plain.seen.weight / (plain.seen.weight + 1.0))[at],
        journeys.fix_age_s[at] / FIX_AGE_S,
        journeys.standing[at].astype(np.float64),
        np.where(journeys.standing, journeys.elapsed_s, 0.0)[at] / 60.0,
        last,
    ]


def _hinges(journeys: Journeys, ahead: Ahead, answers: Answers) -> list[Floats]:
    """Where lines bend: what is far off counts otherwise than what is near."""
    base_s, scale = answers.base_s, scale_s(answers.base_s)
    plan = _distance(ahead.planned_in_s, base_s, scale)
    deviation = np.where(journeys.deviation_s == journeys.deviation_s, journeys.deviation_s, 0.0)[ahead.journey] / scale
    ways = np.stack([
        _distance(way, base_s, scale)
        for way in (answers.plain.arrival_s, answers.transfer_s, answers.from_last_s, answers.ways.lingering_s, answers.ways.daily_s)
    ])  # fmt: skip
    before_s = np.where(ahead.hop > 0, np.append(0.0, base_s[:-1]), 0.0)
    due_s = np.fmax(ahead.planned_in_s, ahead.opens_in_s)
    return [
        ahead.again.astype(np.float64),
        np.where(ahead.again, (due_s - before_s - LAYOVER_S) / scale, 0.0),
        np.maximum(plan - 1.0, 0.0),
        np.minimum(plan + 1.0, 0.0),
        np.maximum(deviation - 1.0, 0.0),
        np.minimum(deviation + 1.0, 0.0),
        ways.max(axis=0),
        ways.min(axis=0),
    ]


def _distance(way_s: Floats, base_s: Floats, scale: Floats) -> Floats:
    return np.where(way_s == way_s, (way_s - base_s) / scale, 0.0)
