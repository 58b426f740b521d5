"""What is known of every vehicle of a fleet, in columns: one row a vehicle, numbered by first appearance in the log."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eta_models.columns import MISSING, Cells, Columns, Floats, Floats32, Ints, Ints32, Small

RECENT_FIXES = 8
"""How many times of past fixes are kept to know a repeated late fix from a new one."""

TRAIL = 24
"""Places of the current leg that are kept: 400 bytes a vehicle."""

WAY_CELLS = 96
"""Fine H3 cells of the current leg that are remembered: 10 km of it; a longer leg teaches no corridor."""


MINUTE_US = 60_000_000

FIRST_HEARD, LATE_FROM, LATE_UNTIL = range(3)
"""Places in `heard_min`: whole minutes since 1970 UTC, 0 = never. Seconds would be three bytes more a vehicle, compressed."""

Minutes = NDArray[np.uint32]


class Vehicles(Columns):
    """The live state of vehicles. Times are microseconds since 1970 UTC, `MISSING` where there is none."""

    FIELDS: ClassVar = {
        "at_us": ("i8", MISSING),
        "received_us": ("i8", MISSING),
        "lat": ("f8", 0.0),
        "lon": ("f8", 0.0),
        "was_at_us": ("i8", MISSING),
        "was_lat": ("f8", 0.0),
        "was_lon": ("f8", 0.0),
        "speed_mps": ("f4", float("nan")),
        "heading_deg": ("f4", float("nan")),
        "accuracy_m": ("f4", float("nan")),
        "cell": ("u8", 0),
        "recent_us": ("i8", MISSING, RECENT_FIXES),
        "fixes": ("i8", 0),
        "tokens": ("f8", 20.0),
        "rejected_us": ("i8", MISSING),
        "rejections": ("i4", 0),
        "limited_us": ("i8", MISSING),
        "strays": ("i1", 0),
        "stray_at_us": ("i8", MISSING),
        "stray_lat": ("f8", 0.0),
        "stray_lon": ("f8", 0.0),
        "still_us": ("i8", MISSING),
        "still_lat": ("f8", 0.0),
        "still_lon": ("f8", 0.0),
        "contact": ("i8", -1),
        "traced": ("i1", 0),
        "fence_visits": ("i4", 0),
        "fence_exits": ("i4", 0),
        "route": ("i8", -1),
        "started_us": ("i8", MISSING),
        "next": ("i8", -1),
        "end": ("i8", -1),
        "here": ("i8", -1),
        "left_visit": ("i8", -1),
        "left_us": ("i8", MISSING),
        "left_lat": ("f8", 0.0),
        "left_lon": ("f8", 0.0),
        "deviation_s": ("f4", float("nan")),
        "estimated_us": ("i8", MISSING),
        "kept": ("i4", 0),
        "paused_until_us": ("i8", MISSING),
        "trail_visit": ("i8", -1),
        "trail_from_us": ("i8", MISSING),
        "trail_count": ("i2", 0),
        "trail": ("f4", 0.0, 4 * TRAIL),
        "down": ("i1", 0),
        "off_plan": ("i1", 0),
        "way": ("u8", 0, WAY_CELLS),
        "way_visit": ("i8", -1),
        "way_cells": ("i4", 0),
        "off_since_us": ("i8", MISSING),
        "off_fixes": ("i4", 0),
        "doing": ("i1", 0),
        "clock_us": ("i8", MISSING),
        "spent_ms": ("i8", 0, 4),
        "heard_min": ("u4", 0, 3),
    }

    at_us: Ints
    """Time of the newest live fix."""
    received_us: Ints
    lat: Floats
    lon: Floats
    heard_min: Minutes
    """`FIRST_HEARD`, `LATE_FROM`, `LATE_UNTIL`: of its first live fix, and of the newest run of fixes that came late."""
    was_at_us: Ints
    """The live fix before the newest: arrivals are found on the path between the two."""
    was_lat: Floats
    was_lon: Floats
    speed_mps: Floats32
    heading_deg: Floats32
    accuracy_m: Floats32
    cell: Cells
    recent_us: Ints
    """Times of the last accepted fixes, a ring of `RECENT_FIXES`."""
    fixes: Ints
    """Accepted fixes so far."""
    tokens: Floats
    """Token bucket of the rate limit, in fixes."""
    rejected_us: Ints
    """Time of the last fix that was refused: the same again is a repeat."""
    rejections: Ints32
    """`ping_rejected` events so far, and when the last one for too many fixes was told (`limited_us`)."""
    limited_us: Ints
    strays: Small
    """Consistent fixes in a row at a place that could not be reached."""
    stray_at_us: Ints
    stray_lat: Floats
    stray_lon: Floats
    still_us: Ints
    """Since when it has not moved away from `still_lat, still_lon`."""
    still_lat: Floats
    still_lon: Floats
    contact: Ints
    """First row of its chain of `Contacts`, -1 = none."""
    traced: Small
    """Whether the newest fix followed another so soon that the way between is known: one that did not may be thrown off."""
    fence_visits: Ints32
    fence_exits: Ints32
    """Fences entered so far, and left."""
    route: Ints
    """Number of the started route, -1 = none."""
    started_us: Ints
    """When the newest of its routes was started."""
    next: Ints
    """Row of the next open visit of the started route, -1 = none."""
    end: Ints
    """Row behind the last visit of the started route."""
    here: Ints
    """Row of the visit at which it stands, -1 = under way."""
    left_visit: Ints
    """Row of the visit at which the current leg began, -1 = none."""
    left_us: Ints
    """When the current leg began; and where, or, at a stop, where it stands."""
    left_lat: Floats
    left_lon: Floats
    deviation_s: Floats32
    """Last arrival minus its planned time; NaN before the first."""
    estimated_us: Ints
    """When all remaining visits were last estimated."""
    kept: Ints
    """Questions about its visits that wait for their truth."""
    paused_until_us: Ints
    trail_visit: Ints
    """Number of the visit to which the trail leads, when that began, and how many places it has; see `stream/trails.py`."""
    trail_from_us: Ints
    trail_count: Ints
    trail: Floats32
    down: Small
    off_plan: Small
    way: Cells
    """The fine cells through which it came on the leg to the visit of number `way_visit`, `way_cells` of them so far."""
    way_visit: Ints
    way_cells: Ints32
    off_since_us: Ints
    """The first of its last fixes, `off_fixes` of them, that all lie outside the corridor of its leg."""
    off_fixes: Ints32
    doing: Small
    """What its time went to at its last estimate, at `clock_us`, and how much went to each term so far: see `steps/terms.py`."""
    clock_us: Ints
    spent_ms: Ints

    def visits_left(self, rows: Ints) -> tuple[Ints, Ints]:
        """The visits that the vehicles `rows` have not passed: whose each is (a place in `rows`), and its row in the visits."""
        following = self.next[rows].astype(np.int64)
        lengths = np.where(following >= 0, self.end[rows] - following, 0)
        whose = np.repeat(np.arange(len(rows)), lengths)
        return whose, following[whose] + np.arange(len(whose)) - (np.cumsum(lengths) - lengths)[whose]
