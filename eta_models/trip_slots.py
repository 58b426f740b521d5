"""Where it is kept what trips took of late beyond what was expected: by vehicle, of all, and by the way out of a square.

A driver is quick or slow for a whole shift, rain slows everybody, and a street is dug up; tiles, which learn slowly, know none of it.
"""

import numpy as np

from eta_models.columns import Floats32, Ints
from eta_models.tiles import ASKED, METRES_A_DEGREE
from eta_models.trackers import TrackerPolicy

LATELY = TrackerPolicy(fade_s=(10_800.0, 1_200.0, 3_600.0), prior=(10.0, 100.0, 20.0), slots=2_048)
"""By vehicle, of all trips, and by square and quarter of the compass; chosen on a week of taxis."""

SIDE_M = 1_000.0


def trip_slots(asked: Floats32) -> Ints:
    """The slots of trips, one row a trip, one column a tracker of `LATELY`; `asked` has the columns `tiles.ASKED`."""
    lat, lon, to_lat, to_lon = (asked[:, ASKED.index(name)].astype(np.float64) for name in ("lat", "lon", "to_lat", "to_lon"))
    north = np.floor(lat * METRES_A_DEGREE / SIDE_M)
    east = np.floor(lon * METRES_A_DEGREE * np.cos(np.radians(np.round(lat))) / SIDE_M)
    square = north.astype(np.int64) * 1_000_003 + east.astype(np.int64)
    quarter = 2 * (to_lat > lat) + (to_lon > lon)
    vehicle = asked[:, ASKED.index("vehicle")].astype(np.int64)
    return np.stack([vehicle, np.zeros_like(vehicle), square * 4 + quarter], axis=1) % LATELY.slots
