"""Tile coding: a place, a direction, an hour as the numbers of the tiles they lie in, many overlapping tilings at once.

A linear model over tiles is smooth where there is little and detailed where there is much (Albus 1975; Sutton & Barto 2018, 9.5.4).
Tiles are hashed into a table of fixed size, so that memory does not grow with the area that a fleet covers.
"""

from collections.abc import Sequence

import numpy as np

from eta_models.columns import Floats, Floats32, Ints

ASKED = (
    "lat", "lon", "to_lat", "to_lon", "to_m", "behind_m", "leg_m", "elapsed_s", "hour", "weekend", "vehicle", "speed_mps", "closing_mps",
    "still_s",
)  # fmt: skip
"""What is known of a trip, one column each: where it is and goes (degrees, crow metres), how long it has lasted, the local hour, the
fleet's number of the vehicle, the speed over the last step and how fast that brought it nearer (NaN = unknown), and how long it has stood
where it is."""

METRES_A_DEGREE = 111_320.0
BITS = 19
"""The table has 2^19 entries: with a fifth of them a week of taxis was estimated 0.5 % worse, with twice as many 0.1 % better."""

_NEAR_M = (2, 5, 10, 17, 28, 40, 55, 75, 100, 150, 250, 400, 600, 900, 1300, 1800, 2500, 3500, 5000, 7000, 10000, 15000)
_CUTS: dict[str, tuple[str, Sequence[float]]] = {
    "near": ("to_m", _NEAR_M),
    "far": ("to_m", (300, 800, 1800, 4000, 9000)),
    "whole": ("leg_m", (200, 400, 700, 1000, 1500, 2000, 3000, 4000, 6000, 9000, 14000)),
    "lasted": ("elapsed_s", (60, 150, 300, 600, 1000, 1800)),
    "speed": ("speed_mps", (-0.5, 0.5, 2, 4, 7, 11, 16)),
    "closing": ("closing_mps", (-50, -3, -0.5, 0.5, 2, 4, 7, 11, 16)),
}
"""Part of a tile's name: the column it is cut from, and where. The steps grow with the value, as errors do."""


def _tilings() -> tuple[tuple[str, ...], ...]:
    """The parts that make a tile of each tiling. `at` and `to` are squares by position and by destination, with their side in metres."""
    plain = (
        "near", "near speed", "near speed closing", "near share", "near lasted", "near whole", "hours", "hours far", "near hours",
        "near closing", "far speed closing", "near pace", "whole pace share", "vehicle", "vehicle far", "bearing 2h far",
    )  # fmt: skip
    squares = [
        f"{end}{side}{more}"
        for side in (300, 500, 800, 1500, 3000)
        for end in ("at", "to")
        for more in (" far", *([" bearing"] * (side > 300)), *([" 2h", " bearing far"] * (side > 500)), *([" hour far"] * (side > 1000)))
    ]
    both = [f"at{side} to{side}" for side in (900, 1200, 1800, 2500, 3500)] + ["at2500 to2500 4h", "at3000 to3000 4h", "at4000 to4000 2h"]
    mixed = ("to150", "to150 near", "to700 share far", "to300 lasted", "to1500 near", "to800 speed far", "at800 speed far")
    uneven = ("at600 to1500", "at1500 to600", "at400 to2500", "at2500 to400", "at2500 to2500 lasted")
    return tuple(tuple(names.split()) for names in (*plain, *squares, *mixed, *both, *uneven))


TILINGS = _tilings()

_SQUARES = [(number, name) for number, names in enumerate(TILINGS) for name in names if name[:2] in ("at", "to")]
_SIDES_M = np.array([[float(name[2:])] for _, name in _SQUARES])
_SHIFTS = np.array([[number * 0.618034 % 1.0] for number, _ in _SQUARES])
"""Every tiling is shifted by another share of its side, along the golden ratio."""
_IS_FROM = np.array([[name[:2] == "at"] for _, name in _SQUARES])
_SEEDS = np.arange(1, len(TILINGS) + 1, dtype=np.uint64)[:, None]
_PARTS = (*_CUTS, "share", "pace", "bearing", "hour", "2h", "4h", "hours", "vehicle", "nothing")


def _chosen() -> Ints:
    """Which three rows of parts and squares each tiling is made of, in the order of its name."""
    squares = {tiling: place for place, tiling in enumerate(_SQUARES, start=len(_PARTS))}
    rows = [
        [squares[number, name] if (number, name) in squares else _PARTS.index(name) for name in names]
        for number, names in enumerate(TILINGS)
    ]
    return np.array([(row + [_PARTS.index("nothing")] * 3)[:3] for row in rows])


_CHOSEN = _chosen()

KINDS = ("neither", "at", "to", "both", "vehicle")
"""What a tiling is about: the position, the destination, both, neither, or the vehicle."""


def _kind(names: Sequence[str]) -> str:
    if "vehicle" in names:
        return "vehicle"
    at, to = (any(name.startswith(end) for name in names) for end in ("at", "to"))
    return "both" if at and to else "at" if at else "to" if to else "neither"


OF_KIND = tuple(np.array([place for place, names in enumerate(TILINGS) if _kind(names) == kind]) for kind in KINDS)
"""The tilings of each kind."""


def tiles(asked: Floats32) -> Ints:
    """The entries of a trip's tiles in the table, shape (trips, tilings); `asked` has the columns `ASKED`."""
    column = dict(zip(ASKED, np.ascontiguousarray(asked.T.astype(np.float64)), strict=True))
    parts = _parts(column)
    rows = np.concatenate([np.stack([parts[name] for name in _PARTS]), _squares(column)]).astype(np.uint64)
    mixed = np.broadcast_to(_SEEDS, (len(TILINGS), len(asked)))
    for turn in range(_CHOSEN.shape[1]):
        # One step of a multiplicative hash; the constants are splitmix64's.
        mixed = (mixed * np.uint64(0x9E3779B97F4A7C15) + rows[_CHOSEN[:, turn]]) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    return np.ascontiguousarray((mixed >> np.uint64(64 - BITS)).T).astype(np.int64)


def _parts(c: dict[str, Floats]) -> dict[str, Ints]:
    """Every part that is no square, as small whole numbers."""
    parts = {name: np.searchsorted(np.array(cuts, dtype=np.float64), np.nan_to_num(c[of], nan=-99.0)) for name, (of, cuts) in _CUTS.items()}
    north, east = c["to_lat"] - c["lat"], (c["to_lon"] - c["lon"]) * np.cos(np.radians(np.round(c["lat"])))
    expected_s = 60.0 + c["leg_m"] * 1.3 / 7.0  # of the whole trip, roughly: pace is told against it
    pace = np.log((c["elapsed_s"] + 30.0) / expected_s)
    hour = np.minimum(c["hour"].astype(np.int64), 23)
    return parts | {
        "share": np.minimum(8.0 * c["behind_m"] / (c["behind_m"] + c["to_m"] + 1.0), 7.0).astype(np.int64),
        "pace": np.minimum(np.maximum(np.floor(pace * 3.0), -15.0), 15.0).astype(np.int64) + 15,
        "bearing": ((np.degrees(np.arctan2(north, east)) + 360.0) % 360.0 // 22.5).astype(np.int64),
        "hour": hour,
        "2h": (hour + 1) // 2,
        "4h": (hour + 2) // 4,
        "hours": hour * 2 + c["weekend"].astype(np.int64),
        "vehicle": c["vehicle"].astype(np.int64),
        "nothing": np.zeros(len(hour), dtype=np.int64),
    }


def _squares(c: dict[str, Floats]) -> Ints:
    """The squares around positions and destinations, one row a square of a tiling."""
    north_m, east_m = [], []
    for lat, lon in ((c["lat"], c["lon"]), (c["to_lat"], c["to_lon"])):
        north_m.append(lat * METRES_A_DEGREE)
        east_m.append(lon * METRES_A_DEGREE * np.cos(np.radians(np.round(lat))))
    norths, easts = np.where(_IS_FROM, north_m[0], north_m[1]), np.where(_IS_FROM, east_m[0], east_m[1])
    rows = np.floor(norths / _SIDES_M + _SHIFTS).astype(np.int64)
    shifted: Ints = rows * 1_000_003 + np.floor(easts / _SIDES_M + _SHIFTS * 7.0 % 1.0).astype(np.int64)
    return shifted
