"""What other people measure arrival times by, so that figures can be laid side by side. Errors are answer less truth: late answers > 0.

Sources: the ETA Accuracy Benchmark of Transit and others (github.com/TransitApp/ETA-Accuracy-Benchmark), the accuracy table of the MBTA,
Cal-ITP's reliable predictions (cal-itp/data-infra#3527), and the LaDe deliveries paper (MAE and RMSE in minutes, ACC@20).
"""

from dataclasses import dataclass

import numpy as np

from replay.scorecard.day import Floats
from replay.scorecard.eta_error import mean
from replay.scorecard.questions import Questions

BENCHMARK = ((0, 3, -30, 90), (3, 6, -60, 150), (6, 10, -60, 210), (10, 15, -90, 270))
"""True minutes from and to, and the error in seconds that is still accurate: a vehicle that comes later than told is the lesser evil."""

MBTA = ((0, 3, -60, 60), (3, 6, -90, 120), (6, 12, -150, 210), (12, 30, -240, 360))
"""The same by predicted minutes."""


@dataclass(frozen=True)
class Bucket:
    """Of `n` answers `from_min` to `to_min` minutes ahead, the share that was accurate; None where there are none."""

    from_min: int
    to_min: int
    n: int
    accurate: float | None


@dataclass(frozen=True)
class Yardsticks:
    """Shares 0..1, LaDe's errors in minutes; None where there is nothing to measure.

    `eta_benchmark` is the plain mean of its four buckets, by true minutes; `mbta` by predicted minutes; `cal_itp` the share of answers
    within a margin that grows with the logarithm of the predicted minutes; `acc20` the share within 20 min.
    """

    eta_benchmark: float | None
    benchmark_buckets: tuple[Bucket, ...]
    mbta: float | None
    mbta_buckets: tuple[Bucket, ...]
    cal_itp: float | None
    lade_mae_min: float | None
    lade_rmse_min: float | None
    acc20: float | None


def measure_yardsticks(questions: Questions, p50_s: Floats) -> Yardsticks:
    """Measures answers (epoch seconds, NaN = none, one a question) on the protocol's rows."""
    rows = questions.counted & ~np.isnan(p50_s)
    error_s, to_go_s = (p50_s - questions.arrived_s)[rows], (questions.arrived_s - questions.asked_s)[rows]
    ahead_s = (p50_s - questions.asked_s)[rows]
    told = np.maximum(ahead_s, 0.0) / 60.0
    reliable = (-60.0 * np.log(told + 1.3) < error_s) & (error_s < 60.0 * np.log(told + 1.5))
    benchmark, mbta = count_accurate(BENCHMARK, to_go_s, error_s), count_accurate(MBTA, ahead_s, error_s)
    off_min = np.abs(error_s) / 60.0
    return Yardsticks(
        eta_benchmark=mean_of(benchmark),
        benchmark_buckets=benchmark,
        mbta=mean_of(mbta),
        mbta_buckets=mbta,
        cal_itp=mean(reliable.astype(np.float64)),
        lade_mae_min=mean(off_min),
        lade_rmse_min=float(np.sqrt(np.mean(off_min**2))) if off_min.size else None,
        acc20=mean((off_min <= 20.0).astype(np.float64)),
    )


def count_accurate(buckets: tuple[tuple[int, int, int, int], ...], minutes_s: Floats, error_s: Floats) -> tuple[Bucket, ...]:
    """The share of each bucket within its bounds, which are part of it."""
    counted = []
    for low, high, early_s, late_s in buckets:
        error = error_s[(minutes_s >= 60.0 * low) & (minutes_s < 60.0 * high)]
        counted.append(Bucket(low, high, error.size, mean(((error >= early_s) & (error <= late_s)).astype(np.float64))))
    return tuple(counted)


def mean_of(buckets: tuple[Bucket, ...]) -> float | None:
    """The plain mean of the buckets' shares: the near ones count as much as the far ones. Empty ones are left out."""
    shares = [bucket.accurate for bucket in buckets if bucket.accurate is not None]
    return sum(shares) / len(shares) if shares else None
