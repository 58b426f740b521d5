"""What the network of trips sees: where a trip goes relative to all others, when, how far it is, and what the tiles say."""

import numpy as np

from eta_models.columns import Floats, Floats32
from eta_models.features import CLIP, scale_s
from eta_models.tiles import ASKED, KINDS, METRES_A_DEGREE
from eta_models.trip_slots import LATELY

UNIT_M = 3_000.0
"""Places are told in so many metres from the middle of all trips: inside a unit or two lies most of what a fleet serves."""

WIDTH = 25 + len(KINDS) + len(LATELY.fade_s)


def trip_inputs(asked: Floats32, middle: Floats, curve_s: Floats, tiles_s: Floats, sums: Floats, lately: Floats) -> Floats:
    """One row a trip, every value in -4 .. 4. `asked` has the columns `ASKED`; `middle` is the mean place (degrees).

    `curve_s` and `tiles_s` are the answers by distance and by tiles, `sums` what the tiles of each kind add, `lately` what they
    got wrong of late (one row a tracker), both in error scales.
    """
    c = dict(zip(ASKED, np.nan_to_num(asked.T.astype(np.float64)), strict=True))
    turn, to_m = c["hour"] * (2.0 * np.pi / 24.0), np.maximum(c["to_m"], 20.0)
    narrow = np.cos(np.radians(middle[0]))
    north, east = ((c[f"to_{end}"] - c[end]) * METRES_A_DEGREE * narrowed / to_m for end, narrowed in (("lat", 1.0), ("lon", narrow)))
    columns = [
        *((c[name] - middle[0]) * METRES_A_DEGREE / UNIT_M for name in ("lat", "to_lat")),
        *((c[name] - middle[1]) * METRES_A_DEGREE * narrow / UNIT_M for name in ("lon", "to_lon")),
        north, east, np.sin(turn), np.cos(turn), np.sin(2.0 * turn), np.cos(2.0 * turn), c["weekend"],
        np.log(c["to_m"] / 1_500.0 + 0.01), np.log(c["leg_m"] / 2_000.0 + 0.02), np.log(c["behind_m"] / 1_000.0 + 0.05),
        2.0 * c["behind_m"] / (c["behind_m"] + c["to_m"] + 1.0) - 1.0,
        np.log((c["elapsed_s"] + 30.0) / (60.0 + c["leg_m"] * 1.3 / 7.0)), np.log(c["elapsed_s"] / 300.0 + 0.1),
        np.log(tiles_s / 400.0), (curve_s - tiles_s) / scale_s(tiles_s),
        c["speed_mps"] / 10.0, c["closing_mps"] / 10.0, *np.isnan(asked[:, [ASKED.index("speed_mps")]].T),
        np.minimum(c["to_m"], 400.0) / 200.0 - 1.0, (c["behind_m"] + c["to_m"]) / (c["leg_m"] + 100.0) - 1.0,
        np.log(np.maximum(c["still_s"], 0.0) / 60.0 + 0.3), *(sums.T / 2.0), *(2.0 * lately),
    ]  # fmt: skip
    return np.asarray(np.minimum(np.maximum(np.stack(columns, axis=1), -CLIP), CLIP))
