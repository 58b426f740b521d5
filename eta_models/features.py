"""What a correction may look at: every feature dimensionless and clipped, so that linear models need no scaler."""

import numpy as np

from eta_models.chain import Chain
from eta_models.columns import Floats
from eta_models.journeys import Ahead, Journeys

NAMES = (
    "chain", "transfer", "by_plan", "plan", "late", "early", "wait", "horizon", "horizon2", "still", "left", "left_horizon",
    "overdue", "hops", "speed", "spread", "fix_age", "standing", "stood",
)  # fmt: skip
"""Names of the features, in the order of the columns."""

SPREAD = NAMES.index("spread")

CLIP = 4.0


def scale_s(base_s: Floats) -> Floats:
    """The size of errors at a horizon, in seconds: they grow as its root (25 s at one minute, measured on two feeds)."""
    return 25.0 * np.sqrt(np.maximum(base_s, 30.0) / 60.0)


def by_plan_s(journeys: Journeys, ahead: Ahead) -> Floats:
    """Planned time shifted by the current deviation, in seconds from now; NaN without a plan."""
    deviation = journeys.deviation_s[ahead.journey]
    return np.maximum(ahead.planned_in_s + np.where(deviation == deviation, deviation, 0.0), 3.0)


def features(journeys: Journeys, ahead: Ahead, plain: Chain, transfer: Floats, by_plan: Floats, base_s: Floats) -> Floats:
    """One row a visit, one column a name of `NAMES`, every value in -4 .. 4."""
    at, scale = ahead.journey, scale_s(base_s)
    deviation = np.where(journeys.deviation_s == journeys.deviation_s, journeys.deviation_s, 0.0)[at]
    leg_s = np.maximum(plain.first_s, 30.0)[at]
    horizon = np.log(base_s / 300.0)
    left = plain.share_left[at]
    first = ahead.hop == 0
    columns = (
        (plain.arrival_s - base_s) / scale,
        (transfer - base_s) / scale,
        (by_plan - base_s) / scale,
        (ahead.planned_in_s - base_s) / scale,
        np.maximum(deviation, 0.0) / scale,
        np.minimum(deviation, 0.0) / scale,
        plain.wait_s / scale,
        horizon,
        horizon * horizon / 4.0,
        journeys.still_s[at] / 60.0,
        left,
        left * horizon,
        np.where(first & ~journeys.standing[at], (journeys.elapsed_s[at] - leg_s) / scale, 0.0),
        ahead.hop / 4.0,
        journeys.speed_mps[at] / 10.0,
        plain.spread_s / scale,
        journeys.fix_age_s[at] / 30.0,
        journeys.standing[at].astype(np.float64),
        np.where(journeys.standing, journeys.elapsed_s, 0.0)[at] / 60.0,
    )
    table = np.empty((len(base_s), len(NAMES)))
    for place, column in enumerate(columns):
        table[:, place] = column
    table[table != table] = 0.0
    return np.minimum(np.maximum(table, -CLIP), CLIP)
