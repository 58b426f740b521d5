"""What the device in a van makes of its true path: fixes with lasting errors, outliers, gaps, late and repeated ones."""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from replay.make_day.drive import Driven
from replay.make_day.parameters import GpsParameters
from replay.make_day.seeding import between
from replay.make_day.streets import Floats

DOPPLER_S = 1.5
"""A fix's speed and course are those of the path over this long before and after it."""


@dataclass(frozen=True)
class Fixes:
    """Columns of equal length, in the order of fix time, repeated ones last. NaN in `heading_deg`: none was reported."""

    t_s: Floats
    received_s: Floats
    x: Floats
    y: Floats
    speed_mps: Floats
    heading_deg: Floats
    accuracy_m: Floats

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Fixes":
        """The given rows of all columns."""
        columns = (self.t_s, self.received_s, self.x, self.y, self.speed_mps, self.heading_deg, self.accuracy_m)
        return Fixes(*(column[rows] for column in columns))


def observe(rng: Generator, driven: Driven, off_s: float | None, p: GpsParameters) -> Fixes:
    """The fixes of a day, from some minutes before the path begins until `off_s`, or some minutes after it ends."""
    start_s = driven.t_s[0] - between(rng, p.on_before_s)
    end_s = driven.t_s[-1] + between(rng, p.off_after_s) if off_s is None else off_s
    interval_s = float(rng.choice(p.interval_s))
    count = int((end_s - start_s) / interval_s)
    t = start_s + interval_s * np.arange(count) + np.clip(rng.normal(0.0, p.jitter_s, count), -3 * p.jitter_s, 3 * p.jitter_s)
    fixes = _outliers(rng, _positions(rng, driven, t, interval_s, p), p)
    return _repeat(rng, _gaps(rng, _delay(rng, fixes, p), p), p)


def _positions(rng: Generator, driven: Driven, t: Floats, interval_s: float, p: GpsParameters) -> Fixes:
    """True positions with lasting noise; speed and course from the path around the fix."""
    sigma_m = between(rng, p.sigma_m)
    east, north = _lasting_noise(rng, len(t), float(np.exp(-interval_s / p.tau_s)))
    ahead, behind = _path_at(driven, t + DOPPLER_S), _path_at(driven, t - DOPPLER_S)
    dx, dy = ahead[0] - behind[0], ahead[1] - behind[1]
    speed = np.maximum(np.hypot(dx, dy) / (2 * DOPPLER_S) + rng.normal(0.0, p.speed_sigma_mps, len(t)), 0.0)
    heading = (np.degrees(np.arctan2(dx, dy)) + rng.normal(0.0, p.heading_sigma_deg, len(t))) % 360.0
    moves = np.hypot(dx, dy) / (2 * DOPPLER_S) >= p.heading_from_mps
    accuracy = sigma_m * np.exp(rng.normal(0.0, p.accuracy_sigma, len(t)))
    x, y = _path_at(driven, t)
    return Fixes(t, t, x + sigma_m * east, y + sigma_m * north, speed, np.where(moves, heading, np.nan), accuracy)


def _path_at(driven: Driven, t: Floats) -> tuple[Floats, Floats]:
    """The true position at each time; before and after the path, where it begins and ends."""
    return np.interp(t, driven.t_s, driven.x), np.interp(t, driven.t_s, driven.y)


def _lasting_noise(rng: Generator, count: int, keep: float) -> tuple[Floats, Floats]:
    """Two AR(1) series of unit variance that keep the share `keep` from one fix to the next."""
    fresh = rng.normal(0.0, 1.0, (2, count)) * np.sqrt(1.0 - keep * keep)
    fresh[:, :1] /= np.sqrt(1.0 - keep * keep)
    east, north = (np.asarray(list(accumulate(axis.tolist(), lambda last, new: keep * last + new))) for axis in fresh)
    return east, north


def _outliers(rng: Generator, fixes: Fixes, p: GpsParameters) -> Fixes:
    """Throws some fixes far off; the device knows it of some of them."""
    count = len(fixes.t_s)
    off = np.where(rng.random(count) < p.outlier_share, rng.uniform(*p.outlier_m, count), 0.0)
    angle = rng.uniform(0.0, 2 * np.pi, count)
    honest = (off > 0.0) & (rng.random(count) < p.outlier_honest_share)
    accuracy = np.where(honest, off * rng.uniform(0.5, 1.2, count), fixes.accuracy_m)
    x, y = fixes.x + off * np.cos(angle), fixes.y + off * np.sin(angle)
    return Fixes(fixes.t_s, fixes.received_s, x, y, fixes.speed_mps, fixes.heading_deg, accuracy)


def _delay(rng: Generator, fixes: Fixes, p: GpsParameters) -> Fixes:
    """Every fix takes a moment, some take long and so come out of order."""
    count = len(fixes.t_s)
    late = np.where(rng.random(count) < p.late_share, rng.uniform(*p.late_s, count), 0.0)
    received = fixes.t_s + rng.uniform(*p.delay_s, count) + late
    return Fixes(fixes.t_s, received, fixes.x, fixes.y, fixes.speed_mps, fixes.heading_deg, fixes.accuracy_m)


def _gaps(rng: Generator, fixes: Fixes, p: GpsParameters) -> Fixes:
    """Times without a fix; what was buffered is received in a burst when the gap is over."""
    start_s, end_s = float(fixes.t_s[0]), float(fixes.t_s[-1])
    received, lost = fixes.received_s.copy(), np.zeros(len(fixes.t_s), dtype=np.bool_)
    for _ in range(int(rng.poisson(p.gaps_an_hour * (end_s - start_s) / 3600.0))):
        from_s = between(rng, (start_s, end_s))
        until_s = from_s + between(rng, p.gap_minutes) * 60.0
        within = (fixes.t_s >= from_s) & (fixes.t_s < until_s)
        if rng.random() < p.gap_buffered_share:
            burst_s = np.cumsum(rng.uniform(*p.burst_s, int(within.sum())))
            received[within] = np.maximum(received[within], until_s + p.delay_s[0] + burst_s)
        else:
            lost |= within
    kept = Fixes(fixes.t_s, received, fixes.x, fixes.y, fixes.speed_mps, fixes.heading_deg, fixes.accuracy_m)
    return kept.take(~lost)


def _repeat(rng: Generator, fixes: Fixes, p: GpsParameters) -> Fixes:
    """Some fixes are sent once more, the same in all but the time of receipt."""
    again = np.flatnonzero(rng.random(len(fixes.t_s)) < p.repeated_share)
    rows = np.concatenate([np.arange(len(fixes.t_s)), again])
    copies = fixes.take(rows)
    copies.received_s[len(fixes.t_s) :] += rng.uniform(*p.repeated_s, len(again))
    return copies
