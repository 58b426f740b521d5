"""Where a vehicle was on its current leg: a few places, which teach where others will be when they are there."""

import numpy as np

from eta_models.columns import Floats, Ints
from eta_models.journeys import Journeys
from stream.vehicles import TRAIL, Vehicles
from stream.visits import Visits

EVERY_S = 10.0
"""Between two places of a trail, .."""
EVERY_SHARE = 0.1
""".. and so much of the time since it began: a long leg has as many places in its first minutes as a short one."""


def note_trails(vehicles: Vehicles, visits: Visits, rows: Ints, journeys: Journeys) -> None:
    """Add the newest fixes of vehicles to their trails where they are due; a trail begins anew with each next visit."""
    number, at_us = visits.number[vehicles.next[rows]], vehicles.at_us[rows]
    known = journeys.east_m == journeys.east_m
    fresh = known & (vehicles.trail_visit[rows] != number)
    begun = rows[fresh]
    vehicles.trail_visit[begun], vehicles.trail_from_us[begun], vehicles.trail_count[begun] = number[fresh], at_us[fresh], 0
    since_s = (at_us - vehicles.trail_from_us[rows]) / 1e6
    count = vehicles.trail_count[rows].astype(np.int64)
    last_s = vehicles.trail[rows, np.maximum(4 * count - 1, 0)]
    due = known & (count < TRAIL) & ((count == 0) | (since_s - last_s >= np.maximum(EVERY_S, EVERY_SHARE * since_s)))
    row, place = rows[due], 4 * count[due]
    for offset, values in enumerate((journeys.east_m, journeys.north_m, journeys.still_s, since_s)):
        vehicles.trail[row, place + offset] = values[due]
    vehicles.trail_count[row] += 1


def trail_to(vehicles: Vehicles, row: int, number: int, at_us: int) -> bytes:
    """The trail to a visit that was reached just now, as `LegTaken.run` has it; empty where there is none."""
    if vehicles.trail_visit[row] != number:
        return b""
    places: Floats = vehicles.trail[row, : 4 * int(vehicles.trail_count[row])].astype(np.float64).reshape(-1, 4)
    left_s = (at_us - int(vehicles.trail_from_us[row])) / 1e6 - places[:, 3]
    run = np.column_stack([places[:, :3], left_s])[left_s > 0.0]
    return np.minimum(np.maximum(run, -60_000.0), 60_000.0).astype(np.float16).tobytes()
