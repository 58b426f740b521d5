"""How much slower than free flow a street is at a time of this day, and the surprises that nobody foresaw."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from replay.make_day.parameters import TrafficParameters
from replay.make_day.seeding import between, factor
from replay.make_day.streets import Streets

BIN_S = 300.0
"""Traffic changes in steps of five minutes."""


@dataclass(frozen=True)
class Jam:
    """A surprise: inside `radius_m` of x, y everything takes `times` as long from `start_s` to `end_s` of the local day."""

    x: float
    y: float
    radius_m: float
    start_s: float
    end_s: float
    times: float


@dataclass(frozen=True)
class Traffic:
    """`rush[bin]` is the extra share of travel time on a sensitive street; `slow`, `rush_at` are factors a zone."""

    rush: tuple[float, ...]
    slow: tuple[float, ...]
    rush_at: tuple[float, ...]
    sensitivity: tuple[float, float, float, float]
    jams: tuple[Jam, ...]

    def slowdown(self, at_s: float, x: float, y: float, zone: int, road: int) -> float:
        """Travel time over free flow (>= about 0.7) at `at_s` seconds of the local day, at x, y on a road of class `road`."""
        rush = self.rush[min(int(at_s / BIN_S), len(self.rush) - 1)]
        slowed = self.slow[zone] * (1.0 + rush * self.rush_at[zone] * self.sensitivity[road])
        for jam in self.jams:
            if jam.start_s <= at_s < jam.end_s and (x - jam.x) ** 2 + (y - jam.y) ** 2 < jam.radius_m**2:
                slowed *= jam.times
        return slowed


def draw_traffic(rng: Generator, streets: Streets, zones_a_side: int, p: TrafficParameters) -> Traffic:
    """Today's traffic of one city."""
    hours = np.arange(0.0, 26.0, BIN_S / 3600.0)
    rush = np.zeros_like(hours)
    for peak, width, height in zip(p.peaks_h, p.peak_widths_h, p.peak_heights, strict=True):
        centre = peak + rng.normal(0.0, p.peak_shift_h)
        rush += height * factor(rng, p.height_sigma) * np.exp(-0.5 * ((hours - centre) / width) ** 2)
    middle = (zones_a_side - 1) / 2
    rows, columns = np.divmod(np.arange(zones_a_side**2), zones_a_side)
    central = 1.0 - np.hypot(rows - middle, columns - middle) / (middle * np.sqrt(2.0))
    slow = p.base * np.exp(rng.normal(0.0, p.zone_sigma, zones_a_side**2))
    rush_at = (1.0 + p.centre_extra * central) * np.exp(rng.normal(0.0, p.zone_rush_sigma, zones_a_side**2))
    jams = tuple(_jam(rng, streets, p) for _ in range(int(rng.integers(p.jams[0], p.jams[1] + 1))))
    return Traffic(tuple(rush.tolist()), tuple(slow.tolist()), tuple(rush_at.tolist()), p.class_sensitivity, jams)


def _jam(rng: Generator, streets: Streets, p: TrafficParameters) -> Jam:
    """A jam around a crossing that is not at the edge of the city."""
    i, j = rng.integers(streets.lines // 5, streets.lines - streets.lines // 5, 2)
    node = int(i) * streets.lines + int(j)
    start_s = between(rng, p.jam_hours_h) * 3600.0
    end_s = start_s + between(rng, p.jam_minutes) * 60.0
    radius, times = between(rng, p.jam_radius_m), between(rng, p.jam_factor)
    return Jam(float(streets.x_m[node]), float(streets.y_m[node]), radius, start_s, end_s, times)
