"""Beside the steps: what every move says about the speed in its cell."""

import numpy as np

from eta_models.columns import Ints
from geofences.positions import distance_m
from stream.fleet import FleetState

LEAST_M = 25.0
"""Shorter moves are noise of the fix, or a vehicle that stands: the table says how fast traffic moves where it moves."""
LONGEST_S = 120.0
"""Over a longer gap the way between two fixes is not known."""


def learn_speeds(state: FleetState, rows: Ints) -> None:
    """Count the moves that ended with the newest fixes of the vehicles `rows`."""
    v = state.vehicles
    took_s = (v.at_us[rows] - v.was_at_us[rows]) / 1e6
    moved_m = distance_m(v.was_lat[rows], v.was_lon[rows], v.lat[rows], v.lon[rows])
    moves = np.flatnonzero((took_s > 0) & (took_s <= LONGEST_S) & (moved_m >= LEAST_M))
    if len(moves):
        state.speeds.learn(v.cell[rows[moves]], moved_m[moves], took_s[moves])
